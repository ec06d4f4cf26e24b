//! Plans and merges.

use super::*;
use crate::config::{PlanAction, export, merge, plan, problems};

const STORED: &str = r#"
[[forge]]
id = "github"
kind = "github"
token = { env = "TOKEN" }

[[environment]]
key = "test"

[[environment]]
key = "production"

[[host]]
name = "web"
address = "10.0.0.1"
user = "deploy"
jump = ["bastion"]

[[host]]
name = "bastion"
address = "192.0.2.1"
user = "jump"

[[app]]
key = "shop"
repository = { forge = "github", name = "acme/shop" }

[[app.release]]
environment = "test"
hosts = ["web"]
deploy_path = "/var/www/shop"
releases_path = "/data"
variables = "PASSWORD=hunter2\nMODE=a\n"
hooks.after_release = "one\ntwo\nthree\n"

[[app.release]]
environment = "production"
hosts = ["web"]
deploy_path = "/var/www/live"
releases_path = "/data"
"#;

fn shown(current: &Configuration, wanted: &Configuration, prune: bool) -> String {
    let items = plan(current, wanted, prune);
    let line = |item: &crate::config::PlanItem| {
        let action = match item.action {
            PlanAction::Create => "+",
            PlanAction::Update => "~",
            PlanAction::Delete => "-",
            PlanAction::Unchanged => "=",
        };
        [format!("{action} {} {}", item.kind, item.name)]
            .into_iter()
            .chain(item.changes.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_first_apply_creates_what_is_referred_to_first() {
    insta::assert_snapshot!(shown(&Configuration::default(), &good(STORED), false), @r"
        + forge github
        + environment test
        + environment production
        + host bastion
        + host web
        + app shop
        + release shop/test
        + release shop/production
    ");
}

#[test]
fn the_same_file_again_changes_nothing() {
    let stored = good(STORED);
    for prune in [false, true] {
        let again = good(&export(&stored));
        assert!(plan(&stored, &again, prune).iter().all(|item| item.action == PlanAction::Unchanged));
        assert_eq!(merge(&stored, &again, prune), stored);
    }
}

#[test]
fn an_update_says_what_changes_and_no_secret() {
    let stored = good(STORED);
    let text = STORED
        .replace("{ env = \"TOKEN\" }", "{ file = \"token\" }")
        .replace("key = \"production\"\n", "key = \"production\"\ncolor = \"#ff0000\"\nbranches = [\"main\"]\n")
        .replace("10.0.0.1\"", "10.0.0.2\"\nport = 2222")
        .replace(
            "{ forge = \"github\", name = \"acme/shop\" }",
            "{ url = \"https://me:hunter3@example.com/shop.git\" }",
        )
        .replace("hunter2", "hunter4")
        .replace("two\\nthree\\n", "2\\n2.5\\nthree\\n")
        .replace("/var/www/live\"", "/var/www/live\"\nkeep = 3\ntimeouts.step = \"1h30m\"");
    let plan = shown(&stored, &good(&text), false);
    assert!(!plan.contains("hunter"), "{plan}");
    insta::assert_snapshot!(plan, @r##"
        ~ forge github; token: { env = "TOKEN" } → { file = "token" }
        = environment test
        ~ environment production; color: none → "#ff0000"; branches: none → ["main"]
        = host bastion
        ~ host web; address: "10.0.0.1" → "10.0.0.2"; port: 22 → 2222
        ~ app shop; repository: { forge = "github", name = "acme/shop" } → { url = "https://***@example.com/shop.git" }
        ~ release shop/test; variables: 1 line added, 1 removed; hooks.after_release: 2 lines added, 1 removed
        ~ release shop/production; keep: 5 → 3; timeouts.step: "30m" → "1h30m"
    "##);
}

#[test]
fn without_prune_what_the_file_leaves_out_stays() {
    let stored = good(STORED);
    let app = "[[app]]\nkey = \"shop\"\nrepository = { url = \"x\" }\n[[app.release]]\nenvironment = \"test\"\n\
               hosts = [\"bastion\"]\ndeploy_path = \"/a\"\nreleases_path = \"/data\"\n[[environment]]\nkey = \"new\"\n";
    let wanted = parse(app, &stored).expect("a good addition").configuration;
    insta::assert_snapshot!(shown(&stored, &wanted, false), @r#"
        + environment new
        ~ app shop; repository: { forge = "github", name = "acme/shop" } → { url = "x" }
        ~ release shop/test; hosts: ["web"] → ["bastion"]; deploy_path: "/var/www/shop" → "/a"; variables: 0 lines added, 2 removed; hooks.after_release: 0 lines added, 3 removed
    "#);
    let merged = merge(&stored, &wanted, false);
    assert_eq!(merged.hosts, stored.hosts);
    assert_eq!(merged.environments.len(), 3);
    assert_eq!(merged.apps[0].releases.len(), 2);
    assert_eq!(merged.apps[0].releases[0].deploy_path, "/a");
    assert_eq!(merged.apps[0].releases[1], stored.apps[0].releases[1]);
    assert_eq!(problems(&merged), Vec::<String>::new());
}

#[test]
fn prune_deletes_users_before_what_they_use() {
    let stored = good(STORED);
    insta::assert_snapshot!(shown(&stored, &Configuration::default(), true), @r"
        - release shop/production
        - release shop/test
        - app shop
        - host web
        - host bastion
        - environment production
        - environment test
        - forge github
    ");
    assert_eq!(plan(&stored, &Configuration::default(), false), []);
    assert_eq!(merge(&stored, &Configuration::default(), true), Configuration::default());
}

#[test]
fn a_merge_follows_the_order_of_the_file() {
    let keys =
        |keys: &[&str]| good(&keys.iter().map(|key| format!("[[environment]]\nkey = \"{key}\"\n")).collect::<String>());
    let merged = merge(&keys(&["a", "b", "c", "d"]), &keys(&["d", "new", "b"]), false);
    let order: Vec<&str> = merged.environments.iter().map(|environment| environment.key.as_str()).collect();
    assert_eq!(order, ["a", "d", "c", "b", "new"]);
}

#[test]
fn a_whole_that_dangles_is_found() {
    let mut whole = good(STORED);
    whole.forges.clear();
    whole.environments.remove(0);
    whole.hosts.remove(1);
    insta::assert_snapshot!(problems(&whole).join("\n"), @r#"
        host "web" refers to host "bastion", which does not exist
        app "shop" refers to forge "github", which does not exist
        release "shop/test" refers to environment "test", which does not exist
    "#);
}
