//! Which releases an event asks for.

use davit_domain::config::{Configuration, parse};
use davit_domain::decide::{Decision, Known, on_event};
use davit_domain::event::{ChangeAction, ChangeEvent, ForgeEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use proptest::prelude::*;

const CONFIGURATION: &str = r#"
[[forge]]
id = "github"
kind = "github"
webhook_secret = { env = "S" }

[[forge]]
id = "other"
kind = "github"
webhook_secret = { env = "S" }

[[environment]]
key = "staging"

[[environment]]
key = "production"
branches = ["main", "release/*"]

[[host]]
name = "web-1"
address = "10.0.0.1"
user = "deploy"
labels = ["web"]
environments = ["staging", "production"]

[[app]]
key = "shop"
repository = { forge = "github", name = "Acme/Shop" }

[[app.release]]
environment = "staging"
hosts = ["web-1"]
deploy_path = "/srv/staging"
releases_path = "/data"
auto = { on = "push", branches = ["**"] }

[[app.release]]
environment = "production"
hosts = ["web-1"]
deploy_path = "/srv/production"
releases_path = "/data"
auto = { on = "push", branches = ["**"] }

[[app]]
key = "docs"
repository = { forge = "github", name = "acme/docs" }

[[app.release]]
environment = "staging"
hosts = ["web-1"]
deploy_path = "/srv/docs"
releases_path = "/data"
auto = { on = "tag", branches = ["v*"] }

[[app]]
key = "tools"
repository = { forge = "github", name = "acme/tools" }

[[app.release]]
environment = "production"
hosts = ["web-1"]
deploy_path = "/srv/tools"
releases_path = "/data"
auto = { on = "merge", branches = ["main"] }
"#;

fn configuration() -> Configuration {
    parse(CONFIGURATION, &Configuration::default()).expect("a valid configuration").configuration
}

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a SHA")
}

fn push(repository: &str, git_ref: GitRef, after: Option<CommitSha>) -> ForgeEvent {
    ForgeEvent::Push(Push {
        repository: repository.into(),
        git_ref,
        before: Some(sha('1')),
        after,
        pusher: "ada".into(),
        title: "Fix it".into(),
    })
}

fn merged(base_branch: &str, action: ChangeAction, merge_commit: Option<CommitSha>) -> ForgeEvent {
    ForgeEvent::Change(ChangeEvent {
        repository: "acme/tools".into(),
        number: 7,
        action,
        title: "Better tools".into(),
        author: "ada".into(),
        head: sha('2'),
        head_branch: "better".into(),
        base_branch: base_branch.into(),
        from_fork: true,
        draft: false,
        merge_commit,
        word: None,
    })
}

fn branch(name: &str) -> GitRef {
    GitRef::Branch(name.into())
}

/// `app/environment commit`, or why not.
fn decided(forge: &str, event: &ForgeEvent) -> String {
    match on_event(&configuration(), &forge.parse().expect("an id"), event, &Known::default()) {
        Decision::Ignore { reason } => format!("ignored: {reason}"),
        Decision::Release(wanted) => wanted
            .iter()
            .map(|release| format!("{}/{} {}", release.app, release.environment, release.commit.short()))
            .collect::<Vec<_>>()
            .join(", "),
        other @ (Decision::Note(_) | Decision::Record(_)) => panic!("{other:?} of an event that starts releases"),
    }
}

#[test]
fn what_events_ask_for() {
    let main = push("acme/shop", branch("main"), Some(sha('a')));
    let table = [
        decided("github", &main),
        decided("other", &main),
        decided("github", &push("acme/shop", branch("feature/x"), Some(sha('a')))),
        decided("github", &push("acme/shop", branch("release/2"), Some(sha('a')))),
        decided("github", &push("acme/shop", branch("main"), None)),
        decided("github", &push("acme/shop", GitRef::Tag("v1".into()), Some(sha('a')))),
        decided("github", &push("acme/docs", GitRef::Tag("v1".into()), Some(sha('a')))),
        decided("github", &push("acme/docs", GitRef::Tag("nightly".into()), Some(sha('a')))),
        decided("github", &push("acme/docs", branch("main"), Some(sha('a')))),
        decided("github", &push("acme/unknown", branch("main"), Some(sha('a')))),
        decided("github", &merged("main", ChangeAction::Merged, Some(sha('c')))),
        decided("github", &merged("next", ChangeAction::Merged, Some(sha('c')))),
        decided("github", &merged("main", ChangeAction::Closed, None)),
        decided("github", &merged("main", ChangeAction::Updated, None)),
        decided("github", &ForgeEvent::Ping { message: "Keep it logically awesome".into() }),
        decided("github", &ForgeEvent::Other { name: "star".into() }),
    ]
    .join("\n");
    insta::assert_snapshot!(table, @r#"
    shop/staging aaaaaaa, shop/production aaaaaaa
    ignored: no app uses the repository acme/shop
    shop/staging aaaaaaa
    shop/staging aaaaaaa, shop/production aaaaaaa
    ignored: a deleted branch or tag is never released
    ignored: no release config of shop starts by itself on this
    docs/staging aaaaaaa
    ignored: no release config of docs starts by itself on this
    ignored: no release config of docs starts by itself on this
    ignored: no app uses the repository acme/unknown
    tools/production ccccccc
    ignored: no release config of tools starts by itself on this
    ignored: only a merged change starts a release
    ignored: only a merged change starts a release
    ignored: a ping: the hook works
    ignored: davit does nothing about "star" events
    "#);
}

proptest! {
    /// Whatever is pushed where: what is released is the pushed commit, and never to an environment that does not take
    /// the branch.
    #[test]
    fn only_the_pushed_commit_and_only_where_it_may_go(
        name in "[a-z]{1,8}(/[a-z]{1,8})?",
        tag in any::<bool>(),
        deleted in any::<bool>(),
        repository in prop_oneof!["acme/shop", "ACME/SHOP", "acme/docs", "acme/tools", "eve/shop"],
    ) {
        let git_ref = if tag { GitRef::Tag(name.clone()) } else { GitRef::Branch(name.clone()) };
        let after = (!deleted).then(|| sha('d'));
        let event = push(&repository, git_ref, after.clone());
        if let Decision::Release(wanted) = on_event(&configuration(), &"github".parse().expect("an id"), &event, &Known::default()) {
            prop_assert!(!deleted && !wanted.is_empty() && !repository.starts_with("eve"));
            for release in wanted {
                prop_assert_eq!(Some(&release.commit), after.as_ref());
                let production = release.environment.as_str() == "production";
                prop_assert!(!production || name == "main" || name.starts_with("release/"));
            }
        }
    }
}
