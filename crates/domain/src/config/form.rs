//! Items as JSON forms and back: what people edit in a browser is what stands in `davit.toml`, key by key.
//!
//! A form is turned into the text that a file would have and read by [`parse`](super::parse()), so that there is one
//! set of rules; every mistake is led back to the field it is in.

use super::fields::{self, Field, basic};
use super::parse::{ConfigError, parse};
use super::{
    App, Channel, Configuration, Environment, Forge, Host, ReleaseConfig, Repository, RepositorySettings,
    channel_fields, repository_fields,
};
use crate::ids::{AppKey, ChannelId, EnvironmentKey, ForgeId, HostName};
use crate::variables;
use serde_json::{Map, Value};

/// A form: the keys of a section as JSON.
pub type Form = Map<String, Value>;

/// A release config as a form, without its environment. What is as davit does it anyway is left out.
#[must_use]
pub fn release_form(release: &ReleaseConfig) -> Form {
    as_form(&fields::release(release), &["environment"])
}

/// An environment as a form, without its key.
#[must_use]
pub fn environment_form(environment: &Environment) -> Form {
    as_form(&fields::environment(environment), &["key"])
}

/// A host as a form, without its name.
#[must_use]
pub fn host_form(host: &Host) -> Form {
    as_form(&fields::host(host), &["name"])
}

/// An app's own fields as a form, without its key and its release configs.
#[must_use]
pub fn app_form(app: &App) -> Form {
    as_form(&fields::app(app), &["key"])
}

/// A forge as a form, without its id. Secrets are named in it, never told.
#[must_use]
pub fn forge_form(forge: &Forge) -> Form {
    as_form(&fields::forge(forge), &["id"])
}

/// A channel as a form, without its id. Secrets are named in it, never told.
#[must_use]
pub fn channel_form(channel: &Channel) -> Form {
    as_form(&channel_fields::channel(channel), &["id"])
}

/// A repository's settings as a form, without its forge and its name. Secrets are named in it, never told.
#[must_use]
pub fn repository_form(repository: &RepositorySettings) -> Form {
    as_form(&repository_fields::repository(repository), &["forge", "name"])
}

/// Reads how an app is released to an environment. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field.
pub fn read_release(
    app: &App,
    environment: &EnvironmentKey,
    form: &Form,
    current: &Configuration,
) -> Result<ReleaseConfig, Vec<ConfigError>> {
    let mut text = Text::default();
    text.section("app");
    for Field { key, toml, .. } in fields::app(app).iter().filter(|field| !field.is_default) {
        text.line(key, toml);
    }
    text.section("app.release");
    text.line("environment", &basic(environment.as_str()));
    text.form(form, &["environment"]);
    // What is replaced must not stand in the way of what replaces it.
    let mut others = current.clone();
    for known in others.apps.iter_mut().filter(|known| known.key == app.key) {
        known.releases.retain(|release| release.environment != *environment);
    }
    let read = text.read(&others)?;
    let release = read.apps.into_iter().flat_map(|app| app.releases).next();
    release.ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])
}

/// Reads an environment. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field.
pub fn read_environment(
    key: &EnvironmentKey,
    form: &Form,
    current: &Configuration,
) -> Result<Environment, Vec<ConfigError>> {
    let read = section("environment", "key", key.as_str(), form, current)?;
    read.environments.into_iter().next().ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])
}

/// Reads a host. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field.
pub fn read_host(name: &HostName, form: &Form, current: &Configuration) -> Result<Host, Vec<ConfigError>> {
    let read = section("host", "name", name.as_str(), form, current)?;
    read.hosts.into_iter().next().ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])
}

/// Reads a forge. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field.
pub fn read_forge(id: &ForgeId, form: &Form, current: &Configuration) -> Result<Forge, Vec<ConfigError>> {
    let read = section("forge", "id", id.as_str(), form, current)?;
    read.forges.into_iter().next().ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])
}

/// Reads a channel. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field.
pub fn read_channel(id: &ChannelId, form: &Form, current: &Configuration) -> Result<Channel, Vec<ConfigError>> {
    let read = section("channel", "id", id.as_str(), form, current)?;
    read.channels.into_iter().next().ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])
}

