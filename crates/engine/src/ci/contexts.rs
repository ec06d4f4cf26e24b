//! The contexts of expressions that the server knows: `github` and `vars`. What belongs to the machine (`runner`,
//! `job`, `steps`, paths) is the runner's.
//!
//! Accepted: `github.run_number` is davit's number of the run, which grows as GitHub's does, but counts all workflows
//! together. `github.token` is empty: davit gives no job a credential of the forge.

use super::event::{Subject, short_ref};
use davit_ci::Value;
use davit_domain::config::RepositorySettings;
use davit_domain::ids::{CommitSha, RunId};
use davit_domain::variables;
use std::collections::BTreeMap;

/// What `github` is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) subject: &'a Subject,
    pub(super) run: RunId,
    pub(super) attempt: i64,
    /// The workflow's name.
    pub(super) workflow: &'a str,
    pub(super) workflow_file: &'a str,
    pub(super) git_ref: &'a str,
    pub(super) head: &'a CommitSha,
    /// Login of who caused it.
    pub(super) actor: &'a str,
    /// The job's key, in a job.
    pub(super) job: Option<&'a str>,
}

/// The context `github`.
pub(super) fn github(facts: &Facts<'_>) -> Value {
    let Facts { subject, run, attempt, workflow, workflow_file, git_ref, head, actor, job } = *facts;
    let web = &subject.web;
    let (ref_name, ref_type) = short_ref(git_ref);
    let text = |text: &str| Value::from(text);
    let mut entries = vec![
        ("actor", text(actor)),
        ("triggering_actor", text(actor)),
        ("event_name", text(&subject.event_name)),
        ("event", from_json(&subject.event)),
        ("ref", text(git_ref)),
        ("ref_name", text(ref_name)),
        ("ref_type", text(ref_type)),
        ("ref_protected", Value::Bool(false)),
        ("head_ref", text(&subject.head_ref)),
        ("base_ref", text(&subject.base_ref)),
        ("sha", text(head.as_str())),
        ("repository", text(&web.name)),
        ("repository_owner", text(web.owner())),
        ("repositoryUrl", Value::from(format!("{}/{}.git", web.server, web.name))),
        ("run_id", Value::from(run.to_string())),
        ("run_number", Value::from(run.to_string())),
        ("run_attempt", Value::from(attempt.to_string())),
        ("workflow", text(workflow)),
        ("workflow_ref", Value::from(format!("{}/{workflow_file}@{git_ref}", web.name))),
        ("workflow_sha", text(head.as_str())),
        ("server_url", text(&web.server)),
        ("api_url", text(&web.api)),
        ("graphql_url", text("")),
        ("token", text("")),
    ];
    entries.extend(job.map(|job| ("job", text(job))));
    Value::object(entries)
}

/// The context `vars`: of the repository, and over them those of the environment.
pub(super) fn vars(settings: &RepositorySettings, environment: Option<&str>) -> Value {
    let mut all = BTreeMap::new();
    let own = environment.and_then(|name| settings.environment(name)).map(|environment| &environment.variables);
    for text in std::iter::once(&settings.variables).chain(own) {
        // Checked when the configuration was read.
        all.extend(variables::parse(text).unwrap_or_default());
    }
    Value::object(all)
}

/// The same value, as expressions see it.
pub(super) fn from_json(value: &serde_json::Value) -> Value {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use davit_domain::config::RepositoryEnvironment;

    #[test]
    fn variables_of_the_environment_go_before_those_of_the_repository() {
        let mut settings = RepositorySettings::new("github".parse().expect("an id"), "acme/shop");
        settings.variables = "A=1\nB=1".to_owned();
        let production = RepositoryEnvironment { variables: "B=2".to_owned(), ..RepositoryEnvironment::default() };
        settings.environments.insert("production".to_owned(), production);
        let of = |environment| {
            let vars = vars(&settings, environment);
            [vars.get("A").cloned(), vars.get("B").cloned()].map(|value| value.map(|value| value.to_string()))
        };
        assert_eq!(of(None), [Some("1".to_owned()), Some("1".to_owned())]);
        assert_eq!(of(Some("Production")), [Some("1".to_owned()), Some("2".to_owned())]);
        assert_eq!(of(Some("staging")), of(None));
    }
}
