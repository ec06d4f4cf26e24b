//! Bad files and everything that davit says about them.

use super::*;
use proptest::prelude::*;

/// An app `shop` with one release and these further lines in it, on environment `test` and host `web`.
fn release(lines: &str) -> String {
    format!(
        r#"environment = [{{ key = "test" }}]
host = [{{ name = "web", kind = "local" }}]
[[app]]
key = "shop"
repository = {{ url = "/srv/git/shop" }}
[[app.release]]
environment = "test"
hosts = ["web"]
{lines}"#
    )
}

const PATHS: &str = "deploy_path = \"/var/www/shop\"\nreleases_path = \"/data/davit\"\n";

#[test]
fn no_toml_at_all() {
    insta::assert_snapshot!(errors("[[forge]]\nid = \"a\"\nkind = github\n"), @"3:8 this is not TOML: string values must be quoted, expected literal string");
    insta::assert_snapshot!(errors("[[forge]\n"), @"1:9 this is not TOML: unclosed array table, expected `]`");
    insta::assert_snapshot!(errors("a = 1\na = 2\n"), @"2:1 this is not TOML: duplicate key");
}

#[test]
fn unknown_sections() {
    insta::assert_snapshot!(errors("title = 1\n[[hosts]]\nname = \"a\"\n[environment]\nkey = \"a\"\n"), @r#"
        1:1 davit.toml has no key "title": what is known: forge, environment, host, app, repository, channel, identity
        2:3 davit.toml has no key "hosts": did you mean `host`?
        4:1 write [[environment]], with two brackets: there can be several
    "#);
    insta::assert_snapshot!(errors("host = [1]\napp = \"shop\"\n"), @r"
        1:9 an item of `host` must be a table { … }, not a whole number
        2:7 `app` must be a list, not a string
    ");
}

#[test]
fn a_bad_forge() {
    let text = r#"
[[forge]]
id = "Git Hub"
kind = "githbu"
api_url = "api.github.com"
token = "ghp_0123456789"
webhook_secret = { env = "A", file = "b" }
webhok_secret = 1

[[forge]]
api_url = "https://token:x@example.com"
token = { env = "ghp-01234" }

[[forge]]
id = "lab"
kind = "gitlab"
token = { secret = "a b" }
webhook_secret = {}
"#;
    let errors = errors(text);
    assert!(!errors.contains("ghp_0123456789") && !errors.contains("ghp-01234"), "a secret is shown: {errors}");
    insta::assert_snapshot!(errors, @r#"
        3:6 "Git Hub" is not a valid forge id: use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit
        4:8 `kind` must be one of "github", "gitlab", "gitea", "gitee", "generic", not "githbu": did you mean "github"?
        5:11 `api_url` must be a base URL like "https://git.example.com/api"
        6:9 `token` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        7:18 `webhook_secret` needs exactly one of `env`, `file` and `secret`
        8:1 [[forge]] has no key "webhok_secret": did you mean `webhook_secret`?
        10:1 [[forge]] needs `id`
        10:1 [[forge]] needs `kind`
        11:11 `api_url` must not contain a user or password: use `token`
        12:17 `token.env` must be the name of an environment variable: letters, digits and '_'
        17:20 `token.secret` must be the name of a stored secret: up to 63 letters, digits, '-', '_' and '.'
        18:18 `webhook_secret` needs exactly one of `env`, `file` and `secret`
    "#);
}

#[test]
fn a_bad_environment() {
    let text = r##"
[[environment]]
key = "prod"
name = ""
color = "blue"
review = { required = -1, self_approval = "no", by = "me" }
branches = ["main", "release/[", 3, "main"]
[[environment]]
key = "prod"
review = {}
[[environment]]
name = "two\nlines"
color = "#12345g"
"##;
    insta::assert_snapshot!(errors(text), @r##"
        4:8 `name` must not be empty
        5:9 `color` must look like "#3366ff", not "blue"
        6:23 `review.required` must be between 0 and 100, not -1
        6:43 `review.self_approval` must be true or false, not a string
        6:49 `review` has no key "by": what is known: required, self_approval, reviewers, expires
        7:21 "release/[" is not a valid glob: unclosed character class; missing ']'
        7:34 an item of `branches` must be a string, not a whole number
        7:37 `branches` has "main" twice
        9:7 there is a second environment "prod": the first one is in line 3
        10:10 `review` needs `required`
        11:1 [[environment]] needs `key`
        12:8 `name` must be one line without control characters
        13:9 `color` must look like "#3366ff", not "#12345g"
    "##);
}

#[test]
fn a_bad_app() {
    let text = r#"
[[app]]
key = "../shop"
repository = { forge = "github", url = "x" }
[[app]]
key = "shop"
repository = { forge = "github", name = "shop" }
[[app]]
key = "shop"
repository = { url = "--upload-pack=x", branch = "main" }
[[app]]
repository = "https://example.com/shop.git"
release = { environment = "test" }
"#;
    insta::assert_snapshot!(errors(text), @r#"
        3:7 "../shop" is not a valid app key: use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit
        4:14 `repository` needs either `forge` and `name` ("owner/name"), or `url`
        4:24 there is no forge "github", neither in this file nor in davit: declare it with [[forge]]
        7:24 there is no forge "github", neither in this file nor in davit: declare it with [[forge]]
        7:41 `repository.name` must look like "owner/name", not "shop"
        9:7 there is a second app "shop": the first one is in line 6
        10:22 `repository.url` must not start with '-'
        10:41 `repository` has no key "branch": what is known: forge, name, url
        11:1 [[app]] needs `key`
        12:14 `repository` must be a table { … }, not a string
        13:11 write [[app.release]], with two brackets: there can be several
    "#);
}

#[test]
fn a_release_that_lacks_everything() {
    insta::assert_snapshot!(errors("[[app]]\nkey = \"shop\"\n[[app.release]]\nkepe = 3\n"), @r#"
        1:1 [[app]] needs `repository`
        3:1 [[app.release]] needs `deploy_path`
        3:1 [[app.release]] needs `environment`
        3:1 [[app.release]] needs `hosts`
        3:1 [[app.release]] needs `releases_path`
        4:1 [[app.release]] has no key "kepe": did you mean `keep`?
    "#);
}

#[test]
fn bad_paths() {
    let text = "deploy_path = \"var/www\"\nreleases_path = \"/data/../etc\"\nbuild_dir = \"/dist\"\n\
                shared = { dirs = [\"..\", \"a//b\", \".\"], files = [\"/etc/passwd\", \"a\\nb\"] }\n";
    insta::assert_snapshot!(errors(&release(text)), @r#"
        9:15 `deploy_path` must be an absolute path, not "var/www"
        10:17 `releases_path` must be a plain path below /, without "..", "." or "//", not "/data/../etc"
        11:13 `build_dir` must be a relative path inside the checkout, without "..", "." or "//", not "/dist"
        12:20 an item of `shared.dirs` must be a relative path inside the checkout, without "..", "." or "//", not ".."
        12:26 an item of `shared.dirs` must be a relative path inside the checkout, without "..", "." or "//", not "a//b"
        12:34 an item of `shared.dirs` can't be the whole release: name what is in it
        12:49 an item of `shared.files` must be a relative path inside the checkout, without "..", "." or "//", not "/etc/passwd"
        12:64 an item of `shared.files` must be one line without control characters
    "#);
    let text = "deploy_path = \"/\"\nreleases_path = \"/data/.\"\nbuild_dir = \"a/../..\"\n\
                shared = { dirs = [\"storage\", \"storage/logs\"], files = [\".env\"] }\n";
    insta::assert_snapshot!(errors(&release(text)), @r#"
        9:15 `deploy_path` must be a plain path below /, without "..", "." or "//", not "/"
        10:17 `releases_path` must be a plain path below /, without "..", "." or "//", not "/data/."
        11:13 `build_dir` must be a relative path inside the checkout, without "..", "." or "//", not "a/../.."
        12:10 `shared` has "storage/logs" inside of "storage": keep only the outer one
    "#);
}

#[test]
fn releases_inside_of_what_is_deployed() {
    let paths = |deploy: &str, releases: &str| {
        errors(&release(&format!("deploy_path = \"{deploy}\"\nreleases_path = \"{releases}\"\n")))
    };
    let inside = paths("/var/www/shop", "/var/www/shop/releases");
    insta::assert_snapshot!(inside, @r#"10:17 `releases_path` must not be inside `deploy_path`: every release would replace it; choose a directory elsewhere, like "/data/davit""#);
    assert_eq!(paths("/var/www/shop", "/var/www/shop/"), inside);
    insta::assert_snapshot!(paths("/data/shop", "/data"), @r#"9:15 `deploy_path` "/data/shop" is where davit keeps the releases themselves: choose another path"#);
    assert_eq!(paths("/data/shop/releases/x", "/data").lines().count(), 1);
    good(&release("deploy_path = \"/data/shop/current\"\nreleases_path = \"/data\"\n"));
    good(&release("deploy_path = \"/var/www/shop\"\nreleases_path = \"/var/www/shop-releases\"\n"));
}

#[test]
fn bad_values_in_a_release() {
    let text = r##"
mode = "regulra"
keep = 0
filter = { mode = "only", patterns = ["[z-a]", "", "*.md\\"] }
shared = ["storage"]
hooks = { after_release = 1, after_relaese = "" }
timeouts = { step = "30 minutes", idle = 600 }
auto = { on = "pull", branches = ["{a"], require_green = "yes" }
strategy = { batches = "100%", max_failures = -1, on_failure = "stop" }
"##;
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}{text}"))), @r#"
        12:8 `mode` must be one of "regular", "custom", not "regulra": did you mean "regular"?
        13:8 `keep` must be between 1 and 100, not 0
        14:19 `filter.mode` must be one of "include", "exclude", not "only"
        14:39 "[z-a]" is not a valid gitignore pattern: error parsing glob '[z-a]': invalid range; 'z' > 'a'
        14:48 an item of `filter.patterns` must not be empty
        14:52 "*.md\\" is not a valid gitignore pattern: error parsing glob '*.md\': dangling '\'
        15:10 `shared` must be a table { … }, not a list
        16:27 `hooks.after_release` must be a string, not a whole number
        16:30 `hooks` has no key "after_relaese": did you mean `after_release`?
        17:21 `timeouts.step` must be a duration like "10s", "30m" or "1h30m", not "30 minutes"
        17:42 `timeouts.idle` must be a duration like "10s", "30m" or "1h30m", not a whole number
        18:15 `auto.on` must be one of "push", "tag", "merge", "deployment_event", not "pull": did you mean "push"?
        18:35 "{a" is not a valid glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
        18:58 `auto.require_green` must be true or false, not a string
        19:24 `strategy.batches` must be a list, not a string
        19:47 `strategy.max_failures` must be between 1 and 1000000, not -1
        19:64 `strategy.on_failure` must be one of "revert", "hold", not "stop"
    "#);
}

#[test]
fn hosts_that_select_nothing() {
    let hosts = |hosts: &str| errors(&release(PATHS).replace("hosts = [\"web\"]", &format!("hosts = {hosts}")));
    insta::assert_snapshot!(
        ["[]", "\"web\"", "{}", "{ labels = [] }", "[\"wbe\"]", "[\"web\", \"web\"]", "{ labels = [\"a\"], names = [\"web\"] }"].map(hosts).join("\n"),
        @r#"
        8:9 `hosts` must not be empty: name hosts, or write { labels = ["…"] }
        8:9 `hosts` must be a list of names or { labels = ["…"] }, not a string
        8:9 `hosts` needs `labels`
        8:20 `hosts.labels` must not be empty
        8:10 there is no host "wbe", neither in this file nor in davit: did you mean "web"?
        8:17 `hosts` has "web" twice
        8:27 `hosts` has no key "names": what is known: labels
    "#
    );
}

#[test]
fn bad_variables_are_found_in_their_line() {
    let variables = |toml: &str| errors(&release(&format!("{PATHS}variables = {toml}\n")));
    insta::assert_snapshot!(variables("\"\"\"\nA=1\n\nDAVIT_ENV=2\n\"\"\""), @"14:1 `variables`: DAVIT_ENV can't be set: names that start with DAVIT_ are davit's own");
    insta::assert_snapshot!(variables("'''\nA=1\nB=\"x\\q\"\n'''"), @r#"13:1 `variables`: in double quotes a \ starts an escape (\n \r \t \" \\ \$): write \\ for a backslash, or use single quotes"#);
    insta::assert_snapshot!(variables("'''A=1\nA=2'''"), @"12:1 `variables`: A is set twice: remove one of the two");
    insta::assert_snapshot!(variables("\"A=1\\nhunter2\""), @"11:13 `variables`: write KEY=VALUE, or # before a comment");
    insta::assert_snapshot!(variables("[\"A=1\"]"), @"11:13 `variables` must be a string, not a list");
}

#[test]
fn what_this_version_can_not_do() {
    let text = r#"
mode = "custom"
strategy = { batches = ["1", "100%"], pause = "5m", max_failures = 3, on_failure = "hold" }
health = { tcp = 80 }
auto = { on = "deployment_event", branches = ["main"], require_green = true }
notify = []
[[app.release.action]]
run = "x"
[[channel]]
id = "a"
"#;
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}{text}"))), @r#"
        14:18 `health.tcp` must be a string, not a whole number
        15:72 `auto.require_green` is not written here: write `require_green = true` in [[environment]], where it holds for everybody
        17:1 [[app.release.action]] needs `name`
        17:1 an action needs either `on` ("server" or "host") and `run`, or `transfer`
        19:1 [[channel]] needs `kind`
    "#);
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}[[app.release.action]]\nrun = \"x\"\n"))), @r#"11:1 `action` needs mode = "custom""#);
}

#[test]
fn two_releases_at_one_place() {
    let app = |key: &str, path: &str| {
        format!(
            "[[app]]\nkey = \"{key}\"\nrepository = {{ url = \"x\" }}\n[[app.release]]\nenvironment = \"test\"\n\
             hosts = {{ labels = [\"web\"] }}\ndeploy_path = \"{path}\"\nreleases_path = \"/data\"\n"
        )
    };
    let base = "environment = [{ key = \"test\" }]\nhost = [{ name = \"web\", kind = \"local\", labels = [\"web\"], environments = [\"test\"] }]\n";
    let stored = good(&format!("{base}{}", app("shop", "/var/www")));
    insta::assert_snapshot!(errors(&format!("{base}{}{}", app("shop", "/var/www"), app("blog", "/var/www/"))), @r#"17:15 blog/test and shop/test both have the deploy_path "/var/www" on host "web": give one of them another path"#);
    insta::assert_snapshot!(errors_beside(&app("blog", "/var/www"), &stored), @r#"7:15 blog/test and shop/test both have the deploy_path "/var/www" on host "web": give one of them another path"#);
    assert!(parse(&app("blog", "/var/blog"), &stored).is_ok());
    // Where the file changes neither of the two but the host that brings them together.
    let apart = base.replace("\"web\"], environments", "\"db\"], environments");
    let stored = good(&format!("{apart}{}{}", app("shop", "/var/www"), app("blog", "/var/www")));
    let host = base.lines().nth(1).expect("the host");
    insta::assert_snapshot!(errors_beside(host, &stored), @r#"1:1 blog/test and shop/test both have the deploy_path "/var/www" on host "web": give one of them another path"#);
}

#[test]
fn two_environments_at_one_place() {
    let release = |environment: &str, path: &str| {
        format!(
            "[[app.release]]\nenvironment = \"{environment}\"\nhosts = [\"web\"]\ndeploy_path = \"{path}\"\n\
             releases_path = \"/data\"\n"
        )
    };
    let base = "environment = [{ key = \"test\" }, { key = \"live\" }]\n\
                host = [{ name = \"web\", kind = \"local\", environments = [\"test\", \"live\"] }]\n\
                [[app]]\nkey = \"shop\"\nrepository = { url = \"x\" }\n";
    let both = |path: &str| format!("{base}{}{}", release("test", "/var/www"), release("live", path));
    insta::assert_snapshot!(errors(&both("/var/www")), @r#"14:15 shop/live and shop/test both have the deploy_path "/var/www" on host "web": give one of them another path"#);
    good(&both("/var/live"));
}

#[test]
fn two_releases_for_one_environment() {
    let twice = format!("{PATHS}[[app.release]]\nenvironment = \"test\"\nhosts = [\"web\"]\n{PATHS}");
    insta::assert_snapshot!(errors(&release(&twice)), @r#"12:15 there is a second release "shop/test": the first one is in line 7"#);
}

#[test]
fn columns_are_characters() {
    insta::assert_snapshot!(errors("host = [{ name = \"a\", kind = \"local\", category = \"数据库\", x = 1 }]"), @r#"1:57 [[host]] has no key "x": what is known: name, kind, labels, category, environments, address, port, user, jump, host_key, private_key, agent"#);
}

#[test]
fn a_part_that_is_bad_does_not_make_the_rest_dangle() {
    let text = "host = [{ name = \"web\" }]\nenvironment = [{ key = \"test\", review = 1 }]\n[[app]]\nkey = \"shop\"\n\
                repository = { url = \"x\" }\n[[app.release]]\nenvironment = \"test\"\nhosts = [\"web\"]\n";
    insta::assert_snapshot!(errors(&format!("{text}{PATHS}")), @r"
        1:9 [[host]] needs `address`
        1:9 [[host]] needs `user`
        2:41 `review` must be a table { … }, not a whole number
    ");
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(?s).{0,200}") {
        let _ = parse(&text, &Configuration::default());
    }

    /// Good files with one piece cut out, doubled or replaced.
    #[test]
    fn a_damaged_file_is_read_without_panic(at in 0usize..2600, length in 0usize..60, with in "(?s)[\\[\\]{}=\"'\n#.,a1é ]{0,6}") {
        let mut text: Vec<char> = include_str!("sample.toml").chars().collect();
        let start = at.min(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, with.chars());
        let text: String = text.into_iter().collect();
        if let Err(errors) = parse(&text, &Configuration::default()) {
            let lines = text.lines().count() + 1;
            prop_assert!(!errors.is_empty());
            prop_assert!(errors.iter().all(|error| (1..=lines).contains(&error.line) && error.column >= 1));
        }
    }
}

#[test]
fn bad_ways_to_the_hosts() {
    let text = r#"
strategy = { batches = ["0", "25%", "20%", "120%", ["wbe"], 3], pause = "soon", max_failures = 0 }
health = { http = "127.0.0.1", tcp = "x", interval = "1", from = "server" }
transfer = { unchanged = "link", verify = "all", compress = true }
caches = ["node_modules", "node_modules/.cache"]
[[app.release.input]]
name = "DAVIT_X"
[[app.release.input]]
name = "SIZE"
default = "xl"
choices = ["s", "m"]
[[app.release.action]]
name = "restart"
on = "host"
run = "x"
"#;
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}{text}"))), @r#"
        12:25 an item of `strategy.batches` must be a number of hosts like "1", a share like "25%", or a list of hosts, not "0"
        12:44 an item of `strategy.batches` must be a number of hosts like "1", a share like "25%", or a list of hosts, not "120%"
        12:53 there is no host "wbe", neither in this file nor in davit: did you mean "web"?
        12:61 an item of `strategy.batches` must be a string, not a whole number
        12:73 `strategy.pause` must be "none", "confirm" or a duration like "5m", not "soon"
        12:96 `strategy.max_failures` must be between 1 and 1000000, not 0
        13:19 `health.http` must be a URL like "http://127.0.0.1:8080/health", not "127.0.0.1"
        13:38 `health.tcp` must look like "127.0.0.1:5432", not "x"
        13:54 `health.interval` must be a duration like "10s", "30m" or "1h30m", not "1"
        14:26 `transfer.unchanged` must be one of "copy", "hardlink", not "link"
        14:43 `transfer.verify` must be one of "sent", "full", not "all": did you mean "full"?
        14:61 `transfer.compress` must be a string, not true or false
        15:10 `caches` has "node_modules/.cache" inside of "node_modules": keep only the outer one
        17:8 `name` must be a variable name of letters, digits and _, not starting with a digit or DAVIT_, not "DAVIT_X"
        18:1 the default of the input SIZE is none of its choices
        22:1 `action` needs mode = "custom"
    "#);
}

#[test]
fn bad_actions() {
    let text = r#"
mode = "custom"
hooks.after_release = "x"
[[app.release.action]]
name = "put"
transfer = { from = "../x", to = "etc", mode = "999" }
[[app.release.action]]
name = "both"
on = "server"
transfer = { upload = "a", to = "/etc/a" }
[[app.release.rollback_action]]
on = "nowhere"
run = ""
"#;
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}{text}"))), @r#"
        6:1 mode = "custom" has no hooks: write them as [[app.release.action]]
        16:21 `transfer.from` must be a relative path inside the checkout, without "..", "." or "//", not "../x"
        16:34 `transfer.to` must be an absolute path, not "etc"
        16:48 `transfer.mode` must be octal like "0644", not "999"
        17:1 an action needs either `on` ("server" or "host") and `run`, or `transfer`
        21:1 [[app.release.rollback_action]] needs `name`
        22:6 `on` must be one of "server", "host", not "nowhere"
    "#);
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}mode = \"custom\"\n"))), @r#"6:1 mode = "custom" needs at least one [[app.release.action]]"#);
    insta::assert_snapshot!(errors(&release(&format!("{PATHS}mode = \"custom\"\nhooks.after_release = \"x\"\naction = [{{ name = \"a\", on = \"host\", run = \"\" }}]\n"))), @r#"6:1 mode = "custom" has no hooks: write them as [[app.release.action]]"#);
}

#[test]
fn bad_freeze_windows() {
    let windows = |text: &str| errors(&format!("environment = [{{ key = \"a\", freeze = [{text}] }}]"));
    insta::assert_snapshot!(
        [
            "{ from = \"16:00\", to = \"24:00\", zone = \"Mars/Base\", reason = \"x\" }",
            "{ days = [\"friday\"], from = \"1600\", to = \"24:01\", zone = \"UTC\" }",
            "{ from = \"2026-12-24T00:00\", until = \"2026-12-23T00:00\", zone = \"UTC\", reason = \"x\" }",
            "{ days = [\"fri\"], from = \"2026-12-24\", until = \"x\", zone = \"UTC\", reason = \"x\" }",
            "{ zone = \"UTC\", reason = \"x\" }",
        ]
        .map(windows)
        .join("\n"),
        @r#"
        1:78 "Mars/Base" is no time zone: write one like "Europe/Berlin" or "UTC"
        1:39 `freeze` needs `reason`
        1:49 an item of `freeze.days` must be one of "mon", "tue", "wed", "thu", "fri", "sat", "sun", not "friday"
        1:67 `freeze.from` must be a time like "16:00", not "1600"
        1:80 `freeze.to` must be a time like "16:00", not "24:01"
        1:39 the freeze window ends (2026-12-23T00:00) before it begins (2026-12-24T00:00)
        1:39 a freeze window has either `days` with `from` and `to`, or `from` and `until` with dates
        1:39 a freeze window needs `from` and `to` ("16:00"), or `from` and `until` with dates ("2026-12-24T00:00")
    "#
    );
}

#[test]
fn a_host_has_a_key_or_the_agent() {
    let text = "host = [{ name = \"a\", address = \"b\", user = \"c\", private_key = { env = \"K\" }, agent = true }]";
    insta::assert_snapshot!(errors(text), @"1:87 a host logs in with its `private_key` or with the `agent`: keep one");
}
