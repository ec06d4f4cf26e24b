//! What `[[repository]]` means, how it is planned, and how it is written back.

use super::*;
use crate::config::{
    ExecutorKind, ForkPolicy, JobLimits, MergeBy, MergeMethod, MergePolicy, PlanAction, RepositorySettings, SecretRef,
    export, merge, plan,
};
use crate::ids::ForgeId;

const FULL: &str = r#"[[forge]]
id = "hub"
kind = "github"
token = { env = "TOKEN" }

[[environment]]
key = "production"
require_green = ["davit/ci/*"]

[[environment]]
key = "staging"
require_green = true

[[environment]]
key = "test"
require_green = false

[[repository]]
forge = "hub"
name = "Acme/Shop"
url = "ssh://git@example.com/acme/shop"
executor = "host"
trusted = true
forks = "never"
memory = "4GiB"
cpus = 0.5
processes = 1000
disk = "20GiB"
output = "1MiB"
timeout = "1h30m"
keep_runs = "14d"
cache_size = "512MiB"
badge = true
variables = "MODE=test\n"
[repository.secrets]
NPM_TOKEN = { secret = "npm" }
[repository.environments.production]
variables = "MODE=live\n"
[repository.environments.production.secrets]
DEPLOY_KEY = { file = "deploy.key" }
[repository.merge]
by = ["label", "ui"]
label = "ship it"
blocking_labels = []
required = ["davit/ci/*", "jenkins"]
approvals = 2
method = "squash"
branches = ["main"]
delete_branch = true
queue = true

[[repository]]
forge = "hub"
name = "acme/docs"
"#;

fn hub() -> ForgeId {
    "hub".parse().expect("an id")
}

#[test]
fn everything_means_what_it_says() {
    let configuration = good(FULL);
    let shop = configuration.repository(&hub(), "acme/shop").expect("it is there in any case");
    assert_eq!(
        (shop.executor, shop.trusted, shop.network, shop.forks),
        (ExecutorKind::Host, true, true, ForkPolicy::Never)
    );
    let limits =
        JobLimits { memory: 4 << 30, millicpus: 500, processes: 1000, disk: 20 << 30, output: 1 << 20, timeout: 5400 };
    assert_eq!(shop.limits, limits);
    assert_eq!((shop.keep_runs_days, shop.keep_artifacts_days, shop.cache_size), (14, 14, 512 << 20));
    assert_eq!(shop.secrets["NPM_TOKEN"], SecretRef::Secret("npm".into()));
    let production = shop.environment("PRODUCTION").expect("it is there in any case");
    assert_eq!(production.variables, "MODE=live\n");
    assert_eq!(
        shop.merge,
        Some(MergePolicy {
            by: vec![MergeBy::Label, MergeBy::Ui],
            label: "ship it".into(),
            blocking_labels: Vec::new(),
            required: vec!["davit/ci/*".into(), "jenkins".into()],
            approvals: 2,
            method: MergeMethod::Squash,
            branches: vec!["main".into()],
            delete_branch: true,
            queue: true,
        })
    );
    assert_eq!(configuration.repositories[1], RepositorySettings::new(hub(), "acme/docs"));
    assert_eq!(configuration.repository(&"other".parse().expect("an id"), "acme/docs"), None);
    let green: Vec<_> = configuration.environments.iter().map(|place| place.require_green.clone()).collect();
    assert_eq!(green, [Some(vec!["davit/ci/*".to_owned()]), Some(Vec::new()), None]);
}

#[test]
fn jobs_secrets_are_looked_for_as_all_others_are() {
    let parsed = parse(FULL, &Configuration::default()).expect("a good file");
    let keys: Vec<String> = parsed.configuration.secret_refs().into_keys().collect();
    assert_eq!(keys, ["env:TOKEN", "file:deploy.key", "secret:npm"]);
    assert_eq!(parsed.secret_lines["file:deploy.key"], 40);
}

#[test]
fn an_export_says_it_again() {
    let stored = good(FULL);
    let text = export(&stored);
    assert_eq!(good(&text), stored);
    let (_, repositories) = text.split_once("[[repository]]").expect("there are some");
    insta::assert_snapshot!(repositories, @r#"

        forge = "hub"
        name = "Acme/Shop"
        url = "ssh://git@example.com/acme/shop"
        executor = "host"
        trusted = true
        forks = "never"
        memory = "4GiB"
        cpus = 0.5
        processes = 1000
        disk = "20GiB"
        output = "1MiB"
        timeout = "1h30m"
        keep_runs = "14d"
        cache_size = "512MiB"
        badge = true
        variables = """
        MODE=test
        """
        secrets = { NPM_TOKEN = { secret = "npm" } }
        environments = { "production" = { variables = "MODE=live\n", secrets = { DEPLOY_KEY = { file = "deploy.key" } } } }
        merge.by = ["label", "ui"]
        merge.label = "ship it"
        merge.blocking_labels = []
        merge.required = ["davit/ci/*", "jenkins"]
        merge.approvals = 2
        merge.method = "squash"
        merge.branches = ["main"]
        merge.delete_branch = true
        merge.queue = true

        [[repository]]
        forge = "hub"
        name = "acme/docs"
    "#);
}

#[test]
fn a_plan_says_what_changes_and_no_variable() {
    let stored = good(FULL);
    let wanted = good(
        &FULL
            .replace("Acme/Shop", "acme/shop")
            .replace("MODE=live", "MODE=hunter2")
            .replace("MODE=test", "MODE=hunter3")
            .replace("cpus = 0.5", "cpus = 1.25")
            .replace("approvals = 2\n", "")
            .replace("require_green = true", "require_green = [\"x\"]")
            .replace("[[repository]]\nforge = \"hub\"\nname = \"acme/docs\"\n", ""),
    );
    let line = |item: &crate::config::PlanItem| {
        format!("{:?} {} {}: {}", item.action, item.kind, item.name, item.changes.join("; "))
    };
    let text: Vec<String> =
        plan(&stored, &wanted, true).iter().filter(|item| item.action != PlanAction::Unchanged).map(line).collect();
    assert!(!text.join("").contains("hunter"), "{text:?}");
    insta::assert_snapshot!(text.join("\n"), @r#"
        Update environment staging: require_green: true → ["x"]
        Update repository hub/acme/shop: name: "Acme/Shop" → "acme/shop"; cpus: 0.5 → 1.25; variables: 1 line added, 1 removed; environments: 1 line added, 1 removed; merge.approvals: 2 → 0
        Delete repository hub/acme/docs:
    "#);
    let merged = merge(&stored, &wanted, false);
    let names: Vec<&str> = merged.repositories.iter().map(|repository| repository.name.as_str()).collect();
    assert_eq!(names, ["acme/shop", "acme/docs"]);
    assert_eq!(problems(&merged), Vec::<String>::new());
}
