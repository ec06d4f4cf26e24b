//! The reference of the API: what the OpenAPI document says, as pages. A group of operations is a page of its own.

use super::language::{Language, Words};
use super::markdown::{Heading, Rendered, Section};
use super::needs;
use super::schema::{self, Field, Part, Schemas};
use super::template;
use crate::needs::NEEDS;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where all operations start.
const BASE: &str = "/api/v1";

/// Groups in their order, with what they are called. What is not among them comes behind, under its own word.
const GROUPS: &[(&str, &str, &str)] = &[
    ("overview", "Overview", "总览"),
    ("apps", "Apps", "应用"),
    ("configs", "Release configs", "发布配置"),
    ("requests", "Release requests", "发布申请"),
    ("batches", "Batches of requests", "批量申请"),
    ("deployments", "Deployments", "发布"),
    ("builds", "Builds", "构建"),
    ("environments", "Environments", "环境"),
    ("locks", "Locks", "锁定"),
    ("hosts", "Hosts", "主机"),
    ("terminals", "Terminals", "终端"),
    ("values", "Values", "变量与机密"),
    ("runs", "CI runs", "流水线"),
    ("jobs", "Jobs of runs", "作业"),
    ("workflows", "Workflows", "工作流"),
    ("artifacts", "Artefacts", "产物"),
    ("caches", "Caches", "缓存"),
    ("changes", "Changes", "合并请求"),
    ("repositories", "Repositories", "仓库"),
    ("forges", "Forges", "代码平台"),
    ("deliveries", "Deliveries of webhooks", "Webhook 投递"),
    ("outbox", "Outbox", "发件箱"),
    ("channels", "Channels", "通知渠道"),
    ("feed", "Feed", "动态"),
    ("events", "Events", "事件流"),
    ("alerts", "Alerts", "提醒"),
    ("session", "Session and own account", "会话与我的账号"),
    ("auth", "Signing in", "登录"),
    ("setup", "Set-up", "初始化"),
    ("users", "Accounts", "账号"),
    ("groups", "Groups", "用户组"),
    ("grants", "Grants", "授权"),
    ("tokens", "Tokens", "令牌"),
    ("secrets", "Secrets of the configuration", "配置中的机密"),
    ("apply", "Applying a configuration", "应用配置"),
    ("export", "Exporting the configuration", "导出配置"),
    ("doctor", "Doctor", "自检"),
];

/// The codes that go with a status; what each means is told in the guide, above the list of operations.
const CODES: &[(&str, &str)] = &[
    ("400", "invalid"),
    ("401", "unauthenticated"),
    ("403", "denied"),
    ("404", "not_found"),
    ("409", "conflict, changed"),
    ("413", "too_large"),
    ("415", "invalid"),
    ("422", "invalid, invalid_config"),
    ("424", "upstream"),
    ("429", "rate_limited"),
    ("500", "internal"),
    ("503", "unavailable"),
];

/// What stands in an example for a parameter or field, in a group or anywhere.
const EXAMPLES: &[(&str, &str)] = &[
    ("groups/name", "Shop team"),
    ("hosts/name", "web-1"),
    ("hosts/names", "web-1"),
    ("secrets/name", "npm"),
    ("tokens/name", "ci"),
    ("users/name", "ana"),
    ("channels/id", "ops"),
    ("forges/id", "github"),
    ("apps/name", "Shop"),
    ("session/name", "ana"),
    ("setup/name", "ana"),
    ("setup/code", "abcd-efgh-jkmn"),
    ("app", "shop"),
    ("code", "123456"),
    ("commit", "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"),
    ("display_name", "Ana"),
    ("document", "[[environment]]\nkey = \"production\"\n"),
    ("email", "ana@example.com"),
    ("environment", "production"),
    ("event", "failed"),
    ("file", ".davit/workflows/ci.yml"),
    ("fingerprint", "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDOgVqXIYnVfSpxEDU"),
    ("forge", "github"),
    ("head_sha", "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"),
    ("host", "web-1"),
    ("new", "another horse battery staple"),
    ("old", "correct horse battery staple"),
    ("password", "correct horse battery staple"),
    ("path", "index.html"),
    ("provider", "oidc:acme"),
    ("q", "shop"),
    ("reason", "the shop is down"),
    ("ref", "main"),
    ("reference", "main"),
    ("repository", "acme/shop"),
    ("role", "developer"),
    ("scope", "app:shop"),
    ("subject", "8f3c2a17"),
    ("text", "web-1.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Hn5kCkq"),
    ("title", "Summer prices"),
    ("to", "20260131T120000Z-1a2b3c4-12"),
    ("to_environment", "staging"),
    ("user", "ana"),
    ("value", "a secret"),
];

