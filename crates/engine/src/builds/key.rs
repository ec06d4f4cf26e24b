//! What a build is looked up by: BLAKE3 of everything it is made from, as JSON.
//!
//! A build without server hooks is the commit seen through `build_dir` and filter: variables, inputs, values and
//! environment can't change it, so they don't count. With hooks they do, for hooks see them. `share_builds` says of a config that
//! its hooks do not care for the environment. Not part of it, although hooks see them too: who asked, the branch or
//! tag by which the commit was named, numbers and times; a hook that puts those into files puts in those of the first
//! deployment.

use davit_domain::config::{ActionKind, Filter, Mode, ReleaseConfig};
use davit_domain::ids::{AppKey, CommitSha, EnvironmentKey};
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts up when the same inputs come to mean another build.
const VERSION: u32 = 1;

/// The fields in this order, maps sorted: equal inputs are equal bytes.
#[derive(Serialize)]
struct From<'a> {
    version: u32,
    app: &'a AppKey,
    commit: &'a CommitSha,
    build_dir: &'a str,
    filter: Option<&'a Filter>,
    hooks: Option<Hooks<'a>>,
}

#[derive(Serialize)]
struct Hooks<'a> {
    scripts: Vec<&'a str>,
    variables: &'a str,
    inputs: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    values: &'a BTreeMap<String, String>,
    environment: Option<&'a EnvironmentKey>,
}

/// The key of what `commit` becomes with this config, these inputs and these values (what stands for a secret one is
/// nothing that it could be guessed by).
pub(crate) fn of(
    app: &AppKey,
    commit: &CommitSha,
    config: &ReleaseConfig,
    inputs: &BTreeMap<String, String>,
    values: &BTreeMap<String, String>,
) -> Result<String, serde_json::Error> {
    let scripts = scripts(config);
    let hooks = (!scripts.is_empty()).then(|| Hooks {
        scripts,
        variables: &config.variables,
        inputs,
        values,
        environment: (!config.share_builds).then_some(&config.environment),
    });
    let from =
        From { version: VERSION, app, commit, build_dir: &config.build_dir, filter: config.filter.as_ref(), hooks };
    Ok(blake3::hash(&serde_json::to_vec(&from)?).to_hex().to_string())
}

/// The scripts that run on the server before the build is packed; empty when there are none. In custom mode these are
/// the server actions before the first one that reaches for a host.
pub(crate) fn scripts(config: &ReleaseConfig) -> Vec<&str> {
    let scripts: Vec<&str> = match &config.mode {
        Mode::Regular => vec![&config.hooks.before_checkout, &config.hooks.after_checkout],
        Mode::Custom(custom) => {
            let actions = custom.actions.iter();
            let runs = actions.map_while(|action| match &action.what {
                ActionKind::Server { run } => Some(run.as_str()),
                ActionKind::Host { .. } | ActionKind::Transfer { .. } => None,
            });
            runs.collect()
        }
    };
    if scripts.iter().all(|script| script.trim().is_empty()) { Vec::new() } else { scripts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use davit_domain::config::Configuration;

    fn config(text: &str) -> ReleaseConfig {
        let text = format!(
            "[[environment]]\nkey = \"test\"\n[[environment]]\nkey = \"production\"\n\
             [[host]]\nname = \"here\"\nkind = \"local\"\n\
             [[app]]\nkey = \"shop\"\nrepository = {{ url = \"https://git.example/shop.git\" }}\n\
             [[app.release]]\nhosts = [\"here\"]\ndeploy_path = \"/srv/www\"\nreleases_path = \"/srv/releases\"\n{text}"
        );
        let parsed = davit_domain::config::parse(&text, &Configuration::default()).expect("a configuration");
        parsed.configuration.apps[0].releases[0].clone()
    }

    fn key(text: &str) -> String {
        key_with(text, &BTreeMap::new())
    }

    fn key_with(text: &str, inputs: &BTreeMap<String, String>) -> String {
        let app = "shop".parse().expect("a key");
        let commit = CommitSha::try_from("1".repeat(40)).expect("a commit");
        of(&app, &commit, &config(text), inputs, &BTreeMap::new()).expect("a key")
    }

    fn key_with_value(text: &str, value: &str) -> String {
        let app = "shop".parse().expect("a key");
        let commit = CommitSha::try_from("1".repeat(40)).expect("a commit");
        let values = BTreeMap::from([("TOKEN".to_owned(), value.to_owned())]);
        of(&app, &commit, &config(text), &BTreeMap::new(), &values).expect("a key")
    }

    const HOOK: &str = "hooks = { after_checkout = \"make\" }\n";

    #[test]
    fn without_server_hooks_environment_and_variables_make_no_difference() {
        let one = key("environment = \"test\"\nvariables = \"A=1\"\nhooks = { after_release = \"true\" }");
        assert_eq!(one, key("environment = \"production\"\nvariables = \"A=2\""));
        let inputs = BTreeMap::from([("VERSION".to_owned(), "2".to_owned())]);
        assert_eq!(one, key_with("environment = \"production\"", &inputs));
        assert_eq!(one, key_with_value("environment = \"production\"", "1"));
        assert_ne!(one, key("environment = \"test\"\nbuild_dir = \"dist\""));
        assert_ne!(one, key("environment = \"test\"\nfilter = { mode = \"exclude\", patterns = [\"*.map\"] }"));
    }

    #[test]
    fn with_server_hooks_they_do() {
        let test = key(&format!("environment = \"test\"\n{HOOK}"));
        assert_ne!(test, key("environment = \"test\""));
        assert_ne!(test, key(&format!("environment = \"production\"\n{HOOK}")));
        assert_ne!(test, key(&format!("environment = \"test\"\nvariables = \"A=1\"\n{HOOK}")));
        assert_ne!(test, key("environment = \"test\"\nhooks = { before_checkout = \"make\" }"));
        assert_ne!(test, key_with_value(&format!("environment = \"test\"\n{HOOK}"), "1"));
        let inputs = BTreeMap::from([("VERSION".to_owned(), "2".to_owned())]);
        assert_ne!(test, key_with(&format!("environment = \"test\"\n{HOOK}"), &inputs));
    }

    #[test]
    fn shared_builds_are_the_same_everywhere() {
        let shared = |environment| key(&format!("environment = {environment:?}\nshare_builds = true\n{HOOK}"));
        assert_eq!(shared("test"), shared("production"));
        assert_ne!(shared("test"), key(&format!("environment = \"test\"\n{HOOK}")));
    }
}
