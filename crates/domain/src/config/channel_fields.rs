//! A channel as keys and TOML values. See [`fields`](super::fields).

use super::channel_model::{Channel, Commands, Hook, Mail, MailTls, Receiver, Sms, SmsText};
use super::fields::{Field, basic, list, list_field, quoted, secret, table};
use crate::notice::Language;
use std::borrow::Cow;

pub(super) fn channel(channel: &Channel) -> Vec<Field<'_>> {
    let mut fields = vec![Field::new("id", quoted(&channel.id)), Field::new("kind", quoted(channel.kind().as_str()))];
    fields.extend(match &channel.receiver {
        Receiver::Hook(_, hook) => of_hook(hook),
        Receiver::Mail(mail) => of_mail(mail),
        Receiver::Sms(sms) => of_sms(sms),
    });
    fields.extend([
        Field::new("language", quoted(channel.language.as_str())).unless(channel.language == Language::En),
        Field::optional("events", channel.events.as_ref().map(list)),
        list_field("environments", &channel.environments),
        list_field("apps", &channel.apps),
        Field::new("allow_private", channel.allow_private.to_string()).unless(!channel.allow_private),
        Field::optional("ca", channel.ca.as_ref().map(secret)),
        templates(channel),
        Field::optional("commands", channel.commands.as_ref().map(commands)),
    ]);
    fields
}

fn of_hook(hook: &Hook) -> Vec<Field<'static>> {
    vec![Field::new("url", secret(&hook.url)), Field::optional("secret", hook.secret.as_ref().map(secret))]
}

fn of_mail(mail: &Mail) -> Vec<Field<'static>> {
    vec![
        Field::new("host", quoted(&mail.host)),
        Field::new("port", mail.port.to_string()).unless(mail.port == mail.tls.default_port()),
        Field::new("tls", quoted(mail.tls.as_str())).unless(mail.tls == MailTls::Starttls),
        Field::optional("user", mail.user.as_ref().map(quoted)),
        Field::optional("password", mail.password.as_ref().map(secret)),
        Field::new("from", quoted(&mail.from)),
        Field::new("to", list(&mail.to)),
    ]
}

fn of_sms(sms: &Sms) -> Vec<Field<'static>> {
    let provider = sms.provider;
    let account = match &sms.text {
        SmsText::Free { .. } => "account",
        SmsText::Template { .. } => "key_id",
    };
    let mut fields = vec![
        Field::new("provider", quoted(provider.as_str())),
        Field::new(account, quoted(&sms.key_id)),
        Field::new("key_secret", secret(&sms.key_secret)),
    ];
    match &sms.text {
        SmsText::Free { from } => fields.push(Field::new("from", quoted(from))),
        SmsText::Template { sign_name, template, params, app_id } => fields.extend([
            Field::new("sign_name", quoted(sign_name)),
            Field::new("template", quoted(template)),
            Field::new("params", list(params)).unless(params.len() == 1 && params[0] == "text"),
            Field::new("app_id", quoted(app_id)).unless(app_id.is_empty()),
        ]),
    }
    let usual_region = provider.default_region().unwrap_or_default();
    fields.extend([
        Field::new("region", quoted(&sms.region)).unless(sms.region == usual_region),
        Field::new("api_url", quoted(&sms.api_url)).unless(sms.api_url == provider.default_api_url()),
        Field::new("to", list(&sms.to)),
    ]);
    fields
}

/// Templates are texts: a plan says how many lines differ.
fn templates(channel: &Channel) -> Field<'static> {
    let entries: Vec<_> = channel.templates.iter().map(|(event, text)| (event.as_str(), basic(text))).collect();
    let lines: String = channel.templates.iter().map(|(event, text)| format!("{event}:\n{text}\n")).collect();
    let field = Field::new("templates", table(&entries)).unless(entries.is_empty());
    Field { script: Some(Cow::Owned(lines)), ..field }
}

fn commands(commands: &Commands) -> String {
    match commands {
        Commands::Slack { signing_secret } => table(&[("signing_secret", secret(signing_secret))]),
        Commands::Dingtalk { app_secret } => table(&[("app_secret", secret(app_secret))]),
        Commands::Feishu { encrypt_key, verification_token } => {
            let token = verification_token.as_ref().map(|token| ("verification_token", secret(token)));
            let entries: Vec<_> = [("encrypt_key", secret(encrypt_key))].into_iter().chain(token).collect();
            table(&entries)
        }
    }
}