/// Of a body in which nothing has to be there, what an example shows.
const PREFERRED: &[&str] = &["ref", "title", "display_name", "name", "reason", "to", "to_environment", "version"];

/// Bodies that their schema does not tell: forms, which have the keys of a `davit.toml`, and either-or.
const BODIES: &[(&str, &str)] = &[
    ("post-apps", r#"{"key":"shop","repository":{"url":"https://git.example.com/acme/shop.git"}}"#),
    ("post-grants", r#"{"user":"ana","role":"releaser","scope":"app:shop@production"}"#),
    ("put-channels-id", r#"{"form":{"kind":"slack","url":{"secret":"slack"}}}"#),
    ("put-environments-environment", r#"{"form":{"name":"Production","review":{"required":1}}}"#),
    ("put-forges-id", r#"{"form":{"kind":"github","token":{"secret":"github"}}}"#),
    ("put-hosts-name", r#"{"form":{"address":"10.0.0.11","user":"deploy","environments":["production"]}}"#),
];

/// All of it, in a language. What the code says about itself is English.
#[derive(Debug)]
pub(super) struct Reference {
    language: Language,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

/// What is on one page.
#[derive(Debug, Serialize)]
struct Group {
    /// The page's name below `api/`.
    key: String,
    title: String,
    url: String,
    operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
struct Operation {
    anchor: String,
    /// In capitals.
    method: String,
    path: String,
    summary: String,
    /// HTML.
    description: String,
    /// Who may call it.
    needs: String,
    /// The same in a word.
    least: String,
    parameters: Vec<Field>,
    body: Vec<Content>,
    answers: Vec<Answer>,
    example: String,
}

#[derive(Debug, Serialize)]
struct Answer {
    status: String,
    code: &'static str,
    /// HTML.
    meaning: String,
    content: Vec<Content>,
}

/// What is sent or answered.
#[derive(Debug, Serialize)]
struct Content {
    media_type: String,
    r#type: Vec<Part>,
    fields: Vec<Field>,
}

/// A schema.
#[derive(Debug, Serialize)]
struct Shape {
    name: String,
    /// HTML.
    meaning: String,
    r#type: Vec<Part>,
    fields: Vec<Field>,
}

/// What the templates get.
#[derive(Debug, Serialize)]
struct Data<'a, T> {
    words: &'static Words,
    /// The address of the page with all schemas.
    schemas: String,
    /// The address of the page with all operations.
    all: String,
    content: &'a T,
}

impl Reference {
    /// Reads the document.
    pub(super) fn of(document: &Value, language: Language) -> Self {
        let schemas = Schemas::of(document);
        let mut groups: BTreeMap<(usize, String), Vec<Operation>> = BTreeMap::new();
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            let key = group_of(path);
            let place = GROUPS.iter().position(|(known, ..)| *known == key).unwrap_or(GROUPS.len());
            let operations = operations.as_object().into_iter().flatten();
            let read = operations
                .map(|(method, operation)| Operation::read((schemas, language), &key, method, path, operation));
            groups.entry((place, key.clone())).or_default().extend(read);
        }
        let groups = groups.into_iter().map(|((place, key), operations)| Group {
            title: title(place, &key, language),
            url: language.url(&format!("api/{key}")),
            key,
            operations,
        });
        let shapes = schemas.all().map(|(name, schema)| Shape {
            name: name.clone(),
            meaning: schema::meaning(schema),
            r#type: if schemas.fields(schema).is_empty() { schema::parts(schema) } else { Vec::new() },
            fields: schemas.fields(schema),
        });
        Self { language, groups: groups.collect(), shapes: shapes.collect() }
    }

    /// Puts the list of all operations behind the guide to the API.
    pub(super) fn introduce(&self, guide: &mut Rendered) {
        guide.html.push_str(&self.filled(template::LIST, &self.groups));
        let words = self.language.words();
        let reference = Heading { anchor: "reference".to_owned(), title: words.reference.to_owned(), level: 2 };
        let groups = self.groups.iter().map(|group| Heading {
            anchor: format!("group-{}", group.key),
            title: group.title.clone(),
            level: 3,
        });
        guide.headings.push(reference);
        guide.headings.extend(groups);
    }

    /// A page for each group, and one for all schemas.
    pub(super) fn pages(&self) -> impl Iterator<Item = (String, Rendered)> {
        let groups = self.groups.iter().map(|group| {
            let headings = group.operations.iter().map(|operation| Heading {
                anchor: operation.anchor.clone(),
                title: format!("{} {}", operation.method, operation.path.trim_start_matches(BASE)),
                level: 2,
            });
            let texts = group.operations.iter().map(Operation::text);
            (format!("api/{}", group.key), page(&group.title, self.filled(template::GROUP, group), headings.zip(texts)))
        });
        let shapes = self.shapes.iter().map(|shape| {
            let heading = Heading { anchor: shape.name.clone(), title: shape.name.clone(), level: 2 };
            (heading, shape.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(" "))
        });
        let title = self.language.words().schemas;
        let schemas = page(title, self.filled(template::SCHEMAS, &self.shapes), shapes);
        groups.chain(std::iter::once(("api/schemas".to_owned(), schemas)))
    }

    fn filled<T: Serialize>(&self, name: &str, content: &T) -> String {
        let (schemas, all) = (self.language.url("api/schemas"), self.language.url("api"));
        template::fill(name, &Data { words: self.language.words(), schemas, all, content })
    }
}

impl Operation {
    fn read(
        (schemas, language): (Schemas<'_>, Language),
        group: &str,
        method: &str,
        path: &str,
        operation: &Value,
    ) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| Field {
            name: string(&parameter["name"]),
            place: string(&parameter["in"]),
            r#type: schema::parts(&parameter["schema"]),
            required: parameter["required"] == true,
            meaning: schema::meaning(parameter),
        });
        let answers = operation["responses"].as_object().into_iter().flatten().map(|(status, answer)| Answer {
            status: status.clone(),
            code: CODES.iter().find(|(known, _)| known == status).map_or("", |(_, code)| code),
            meaning: schema::meaning(answer),
            content: contents(schemas, answer),
        });
        let method = method.to_uppercase();
        let parameters: Vec<Field> = parameters.collect();
        Self {
            anchor: anchor(&method, path),
            example: example(schemas, group, &method, path, operation, &parameters),
            path: path.to_owned(),
            summary: string(&operation["summary"]),
            description: schema::meaning(operation),
            needs: needs::told(&operation[NEEDS], language),
            least: needs::in_a_word(&operation[NEEDS], language),
            parameters,
            body: contents(schemas, &operation["requestBody"]),
            answers: answers.collect(),
            method,
        }
    }

    /// What it is found by.
    fn text(&self) -> String {
        let names: BTreeSet<&str> = self.parameters.iter().map(|field| field.name.as_str()).collect();
        format!("{} {}", self.summary, names.into_iter().collect::<Vec<_>>().join(" "))
    }
}

fn page(title: &str, html: String, found: impl Iterator<Item = (Heading, String)>) -> Rendered {
    let top = Heading { anchor: "top".to_owned(), title: title.to_owned(), level: 1 };
    let mut sections = vec![Section { heading: top, text: String::new() }];
    sections.extend(found.map(|(heading, text)| Section { heading, text }));
    let headings = sections.iter().map(|section| section.heading.clone()).collect();
    Rendered { title: title.to_owned(), html, headings, sections }
}

/// The first word of a path; how apps are released is a matter of its own.
fn group_of(path: &str) -> String {
    let below = path.trim_start_matches(BASE).trim_start_matches('/');
    if below.starts_with("apps/{app}/configs") {
        return "configs".to_owned();
    }
    below.split('/').next().unwrap_or_default().to_owned()
}

fn title(place: usize, key: &str, language: Language) -> String {
    let known = GROUPS.get(place).map(|(_, english, chinese)| match language {
        Language::English => (*english).to_owned(),
        Language::Chinese => (*chinese).to_owned(),
    });
    known.unwrap_or_else(|| key.replace('-', " "))
}

fn anchor(method: &str, path: &str) -> String {
    let words = path.trim_start_matches(BASE).split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}-{}", method.to_lowercase(), words.join("-"))
}

fn contents(schemas: Schemas<'_>, of: &Value) -> Vec<Content> {
    let content = of["content"].as_object().into_iter().flatten();
    let content = content.map(|(media_type, content)| Content {
        media_type: media_type.clone(),
        r#type: if media_type == "application/json" { schema::parts(&content["schema"]) } else { Vec::new() },
        fields: if media_type == "application/json" { schemas.fields(&content["schema"]) } else { Vec::new() },
    });
    content.collect()
}

/// The operation as a command to try; none for what is no plain request.
fn example(
    schemas: Schemas<'_>,
    group: &str,
    method: &str,
    path: &str,
    operation: &Value,
    parameters: &[Field],
) -> String {
    if !operation["responses"]["101"].is_null() {
        return String::new();
    }
    let mut url = path.to_owned();
    let mut query = Vec::new();
    for field in parameters.iter().filter(|field| field.required) {
        let value = stand_in(group, field);
        match field.place.as_str() {
            "path" => url = url.replace(&format!("{{{}}}", field.name), &value),
            "query" => query.push(format!("{}={value}", field.name)),
            _ => {}
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let mut lines = vec!["curl -H \"Authorization: Bearer $DAVIT_TOKEN\"".to_owned()];
    if method != "GET" {
        lines.push(format!("-X {method}"));
    }
    let body = &operation["requestBody"]["content"];
    if !body["application/octet-stream"].is_null() {
        lines.push("-H 'Content-Type: application/octet-stream' -T FILE".to_owned());
    } else if let Some(schema) = body["application/json"].get("schema") {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d '{}'", body_of(schemas, group, &anchor(method, path), schema)));
    }
    if !operation["responses"]["200"]["content"]["text/event-stream"].is_null() {
        lines.push("--no-buffer".to_owned());
    }
    lines.push(format!("\"$DAVIT_URL{url}{query}\""));
    lines.join(" \\\n  ")
}

fn body_of(schemas: Schemas<'_>, group: &str, anchor: &str, schema: &Value) -> String {
    if let Some((_, body)) = BODIES.iter().find(|(operation, _)| *operation == anchor) {
        return (*body).to_owned();
    }
    let words = schema::Words { text: &|name| text_for(group, name), preferred: PREFERRED };
    schemas.example(schema, &words).to_string()
}

fn text_for(group: &str, field: &str) -> Option<&'static str> {
    let within = format!("{group}/{field}");
    EXAMPLES.iter().find(|(name, _)| *name == within || *name == field).map(|(_, text)| *text)
}

/// What stands for a parameter in an address.
fn stand_in(group: &str, field: &Field) -> String {
    let number = field.r#type.iter().any(|part| part.text.starts_with("integer"));
    let text = text_for(group, &field.name).unwrap_or(if number { "12" } else { "NAME" });
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_those_of_operations() {
        let document = serde_json::to_value(crate::openapi()).expect("JSON");
        let reference = Reference::of(&document, Language::English);
        let operations = || reference.groups.iter().flat_map(|group| &group.operations);
        for (anchor, body) in BODIES {
            assert!(operations().any(|operation| operation.anchor == *anchor), "{anchor}");
            serde_json::from_str::<Value>(body).expect("JSON");
        }
    }
}
