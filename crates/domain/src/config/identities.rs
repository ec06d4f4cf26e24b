//! Reading `[[identity]]`: which keys there are depends on its kind.

use super::identity_model::{Identity, IdentityKind, LdapProvider, OidcProvider};
use super::items::{own_name, secret_reference};
use super::parse::Notes;
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::values::{filled_list, issuer_url, line, one_of};
use crate::access::Role;
use crate::ids::IdentityId;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The defaults of an OpenID Connect provider.
pub(super) const SCOPES: [&str; 4] = ["openid", "profile", "email", "groups"];
pub(super) const NAME_CLAIM: &str = "preferred_username";
pub(super) const GROUPS_CLAIM: &str = "groups";
/// The defaults of a directory: OpenLDAP with `inetOrgPerson` and `groupOfNames`.
pub(super) const USER_FILTER: &str = "(&(objectClass=person)(uid={name}))";
pub(super) const NAME_ATTRIBUTE: &str = "uid";
pub(super) const EMAIL_ATTRIBUTE: &str = "mail";
pub(super) const GROUP_FILTER: &str = "(member={dn})";
pub(super) const GROUP_ATTRIBUTE: &str = "cn";

/// Every key that only one kind has: what is read of a provider whose kind is wrong.
const KEYS_OF_KINDS: [&str; 17] = [
    "issuer",
    "client_id",
    "client_secret",
    "scopes",
    "name_claim",
    "groups_claim",
    "url",
    "start_tls",
    "bind_dn",
    "bind_password",
    "user_base",
    "user_filter",
    "name_attribute",
    "email_attribute",
    "group_base",
    "group_filter",
    "group_attribute",
];

#[derive(Clone, Copy)]
enum Kind {
    Oidc,
    Ldap,
}

pub(super) fn identity(mut fields: Fields<'_>, notes: &mut Notes) -> Option<Identity> {
    let id: Option<IdentityId> = own_name(&mut fields, "id", ItemKind::Identity, notes);
    let kind = fields.required("kind", |value| one_of(value, &[("oidc", Kind::Oidc), ("ldap", Kind::Ldap)]));
    let name = fields.optional("name", line);
    let role = fields.or("role", None, role);
    let groups = fields.or("groups", BTreeMap::new(), groups);
    let ca = fields.optional("ca", |value| secret_reference(value, notes));
    let allow_private = fields.or("allow_private", true, Value::boolean);
    let kind = match kind {
        Some(Kind::Oidc) => oidc(&mut fields, notes).map(IdentityKind::Oidc),
        Some(Kind::Ldap) => ldap(&mut fields, notes).map(IdentityKind::Ldap),
        None => {
            KEYS_OF_KINDS.iter().for_each(|key| drop(fields.get(key)));
            None
        }
    };
    fields.finish();
    let id = id?;
    Some(Identity {
        name: name?.unwrap_or_else(|| id.to_string()),
        id,
        kind: kind?,
        role: role?,
        groups: groups?,
        ca: ca?,
        allow_private: allow_private?,
    })
}

fn oidc(fields: &mut Fields<'_>, notes: &mut Notes) -> Option<OidcProvider> {
    let issuer = fields.required("issuer", issuer_url);
    let client_id = fields.required("client_id", line);
    let client_secret = fields.optional("client_secret", |value| secret_reference(value, notes));
    let scopes = fields.or("scopes", SCOPES.map(ToOwned::to_owned).to_vec(), scopes);
    let name_claim = fields.or("name_claim", NAME_CLAIM.to_owned(), line);
    let groups_claim = fields.or("groups_claim", GROUPS_CLAIM.to_owned(), line);
    Some(OidcProvider {
        issuer: issuer?,
        client_id: client_id?,
        client_secret: client_secret?,
        scopes: scopes?,
        name_claim: name_claim?,
        groups_claim: groups_claim?,
    })
}

fn scopes(value: &Value<'_>) -> Option<Vec<String>> {
    let scopes = filled_list(value, |item| {
        let text = line(item)?;
        match text.contains(char::is_whitespace) {
            true => item.refuse(format!("{} must be one word: write each scope as an item of its own", item.name())),
            false => Some(text),
        }
    })?;
    match scopes.iter().any(|scope| scope == "openid") {
        true => Some(scopes),
        false => value.refuse(format!("{} must have \"openid\" among them: without it nobody is told", value.name())),
    }
}

