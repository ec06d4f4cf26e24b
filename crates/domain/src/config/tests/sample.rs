//! The file that the documentation shows.

use super::*;
use crate::config::{Auto, AutoOn, FilterMode, HostSelector, Repository, Review, SecretRef, StepTimeouts};

const SAMPLE: &str = include_str!("sample.toml");
const BASTION: &str = "\n[[host]]\nname = \"bastion\"\naddress = \"192.0.2.1\"\nuser = \"jump\"\n";

#[test]
fn what_is_not_supported_is_refused_with_its_line() {
    insta::assert_snapshot!(errors(&format!("{SAMPLE}{BASTION}")), @r#"
        51:60 `auto.require_green` is not written here: write `require_green = true` in [[environment]], where it holds for everybody
    "#);
}

#[test]
fn a_host_that_is_stored_already_can_be_referred_to() {
    let stored = good(BASTION);
    let with_bastion = errors(&format!("{SAMPLE}{BASTION}"));
    assert_eq!(errors_beside(SAMPLE, &stored), with_bastion);
    assert_eq!(errors(SAMPLE).lines().count(), with_bastion.lines().count() + 1);
    assert!(errors(SAMPLE).contains("20:9 there is no host \"bastion\""));
}

/// The sample without what this version does not support.
fn supported() -> String {
    SAMPLE.replace(", require_green = true", "") + BASTION
}

#[test]
fn the_rest_of_it_means_what_it_says() {
    let configuration = good(&supported());
    assert_eq!(configuration.forges[0].token, Some(SecretRef::Env("GITHUB_TOKEN".into())));
    assert_eq!(configuration.environments[0].review, Review { required: 1, ..Review::default() });
    assert_eq!(configuration.hosts[0].jump[0].as_str(), "bastion");
    let app = &configuration.apps[0];
    assert!(matches!(&app.repository, Repository::Forge { name, .. } if name == "acme/shop"));
    let release = &app.releases[0];
    assert_eq!(release.hosts, HostSelector::Labels(vec!["web".into()]));
    assert_eq!(release.filter.as_ref().map(|filter| filter.mode), Some(FilterMode::Exclude));
    assert_eq!(release.variables, "APP_MODE=production\n");
    assert_eq!(release.hooks.before_checkout, "");
    assert_eq!(release.hooks.after_checkout, "npm ci && npm run build");
    assert_eq!(release.timeouts, StepTimeouts { step: 1800, idle: 600 });
    assert_eq!(release.auto, Some(Auto { on: AutoOn::Push, branches: vec!["main".into()] }));
}

#[test]
fn windows_line_ends_change_nothing() {
    assert_eq!(good(&supported().replace('\n', "\r\n")), good(&supported()));
}

#[test]
fn references_to_secrets_know_their_line() {
    let parsed = parse(&supported(), &Configuration::default()).expect("a good file");
    assert_eq!(parsed.secret_lines["env:GITHUB_TOKEN"], 5);
    assert_eq!(parsed.secret_lines["file:…"], 24);
    assert_eq!(parsed.secret_lines.len(), parsed.configuration.secret_refs().len());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of every default")]
fn defaults_fill_what_is_left_out() {
    let configuration = good(
        r#"
        environment = [{ key = "test" }]
        host = [{ name = "here", kind = "local" }]
        [[forge]]
        id = "hub"
        kind = "github"
        [[app]]
        key = "shop"
        repository.url = "/srv/git/shop"
        [[app.release]]
        environment = "test"
        hosts = ["here"]
        deploy_path = "/var/www/shop/"
        releases_path = "/data/davit"
        strategy = { batches = ["100%"], pause = "none", max_failures = 1, on_failure = "revert" }
        "#,
    );
    assert_eq!(configuration.forges[0].api_url, "https://api.github.com");
    assert_eq!(configuration.environments[0].name, "test");
    assert_eq!(configuration.environments[0].review.required, 0);
    assert_eq!(configuration.hosts[0].port, 22);
    insta::assert_json_snapshot!(configuration.apps, @r#"
        [
          {
            "key": "shop",
            "name": "shop",
            "repository": {
              "url": {
                "url": "/srv/git/shop"
              }
            },
            "releases": [
              {
                "environment": "test",
                "hosts": {
                  "names": [
                    "here"
                  ]
                },
                "deploy_path": "/var/www/shop",
                "releases_path": "/data/davit",
                "keep": 5,
                "build_dir": ".",
                "filter": null,
                "shared": {
                  "dirs": [],
                  "files": []
                },
                "variables": "",
                "hooks": {
                  "before_checkout": "",
                  "after_checkout": "",
                  "before_release": "",
                  "after_release": ""
                },
                "strategy": {
                  "batches": [],
                  "pause": "none",
                  "max_failures": 1,
                  "on_failure": "revert"
                },
                "health": null,
                "transfer": {
                  "unchanged": "copy",
                  "verify": "sent",
                  "compress": "auto"
                },
                "caches": [],
                "share_builds": false,
                "inputs": [],
                "mode": "regular",
                "timeouts": {
                  "step": 1800,
                  "idle": 600
                },
                "auto": null,
                "notify": null
              }
            ]
          }
        ]
    "#);
}

#[test]
fn an_export_reads_like_a_file_of_a_person() {
    insta::assert_snapshot!(crate::config::export(&good(&supported())), @r#"
        [[forge]]
        id = "github"
        kind = "github"
        token = { env = "GITHUB_TOKEN" }
        webhook_secret = { env = "GITHUB_WEBHOOK_SECRET" }

        [[environment]]
        key = "production"
        name = "Production"
        review = { required = 1 }
        branches = ["main", "release/*"]

        [[host]]
        name = "web-1"
        address = "10.0.0.11"
        user = "deploy"
        jump = ["bastion"]
        labels = ["web"]
        environments = ["production"]
        host_key = "ssh-ed25519 AAAA…"
        private_key = { file = "…" }

        [[host]]
        name = "bastion"
        address = "192.0.2.1"
        user = "jump"

        [[app]]
        key = "shop"
        name = "Shop"
        repository = { forge = "github", name = "acme/shop" }

        [[app.release]]
        environment = "production"
        hosts = { labels = ["web"] }
        deploy_path = "/var/www/shop"
        releases_path = "/data/davit"
        filter = { mode = "exclude", patterns = ["tests/", "*.md"] }
        shared.dirs = ["storage"]
        shared.files = [".env"]
        variables = """
        APP_MODE=production
        """
        hooks.after_checkout = "npm ci && npm run build"
        hooks.before_release = "./migrate.sh"
        hooks.after_release = "systemctl --user restart shop"
        strategy = { batches = ["1", "25%", "100%"], pause = "confirm" }
        health = { http = "http://127.0.0.1:8080/health", retries = 10, interval = "1s", timeout = "5s" }
        auto = { on = "push", branches = ["main"] }
        notify = ["ops-dingtalk"]

        [[channel]]
        id = "ops-dingtalk"
        kind = "dingtalk"
        url = { env = "DINGTALK_URL" }
        events = ["review_requested", "reviewed", "succeeded", "failed"]
    "#);
}
