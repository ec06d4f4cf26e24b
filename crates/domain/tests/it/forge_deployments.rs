//! Deployments that others make at a forge, what they say about them, and checks of commits.

use davit_domain::config::{Configuration, parse};
use davit_domain::decide::{Decision, Known, Note, on_event};
use davit_domain::deployment_at_forge::{ForgeDeploymentState, Mark};
use davit_domain::event::{CheckEvent, DeploymentEvent, DeploymentStatusEvent, ForgeEvent, GitRef, MergeGroupEvent};
use davit_domain::ids::{CommitSha, DeploymentId, RequestId};
use davit_domain::status::CommitState;
use proptest::prelude::*;

const CONFIGURATION: &str = r#"
[[forge]]
id = "github"
kind = "github"

[[forge]]
id = "lab"
kind = "gitlab"

[[environment]]
key = "staging"

[[environment]]
key = "production"
forge_name = "prod-eu"
branches = ["main", "release/*"]

[[host]]
name = "web-1"
kind = "local"

[[app]]
key = "shop"
repository = { forge = "github", name = "Acme/Shop" }

[[app.release]]
environment = "staging"
hosts = ["web-1"]
deploy_path = "/srv/staging"
releases_path = "/data"
auto = { on = "deployment_event", branches = ["main", "feature/*"] }

[[app.release]]
environment = "production"
hosts = ["web-1"]
deploy_path = "/srv/production"
releases_path = "/data"
auto = { on = "deployment_event" }

[[app]]
key = "admin"
repository = { forge = "github", name = "acme/shop" }

[[app.release]]
environment = "staging"
hosts = ["web-1"]
deploy_path = "/srv/admin"
releases_path = "/data"
auto = { on = "push" }

[[app]]
key = "tools"
repository = { forge = "lab", name = "acme/group/tools" }

[[app.release]]
environment = "production"
hosts = ["web-1"]
deploy_path = "/srv/tools"
releases_path = "/data"
auto = { on = "deployment_event" }
"#;

const STATES: [ForgeDeploymentState; 7] = [
    ForgeDeploymentState::Pending,
    ForgeDeploymentState::Queued,
    ForgeDeploymentState::InProgress,
    ForgeDeploymentState::Success,
    ForgeDeploymentState::Failure,
    ForgeDeploymentState::Error,
    ForgeDeploymentState::Inactive,
];

fn configuration() -> Configuration {
    parse(CONFIGURATION, &Configuration::default()).expect("a valid configuration").configuration
}

fn sha() -> CommitSha {
    "1a2b3c4d".repeat(5).parse().expect("a SHA")
}

fn deployment(repository: &str, environment: &str, reference: &str) -> DeploymentEvent {
    DeploymentEvent {
        repository: repository.into(),
        number: 42,
        environment: environment.into(),
        commit: sha(),
        reference: reference.into(),
        description: "Ship it".into(),
        by: "ada".into(),
        payload: String::new(),
        state: ForgeDeploymentState::Pending,
    }
}

fn to_staging() -> DeploymentEvent {
    deployment("acme/shop", "staging", "main")
}

fn status(environment: &str, description: &str) -> ForgeEvent {
    ForgeEvent::DeploymentStatus(DeploymentStatusEvent {
        repository: "acme/shop".into(),
        deployment: 42,
        environment: environment.into(),
        commit: sha(),
        state: ForgeDeploymentState::Failure,
        description: description.into(),
        by: "ada".into(),
    })
}

fn check(repository: &str, name: &str) -> ForgeEvent {
    ForgeEvent::Check(CheckEvent {
        repository: repository.into(),
        commit: sha(),
        name: name.into(),
        state: CommitState::Success,
        description: String::new(),
        target_url: String::new(),
        at: None,
    })
}

fn decision(forge: &str, event: &ForgeEvent, known: &Known) -> Decision {
    on_event(&configuration(), &forge.parse().expect("an id"), event, known)
}

