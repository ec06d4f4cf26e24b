//! An identity provider as keys and TOML values. See [`fields`](super::fields).

use super::fields::{Field, basic, list, quoted, secret, table};
use super::identities::{
    EMAIL_ATTRIBUTE, GROUP_ATTRIBUTE, GROUP_FILTER, GROUPS_CLAIM, NAME_ATTRIBUTE, NAME_CLAIM, SCOPES, USER_FILTER,
};
use super::identity_model::{Identity, IdentityKind, LdapProvider, OidcProvider};

pub(super) fn identity(identity: &Identity) -> Vec<Field<'_>> {
    let mut fields = vec![
        Field::new("id", quoted(&identity.id)),
        Field::new("kind", quoted(identity.kind.as_str())),
        Field::new("name", quoted(&identity.name)).unless(identity.name == identity.id.as_str()),
    ];
    fields.extend(match &identity.kind {
        IdentityKind::Oidc(provider) => oidc(provider),
        IdentityKind::Ldap(provider) => ldap(provider),
    });
    let groups: Vec<_> = identity.groups.iter().map(|(theirs, ours)| (basic(theirs), basic(ours))).collect();
    let groups: Vec<_> = groups.iter().map(|(theirs, ours)| (theirs.as_str(), ours.clone())).collect();
    fields.extend([
        Field::optional("role", identity.role.map(|role| quoted(role.as_str()))),
        Field::new("groups", table(&groups)).unless(groups.is_empty()),
        Field::optional("ca", identity.ca.as_ref().map(secret)),
        Field::new("allow_private", identity.allow_private.to_string()).unless(identity.allow_private),
    ]);
    fields
}

fn oidc(provider: &OidcProvider) -> Vec<Field<'static>> {
    vec![
        Field::new("issuer", quoted(&provider.issuer)),
        Field::new("client_id", quoted(&provider.client_id)),
        Field::optional("client_secret", provider.client_secret.as_ref().map(secret)),
        Field::new("scopes", list(&provider.scopes)).unless(provider.scopes == SCOPES),
        text("name_claim", &provider.name_claim, NAME_CLAIM),
        text("groups_claim", &provider.groups_claim, GROUPS_CLAIM),
    ]
}

fn ldap(provider: &LdapProvider) -> Vec<Field<'static>> {
    vec![
        Field::new("url", quoted(&provider.url)),
        Field::new("start_tls", provider.start_tls.to_string()).unless(!provider.start_tls),
        Field::optional("bind_dn", provider.bind_dn.as_ref().map(quoted)),
        Field::optional("bind_password", provider.bind_password.as_ref().map(secret)),
        Field::new("user_base", quoted(&provider.user_base)),
        text("user_filter", &provider.user_filter, USER_FILTER),
        text("name_attribute", &provider.name_attribute, NAME_ATTRIBUTE),
        text("email_attribute", &provider.email_attribute, EMAIL_ATTRIBUTE),
        Field::optional("group_base", provider.group_base.as_ref().map(quoted)),
        text("group_filter", &provider.group_filter, GROUP_FILTER),
        text("group_attribute", &provider.group_attribute, GROUP_ATTRIBUTE),
    ]
}

fn text(key: &'static str, text: &str, usual: &str) -> Field<'static> {
    Field::new(key, quoted(text)).unless(text == usual)
}
