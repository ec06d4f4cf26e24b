//! The same calls against all four forges that keep state: what was asked for is what is there afterwards, also when
//! an answer gets lost on the way.

use crate::calls_server::{self, REPOSITORY, Server, commit, deployment, reply, retry, status};
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use davit_domain::ids::DeploymentId;
use davit_domain::status::{CommitState, CommitStatus};
use davit_domain::time::Timestamp;
use davit_forge::{Client, Credential, NewHook};
use davit_testkit::fake_forge::{Access, FakeForge, Fault, NewPullRequest, NewPush, Permission};
use secrecy::SecretString;
use serde_json::json;

const ALL: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];
const WITH_DEPLOYMENTS: [ForgeKind; 2] = [ForgeKind::Github, ForgeKind::Gitlab];

async fn forge(kind: ForgeKind) -> (FakeForge, Client) {
    let fake = FakeForge::start(kind).await;
    fake.add_repository(REPOSITORY, Access::Admin);
    let client = calls_server::client(kind, &fake.api_url(), Credential::Token(SecretString::from(fake.token())));
    (fake, client)
}

#[tokio::test]
async fn statuses_arrive_whatever_was_lost_on_the_way() {
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        let states = [CommitState::Pending, CommitState::Pending, CommitState::Success, CommitState::Failure];
        for state in states {
            let wanted = CommitStatus { state, ..status() };
            fake.fail_where("POST", 1, &Fault::DropAfter);
            fake.fail_where("PATCH", 1, &Fault::DropAfter);
            while let Err(error) = client.set_status(&wanted).await {
                assert_eq!(retry::<()>(Err(error)).0, None, "{kind:?}");
            }
            let set = fake.statuses(REPOSITORY, &commit());
            let last = set.iter().rfind(|status| status.context == wanted.context).expect("a status");
            assert_eq!(last.state, state, "{kind:?}");
            assert_eq!(last.target_url, wanted.target_url, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_deployment_is_made_once_whatever_was_lost_on_the_way() {
    for kind in WITH_DEPLOYMENTS {
        let (fake, client) = forge(kind).await;
        let wanted = deployment();
        assert_eq!(client.find_deployment(&wanted).await, Ok(None), "{kind:?}");
        fake.fail_where("POST", 1, &Fault::DropAfter);
        retry(client.create_deployment(&wanted).await);
        let number = client.find_deployment(&wanted).await.expect("a list").expect("it was made");
        for state in [ForgeDeploymentState::InProgress, ForgeDeploymentState::Success] {
            let told = DeploymentAtForge { state, ..wanted.clone() };
            for method in ["POST", "PUT"] {
                fake.fail_where(method, 1, &Fault::DropAfter);
            }
            while client.set_deployment_state(&told, number).await.is_err() {}
        }
        let there = fake.deployments(REPOSITORY);
        assert_eq!(there.len(), 1, "{kind:?}");
        assert_eq!((there[0].number, there[0].sha.as_str()), (number, commit().as_str()));
        assert_eq!(there[0].environment, "production");
        assert_eq!(there[0].state(), "success", "{kind:?}");
    }
}

#[tokio::test]
async fn something_newer_takes_the_place_of_what_waits_and_of_what_was_good() {
    for (kind, waiting, good) in
        [(ForgeKind::Github, "inactive", "inactive"), (ForgeKind::Gitlab, "canceled", "success")]
    {
        let (fake, client) = forge(kind).await;
        let queued = DeploymentAtForge { state: ForgeDeploymentState::Queued, ..deployment() };
        let number = client.create_deployment(&queued).await.expect("made");
        client.set_deployment_state(&queued, number).await.expect("told");
        let inactive = DeploymentAtForge { state: ForgeDeploymentState::Inactive, ..queued.clone() };
        client.set_deployment_state(&inactive, number).await.expect("told");

        let next = DeploymentAtForge { deployment: DeploymentId(18), state: ForgeDeploymentState::Success, ..queued };
        let number = client.create_deployment(&next).await.expect("made");
        client.set_deployment_state(&next, number).await.expect("told");
        let inactive = DeploymentAtForge { state: ForgeDeploymentState::Inactive, ..next };
        client.set_deployment_state(&inactive, number).await.expect("told");
        let states: Vec<_> = fake.deployments(REPOSITORY).iter().map(|one| one.state().to_owned()).collect();
        assert_eq!(states, [waiting, good], "{kind:?}");
    }
}

#[tokio::test]
async fn open_changes_are_those_that_are_open() {
    let head = commit();
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        assert_eq!(client.open_changes(REPOSITORY).await, Ok(Vec::new()), "{kind:?}");
        for number in 1..=120 {
            fake.open_change(&NewPullRequest {
                repository: REPOSITORY,
                number,
                action: "opened",
                title: "Add the cart",
                author: "ada",
                head_repository: Some(if number % 2 == 0 { "ada/shop" } else { REPOSITORY }),
                head_branch: "cart",
                head: &head,
                base_branch: "main",
                draft: number == 7,
                merge_commit: None,
            });
        }
        fake.close_change(REPOSITORY, 60);
        let mut changes = client.open_changes(REPOSITORY).await.expect("a list");
        changes.sort_by_key(|change| change.number);
        let numbers: Vec<_> = changes.iter().map(|change| change.number).collect();
        let expected: Vec<_> = (1..=120).filter(|number| *number != 60).collect();
        assert_eq!(numbers, expected, "{kind:?}");
        for change in changes {
            assert_eq!((change.repository.as_str(), &change.head), (REPOSITORY, &head), "{kind:?}");
            assert_eq!((change.from_fork, change.draft), (change.number % 2 == 0, change.number == 7), "{kind:?}");
            assert_eq!((change.head_branch.as_str(), change.base_branch.as_str()), ("cart", "main"), "{kind:?}");
        }
    }
}

fn signatures(kind: ForgeKind) -> Vec<(HookSignature, SecretString)> {
    let secret = |signature: &HookSignature| match signature {
        HookSignature::StandardWebhooks => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
        HookSignature::HmacSha256 | HookSignature::HmacSha1 | HookSignature::Token | HookSignature::Timestamp => {
            "a-secret-of-32-characters-or-so-x"
        }
    };
    kind.signatures().iter().map(|signature| (*signature, SecretString::from(secret(signature)))).collect()
}

#[tokio::test]
async fn a_hook_is_there_once_and_delivers_what_davit_understands() {
    for kind in ALL {
        for (signature, secret) in signatures(kind) {
            let (fake, client) = forge(kind).await;
            let new = NewHook { url: "https://davit.example.com/hooks/x", secret: &secret, signature };
            fake.fail_where("POST", 1, &Fault::DropAfter);
            retry(client.register_hook(REPOSITORY, &new).await);
            let set = client.register_hook(REPOSITORY, &new).await.expect("set");
            let there = fake.hooks(REPOSITORY);
            assert_eq!(there.len(), 1, "{kind:?}");
            assert_eq!((there[0].id, there[0].url.as_str(), there[0].active), (set.id, new.url, true), "{kind:?}");
            assert!(!there[0].form && !there[0].secret.is_empty(), "{kind:?}");
            let signs = matches!(signature, HookSignature::StandardWebhooks | HookSignature::Timestamp);
            if matches!(kind, ForgeKind::Gitlab | ForgeKind::Gitee) {
                assert_eq!(there[0].signs, signs, "{kind:?} {signature:?}");
            }
            let listed = client.hooks(REPOSITORY).await.expect("a list");
            assert_eq!((listed.len(), listed[0].id, listed[0].active), (1, set.id, true), "{kind:?}");
            assert!(listed[0].events.iter().any(|event| event.starts_with("push")), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn what_never_arrived_is_found_and_comes_again() {
    let (before, after) = ("f".repeat(40).parse().expect("a SHA"), commit());
    for kind in WITH_DEPLOYMENTS {
        let (fake, client) = forge(kind).await;
        let receiver = Server::answering(|_| reply(202, &json!({}))).await;
        let url = format!("{}/hooks/x", receiver.url);
        let hook = fake.add_hook(REPOSITORY, &url);
        let push = |git_ref| {
            let (before, after) = (Some(&before), Some(&after));
            fake.push_delivery(&NewPush { repository: REPOSITORY, git_ref, before, after, message: "x", pusher: "ada" })
        };
        let (arrives, lost) = (push("refs/heads/main"), push("refs/heads/develop"));
        fake.send(REPOSITORY, &arrives).await;
        fake.lose(REPOSITORY, &lost);

        let since = Timestamp::from_millis(0);
        let failed = client.failed_deliveries(REPOSITORY, hook, since).await.expect("a list");
        assert_eq!(failed.len(), 1, "{kind:?}");
        assert_eq!(failed[0].guid, lost.id(), "{kind:?}");
        client.redeliver(REPOSITORY, hook, failed[0].id).await.expect("accepted");
        fake.until(|fake| (fake.attempts(REPOSITORY).len() == 3).then_some(())).await;
        assert_eq!(receiver.seen().len(), 2, "{kind:?}");
        assert_eq!(client.failed_deliveries(REPOSITORY, hook, since).await, Ok(Vec::new()), "{kind:?}");
    }
}

#[tokio::test]
async fn a_deploy_key_is_there_once() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHoXZ1sW5VdXbYk1m3o0Q0c8GQfZf0m0p0q0r0s0t0u0 davit";
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        for _ in 0..2 {
            client.add_deploy_key(REPOSITORY, "davit", key).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        }
        let there = fake.deploy_keys(REPOSITORY);
        assert_eq!(there.len(), 1, "{kind:?}");
        assert!(there[0].read_only && there[0].title == "davit", "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_withheld_is_what_is_said_to_be_missing() {
    for (kind, withheld, what) in [
        (ForgeKind::Github, Permission::Hooks, "set its webhook and ask for what that missed"),
        (ForgeKind::Github, Permission::Deployments, "report deployments"),
        (ForgeKind::Github, Permission::Changes, "see pull requests"),
        (ForgeKind::Gitea, Permission::Hooks, "set its webhook"),
        (ForgeKind::Gitea, Permission::Changes, "see pull requests"),
        (ForgeKind::Gitee, Permission::Hooks, "set its webhook"),
        (ForgeKind::Gitee, Permission::Changes, "see pull requests"),
    ] {
        let (fake, client) = forge(kind).await;
        let missing = async || {
            let access = client.check(REPOSITORY).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            assert_eq!((access.repository.as_str(), access.default_branch.as_str()), (REPOSITORY, "main"), "{kind:?}");
            let missing = access.needs.into_iter().filter(|need| need.granted == Some(false));
            missing.map(|need| need.what).collect::<Vec<_>>()
        };
        assert_eq!(missing().await, [""; 0], "{kind:?}");
        fake.deny(REPOSITORY, withheld);
        assert_eq!(missing().await, [what], "{kind:?} {withheld:?}");
    }
    for kind in ALL {
        let (fake, client) = forge(kind).await;
        fake.add_repository(REPOSITORY, Access::Read);
        let access = client.check(REPOSITORY).await.expect("visible");
        let writes =
            access.needs.iter().filter(|need| need.what.starts_with("set ") || need.what.starts_with("report"));
        assert!(writes.clone().count() > 1 && writes.clone().all(|need| need.granted == Some(false)), "{kind:?}");
    }
}

#[tokio::test]
async fn an_app_does_all_of_it() {
    let fake = FakeForge::start(ForgeKind::Github).await;
    fake.add_repository(REPOSITORY, Access::Admin);
    let app = fake.create_app("acme");
    let credential = Credential::App { id: app.id.clone(), private_key: SecretString::from(app.private_key.clone()) };
    let client = calls_server::client(ForgeKind::Github, &fake.api_url(), credential);
    client.set_status(&status()).await.expect("set");
    fake.revoke_installation_tokens();
    let number = client.create_deployment(&deployment()).await.expect("made with a new token");
    client.set_deployment_state(&deployment(), number).await.expect("told");
    let access = client.check(REPOSITORY).await.expect("visible");
    assert!(access.needs.iter().all(|need| need.granted == Some(true)), "{access:?}");
    assert!(client.git_token(REPOSITORY).await.expect("a token").is_some());

    let elsewhere = CommitStatus { repository: "ada/blog".to_owned(), ..status() };
    fake.add_repository("ada/blog", Access::Admin);
    let (_, detail) = calls_server::permanent(client.set_status(&elsewhere).await);
    assert!(detail.contains("Install the App for this repository's owner"), "{detail}");
}