/// Reads what is declared about the repository `name` at `forge`. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field; `name` is one.
pub fn read_repository(
    forge: &ForgeId,
    name: &str,
    form: &Form,
    current: &Configuration,
) -> Result<RepositorySettings, Vec<ConfigError>> {
    let mut text = Text::default();
    text.section("repository");
    for (key, value) in [("forge", forge.as_str()), ("name", name)] {
        text.entry(key, key, &value.into());
        text.text.push('\n');
    }
    text.form(form, &["forge", "name"]);
    let read = text.read(current)?;
    read.repositories.into_iter().next().ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])
}

/// Reads an app without release configs. References lead to `current`.
///
/// # Errors
/// Everything that is wrong, each with its field.
pub fn read_app(key: &AppKey, form: &Form, current: &Configuration) -> Result<App, Vec<ConfigError>> {
    let read = section("app", "key", key.as_str(), form, current)?;
    let app = read.apps.into_iter().next().ok_or_else(|| vec![ConfigError::of_field("", "the form says nothing")])?;
    if let Repository::Url { url } = &app.repository
        && url.starts_with('-')
    {
        return Err(vec![ConfigError::of_field("repository.url", "a URL does not begin with \"-\"")]);
    }
    Ok(app)
}

fn section(
    title: &str,
    name_key: &str,
    name: &str,
    form: &Form,
    current: &Configuration,
) -> Result<Configuration, Vec<ConfigError>> {
    let mut text = Text::default();
    text.section(title);
    text.line(name_key, &basic(name));
    text.form(form, &[name_key]);
    text.read(current)
}

/// The fields of an item as JSON. What `fields` print is TOML, and reads back.
fn as_form(fields: &[Field<'_>], without: &[&str]) -> Form {
    let mut text = String::new();
    for Field { key, toml, .. } in fields.iter().filter(|field| !field.is_default && !without.contains(&field.key)) {
        text.push_str(&format!("{key} = {toml}\n"));
    }
    let table = text.parse::<toml::Table>().unwrap_or_default();
    table.into_iter().map(|(key, value)| (key, as_json(value))).collect()
}

fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(as_json).collect()),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, as_json(value))).collect(),
    }
}

/// The text of a file, and where in it each field of the form is.
#[derive(Default)]
struct Text {
    text: String,
    /// Byte offset and path of every field, in order.
    places: Vec<(usize, String)>,
    /// What the form may not say, because something else does.
    refused: Vec<ConfigError>,
    variables: Option<String>,
}

impl Text {
    fn section(&mut self, title: &str) {
        self.places.push((self.text.len(), String::new()));
        self.text.push_str(&format!("[[{title}]]\n"));
    }

    fn line(&mut self, key: &str, toml: &str) {
        self.text.push_str(&format!("{key} = {toml}\n"));
    }

    fn form(&mut self, form: &Form, reserved: &[&str]) {
        for (key, value) in form.iter().filter(|(_, value)| !value.is_null()) {
            if reserved.contains(&key.as_str()) {
                self.refused.push(ConfigError::of_field(key, &format!("`{key}` is said by the address of the form")));
                continue;
            }
            if key == "variables" {
                self.variables = value.as_str().map(str::to_owned);
            }
            self.entry(key, key, value);
            self.text.push('\n');
        }
    }

    fn entry(&mut self, path: &str, key: &str, value: &Value) {
        self.places.push((self.text.len(), path.to_owned()));
        self.text.push_str(&basic(key));
        self.text.push_str(" = ");
        self.value(path, value);
    }

    fn value(&mut self, path: &str, value: &Value) {
        match value {
            // TOML has no null. Inside of a list it is a mistake, and reads as one.
            Value::Null => self.text.push_str("\"\""),
            Value::Bool(truth) => self.text.push_str(&truth.to_string()),
            Value::Number(number) => self.text.push_str(&number.to_string()),
            Value::String(text) => self.text.push_str(&basic(text)),
            Value::Array(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.places.push((self.text.len(), path.clone()));
                    self.value(&path, item);
                    self.text.push_str(", ");
                }
                self.text.push(']');
            }
            Value::Object(entries) => {
                self.text.push_str("{ ");
                let mut first = true;
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    if !std::mem::take(&mut first) {
                        self.text.push_str(", ");
                    }
                    self.entry(&format!("{path}.{key}"), key, value);
                }
                self.text.push_str(" }");
            }
        }
    }

    fn read(self, current: &Configuration) -> Result<Configuration, Vec<ConfigError>> {
        let mut errors = self.refused.clone();
        match parse(&self.text, current) {
            Ok(parsed) if errors.is_empty() => return Ok(parsed.configuration),
            Ok(_) => {}
            Err(found) => errors.extend(found.into_iter().map(|error| self.lead_back(error))),
        }
        Err(errors)
    }

    /// The field that an error is in, instead of a place in a text that nobody has written.
    fn lead_back(&self, error: ConfigError) -> ConfigError {
        let offset = self.offset(error.line, error.column);
        let field = self.places.iter().rev().find(|(at, _)| *at <= offset).map_or("", |(_, field)| field.as_str());
        let mut field = field.to_owned();
        if let Some(key) = missing(&error.message) {
            field = if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") };
        }
        let line =
            self.variables.as_deref().filter(|_| field == "variables").and_then(|text| variables::parse(text).err());
        let message = match line {
            Some(wrong) => format!("line {}: {}", wrong.line, wrong.message),
            None => error.message,
        };
        ConfigError::of_field(&field, &message)
    }

    fn offset(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text.get(start..).unwrap_or_default();
        start + rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum::<usize>()
    }
}

