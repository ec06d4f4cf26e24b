//! Reading `[[forge]]`: which keys there are depends on its kind.

use super::items::{own_name, secret_reference};
use super::parse::Notes;
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::values::{base_url, header_name, json_pointer, line, one_of, proxy_url};
use super::{Forge, ForgeKind, GenericHook, GithubApp, HookSignature};
use crate::ids::ForgeId;

const WITH_API: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];

pub(super) fn forge(mut fields: Fields<'_>, notes: &mut Notes) -> Option<Forge> {
    let own_id: Option<ForgeId> = own_name(&mut fields, "id", ItemKind::Forge, notes);
    let kind = fields.required("kind", |value| one_of(value, &ForgeKind::ALL.map(|kind| (kind.as_str(), kind))));
    let api_url = api_url(&mut fields, kind);
    let token = only_of(&mut fields, "token", kind, &WITH_API, |value| secret_reference(value, notes));
    let has_token = matches!(token, Some(Some(_)));
    let app = only_of(&mut fields, "app", kind, &[ForgeKind::Github], |value| match has_token {
        true => value.refuse("davit speaks to a forge with a `token` or as an `app`: keep one"),
        false => github_app(value, notes),
    });
    let webhook_secret = fields.optional("webhook_secret", |value| secret_reference(value, notes));
    let signature = fields.optional("signature", |value| signature(value, kind));
    let generic = generic(&mut fields, kind);
    let ca = fields.optional("ca", |value| secret_reference(value, notes));
    let proxy = fields.optional("proxy", proxy_url);
    let git_key = fields.optional("git_key", |value| secret_reference(value, notes));
    fields.finish();
    Some(Forge {
        id: own_id?,
        kind: kind?,
        api_url: api_url?,
        token: token?,
        app: app?,
        webhook_secret: webhook_secret?,
        signature: signature?,
        generic: generic?,
        ca: ca?,
        proxy: proxy?,
        git_key: git_key?,
    })
}

/// A key that only some kinds have. Where the kind itself is wrong, the key is read all the same.
fn only_of<T>(
    fields: &mut Fields<'_>,
    key: &'static str,
    kind: Option<ForgeKind>,
    kinds: &[ForgeKind],
    read: impl FnOnce(&Value<'_>) -> Option<T>,
) -> Option<Option<T>> {
    fields.optional(key, |value| match kind.filter(|kind| !kinds.contains(kind)) {
        Some(kind) => {
            value.refuse(format!("{} has no meaning with kind = {:?}: leave it out", value.name(), kind.as_str()))
        }
        None => read(value),
    })
}

/// Empty for a generic forge.
fn api_url(fields: &mut Fields<'_>, kind: Option<ForgeKind>) -> Option<String> {
    let given = only_of(fields, "api_url", kind, &WITH_API, base_url)?;
    if given.is_none() && kind == Some(ForgeKind::Gitea) {
        let message = "kind = \"gitea\" needs `api_url`, such as \"https://git.example.com/api/v1\"";
        fields.report().error(fields.at(), message);
        return None;
    }
    given.or_else(|| Some(kind?.default_api_url().unwrap_or_default().to_owned()))
}

fn github_app(value: &Value<'_>, notes: &mut Notes) -> Option<GithubApp> {
    let mut fields = value.fields()?;
    let id = fields.required("id", app_id);
    let private_key = fields.required("private_key", |value| secret_reference(value, notes));
    fields.finish();
    Some(GithubApp { id: id?, private_key: private_key? })
}

/// The number of a GitHub App, or its client id like `Iv23liAbC`.
fn app_id(value: &Value<'_>) -> Option<String> {
    let Some(text) = value.as_text() else {
        return value.wrong_type("a string, like \"123456\"");
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return Some(text.to_owned());
    }
    value.refuse(format!("{} must be the App's id or client id, as its settings show it, not {text:?}", value.name()))
}

fn signature(value: &Value<'_>, kind: Option<ForgeKind>) -> Option<HookSignature> {
    let words = |signatures: &[HookSignature]| -> Vec<_> {
        signatures.iter().map(|signature| (signature.as_str(), *signature)).collect()
    };
    let signature = one_of(value, &words(&HookSignature::ALL))?;
    let Some(kind) = kind.filter(|kind| !kind.signatures().contains(&signature)) else {
        return Some(signature);
    };
    let all: Vec<String> = kind.signatures().iter().map(|signature| format!("{:?}", signature.as_str())).collect();
    value.refuse(format!(
        "{} = {:?} is not what kind = {:?} sends: use {}",
        value.name(),
        signature.as_str(),
        kind.as_str(),
        all.join(" or ")
    ))
}

fn generic(fields: &mut Fields<'_>, kind: Option<ForgeKind>) -> Option<Option<GenericHook>> {
    let given = only_of(fields, "generic", kind, &[ForgeKind::Generic], generic_hook)?;
    if given.is_none() && kind == Some(ForgeKind::Generic) {
        let message = "kind = \"generic\" needs `generic`, which says where the sender puts what davit needs, such as \
                       { header = \"X-Signature\", repository = \"/repository\", ref = \"/ref\", commit = \"/commit\" }";
        fields.report().error(fields.at(), message);
        return None;
    }
    Some(given)
}

fn generic_hook(value: &Value<'_>) -> Option<GenericHook> {
    let mut fields = value.fields()?;
    let header = fields.required("header", header_name);
    let prefix = fields.or("prefix", String::new(), line);
    let delivery_header = fields.optional("delivery_header", |value| {
        let name = header_name(value)?;
        match header.as_ref().is_some_and(|header| header.eq_ignore_ascii_case(&name)) {
            true => value.refuse(format!("{} must be another header than the signature's", value.name())),
            false => Some(name),
        }
    });
    let repository = fields.required("repository", json_pointer);
    let reference = fields.required("ref", json_pointer);
    let commit = fields.required("commit", json_pointer);
    let by = fields.optional("by", json_pointer);
    let title = fields.optional("title", json_pointer);
    fields.finish();
    Some(GenericHook {
        header: header?,
        prefix: prefix?,
        delivery_header: delivery_header?,
        repository: repository?,
        reference: reference?,
        commit: commit?,
        by: by?,
        title: title?,
    })
}
