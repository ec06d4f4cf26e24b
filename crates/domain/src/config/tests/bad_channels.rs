//! Channels and identity providers that can't be, and everything that davit says about them.

use super::*;
use crate::config::{ChannelKind, Commands, IdentityKind, Receiver, SecretRef};

#[test]
fn keys_that_a_kind_does_not_have() {
    let text = r#"
[[channel]]
id = "a"
kind = "wecom"
url = { env = "URL" }
secret = { env = "SIGN" }
host = "mail.example.com"
commands = { app_secret = { env = "X" } }
[[channel]]
id = "b"
kind = "email"
url = { env = "URL" }
tls = "none"
user = "davit"
password = { env = "PASSWORD" }
[[channel]]
id = "c"
kind = "sms"
provider = "twilio"
key_id = "x"
[[channel]]
id = "d"
kind = "sms"
provider = "smoke"
to = ["1"]
[[channel]]
id = "e"
kind = "pager"
url = 3
[[channel]]
id = "f"
kind = "slack"
commands = { app_secret = { env = "X" } }
"#;
    insta::assert_snapshot!(errors(text), @r#"
        6:10 `secret` has no meaning with kind = "wecom", whose URL is the secret: leave it out
        7:1 [[channel]] has no key "host": what is known: id, kind, language, events, environments, apps, allow_private, ca, templates, commands, url, secret
        8:12 `commands` has no meaning with kind = "wecom": commands come from slack, dingtalk and feishu
        9:1 [[channel]] needs `from`
        9:1 [[channel]] needs `host`
        9:1 [[channel]] needs `to`
        12:1 [[channel]] has no key "url": what is known: id, kind, language, events, environments, apps, allow_private, ca, templates, commands, host, tls, port, user, password, from, to
        15:12 `password` would go over the wire in clear: use tls = "starttls" or "tls", or leave `user` and it out
        16:1 [[channel]] needs `account`
        16:1 [[channel]] needs `from`
        16:1 [[channel]] needs `key_secret`
        16:1 [[channel]] needs `to`
        20:1 [[channel]] has no key "key_id": what is known: id, kind, language, events, environments, apps, allow_private, ca, templates, commands, provider, account, key_secret, from, api_url, to
        24:12 `provider` must be one of "aliyun", "tencent", "twilio", not "smoke"
        28:8 `kind` must be one of "dingtalk", "wecom", "feishu", "slack", "mattermost", "email", "sms", "webhook", not "pager"
        30:1 [[channel]] needs `url`
        33:12 `commands` needs `signing_secret`
        33:14 `commands` has no key "app_secret": what is known: signing_secret
    "#);
}

#[test]
fn values_that_no_channel_has() {
    let text = r#"
[[channel]]
id = "a"
kind = "dingtalk"
url = "https://oapi.dingtalk.com/robot/send?access_token=hunter2"
language = "de"
events = ["fails", "failed", "failed"]
environments = ["nowhere"]
apps = ["nothing"]
templates = { failed = "{{ app", sunk = "x", succeeded = "{% if %}" }
[[channel]]
id = "a"
kind = "email"
host = "mail example"
port = 0
user = "davit"
from = "davit"
to = ["a@b@c", "Ops <ops@example.com>\nBcc: all@example.com", "x\r\n"]
[[channel]]
id = "s"
kind = "sms"
provider = "tencent"
key_id = "a b"
key_secret = "hunter2"
sign_name = ""
template = "1"
params = ["password"]
api_url = "https://user:pass@sms.example.com"
to = ["13800000000"]
[[app]]
key = "shop"
repository = { url = "x" }
[[app.release]]
environment = "gone"
hosts = { labels = ["x"] }
deploy_path = "/a"
releases_path = "/b"
notify = ["ops"]
"#;
    let errors = errors(text);
    assert!(!errors.contains("hunter2"), "a secret is shown: {errors}");
    insta::assert_snapshot!(errors, @r#"
        5:7 `url` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        6:12 `language` must be one of "en", "zh", not "de"
        7:11 an item of `events` must be one of "review_requested", "reviewed", "released", "succeeded", "failed", "rolled_back", "window_overridden", "host_down", "host_up", "status_undeliverable", "run_failed", not "fails": did you mean "failed"?
        7:30 `events` has "failed" twice
        8:17 there is no environment "nowhere", neither in this file nor in davit: declare it with [[environment]]
        9:9 there is no app "nothing", neither in this file nor in davit: declare it with [[app]]
        10:24 `templates.failed` is not a template in its line 1: unexpected end of input, expected end of variable block
        10:41 `templates` has a key that is no event: "sunk" is not an event: use one of review_requested, reviewed, released, succeeded, failed, rolled_back, window_overridden, host_down, host_up, status_undeliverable, run_failed
        10:58 `templates.succeeded` is not a template in its line 1: unexpected end of block
        11:1 a mail channel needs both of `user` and `password`, or none of them
        12:6 there is a second channel "a": the first one is in line 3
        14:8 `host` must be a name or address like "smtp.example.com", not "mail example"
        15:8 `port` must be between 1 and 65535, not 0
        17:8 `from` must look like "ops@example.com", not "davit"
        18:7 an item of `to` must look like "ops@example.com", not "a@b@c"
        18:16 an item of `to` must be one line without control characters
        18:63 an item of `to` must be one line without control characters
        19:1 [[channel]] needs `app_id`
        23:10 `key_id` must be one word of letters, digits, '-', '_' and '.'
        24:14 `key_secret` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        25:13 `sign_name` must not be empty
        27:11 an item of `params` must be one of "text", "event", "app", "environment", "state", "title", "person", "commit", "url", not "password"
        28:11 `api_url` must not contain a user or password: use `key_secret`
        29:7 an item of `to` must be a number with its country like "+8613800000000", not "13800000000"
        34:15 there is no environment "gone", neither in this file nor in davit: declare it with [[environment]]
        38:11 there is no channel "ops", neither in this file nor in davit: declare it with [[channel]]
    "#);
}

#[test]
fn identity_providers_that_can_not_be() {
    let text = r#"
[[identity]]
id = "sso"
kind = "oidc"
issuer = "id.example.com"
client_id = ""
scopes = ["profile", "e mail"]
role = "boss"
url = "ldaps://x"
groups = { "cn=a" = 3 }
[[identity]]
id = "dir"
kind = "ldap"
url = "ldaps://ldap.example.com"
start_tls = true
bind_dn = "cn=davit"
user_base = "ou=people"
user_filter = "uid={name}"
group_filter = "(member=x)"
name_attribute = "u=id"
[[identity]]
id = "dir"
kind = "ldap"
url = "ldap://ldap.example.com/?x"
[[identity]]
id = "other"
kind = "saml"
issuer = 3
[[identity]]
id = "clear"
kind = "ldap"
url = "ldap://ldap.example.com:389"
user_base = "ou=people"
[[identity]]
id = "here"
kind = "ldap"
url = "ldap://[::1]:389"
user_base = "ou=people"
"#;
    insta::assert_snapshot!(errors(text), @r#"
        5:10 `issuer` must be the provider's issuer like "https://id.example.com/realms/acme", as it spells it
        6:13 `client_id` must not be empty
        7:22 an item of `scopes` must be one word: write each scope as an item of its own
        8:8 `role` must be one of "none", "viewer", "developer", "reviewer", "releaser", "operator", "admin", not "boss"
        9:1 [[identity]] has no key "url": what is known: id, kind, name, role, groups, ca, allow_private, issuer, client_id, client_secret, scopes, name_claim, groups_claim
        10:21 `groups.cn=a` must be a string, not a whole number
        11:1 an LDAP provider needs both of `bind_dn` and `bind_password`, or none of them
        14:7 `start_tls` has no meaning with ldaps://, which is TLS from the start: keep one
        18:15 `user_filter` must be a filter in brackets with {name} in it, not "uid={name}"
        19:16 `group_filter` must be a filter in brackets with {dn} or {name} in it, not "(member=x)"
        20:18 `name_attribute` must be the name of an attribute like "uid", not "u=id"
        21:1 [[identity]] needs `user_base`
        22:6 there is a second identity "dir": the first one is in line 12
        24:7 `url` must be a URL like "ldaps://ldap.example.com"
        27:8 `kind` must be one of "oidc", "ldap", not "saml"
        32:7 everybody's password would go over the wire in clear: use ldaps://, or `start_tls = true`
    "#);
}

#[test]
fn channels_and_providers_as_people_write_them() {
    let configuration = good(
        r#"
[[environment]]
key = "production"
[[channel]]
id = "ops"
kind = "feishu"
url = { env = "URL" }
secret = { secret = "sign" }
environments = ["production"]
[channel.templates]
failed = "{{ app }} broke"
[channel.commands]
encrypt_key = { env = "KEY" }
[[channel]]
id = "mail"
kind = "email"
host = "mail.example.com"
tls = "tls"
from = "davit <davit@example.com>"
to = ["ops@example.com"]
[[identity]]
id = "acme"
kind = "ldap"
url = "ldaps://ldap.example.com/"
user_base = "ou=people,dc=acme"
role = "viewer"
[identity.groups]
"cn=devs,dc=acme" = "developers"
"#,
    );
    assert_eq!(problems(&configuration), Vec::<String>::new());
    let [ops, mail] = configuration.channels.as_slice() else { panic!("two channels") };
    assert_eq!((ops.kind(), mail.kind()), (ChannelKind::Feishu, ChannelKind::Email));
    assert_eq!(
        ops.commands,
        Some(Commands::Feishu { encrypt_key: SecretRef::Env("KEY".into()), verification_token: None })
    );
    assert!(matches!(&mail.receiver, Receiver::Mail(mail) if mail.port == 465 && mail.user.is_none()));
    let acme = &configuration.identities[0];
    assert!(matches!(&acme.kind, IdentityKind::Ldap(ldap) if ldap.url == "ldaps://ldap.example.com"));
    assert_eq!(acme.groups["cn=devs,dc=acme"], "developers");
    let secrets: Vec<String> = configuration.secret_refs().into_keys().collect();
    assert_eq!(secrets, ["env:KEY", "env:URL", "secret:sign"]);
}