/// What is done, in a line.
fn told(decision: Decision) -> String {
    match decision {
        Decision::Ignore { reason } => format!("ignored: {reason}"),
        Decision::Note(Note { apps, environment, sentence }) => {
            let apps: Vec<String> = apps.iter().map(ToString::to_string).collect();
            let environment = environment.map(|key| format!("/{key}")).unwrap_or_default();
            format!("noted of {}{environment}: {sentence}", apps.join(", "))
        }
        Decision::Record(check) => format!("recorded: {}", check.name),
        Decision::Release(wanted) => wanted
            .iter()
            .map(|release| {
                let from = release.git_ref.as_ref().map_or_else(|| release.commit.to_string(), GitRef::full);
                let asked = release.forge_deployment.unwrap_or_default();
                let held_by = match release.held_by.is_empty() {
                    true => String::new(),
                    false => format!(" if {} holds it", release.held_by.join(" or ")),
                };
                format!(
                    "{}/{} {from} {:?} by {} ({asked}){held_by}",
                    release.app, release.environment, release.title, release.by
                )
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn decided(forge: &str, event: DeploymentEvent) -> String {
    told(decision(forge, &ForgeEvent::Deployment(event), &Known::default()))
}

#[test]
fn deployments_that_others_make() {
    let full_sha = "1a2b3c4d".repeat(5);
    let table = [
        decided("github", to_staging()),
        decided("github", deployment("ACME/SHOP", "Staging", "feature/x")),
        decided("github", deployment("acme/shop", "staging", "refs/heads/main")),
        decided("github", deployment("acme/shop", "staging", "v1.0")),
        decided("github", deployment("acme/shop", "staging", "refs/tags/v1.0")),
        decided("github", deployment("acme/shop", "staging", &full_sha)),
        decided("github", deployment("acme/shop", "staging", "1A2B3C4")),
        decided("github", deployment("acme/shop", "prod-eu", "main")),
        decided("github", deployment("acme/shop", "PRODUCTION", "release/2")),
        decided("github", deployment("acme/shop", "production", "feature/x")),
        decided("github", deployment("acme/shop", "production", &full_sha)),
        decided("github", deployment("acme/shop", "production", "refs/pull/1/head")),
        decided("github", deployment("acme/shop", "review-7", "main")),
        decided("github", deployment("acme/unknown", "review-7", "main")),
        decided("github", deployment("acme/unknown", "staging", "main")),
        decided("lab", to_staging()),
        decided("lab", deployment("acme/group/tools", "staging", "main")),
        decided("lab", deployment("acme/group/tools", "production", "main")),
        decided("github", DeploymentEvent { description: String::new(), ..to_staging() }),
    ]
    .join("\n");
    insta::assert_snapshot!(table, @r#"
        shop/staging refs/heads/main "Ship it" by ada (42)
        shop/staging refs/heads/feature/x "Ship it" by ada (42)
        shop/staging refs/heads/main "Ship it" by ada (42)
        ignored: no release config of shop, admin starts by itself on this
        shop/staging refs/tags/v1.0 "Ship it" by ada (42)
        shop/staging 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d "Ship it" by ada (42)
        shop/staging 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d "Ship it" by ada (42)
        shop/production refs/heads/main "Ship it" by ada (42) if main or release/* holds it
        shop/production refs/heads/release/2 "Ship it" by ada (42) if main or release/* holds it
        ignored: environment production does not take this branch
        shop/production 1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d "Ship it" by ada (42) if main or release/* holds it
        ignored: environment production does not take this branch
        ignored: no environment is called "review-7" at forges: give one this `forge_name`
        ignored: no app uses the repository acme/unknown
        ignored: no app uses the repository acme/unknown
        ignored: no app uses the repository acme/shop
        ignored: no release config of tools starts by itself on this
        tools/production refs/heads/main "Ship it" by ada (42) if main or release/* holds it
        shop/staging refs/heads/main "main to staging, asked for at github" by ada (42)
    "#);
}

#[test]
fn what_davit_knows_counts_for_more_than_looks() {
    let known_as = |git_ref| {
        let known = Known { git_ref: Some(git_ref), ..Known::default() };
        let event = |environment| ForgeEvent::Deployment(deployment("acme/shop", environment, "v1.0"));
        ["staging", "production"].map(|environment| told(decision("github", &event(environment), &known))).join("\n")
    };
    insta::assert_snapshot!(known_as(GitRef::Tag("v1.0".into())), @r#"
        shop/staging refs/tags/v1.0 "Ship it" by ada (42)
        shop/production refs/tags/v1.0 "Ship it" by ada (42) if main or release/* holds it
    "#);
    insta::assert_snapshot!(known_as(GitRef::Branch("v1.0".into())), @r"
        ignored: no release config of shop, admin starts by itself on this
        ignored: environment production does not take this branch
    ");
}

#[test]
fn davit_does_not_follow_its_own_voice() {
    let mark = Mark { deployment: DeploymentId(7), server: "https://davit.example.com".into() };
    let marked = DeploymentEvent { payload: mark.to_json().to_string(), ..to_staging() };
    let known = |known: Known| told(decision("github", &ForgeEvent::Deployment(to_staging()), &known));
    let ended = |state| decided("github", DeploymentEvent { state, ..to_staging() });
    let table = [
        decided("github", marked),
        decided("github", DeploymentEvent { payload: r#"{"davit":"no mark"}"#.into(), ..to_staging() }),
        known(Known { deployment: Some(DeploymentId(7)), ..Known::default() }),
        known(Known { request: Some(RequestId(3)), ..Known::default() }),
        known(Known { telling: true, ..Known::default() }),
        ended(ForgeDeploymentState::InProgress),
        ended(ForgeDeploymentState::Success),
        ended(ForgeDeploymentState::Inactive),
    ]
    .join("\n");
    insta::assert_snapshot!(table, @r#"
        ignored: deployment 7 of https://davit.example.com tells the forge about itself here
        shop/staging refs/heads/main "Ship it" by ada (42)
        ignored: this is what davit told the forge about its deployment 7
        ignored: request 3 was made for this deployment before
        ignored: davit itself is telling the forge about this release
        shop/staging refs/heads/main "Ship it" by ada (42)
        noted of shop, admin/staging: ada deployed 1a2b3c4 to staging at github: success
        noted of shop, admin/staging: ada deployed 1a2b3c4 to staging at github: inactive
    "#);
}

#[test]
fn what_others_say() {
    let table = [
        told(decision("github", &status("prod-eu", "it burns"), &Known::default())),
        told(decision("github", &status("review-7", ""), &Known::default())),
        told(decision("lab", &status("prod-eu", ""), &Known::default())),
        told(decision(
            "github",
            &status("prod-eu", ""),
            &Known { deployment: Some(DeploymentId(7)), ..Known::default() },
        )),
        told(decision("github", &check("ACME/shop", "build"), &Known::default())),
        told(decision("github", &check("acme/shop", "Davit/Deploy/production"), &Known::default())),
        told(decision("github", &check("acme/shop", "davit/ci"), &Known::default())),
        told(decision("github", &check("acme/shop", "ä"), &Known::default())),
        told(decision("github", &check("acme/unknown", "build"), &Known::default())),
        told(decision(
            "github",
            &ForgeEvent::MergeGroup(MergeGroupEvent {
                repository: "acme/shop".into(),
                head: sha(),
                head_branch: "gh-readonly-queue/main/pr-1".into(),
                base_branch: "main".into(),
                requested: true,
            }),
            &Known::default(),
        )),
    ]
    .join("\n");
    insta::assert_snapshot!(table, @r"
        noted of shop, admin/production: ada at github about 1a2b3c4 in prod-eu: failure, it burns
        noted of shop, admin: ada at github about 1a2b3c4 in review-7: failure
        ignored: no app uses the repository acme/shop
        ignored: this is what davit told the forge about its deployment 7
        recorded: build
        ignored: this is a status that davit set: how a deployment goes is no check of the commit
        recorded: davit/ci
        recorded: ä
        ignored: no app uses the repository acme/unknown
        ignored: davit takes no part in the forge's merge queue
    ");
}

proptest! {
    /// Whatever is deployed at a forge: what is released is what it names, where a rule says so, and it says which
    /// deployment asked; and what was asked for or told once is not asked for again.
    #[test]
    fn nothing_is_released_that_no_rule_names(
        repository in prop_oneof!["acme/shop", "ACME/Shop", "acme/group/tools", "eve/shop"],
        environment in prop_oneof!["staging", "production", "prod-eu", "Prod-EU", "review"],
        reference in prop_oneof!["main", "v1", "release/[a-z]", "refs/tags/v1", "1a2b3c4d", "[a-z]{1,3}(/[a-z])?"],
        payload in prop_oneof!["", "\\{\\}", r#"\{"davit":\{"deployment":7,"server":"https://a"\}\}"#],
        state in prop::sample::select(&STATES),
        forge in prop_oneof!["github", "lab"],
        known in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let event = DeploymentEvent { payload, state, ..deployment(&repository, &environment, &reference) };
        let is_marked = Mark::read(&event.payload).is_some();
        let event = ForgeEvent::Deployment(event);
        let known = Known {
            deployment: known.0.then_some(DeploymentId(7)),
            request: known.1.then_some(RequestId(3)),
            telling: known.2,
            git_ref: None,
        };
        let is_known = known != Known::default();
        let first = decision(&forge, &event, &known);
        prop_assert_eq!(&decision(&forge, &event, &known), &first);
        if let Decision::Release(wanted) = first {
            prop_assert!(!is_known && !is_marked && !state.is_final() && !wanted.is_empty());
            prop_assert!(!repository.starts_with("eve") && environment != "review");
            for release in wanted {
                prop_assert_eq!(&release.commit, &sha());
                prop_assert_eq!(release.forge_deployment, Some(42));
                prop_assert_eq!(release.environment.as_str() == "staging", environment == "staging");
                prop_assert!(release.app.as_str() != "admin");
                prop_assert_eq!(release.held_by.is_empty(), environment == "staging");
                let branch = release.git_ref.as_ref().and_then(GitRef::branch);
                let prefix = if environment == "staging" { "feature/" } else { "release/" };
                let is_allowed = branch.is_none_or(|branch| branch == "main" || branch.starts_with(prefix));
                prop_assert!(is_allowed, "to {} from {:?}", release.environment, branch);
            }
            let asked = Known { request: Some(RequestId(1)), ..known };
            let is_ignored = matches!(decision(&forge, &event, &asked), Decision::Ignore { .. });
            prop_assert!(is_ignored);
        }
    }
}
