//! Reading `[[environment]]`, `[[host]]` and `[[app]]`.

use super::parse::{Notes, each};
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::releases::release;
use super::repositories;
use super::values::{branch_glob, color, duration, id, line, list, one_of, secret, web_url};
use super::windows;
use super::{App, DEFAULT_SSH_PORT, Environment, Host, HostKind, Repository, Review, Reviewer, SecretRef};
use crate::ids::{AppKey, EnvironmentKey, ForgeId, HostName, InvalidId};
use std::fmt::Display;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Reads an item's own name and notes it.
pub(super) fn own_name<T: FromStr<Err = InvalidId> + Display>(
    fields: &mut Fields<'_>,
    key: &'static str,
    kind: ItemKind,
    notes: &mut Notes,
) -> Option<T> {
    fields.required(key, |value| {
        let name: T = id(value)?;
        notes.declare(value.report(), kind, &name.to_string(), value.at());
        Some(name)
    })
}

/// Reads the name of another item and notes the reference.
pub(super) fn reference<T: FromStr<Err = InvalidId> + Display>(
    value: &Value<'_>,
    kind: ItemKind,
    notes: &mut Notes,
) -> Option<T> {
    let name: T = id(value)?;
    notes.refer(kind, &name.to_string(), value.at());
    Some(name)
}

/// Reads a list of names of other items.
pub(super) fn references<T: FromStr<Err = InvalidId> + Display + PartialEq>(
    value: &Value<'_>,
    kind: ItemKind,
    notes: &mut Notes,
) -> Option<Vec<T>> {
    list(value, |item| reference(item, kind, notes))
}

/// Reads where a secret comes from and notes the mention.
pub(super) fn secret_reference(value: &Value<'_>, notes: &mut Notes) -> Option<SecretRef> {
    let secret = secret(value)?;
    notes.secret(secret.key(), value.at());
    Some(secret)
}

pub(super) fn environment(mut fields: Fields<'_>, notes: &mut Notes) -> Option<Environment> {
    let key: Option<EnvironmentKey> = own_name(&mut fields, "key", ItemKind::Environment, notes);
    let name = fields.optional("name", line);
    let color = fields.optional("color", color);
    let review = fields.or("review", Review::default(), review);
    let branches = fields.or("branches", Vec::new(), |value| list(value, branch_glob));
    let url = fields.optional("url", web_url);
    let forge_name = fields.optional("forge_name", |value| {
        if let Some(key) = &key {
            notes.place(ItemKind::Environment, key.as_str(), value.at());
        }
        forge_name(value)
    });
    let freeze = fields.or("freeze", Vec::new(), windows::freeze);
    let windows = each(&mut fields, "window", "environment.window", windows::release_window);
    let require_green = fields.or("require_green", None, repositories::require_green);
    fields.finish();
    let key = key?;
    Some(Environment {
        name: name?.unwrap_or_else(|| key.to_string()),
        key,
        color: color?,
        review: review?,
        branches: Some(branches?).filter(|branches| !branches.is_empty()),
        url: url?,
        forge_name: forge_name?,
        freeze: freeze?,
        windows,
        require_green: require_green?,
    })
}

/// No forge takes longer names.
fn forge_name(value: &Value<'_>) -> Option<String> {
    const LONGEST: usize = 255;
    let name = line(value)?;
    if name.chars().count() > LONGEST {
        return value.refuse(format!("{} must not be longer than {LONGEST} characters", value.name()));
    }
    Some(name)
}

fn review(value: &Value<'_>) -> Option<Review> {
    let mut fields = value.fields()?;
    let required = fields.required("required", |value| value.integer(0..=100));
    let self_approval = fields.or("self_approval", false, Value::boolean);
    let reviewers = fields.or("reviewers", Vec::new(), |value| list(value, reviewer));
    let expires = fields.optional("expires", duration);
    fields.finish();
    let required = u32::try_from(required?).ok()?;
    Some(Review { required, self_approval: self_approval?, reviewers: reviewers?, expires: expires? })
}

fn reviewer(value: &Value<'_>) -> Option<Reviewer> {
    value.text()?.parse().map_or_else(|sentence: String| value.refuse(sentence), Some)
}

pub(super) fn host(mut fields: Fields<'_>, notes: &mut Notes) -> Option<Host> {
    let name: Option<HostName> = own_name(&mut fields, "name", ItemKind::Host, notes);
    let kind =
        fields.or("kind", HostKind::Ssh, |value| one_of(value, &[("ssh", HostKind::Ssh), ("local", HostKind::Local)]));
    let labels = fields.or("labels", Vec::new(), |value| list(value, line));
    let category = fields.optional("category", line);
    let environments = fields.or("environments", Vec::new(), |value| references(value, ItemKind::Environment, notes));
    let reach = match kind {
        Some(HostKind::Ssh) => ssh_reach(&mut fields, name.as_ref(), notes),
        Some(HostKind::Local) => local_reach(&mut fields),
        None => {
            REACH_KEYS.iter().for_each(|key| drop(fields.get(key)));
            None
        }
    };
    fields.finish();
    let Reach { address, port, user, jump, host_key, private_key, agent } = reach?;
    Some(Host {
        name: name?,
        kind: kind?,
        address,
        port,
        user,
        jump,
        labels: labels?,
        category: category?,
        environments: environments?,
        host_key,
        private_key,
        agent,
    })
}

