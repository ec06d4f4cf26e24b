//! Every request that the client can make to GitHub, and the answers that it reads, against GitHub's own description of
//! its API (OpenAPI). Of a request: its path, method, query and body, with nothing in them that the description doesn't
//! name. The answers are the description's examples.
//!
//! The npm package `@octokit/openapi` is not part of this repository: `DAVIT_GITHUB_OPENAPI` names its file
//! `generated/api.github.com.json`, and without that nothing is tested here.

use crate::calls_app::Key;
use crate::calls_server::{REPOSITORY, Reply, Seen, Server, client, commit, deployment, reply, status};
use davit_domain::config::{ForgeKind, HookSignature, MergeMethod};
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use davit_domain::status::{CommitState, CommitStatus};
use davit_domain::time::Timestamp;
use davit_forge::{Client, Credential, MergeOrder, NewHook};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use url::Url;

/// Everything that the client ever calls.
const OPERATIONS: [&str; 23] = [
    "apps/create-installation-access-token",
    "apps/get-repo-installation",
    "checks/list-for-ref",
    "git/delete-ref",
    "issues/create-comment",
    "pulls/get",
    "pulls/list",
    "pulls/list-reviews",
    "pulls/merge",
    "repos/create-commit-status",
    "repos/create-deploy-key",
    "repos/create-deployment",
    "repos/create-deployment-status",
    "repos/create-webhook",
    "repos/get",
    "repos/get-collaborator-permission-level",
    "repos/list-branches",
    "repos/list-commit-statuses-for-ref",
    "repos/list-deploy-keys",
    "repos/list-deployments",
    "repos/list-webhook-deliveries",
    "repos/list-webhooks",
    "repos/redeliver-webhook-delivery",
];

/// And where a webhook is there already.
const CHANGING: &str = "repos/update-webhook";

#[tokio::test]
async fn every_request_is_one_that_github_describes() {
    let Some(path) = std::env::var_os("DAVIT_GITHUB_OPENAPI") else {
        return;
    };
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let description = Description(serde_json::from_slice(&text).expect("the package's description"));
    let (called, wrong) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(Mutex::new(Vec::new())));
    let notes = (Arc::clone(&called), Arc::clone(&wrong));
    let server = Server::answering(move |seen| match description.answer(seen) {
        Ok((operation, answer)) => {
            notes.0.lock().expect("no test panicked in it").insert(operation);
            answer
        }
        Err(problem) => {
            notes.1.lock().expect("no test panicked in it").push(problem);
            reply(400, &json!({ "message": "not described" }))
        }
    })
    .await;
    for credential in [
        Credential::Token(SecretString::from("t0ken")),
        Credential::App { id: "12345".to_owned(), private_key: Key::new().pkcs1_pem() },
    ] {
        call_everything(&client(ForgeKind::Github, &server.url, credential)).await;
    }
    assert_eq!(*wrong.lock().expect("no test panicked in it"), Vec::<String>::new());
    let called = called.lock().expect("no test panicked in it").clone();
    let expected: BTreeSet<_> = OPERATIONS.into_iter().chain([CHANGING]).map(str::to_owned).collect();
    assert_eq!(called, expected);
}

async fn call_everything(github: &Client) {
    for state in [CommitState::Pending, CommitState::Success, CommitState::Failure, CommitState::Error] {
        github.set_status(&CommitStatus { state, ..status() }).await.expect("set");
    }
    let bare = CommitStatus { target_url: String::new(), description: String::new(), ..status() };
    github.set_status(&bare).await.expect("set");

    github.find_deployment(&deployment()).await.expect("a list");
    let number = github.create_deployment(&deployment()).await.expect("made");
    for state in [
        ForgeDeploymentState::Pending,
        ForgeDeploymentState::Queued,
        ForgeDeploymentState::InProgress,
        ForgeDeploymentState::Success,
        ForgeDeploymentState::Failure,
        ForgeDeploymentState::Error,
        ForgeDeploymentState::Inactive,
    ] {
        let told = DeploymentAtForge { state, ..deployment() };
        github.set_deployment_state(&told, number).await.expect("told");
    }

    assert!(!github.open_changes(REPOSITORY).await.expect("a list").is_empty());
    github.change(REPOSITORY, 7).await.expect("told");
    for method in MergeMethod::ALL {
        let order = MergeOrder { number: 7, head: &commit(), method, delete_branch: Some("topic") };
        github.merge(REPOSITORY, &order).await.expect("merged");
    }
    github.comment(REPOSITORY, 7, "It waits.").await.expect("made");
    assert!(github.may_write(REPOSITORY, "octocat").await.expect("told"));
    let hooks = github.hooks(REPOSITORY).await.expect("a list");
    let secret = SecretString::from("h00k-secret");
    for url in ["https://davit.example.com/hooks/gh", &hooks[0].url] {
        let new = NewHook { url, secret: &secret, signature: HookSignature::HmacSha256 };
        github.register_hook(REPOSITORY, &new).await.expect("set");
    }
    let hook = hooks[0].id;
    github.failed_deliveries(REPOSITORY, hook, Timestamp::from_millis(0)).await.expect("a list");
    github.redeliver(REPOSITORY, hook, 12_345_678).await.expect("accepted");
    github.add_deploy_key(REPOSITORY, "davit", "ssh-ed25519 AAAA davit").await.expect("added");
    assert_eq!(github.check(REPOSITORY).await.expect("visible").needs.len(), 6);
}

struct Description(Value);

