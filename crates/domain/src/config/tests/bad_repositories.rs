//! Bad `[[repository]]` sections, and everything that davit says about them.

use super::*;

const FORGES: &str = r#"forge = [{ id = "hub", kind = "github", token = { env = "T" } }, { id = "mute", kind = "gitea", api_url = "https://g/api/v1" }]
"#;

/// A repository `acme/shop` at `hub` with these further lines.
fn repository(lines: &str) -> String {
    format!("{FORGES}[[repository]]\nforge = \"hub\"\nname = \"acme/shop\"\n{lines}\n")
}

#[test]
fn what_is_missing_or_unknown() {
    let text = "[[repository]]\n[[repository]]\nforge = \"hbu\"\nname = \"shop\"\nexecuter = 1\n";
    insta::assert_snapshot!(errors(&format!("{FORGES}{text}")), @r#"
        2:1 [[repository]] needs `forge`
        2:1 [[repository]] needs `name`
        4:9 there is no forge "hbu", neither in this file nor in davit: did you mean "hub"?
        5:8 `name` must look like "owner/name", not "shop"
        6:1 [[repository]] has no key "executer": did you mean `executor`?
    "#);
    insta::assert_snapshot!(errors(&format!("{FORGES}[repository]\nname = \"a/b\"\n")), @"2:1 write [[repository]], with two brackets: there can be several");
}

#[test]
fn two_of_the_same() {
    let twice = repository("[[repository]]\nforge = \"hub\"\nname = \"Acme/Shop\"\n");
    insta::assert_snapshot!(errors(&twice), @r#"7:8 there is a second repository "hub/acme/shop": the first one is in line 4"#);
}

#[test]
fn where_jobs_run() {
    insta::assert_snapshot!(errors(&repository("executor = \"host\"")), @r#"5:12 `executor` = "host" lets jobs do whatever davit itself may: add `trusted = true` if everybody who can push to the repository may have that, else use "sandbox""#);
    insta::assert_snapshot!(errors(&repository("executor = \"host\"\ntrusted = false\nnetwork = \"no\"")), @r#"
        5:12 `executor` = "host" lets jobs do whatever davit itself may: add `trusted = true` if everybody who can push to the repository may have that, else use "sandbox"
        7:11 `network` must be true or false, not a string
    "#);
    insta::assert_snapshot!(errors(&repository("executor = \"host\"\ntrusted = true\nnetwork = false")), @r#"7:11 `network` = false can't be kept with executor = "host", which separates nothing: use "sandbox""#);
    insta::assert_snapshot!(errors(&repository("executor = \"docker\"\nforks = \"always\"\ntrusted = 1")), @r#"
        5:12 `executor` must be one of "sandbox", "host", not "docker"
        6:9 `forks` must be one of "approve", "never", not "always"
        7:11 `trusted` must be true or false, not a whole number
    "#);
}

#[test]
fn limits() {
    let text = "memory = 2048\ncpus = 0\nprocesses = 1\ndisk = \"10GB\"\noutput = \"1KiB\"\ntimeout = \"1d\"";
    insta::assert_snapshot!(errors(&repository(text)), @r#"
        5:10 `memory` must be a size like "512MiB" or "2GiB", not a whole number
        6:8 `cpus` must be between 0.1 and 1024 with up to three decimals, not 0
        7:13 `processes` must be between 16 and 1000000, not 1
        8:8 `disk` must be a size like "512MiB" or "2GiB", not "10GB"
        9:10 `output` must be between 64KiB and 16GiB, not 1KiB
        10:11 `timeout` must be a duration like "10s", "30m" or "1h30m", not "1d"
    "#);
    let text = "memory = \"1MiB\"\ncpus = \"two\"\nprocesses = 1.5\ntimeout = \"169h\"\ncache_size = \"\"";
    insta::assert_snapshot!(errors(&repository(text)), @r#"
        5:10 `memory` must be between 16MiB and 64TiB, not 1MiB
        6:8 `cpus` must be a number like 2 or 0.5, not a string
        7:13 `processes` must be a whole number, not a fraction
        8:11 `timeout` must not be longer than "168h", a week
        9:14 `cache_size` must be a size like "512MiB" or "2GiB", not ""
    "#);
    insta::assert_snapshot!(errors(&repository("keep_runs = \"7d\"\nkeep_artifacts = \"8d\"")), @"6:18 `keep_artifacts` must not be longer than `keep_runs`, 7d: artifacts go with their run");
    insta::assert_snapshot!(errors(&repository("keep_runs = 90\nkeep_artifacts = \"0d\"")), @r#"
        5:13 `keep_runs` must be a number of days like "90d", not a whole number
        6:18 `keep_artifacts` must be a number of days like "90d", not "0d"
    "#);
}

#[test]
fn variables_and_secrets() {
    let text = r#"variables = """
GOOD=1
DAVIT_X=2
"""
[repository.secrets]
NPM_TOKEN = "npm_0123456789"
npm-token = { env = "A" }
GITHUB_TOKEN = { env = "A" }
A = { env = "A" }
a = { env = "A" }
[repository.environments.production]
secrets = { A = { vault = "x" } }
variable = ""
[repository.environments.Production]
"#;
    let errors = errors(&repository(text));
    assert!(!errors.contains("npm_0123456789"), "{errors}");
    insta::assert_snapshot!(errors, @r#"
        7:1 `variables`: DAVIT_X can't be set: names that start with DAVIT_ are davit's own
        10:13 `secrets.NPM_TOKEN` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        11:13 `secrets.npm-token` can't be a secret's name: use letters, digits and '_'
        12:16 `secrets.GITHUB_TOKEN` can't be set: names that start with GITHUB_ or DAVIT_ are davit's own
        14:5 `secrets.a` is "A" in another case: keep one of the two
        16:17 `environments.production.secrets.A` needs exactly one of `env`, `file` and `secret`
        16:19 `environments.production.secrets.A` has no key "vault": what is known: env, file, secret
        17:1 `environments.production` has no key "variable": did you mean `variables`?
    "#);
}

#[test]
fn merging() {
    let text = r#"[repository.merge]
by = ["labels"]
label = "merge"
blocking_labels = ["wip", "Merge"]
required = ["davit/ci/[", "davit/ci/[*"]
approvals = -1
method = "fast-forward"
branches = ["{main"]
delete_branch = "yes"
"#;
    insta::assert_snapshot!(errors(&repository(text)), @r#"
        6:7 an item of `merge.by` must be one of "label", "comment", "forge", "ui", not "labels": did you mean "label"?
        8:19 the label "Merge" can't both ask for a merge and be in its way
        9:13 "davit/ci/[" is not a valid glob: unclosed character class; missing ']'
        9:27 "davit/ci/[*" is not a valid glob: unclosed character class; missing ']'
        10:13 `merge.approvals` must be between 0 and 100, not -1
        11:10 `merge.method` must be one of "merge", "squash", "rebase", not "fast-forward"
        12:13 "{main" is not a valid glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
        13:17 `merge.delete_branch` must be true or false, not a string
    "#);
    insta::assert_snapshot!(errors(&repository("merge = true")), @"5:9 `merge` must be a table { … }, not true or false");
    insta::assert_snapshot!(errors(&repository("merge = { by = [] }")), @"5:16 `merge.by` must not be empty");
}

#[test]
fn what_its_forge_can_not_do() {
    let text = format!("{FORGES}[[repository]]\nforge = \"mute\"\nname = \"a/b/c\"\nmerge = {{}}\n");
    insta::assert_snapshot!(errors(&text), @r#"
        4:8 a repository looks like "owner/name", not "a/b/c": only GitLab has groups in groups
        4:8 davit can't merge changes of "a/b/c": give forge "mute" a `token` or an `app`, or leave `merge` out
    "#);
    let generic = r#"forge = [{ id = "x", kind = "generic", generic = { header = "X", repository = "/r", ref = "/f", commit = "/c" } }]
[[repository]]
forge = "x"
name = "a/b"
"#;
    insta::assert_snapshot!(errors(generic), @r#"4:8 repository "a/b" needs a `url`: forge "x" is generic and does not say where git fetches from"#);
}

#[test]
fn checks_before_a_release() {
    let environment = |value: &str| format!("[[environment]]\nkey = \"a\"\nrequire_green = {value}\n");
    insta::assert_snapshot!(errors(&environment("[]")), @"3:17 `require_green` must not be empty");
    insta::assert_snapshot!(errors(&environment("\"davit/ci/*\"")), @r#"3:17 `require_green` must be true, false or a list of contexts like ["davit/ci/*"], not a string"#);
    insta::assert_snapshot!(errors(&environment("[\"a\", \"a\", \"{\"]")), @r#"
        3:23 `require_green` has "a" twice
        3:28 "{" is not a valid glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
    "#);
}
