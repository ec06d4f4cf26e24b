//! Reading `[[channel]]`: which keys there are depends on its kind.

use super::channel_model::{Channel, ChannelKind, Commands, Hook, Mail, MailTls, Receiver, Sms, SmsProvider, SmsText};
use super::items::{own_name, references, secret_reference};
use super::parse::Notes;
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::values::{base_url, filled_list, line, list, one_of};
use crate::ids::{AppKey, ChannelId, EnvironmentKey};
use crate::notice::{Language, NoticeEvent};
use std::collections::BTreeMap;

/// Every key that only some kinds have: what is read of a channel whose kind is wrong.
const KEYS_OF_KINDS: [&str; 19] = [
    "url",
    "secret",
    "host",
    "port",
    "tls",
    "user",
    "password",
    "from",
    "to",
    "provider",
    "account",
    "key_id",
    "key_secret",
    "sign_name",
    "template",
    "params",
    "app_id",
    "region",
    "api_url",
];

pub(super) fn channel(mut fields: Fields<'_>, notes: &mut Notes) -> Option<Channel> {
    let id: Option<ChannelId> = own_name(&mut fields, "id", ItemKind::Channel, notes);
    let kind = fields.required("kind", |value| one_of(value, &ChannelKind::ALL.map(|kind| (kind.as_str(), kind))));
    let language = fields.or("language", Language::En, |value| {
        one_of(value, &Language::ALL.map(|language| (language.as_str(), language)))
    });
    let events = fields.optional("events", |value| filled_list(value, event));
    let environments = fields
        .or("environments", Vec::new(), |value| references::<EnvironmentKey>(value, ItemKind::Environment, notes));
    let apps = fields.or("apps", Vec::new(), |value| references::<AppKey>(value, ItemKind::App, notes));
    let allow_private = fields.or("allow_private", false, Value::boolean);
    let ca = fields.optional("ca", |value| secret_reference(value, notes));
    let templates = fields.or("templates", BTreeMap::new(), templates);
    let commands = fields.optional("commands", |value| commands(value, kind, notes));
    let receiver = match kind {
        Some(ChannelKind::Email) => mail(&mut fields, notes).map(Receiver::Mail),
        Some(ChannelKind::Sms) => sms(&mut fields, notes).map(Receiver::Sms),
        Some(kind) => hook(&mut fields, kind, notes).map(|hook| Receiver::Hook(kind, hook)),
        None => {
            KEYS_OF_KINDS.iter().for_each(|key| drop(fields.get(key)));
            None
        }
    };
    fields.finish();
    Some(Channel {
        id: id?,
        receiver: receiver?,
        language: language?,
        events: events?,
        environments: environments?,
        apps: apps?,
        allow_private: allow_private?,
        ca: ca?,
        templates: templates?,
        commands: commands?,
    })
}

fn event(value: &Value<'_>) -> Option<NoticeEvent> {
    one_of(value, &NoticeEvent::ALL.map(|event| (event.as_str(), event)))
}

/// A template is compiled here, so that a mistake is told with its line and not when something burns.
fn templates(value: &Value<'_>) -> Option<BTreeMap<NoticeEvent, String>> {
    let mut templates = BTreeMap::new();
    let mut good = true;
    for (key, text) in value.entries()? {
        match (key.parse::<NoticeEvent>(), text.text()) {
            (Ok(event), Some(source)) => match minijinja::Environment::new().template_from_str(source) {
                Ok(_) => drop(templates.insert(event, source.to_owned())),
                Err(error) => {
                    good = false;
                    let place = error.line().map(|line| format!(" in its line {line}")).unwrap_or_default();
                    let reason = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
                    text.refuse::<()>(format!("{} is not a template{place}: {reason}", text.name()));
                }
            },
            (Err(problem), _) => {
                good = false;
                text.refuse::<()>(format!("`templates` has a key that is no event: {problem}"));
            }
            (Ok(_), None) => good = false,
        }
    }
    good.then_some(templates)
}

fn commands(value: &Value<'_>, kind: Option<ChannelKind>, notes: &mut Notes) -> Option<Commands> {
    let kind = kind?;
    if !kind.has_commands() {
        return value.refuse(format!(
            "{} has no meaning with kind = {:?}: commands come from slack, dingtalk and feishu",
            value.name(),
            kind.as_str()
        ));
    }
    let mut fields = value.fields()?;
    let commands = match kind {
        ChannelKind::Slack => {
            let secret = fields.required("signing_secret", |value| secret_reference(value, notes));
            secret.map(|signing_secret| Commands::Slack { signing_secret })
        }
        ChannelKind::Dingtalk => {
            let secret = fields.required("app_secret", |value| secret_reference(value, notes));
            secret.map(|app_secret| Commands::Dingtalk { app_secret })
        }
        ChannelKind::Feishu => {
            let key = fields.required("encrypt_key", |value| secret_reference(value, notes));
            let token = fields.optional("verification_token", |value| secret_reference(value, notes));
            key.zip(token).map(|(encrypt_key, verification_token)| Commands::Feishu { encrypt_key, verification_token })
        }
        ChannelKind::Wecom | ChannelKind::Mattermost | ChannelKind::Email | ChannelKind::Sms | ChannelKind::Webhook => {
            None
        }
    };
    fields.finish();
    commands
}