/// How a host is reached: what only hosts of kind `ssh` have.
struct Reach {
    address: String,
    port: u16,
    user: String,
    jump: Vec<HostName>,
    host_key: Option<String>,
    private_key: Option<SecretRef>,
    agent: bool,
}

const REACH_KEYS: [&str; 7] = ["address", "port", "user", "jump", "host_key", "private_key", "agent"];

fn ssh_reach(fields: &mut Fields<'_>, name: Option<&HostName>, notes: &mut Notes) -> Option<Reach> {
    let address = fields.required("address", address);
    let port = fields.or("port", DEFAULT_SSH_PORT, |value| {
        value.integer(1..=i64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok())
    });
    let user = fields.required("user", address_word);
    let jump = fields.or("jump", Vec::new(), |value| {
        if let Some(name) = name {
            notes.place(ItemKind::Host, name.as_str(), value.at());
        }
        references(value, ItemKind::Host, notes)
    });
    let host_key = fields.optional("host_key", host_key);
    let private_key = fields.optional("private_key", |value| secret_reference(value, notes));
    let agent = fields.or("agent", false, |value| match (value.boolean()?, &private_key) {
        (true, Some(Some(_))) => value.refuse("a host logs in with its `private_key` or with the `agent`: keep one"),
        (agent, _) => Some(agent),
    });
    Some(Reach {
        address: address?,
        port: port?,
        user: user?,
        jump: jump?,
        host_key: host_key?,
        private_key: private_key?,
        agent: agent?,
    })
}

/// A local host is reached without any of the keys.
fn local_reach(fields: &mut Fields<'_>) -> Option<Reach> {
    let given: Vec<Value<'_>> = REACH_KEYS.iter().filter_map(|key| fields.get(key)).collect();
    for value in &given {
        value.refuse::<()>(format!("{} has no meaning with kind = \"local\": leave it out", value.name()));
    }
    given.is_empty().then(|| Reach {
        address: String::new(),
        port: DEFAULT_SSH_PORT,
        user: String::new(),
        jump: Vec::new(),
        host_key: None,
        private_key: None,
        agent: false,
    })
}

/// A DNS name or an IP address.
fn address(value: &Value<'_>) -> Option<String> {
    let text = address_word(value)?;
    if text.contains(['@', '/', '[', ']']) || (text.contains(':') && text.parse::<Ipv6Addr>().is_err()) {
        return value.refuse(format!(
            "{} must be a DNS name or an IP address alone, not {text:?}: `user` and `port` are keys of their own",
            value.name()
        ));
    }
    Some(text)
}

/// One word that no program takes for an option.
fn address_word(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    if text.starts_with('-') || text.contains(char::is_whitespace) {
        return value.refuse(format!("{} must be one word that does not start with '-', not {text:?}", value.name()));
    }
    Some(text)
}

/// The shape of a line of `authorized_keys`. Whether it is a key is for the SSH library to say.
fn host_key(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let mut words = text.split_whitespace();
    let is_algorithm = |word: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| word.starts_with(prefix));
    match (words.next(), words.next()) {
        (Some(algorithm), Some(_)) if is_algorithm(algorithm) => Some(text),
        _ => value.refuse(format!("{} must look like \"ssh-ed25519 AAAA…\", as ssh-keyscan prints it", value.name())),
    }
}

pub(super) fn app(mut fields: Fields<'_>, notes: &mut Notes) -> Option<App> {
    let key: Option<AppKey> = own_name(&mut fields, "key", ItemKind::App, notes);
    let name = fields.optional("name", line);
    let repository = fields.required("repository", |value| {
        if let Some(key) = &key {
            notes.place(ItemKind::App, key.as_str(), value.at());
        }
        repository(value, notes)
    });
    let releases = each(&mut fields, "release", "app.release", |fields| release(fields, key.as_ref(), notes));
    fields.finish();
    let key = key?;
    Some(App { name: name?.unwrap_or_else(|| key.to_string()), key, repository: repository?, releases })
}

fn repository(value: &Value<'_>, notes: &mut Notes) -> Option<Repository> {
    let mut fields = value.fields()?;
    let forge = fields.optional("forge", |value| reference::<ForgeId>(value, ItemKind::Forge, notes));
    let name = fields.optional("name", repository_name);
    let url = fields.optional("url", git_url);
    fields.finish();
    match (forge?, name?, url?) {
        (Some(forge), Some(name), url) => Some(Repository::Forge { forge, name, url }),
        (None, None, Some(url)) => Some(Repository::Url { url }),
        (Some(_), None, _) | (None, Some(_), _) | (None, None, None) => {
            value.refuse(format!("{} needs either `forge` and `name` (\"owner/name\"), or `url`", value.name()))
        }
    }
}

pub(super) fn repository_name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let is_part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if text.contains('/') && text.split('/').all(is_part) {
        return Some(text.to_owned());
    }
    value.refuse(format!("{} must look like \"owner/name\", not {text:?}", value.name()))
}

pub(super) fn git_url(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    if text.starts_with('-') {
        return value.refuse(format!("{} must not start with '-'", value.name()));
    }
    Some(text)
}