/// The key that a message says is missing: "[[app.release]] needs `hosts`", maybe with an example behind a comma.
fn missing(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" needs `")?;
    let (key, tail) = rest.split_once('`')?;
    (tail.is_empty() || tail.starts_with(',')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = r##"
        [[environment]]
        key = "production"
        color = "#ff0000"
        [[host]]
        name = "web-1"
        address = "10.0.0.1"
        user = "deploy"
        labels = ["web"]
        environments = ["production"]
        [[app]]
        key = "shop"
        repository = { url = "https://git.example/shop.git" }
        [[app.release]]
        environment = "production"
        hosts = { labels = ["web"] }
        deploy_path = "/srv/www"
        releases_path = "/data/davit"
        keep = 3
        variables = """
A="1
2"
"""
        hooks.after_release = "systemctl --user restart shop\necho 'ö \"x\" \\ y'"
        input = [{ name = "VERSION", choices = ["1", "2"] }]
        health = { tcp = "127.0.0.1:80", interval = "500ms" }
        strategy = { batches = ["1", ["web-1"]], pause = "confirm" }
        [[forge]]
        id = "gitea"
        kind = "gitea"
        api_url = "https://git.example/api/v1"
        token = { secret = "gitea-token" }
        webhook_secret = { env = "HOOK" }
        [[channel]]
        id = "ops"
        kind = "feishu"
        url = { secret = "ops-url" }
        language = "zh"
        events = ["failed"]
        templates = { failed = "{{ app }}\n\"failed\"" }
        [[repository]]
        forge = "gitea"
        name = "acme/shop"
        cpus = 1.5
        keep_runs = "20d"
        variables = "REGION=eu"
        secrets = { NPM_TOKEN = { secret = "npm" } }
        environments = { "pre production" = { variables = "A=1", secrets = { KEY = { file = "deploy.key" } } } }
        merge = { approvals = 1, required = ["davit/ci/*"] }
        [[repository]]
        forge = "gitea"
        name = "acme/docs"
        merge = {}
    "##;

    fn current() -> Configuration {
        parse(FILE, &Configuration::default()).expect("a configuration").configuration
    }

    fn wrong(form: Value) -> Vec<(String, String)> {
        let current = current();
        let form = form.as_object().expect("a form");
        let errors = read_release(&current.apps[0], &"production".parse().expect("a key"), form, &current);
        let errors = errors.expect_err("mistakes").into_iter();
        errors.map(|error| (error.field.expect("a field"), error.message)).collect()
    }

    #[test]
    fn a_form_comes_back() {
        let current = current();
        let (app, release) = (&current.apps[0], &current.apps[0].releases[0]);
        let form = release_form(release);
        assert_eq!(form["hosts"], json!({ "labels": ["web"] }));
        assert_eq!(form["variables"], json!("A=\"1\n2\"\n"));
        assert!(!form.contains_key("environment") && !form.contains_key("build_dir"));
        assert_eq!(read_release(app, &release.environment, &form, &current).as_ref(), Ok(release));
        let host = &current.hosts[0];
        assert_eq!(read_host(&host.name, &host_form(host), &current).as_ref(), Ok(host));
        let environment = &current.environments[0];
        assert_eq!(
            read_environment(&environment.key, &environment_form(environment), &current).as_ref(),
            Ok(environment)
        );
        let (forge, channel) = (&current.forges[0], &current.channels[0]);
        assert_eq!(forge_form(forge)["token"], json!({ "secret": "gitea-token" }));
        assert_eq!(read_forge(&forge.id, &forge_form(forge), &current).as_ref(), Ok(forge));
        assert_eq!(read_channel(&channel.id, &channel_form(channel), &current).as_ref(), Ok(channel));
        for repository in &current.repositories {
            let form = repository_form(repository);
            assert!(!form.contains_key("forge") && !form.contains_key("name") && form.contains_key("merge"));
            let read = read_repository(&repository.forge, &repository.name, &form, &current);
            assert_eq!(read.as_ref(), Ok(repository));
        }
        assert_eq!(repository_form(&current.repositories[1]), *json!({ "merge": {} }).as_object().expect("a form"));
        let alone = App { releases: Vec::new(), ..app.clone() };
        assert_eq!(read_app(&app.key, &app_form(app), &current), Ok(alone));
    }

    #[test]
    fn mistakes_name_their_fields() {
        let good = json!({ "hosts": ["web-1"], "deploy_path": "/srv/www", "releases_path": "/data/davit" });
        let with = |key: &str, value: Value| {
            let mut form = good.clone();
            form[key] = value;
            wrong(form).into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(with("keep", json!("five")), ["keep"]);
        assert_eq!(with("keep", json!(0)), ["keep"]);
        assert_eq!(with("hosts", json!(["web-1", "web-9"])), ["hosts[1]"]);
        assert_eq!(with("deploy_path", json!("srv")), ["deploy_path"]);
        assert_eq!(with("deploy_path", json!("/srv/../etc")), ["deploy_path"]);
        assert_eq!(with("deploy_path", Value::Null), ["deploy_path"]);
        assert_eq!(with("hooks", json!({ "after_relaese": "x" })), ["hooks.after_relaese"]);
        assert_eq!(with("hooks", json!({ "after_release": 1 })), ["hooks.after_release"]);
        assert_eq!(with("input", json!([{ "name": "A" }, { "name": "1" }])), ["input[1].name"]);
        assert_eq!(with("input", json!([{ "label": "A" }])), ["input[0].name"]);
        assert_eq!(with("auto", json!({})), ["auto.on"]);
        assert_eq!(with("timeouts", json!({ "step": "10" })), ["timeouts.step"]);
        assert_eq!(with("environment", json!("test")), ["environment"]);
        assert_eq!(with("no\"such\nkey", json!(1)), ["no\"such\nkey"]);
        assert_eq!(with("keep", json!({ "a": [1, { "b": null }] })), ["keep"]);
    }

    #[test]
    fn what_a_kind_cannot_do_without_is_a_field() {
        let form = json!({ "kind": "gitea", "signature": "token" });
        let errors = read_forge(&"lab".parse().expect("an id"), form.as_object().expect("a form"), &current());
        let fields: Vec<_> = errors.expect_err("mistakes").into_iter().filter_map(|error| error.field).collect();
        assert_eq!(fields, ["api_url", "signature"]);
        assert_eq!(missing("a freeze window needs `from` and `to`"), None);
    }

    #[test]
    fn mistakes_about_a_repository_name_their_fields() {
        let fields = |forge: &str, name: &str, form: Value| -> Vec<String> {
            let form = form.as_object().expect("a form").clone();
            let read = read_repository(&forge.parse().expect("an id"), name, &form, &current());
            read.expect_err("mistakes").into_iter().filter_map(|error| error.field).collect()
        };
        assert_eq!(fields("hub", "shop", json!({})), ["forge", "name"]);
        let form = json!({ "executor": "host", "name": "a/b", "merge": { "by": [] }, "secrets": { "GITHUB_X": 1 },
            "environments": { "test": { "secrets": { "1": { "secret": "x" } } } } });
        assert_eq!(
            fields("gitea", "acme/shop", form),
            ["name", "environments.test.secrets.1", "executor", "merge.by", "secrets.GITHUB_X"]
        );
    }

    #[test]
    fn mistakes_in_variables_name_their_line() {
        let form = json!({ "hosts": ["web-1"], "deploy_path": "/srv/www", "releases_path": "/data/davit",
            "variables": "A=1\nB='geheim" });
        let [(field, message)] = <[_; 1]>::try_from(wrong(form)).expect("one mistake");
        assert_eq!(field, "variables");
        assert_eq!(message, "line 2: the closing ' is missing");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let fields: Vec<String> = wrong(json!({ "keep": -1 })).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["deploy_path", "hosts", "releases_path", "keep"]);
    }
}