fn hook(fields: &mut Fields<'_>, kind: ChannelKind, notes: &mut Notes) -> Option<Hook> {
    let url = fields.required("url", |value| secret_reference(value, notes));
    let secret = fields.optional("secret", |value| {
        if !kind.is_signed() {
            return value.refuse(format!(
                "{} has no meaning with kind = {:?}, whose URL is the secret: leave it out",
                value.name(),
                kind.as_str()
            ));
        }
        secret_reference(value, notes)
    });
    Some(Hook { url: url?, secret: secret? })
}

fn mail(fields: &mut Fields<'_>, notes: &mut Notes) -> Option<Mail> {
    let host = fields.required("host", server_name);
    let tls = fields.or("tls", MailTls::Starttls, |value| one_of(value, &MailTls::ALL.map(|tls| (tls.as_str(), tls))));
    let port = fields.optional("port", |value| value.integer(1..=65535).and_then(|port| u16::try_from(port).ok()));
    let user = fields.optional("user", line);
    let password = fields.optional("password", |value| match tls {
        Some(MailTls::None) => value.refuse(format!(
            "{} would go over the wire in clear: use tls = \"starttls\" or \"tls\", or leave `user` and it out",
            value.name()
        )),
        Some(MailTls::Starttls | MailTls::Tls) | None => secret_reference(value, notes),
    });
    let from = fields.required("from", mailbox);
    let to = fields.required("to", |value| filled_list(value, mailbox));
    let (user, password, tls) = (user?, password?, tls?);
    if user.is_some() != password.is_some() {
        fields.report().error(fields.at(), "a mail channel needs both of `user` and `password`, or none of them");
        return None;
    }
    let port = port?.unwrap_or_else(|| tls.default_port());
    Some(Mail { host: host?, port, tls, user, password, from: from?, to: to? })
}

fn sms(fields: &mut Fields<'_>, notes: &mut Notes) -> Option<Sms> {
    let provider = fields
        .required("provider", |value| one_of(value, &SmsProvider::ALL.map(|provider| (provider.as_str(), provider))));
    let Some(provider) = provider else {
        KEYS_OF_KINDS.iter().for_each(|key| drop(fields.get(key)));
        return None;
    };
    // Twilio calls it an account, the others a key: each is read under the word of its own console.
    let key_id = fields.required(if provider == SmsProvider::Twilio { "account" } else { "key_id" }, word);
    let key_secret = fields.required("key_secret", |value| secret_reference(value, notes));
    let text = match provider {
        SmsProvider::Twilio => fields.required("from", line).map(|from| SmsText::Free { from }),
        SmsProvider::Aliyun | SmsProvider::Tencent => sms_template(fields, provider),
    };
    let region = match provider.default_region() {
        Some(default) => fields.or("region", default.to_owned(), word),
        None => Some(String::new()),
    };
    let api_url = fields.or("api_url", provider.default_api_url().to_owned(), sms_api);
    let to = fields.required("to", |value| filled_list(value, telephone));
    Some(Sms {
        provider,
        key_id: key_id?,
        key_secret: key_secret?,
        text: text?,
        region: region?,
        api_url: api_url?,
        to: to?,
    })
}

/// Where the provider's API is, for a gateway of one's own.
fn sms_api(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    if text.contains('@') {
        return value.refuse(format!("{} must not contain a user or password: use `key_secret`", value.name()));
    }
    base_url(value)
}

fn sms_template(fields: &mut Fields<'_>, provider: SmsProvider) -> Option<SmsText> {
    let sign_name = fields.required("sign_name", line);
    let template = fields.required("template", word);
    let params = fields.or("params", vec!["text".to_owned()], |value| list(value, parameter));
    let app_id = match provider {
        SmsProvider::Tencent => fields.required("app_id", word),
        SmsProvider::Aliyun | SmsProvider::Twilio => Some(String::new()),
    };
    Some(SmsText::Template { sign_name: sign_name?, template: template?, params: params?, app_id: app_id? })
}

/// The name of a template's variable, which is the name of something that a notice has.
fn parameter(value: &Value<'_>) -> Option<String> {
    const KNOWN: [&str; 9] = ["text", "event", "app", "environment", "state", "title", "person", "commit", "url"];
    one_of(value, &KNOWN.map(|name| (name, name))).map(ToOwned::to_owned)
}

/// One word of what consoles show: ids of keys, templates and regions.
fn word(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Some(text);
    }
    value.refuse(format!("{} must be one word of letters, digits, '-', '_' and '.'", value.name()))
}

/// A DNS name or an IP address.
fn server_name(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte)) && !text.starts_with('-') {
        return Some(text);
    }
    value.refuse(format!("{} must be a name or address like \"smtp.example.com\", not {text:?}", value.name()))
}

/// `ops@example.com` or `Ops <ops@example.com>`. What a line break would add to a message never gets here: [`line()`].
fn mailbox(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let address = match text.split_once('<') {
        Some((name, rest)) if !name.contains(['"', '>', ',', '@']) => rest.strip_suffix('>').unwrap_or_default(),
        Some(_) => "",
        None => text.as_str(),
    };
    let is_part = |part: &str| {
        !part.is_empty() && !part.bytes().any(|byte| byte.is_ascii_whitespace() || b"<>@,;:\"()[]\\".contains(&byte))
    };
    if address.split_once('@').is_some_and(|(user, host)| is_part(user) && is_part(host)) {
        return Some(text);
    }
    value.refuse(format!("{} must look like \"ops@example.com\", not {text:?}", value.name()))
}

/// A telephone number with its country, as E.164 writes it.
fn telephone(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let digits = text.strip_prefix('+').unwrap_or_default();
    if (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text);
    }
    value.refuse(format!("{} must be a number with its country like \"+8613800000000\", not {text:?}", value.name()))
}