impl Description {
    /// The operation that a request is, and its first success as the description shows it.
    fn answer(&self, seen: &Seen) -> Result<(String, Reply), String> {
        let (method, address) = seen.line.split_once(' ').expect("a method and an address");
        let url = Url::parse("http://x").and_then(|base| base.join(address)).expect("an address");
        let (template, operation) = self
            .find(&method.to_lowercase(), url.path())
            .ok_or_else(|| format!("{method} {} is not described", url.path()))?;
        self.check_path(template, operation, url.path())?;
        self.check_query(operation, &url)?;
        self.check_body(operation, &seen.body).map_err(|problem| format!("{}: {problem}", seen.line))?;
        Ok((text(&operation["operationId"]), self.example(operation, &seen.line)))
    }

    /// The template with the most words of its own that fits.
    fn find(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let fits = |template: &str| {
            let (known, asked): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            known.len() == asked.len()
                && known.iter().zip(&asked).all(|(known, asked)| known.starts_with('{') || known == asked)
        };
        let paths =
            self.0["paths"].as_object()?.iter().filter(|(template, item)| item.get(method).is_some() && fits(template));
        let (template, item) = paths.min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, &item[method]))
    }

    fn parameters<'a>(&'a self, operation: &'a Value, place: &str) -> Vec<&'a Value> {
        let all = operation["parameters"].as_array().into_iter().flatten().map(|parameter| self.resolve(parameter));
        all.filter(|parameter| parameter["in"] == place).collect()
    }

    fn check_path(&self, template: &str, operation: &Value, path: &str) -> Result<(), String> {
        for (known, asked) in template.split('/').zip(path.split('/')) {
            let Some(name) = known.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else { continue };
            let parameters = self.parameters(operation, "path");
            let parameter = parameters.iter().find(|parameter| parameter["name"] == name);
            let parameter = parameter.ok_or_else(|| format!("{template}: {name} is not described"))?;
            self.check_value(&parameter["schema"], &typed(asked))
                .map_err(|problem| format!("{template}: {problem}"))?;
        }
        Ok(())
    }

    fn check_query(&self, operation: &Value, url: &Url) -> Result<(), String> {
        let parameters = self.parameters(operation, "query");
        for (name, value) in url.query_pairs() {
            let parameter = parameters.iter().find(|parameter| parameter["name"] == name.as_ref());
            let parameter = parameter.ok_or_else(|| format!("{url}: {name} is not described"))?;
            self.check_value(&parameter["schema"], &typed(&value)).map_err(|problem| format!("{url}: {problem}"))?;
        }
        let missing = |parameter: &&&Value| {
            parameter["required"] == true && !url.query_pairs().any(|(name, _)| parameter["name"] == name.as_ref())
        };
        parameters.iter().find(missing).map_or(Ok(()), |parameter| Err(format!("{url}: without {}", parameter["name"])))
    }

    fn check_body(&self, operation: &Value, body: &Value) -> Result<(), String> {
        let described = &operation["requestBody"];
        match (described.is_null(), body.is_null()) {
            (true, true) => Ok(()),
            (true, false) => Err("it has a body, and none is described".to_owned()),
            (false, true) if described["required"] == true => Err("it has no body".to_owned()),
            (false, true) => Ok(()),
            (false, false) => self.check_value(&described["content"]["application/json"]["schema"], body),
        }
    }

    fn check_value(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.strict(schema, 0);
        let validator = jsonschema::draft4::new(&schema).map_err(|error| error.to_string())?;
        let problems: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        if problems.is_empty() { Ok(()) } else { Err(format!("{value}: {}", problems.join("; "))) }
    }

    /// A schema without references, as JSON Schema says `nullable`, and closed: what it doesn't name is wrong. Only an
    /// object that says that anything may be in it stays open.
    fn strict(&self, schema: &Value, depth: usize) -> Value {
        assert!(depth < 20, "a request's schema that is in itself");
        match self.resolve(schema) {
            Value::Object(members) => {
                let mut out: Map<_, _> =
                    members.iter().map(|(name, value)| (name.clone(), self.strict(value, depth + 1))).collect();
                if members.get("properties").is_some_and(Value::is_object)
                    && !members.contains_key("additionalProperties")
                {
                    out.insert("additionalProperties".to_owned(), false.into());
                }
                if members.get("nullable") == Some(&Value::Bool(true)) {
                    let kind = out.remove("type").unwrap_or_default();
                    out.insert("type".to_owned(), json!([kind, "null"]));
                }
                Value::Object(out)
            }
            Value::Array(list) => list.iter().map(|value| self.strict(value, depth + 1)).collect(),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other.clone(),
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).expect("a reference leads somewhere"),
            None => value,
        }
    }

    fn example(&self, operation: &Value, line: &str) -> Reply {
        let responses = operation["responses"].as_object().expect("responses");
        let successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
        let (status, response) = successes.min_by_key(|(status, _)| status.as_str()).expect("a success");
        let content = &self.resolve(response)["content"]["application/json"];
        let examples = content["examples"].as_object().and_then(|examples| examples.values().next());
        let mut example = examples.map_or(json!({}), |example| self.resolve(example)["value"].clone());
        // GitHub's example account may do nothing in this repository; without its role everything is tried.
        if line == "GET /repos/acme/shop"
            && let Some(members) = example.as_object_mut()
        {
            members.remove("permissions");
        }
        reply(status.parse().expect("a status"), &example)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// Numbers and booleans of an address are text there.
fn typed(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => text.into(),
    }
}
