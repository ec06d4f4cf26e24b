//! Forges, repositories and environments that no forge could have, and everything that davit says about them.

use super::*;

#[test]
fn keys_that_a_kind_does_not_have() {
    let text = r#"
[[forge]]
id = "lab"
kind = "gitlab"
app = { id = "1", private_key = { env = "KEY" } }
generic = { header = "X-Signature" }
signature = "hmac-sha256"
[[forge]]
id = "tea"
kind = "gitea"
signature = "sha1"
[[forge]]
id = "hub"
kind = "github"
token = { env = "TOKEN" }
app = { id = 1, private_key = { env = "KEY" } }
signature = "timestamp"
[[forge]]
id = "any"
kind = "generic"
api_url = "https://git.example.com"
token = { env = "TOKEN" }
[[forge]]
id = "unknown"
kind = "svn"
api_url = "git.example.com"
app = { id = "-", key = "k" }
generic = {}
signature = "token"
"#;
    insta::assert_snapshot!(errors(text), @r#"
        5:7 `app` has no meaning with kind = "gitlab": leave it out
        6:11 `generic` has no meaning with kind = "gitlab": leave it out
        7:13 `signature` = "hmac-sha256" is not what kind = "gitlab" sends: use "token" or "standard-webhooks"
        8:1 kind = "gitea" needs `api_url`, such as "https://git.example.com/api/v1"
        11:13 `signature` must be one of "hmac-sha256", "hmac-sha1", "token", "standard-webhooks", "timestamp", not "sha1"
        16:7 davit speaks to a forge with a `token` or as an `app`: keep one
        17:13 `signature` = "timestamp" is not what kind = "github" sends: use "hmac-sha256" or "hmac-sha1"
        18:1 kind = "generic" needs `generic`, which says where the sender puts what davit needs, such as { header = "X-Signature", repository = "/repository", ref = "/ref", commit = "/commit" }
        21:11 `api_url` has no meaning with kind = "generic": leave it out
        22:9 `token` has no meaning with kind = "generic": leave it out
        25:8 `kind` must be one of "github", "gitlab", "gitea", "gitee", "generic", not "svn"
        26:11 `api_url` must be a base URL like "https://git.example.com/api"
        27:7 `app` needs `private_key`
        27:14 `app.id` must be the App's id or client id, as its settings show it, not "-"
        27:19 `app` has no key "key": what is known: id, private_key
        28:11 `generic` needs `commit`
        28:11 `generic` needs `header`
        28:11 `generic` needs `ref`
        28:11 `generic` needs `repository`
    "#);
}

#[test]
fn values_that_no_forge_has() {
    let text = r#"
[[forge]]
id = "hub"
kind = "github"
app = { id = "1 2", private_key = "-----BEGIN RSA PRIVATE KEY-----" }
proxy = "http://user:secret@proxy:3128"
ca = "/etc/ssl/own.pem"
git_key = { env = "A", file = "b" }
[[forge]]
id = "any"
kind = "generic"
proxy = "socks5://proxy:1080"
[forge.generic]
header = "X Signature"
prefix = "a\nb"
delivery_header = ""
repository = "repository.full_name"
ref = "/a~b"
by = "/sender/\u0007"
title = 3
names = "/x"
[[forge]]
id = "other"
kind = "generic"
proxy = "http://proxy:0/path"
generic = { header = "X-Id", delivery_header = "x-id", repository = "/a~0~1", ref = "/", commit = "" }
"#;
    let errors = errors(text);
    assert!(!errors.contains("secret@") && !errors.contains("BEGIN"), "a secret is shown: {errors}");
    insta::assert_snapshot!(errors, @r#"
        5:14 `app.id` must be the App's id or client id, as its settings show it, not "1 2"
        5:35 `app.private_key` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        6:9 `proxy` must not contain a user or password, which is kept nowhere secret: set HTTPS_PROXY for the server instead
        7:6 `ca` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        8:11 `git_key` needs exactly one of `env`, `file` and `secret`
        12:9 `proxy` must be a URL like "http://proxy.example.com:3128"
        13:1 `generic` needs `commit`
        14:10 `generic.header` must be the name of an HTTP header like "X-Signature", not "X Signature"
        15:10 `generic.prefix` must be one line without control characters
        16:19 `generic.delivery_header` must be the name of an HTTP header like "X-Signature", not ""
        17:14 `generic.repository` must be a JSON Pointer like "/repository/full_name" ("~" is written ~0, "/" in a name ~1), not "repository.full_name"
        18:7 `generic.ref` must be a JSON Pointer like "/repository/full_name" ("~" is written ~0, "/" in a name ~1), not "/a~b"
        19:6 `generic.by` must be a JSON Pointer like "/repository/full_name" ("~" is written ~0, "/" in a name ~1), not "/sender/\u{7}"
        20:9 `generic.title` must be a string, not a whole number
        21:1 `generic` has no key "names": what is known: header, prefix, delivery_header, repository, ref, commit, by, title
        25:9 `proxy` must be a URL like "http://proxy.example.com:3128"
        26:48 `generic.delivery_header` must be another header than the signature's
        26:99 `generic.commit` must be a JSON Pointer like "/repository/full_name" ("~" is written ~0, "/" in a name ~1), not ""
    "#);
}

#[test]
fn proxies_are_hosts_with_or_without_a_port() {
    let forge = |proxy: &str| format!("[[forge]]\nid = \"hub\"\nkind = \"github\"\nproxy = \"{proxy}\"\n");
    for proxy in ["http://proxy", "https://proxy.example.com:3128", "http://10.0.0.1:8080", "http://[::1]:3128"] {
        assert_eq!(good(&forge(proxy)).forges[0].proxy.as_deref(), Some(proxy));
    }
    assert_eq!(good(&forge("http://proxy:80/")).forges[0].proxy.as_deref(), Some("http://proxy:80"));
    for proxy in
        ["proxy:3128", "http://", "http://:3128", "http://a:b", "http://[::1", "http://::1", "http://a/b", "ftp://a"]
    {
        assert!(errors(&forge(proxy)).contains("`proxy` must be a URL like"), "{proxy}");
    }
}

#[test]
fn every_kind_has_its_own_defaults() {
    let text = r#"
[[forge]]
id = "hub"
kind = "github"
[[forge]]
id = "lab"
kind = "gitlab"
[[forge]]
id = "tea"
kind = "gitea"
api_url = "https://git.example.com/api/v1/"
[[forge]]
id = "ee"
kind = "gitee"
[[forge]]
id = "any"
kind = "generic"
generic = { header = "X-Signature", repository = "/repository", ref = "/ref", commit = "/commit" }
"#;
    let told: Vec<String> = good(text)
        .forges
        .iter()
        .map(|forge| format!("{} {:?} {}", forge.kind.as_str(), forge.api_url, forge.hook_signature().as_str()))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
        github "https://api.github.com" hmac-sha256
        gitlab "https://gitlab.com/api/v4" token
        gitea "https://git.example.com/api/v1" hmac-sha256
        gitee "https://gitee.com/api/v5" timestamp
        generic "" hmac-sha256
    "#);
}

const FORGES: &str = r#"
[[forge]]
id = "hub"
kind = "github"
[[forge]]
id = "lab"
kind = "gitlab"
[[forge]]
id = "tea"
kind = "gitea"
api_url = "https://git.example.com/api/v1"
[[forge]]
id = "ee"
kind = "gitee"
[[forge]]
id = "any"
kind = "generic"
generic = { header = "X-Signature", repository = "/repository", ref = "/ref", commit = "/commit" }
"#;

fn app(key: &str, repository: &str) -> String {
    format!("[[app]]\nkey = \"{key}\"\nrepository = {{ {repository} }}\n")
}

#[test]
fn repositories_that_their_forge_can_not_have() {
    let nested = |forge: &str| app(forge, &format!("forge = \"{forge}\", name = \"acme/tools/shop\""));
    let text: String = ["hub", "lab", "tea", "ee", "any"].into_iter().map(nested).collect();
    insta::assert_snapshot!(errors(&format!("{FORGES}{text}")), @r#"
        21:14 app "hub" needs a repository like "owner/name", not "acme/tools/shop": only GitLab has groups in groups
        27:14 app "tea" needs a repository like "owner/name", not "acme/tools/shop": only GitLab has groups in groups
        30:14 app "ee" needs a repository like "owner/name", not "acme/tools/shop": only GitLab has groups in groups
        33:14 app "any" needs a `url` in its `repository`: forge "any" is generic and does not say where git fetches from
    "#);
    // The rules hold for a forge that davit has already, too, and once the forge changes its kind.
    let stored = good(FORGES);
    assert_eq!(errors_beside(&nested("hub"), &stored).lines().count(), 1);
    let stored = good(&format!("{FORGES}{}", nested("lab")));
    let changed = "[[forge]]\nid = \"lab\"\nkind = \"github\"\n";
    insta::assert_snapshot!(errors_beside(changed, &stored), @r#"2:6 app "lab" needs a repository like "owner/name", not "acme/tools/shop": only GitLab has groups in groups"#);
}

#[test]
fn a_repository_at_a_forge_may_be_fetched_from_elsewhere() {
    let generic = app("shop", r#"forge = "any", name = "acme/shop", url = "ssh://git@git.example.com/shop.git""#);
    let ssh = app("docs", r#"forge = "hub", name = "acme/docs", url = "git@github.com:acme/docs.git""#);
    let configuration = good(&format!("{FORGES}{generic}{ssh}"));
    assert_eq!(problems(&configuration), Vec::<String>::new());
    let urls = configuration.apps.iter().map(|app| match &app.repository {
        Repository::Forge { url, .. } => url.as_deref().unwrap_or_default(),
        Repository::Url { url } => panic!("{url} has no forge"),
    });
    assert_eq!(urls.collect::<Vec<_>>(), ["ssh://git@git.example.com/shop.git", "git@github.com:acme/docs.git"]);
}

#[test]
fn environments_at_forges() {
    let text = r#"
[[environment]]
key = "production"
url = "https://user:pass@shop.example.com"
forge_name = ""
[[environment]]
key = "staging"
url = "shop.example.com"
forge_name = "Production"
[[environment]]
key = "test"
forge_name = "Prüfung"
[[environment]]
key = "demo"
forge_name = "prüfung"
"#;
    insta::assert_snapshot!(errors(text), @r#"
        4:7 `url` must not contain a user or password: everybody sees it
        5:14 `forge_name` must not be empty
        8:7 `url` must be a URL like "https://shop.example.com"
        15:14 environments "test" and "demo" are both called "prüfung" at forges: give one of them another `forge_name`
    "#);
    let long = format!("[[environment]]\nkey = \"a\"\nforge_name = \"{}\"\n", "ä".repeat(256));
    insta::assert_snapshot!(errors(&long), @"3:14 `forge_name` must not be longer than 255 characters");
    let good =
        good("[[environment]]\nkey = \"production\"\nurl = \"https://shop.example.com/?a#b\"\nforge_name = \"prod\"\n");
    let environment = &good.environments[0];
    assert_eq!(environment.url.as_deref(), Some("https://shop.example.com/?a#b"));
    assert!(environment.is_called("PROD") && environment.is_called("production") && !environment.is_called("staging"));
    assert_eq!(environment.at_forge(), "prod");
}

#[test]
fn one_environment_can_not_take_the_name_of_a_stored_one() {
    let stored = good("[[environment]]\nkey = \"production\"\nforge_name = \"live\"\n");
    let told = errors_beside("[[environment]]\nkey = \"eu\"\nforge_name = \"LIVE\"\n", &stored);
    insta::assert_snapshot!(told, @r#"3:14 environments "production" and "eu" are both called "LIVE" at forges: give one of them another `forge_name`"#);
}