fn ldap(fields: &mut Fields<'_>, notes: &mut Notes) -> Option<LdapProvider> {
    let start_tls = fields.or("start_tls", false, Value::boolean);
    let url = fields.required("url", |value| ldap_url(value, start_tls));
    let bind_dn = fields.optional("bind_dn", line);
    let bind_password = fields.optional("bind_password", |value| secret_reference(value, notes));
    let user_base = fields.required("user_base", line);
    let user_filter = fields.or("user_filter", USER_FILTER.to_owned(), |value| filter(value, &["{name}"]));
    let name_attribute = fields.or("name_attribute", NAME_ATTRIBUTE.to_owned(), attribute);
    let email_attribute = fields.or("email_attribute", EMAIL_ATTRIBUTE.to_owned(), attribute);
    let group_base = fields.optional("group_base", line);
    let group_filter = fields.or("group_filter", GROUP_FILTER.to_owned(), |value| filter(value, &["{dn}", "{name}"]));
    let group_attribute = fields.or("group_attribute", GROUP_ATTRIBUTE.to_owned(), attribute);
    let (bind_dn, bind_password) = (bind_dn?, bind_password?);
    if bind_dn.is_some() != bind_password.is_some() {
        let message = "an LDAP provider needs both of `bind_dn` and `bind_password`, or none of them";
        fields.report().error(fields.at(), message);
        return None;
    }
    Some(LdapProvider {
        url: url?,
        start_tls: start_tls?,
        bind_dn,
        bind_password,
        user_base: user_base?,
        user_filter: user_filter?,
        name_attribute: name_attribute?,
        email_attribute: email_attribute?,
        group_base: group_base?,
        group_filter: group_filter?,
        group_attribute: group_attribute?,
    })
}

fn ldap_url(value: &Value<'_>, start_tls: Option<bool>) -> Option<String> {
    let text = line(value)?;
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let rest = rest.trim_end_matches('/');
    let is_server = !rest.is_empty() && !rest.contains(['/', '?', '#', '@']) && !rest.contains(char::is_whitespace);
    match scheme {
        "ldaps" | "ldap" if !is_server => {}
        "ldaps" if start_tls == Some(true) => {
            return value.refuse("`start_tls` has no meaning with ldaps://, which is TLS from the start: keep one");
        }
        "ldap" if start_tls == Some(false) && !is_loopback(rest) => {
            let message = "everybody's password would go over the wire in clear: use ldaps://, or `start_tls = true`";
            return value.refuse(message);
        }
        "ldaps" | "ldap" => return Some(format!("{scheme}://{rest}")),
        _ => {}
    }
    value.refuse(format!("{} must be a URL like \"ldaps://ldap.example.com\"", value.name()))
}

/// Whether what is sent to this `HOST:PORT` stays on the machine.
fn is_loopback(server: &str) -> bool {
    let host = match server.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => server.split(':').next(),
    };
    host.is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

/// A search filter (RFC 4515) with one of these places for what is looked for.
fn filter(value: &Value<'_>, places: &[&str]) -> Option<String> {
    let text = line(value)?;
    let balanced = text.bytes().try_fold(0_i32, |depth, byte| match byte {
        b'(' => Some(depth + 1),
        b')' => Some(depth - 1).filter(|depth| *depth >= 0),
        _ => Some(depth),
    });
    if text.starts_with('(') && balanced == Some(0) && places.iter().any(|place| text.contains(place)) {
        return Some(text);
    }
    let places = places.join(" or ");
    value.refuse(format!("{} must be a filter in brackets with {places} in it, not {text:?}", value.name()))
}

fn attribute(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.;".contains(&byte)) {
        return Some(text);
    }
    value.refuse(format!("{} must be the name of an attribute like \"uid\", not {text:?}", value.name()))
}

fn role(value: &Value<'_>) -> Option<Option<Role>> {
    let none = std::iter::once(("none", None));
    let words: Vec<_> = none.chain(Role::ALL.map(|role| (role.as_str(), Some(role)))).collect();
    one_of(value, &words)
}

fn groups(value: &Value<'_>) -> Option<BTreeMap<String, String>> {
    let entries = value.entries()?;
    let count = entries.len();
    let groups: BTreeMap<String, String> =
        entries.into_iter().filter_map(|(theirs, ours)| Some((theirs.to_owned(), line(&ours)?))).collect();
    (groups.len() == count).then_some(groups)
}
