//! What is wrong with a davit that runs: its address, its forges with every repository that it uses there, its outbox,
//! and the places where jobs run.
//!
//! Hosts are not asked here: a client verifies them one by one, so that a slow one is seen to be slow.

use crate::forges::{ForgeCheck, HookStanding, repositories_at};
use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, ExecutorKind, Forge, ForgeKind};
use davit_domain::ids::ForgeId;
use davit_forge::{Need, RepositoryAccess};
use davit_store::outbox::{OutboxState, Target};
use futures::{StreamExt, stream};
use std::time::Duration;

/// Repositories that are asked about at the same time.
const AT_ONCE: usize = 4;
/// A forge that takes longer for one repository is not fit for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// Signatures with a time are refused when clocks differ by five minutes: a minute is worth a word. Milliseconds.
const SKEW: i64 = 60_000;
/// Calls that wait for longer than this wait for more than their turn.
const STUCK: Duration = Duration::from_secs(3600);

/// What something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The server itself.
    Server,
    /// A forge or a repository there.
    Forge,
    /// Calls to forges.
    Outbox,
    /// Where jobs of CI runs run.
    Runner,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What sort of thing.
    pub about: About,
    /// Which one.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do, where something is to be done.
    pub fix: Option<String>,
}

impl Finding {
    fn good(about: About, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { about, name: name.into(), ok: true, detail: detail.into(), fix: None }
    }

    fn bad(about: About, name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { about, name: name.into(), ok: false, detail: detail.into(), fix: Some(fix.into()) }
    }
}

impl Engine {
    /// Looks at everything and asks every forge about every repository that davit uses there; where davit tests any,
    /// tries out the places where jobs run. Changes nothing that lasts.
    ///
    /// # Errors
    /// When the store does not answer; everything else that is wrong is a finding.
    pub async fn doctor(&self) -> Result<Vec<Finding>, EngineError> {
        let configuration = self.store().configuration().await?;
        let mut findings = vec![address(&self.settings().public_url)];
        for forge in &configuration.forges {
            findings.extend(self.forge_findings(&configuration, forge).await?);
        }
        findings.extend(self.outbox_findings().await?);
        if !configuration.repositories.is_empty() {
            findings.extend(davit_runner::examine().await.into_iter().map(|found| place(&configuration, found)));
        }
        Ok(findings)
    }

    async fn forge_findings(&self, configuration: &Configuration, forge: &Forge) -> Result<Vec<Finding>, EngineError> {
        let mut findings = vec![self.secret_finding(forge).await?];
        if forge.kind == ForgeKind::Generic {
            return Ok(findings);
        }
        let name = format!("forge {}", forge.id);
        if !forge.has_api() {
            let detail = "has no credential: davit can't report what it does there";
            let fix = format!("give [[forge]] \"{}\" a token in davit.toml, then davit apply", forge.id);
            findings.push(Finding::bad(About::Forge, name, detail, fix));
            return Ok(findings);
        }
        if let Err(error) = self.forge_client(&forge.id).await {
            findings.push(Finding::bad(About::Forge, name, error.to_string(), "set it and apply davit.toml again"));
            return Ok(findings);
        }
        let repositories = repositories_at(configuration, &forge.id);
        let checks = repositories.into_iter().map(|repository| self.repository_findings(&forge.id, repository));
        let checks: Vec<_> = checks.collect();
        let found: Vec<Vec<Finding>> = stream::iter(checks).buffered(AT_ONCE).collect().await;
        findings.extend(found.into_iter().flatten());
        Ok(findings)
    }

    async fn secret_finding(&self, forge: &Forge) -> Result<Finding, EngineError> {
        let name = format!("forge {}", forge.id);
        let url = self.hook_url(&forge.id);
        let set = match &forge.webhook_secret {
            Some(reference) => self.find_secret(reference).await?.is_some(),
            None => false,
        };
        if set {
            return Ok(Finding::good(About::Forge, name, format!("takes deliveries at {url}")));
        }
        let detail = format!("has no webhook secret: {url} refuses every delivery");
        let fix = match &forge.webhook_secret {
            Some(reference) => {
                format!("give {} a value: davit secrets set, or davit apply where it is", reference.key())
            }
            None => format!("give [[forge]] \"{}\" a webhook_secret in davit.toml, then davit apply", forge.id),
        };
        Ok(Finding::bad(About::Forge, name, detail, fix))
    }

    async fn repository_findings(&self, forge: &ForgeId, repository: String) -> Vec<Finding> {
        let name = format!("{forge} {repository}");
        match tokio::time::timeout(PATIENCE, self.check_forge(forge, &repository)).await {
            Ok(Ok(check)) => judge(forge, &name, &check),
            Ok(Err(error)) => vec![Finding::bad(About::Forge, name, error.to_string(), "mend that and try again")],
            Err(_) => {
                let detail = format!("{forge} took longer than {} s", PATIENCE.as_secs());
                vec![Finding::bad(About::Forge, name, detail, "see that its api_url answers from the server")]
            }
        }
    }

    async fn outbox_findings(&self) -> Result<Vec<Finding>, EngineError> {
        let mut findings = Vec::new();
        for count in self.store().outbox_counts().await? {
            let (name, of) = match &count.target {
                Target::Forge(id) => (format!("outbox {id}"), format!("--forge {id}")),
                Target::Channel(id) => (format!("outbox {id}"), format!("--channel {id}")),
            };
            match count.state {
                OutboxState::Dead => {
                    let detail = format!("{} call(s) were given up", count.count);
                    let fix = format!("davit outbox list --state dead {of}");
                    findings.push(Finding::bad(About::Outbox, name, detail, fix));
                }
                OutboxState::Waiting if self.now().since(count.oldest) > STUCK => {
                    let detail = format!("{} call(s) wait, the oldest since {}", count.count, count.oldest);
                    let fix = format!("davit outbox list {of}");
                    findings.push(Finding::bad(About::Outbox, name, detail, fix));
                }
                OutboxState::Waiting | OutboxState::Leased | OutboxState::Done | OutboxState::Superseded => {}
            }
        }
        if findings.is_empty() {
            findings.push(Finding::good(About::Outbox, "outbox", "everything was told, or will be soon"));
        }
        Ok(findings)
    }
}

/// Whether forges and people elsewhere could reach this address, by its looks.
/// What was found about a place for jobs. One that does not work is a fault where a repository is declared to use it;
/// which workflows name containers nobody knows before they run.
fn place(configuration: &Configuration, found: davit_runner::Finding) -> Finding {
    let uses = |executor| configuration.repositories.iter().any(|repository| repository.executor == executor);
    let is_used = match found.about {
        "sandbox" | "limits" => uses(ExecutorKind::Sandbox),
        "host" => uses(ExecutorKind::Host),
        _ => false,
    };
    let name = format!("jobs: {}", found.about);
    Finding { about: About::Runner, name, ok: found.ok || !is_used, detail: found.detail, fix: found.what_to_do }
}

fn address(public_url: &str) -> Finding {
    let url = reqwest::Url::parse(public_url);
    let host = url.as_ref().ok().and_then(reqwest::Url::host_str).unwrap_or_default();
    let is_loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if is_loopback || host.is_empty() {
        let detail = format!("{public_url} is an address that nobody but this machine reaches");
        let fix = "start davit serve with --public-url https://…, which forges and people reach";
        return Finding::bad(About::Server, "public URL", detail, fix);
    }
    Finding::good(About::Server, "public URL", format!("forges are told {public_url}"))
}

fn judge(forge: &ForgeId, name: &str, check: &ForgeCheck) -> Vec<Finding> {
    let access = match &check.access {
        Ok(access) => access,
        Err(detail) => {
            let fix = "see that the repository exists there and that the credential may see it";
            return vec![Finding::bad(About::Forge, name, detail, fix)];
        }
    };
    let mut findings = permissions(forge, name, access);
    let lacks_something = findings.iter().any(|finding| !finding.ok);
    findings.extend(hook(forge, name, check, lacks_something));
    if let Some(ahead) = check.clock_ahead.filter(|ahead| ahead.abs() > SKEW) {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let detail = format!("the clock of {forge} is {} s {side} davit's", ahead.abs() / 1000);
        findings.push(Finding::bad(About::Forge, name, detail, "set the server's clock, by NTP"));
    }
    findings
}

/// One finding for each permission that is missing; else one that says what davit may.
fn permissions(forge: &ForgeId, name: &str, access: &RepositoryAccess) -> Vec<Finding> {
    let missing =
        access.needs.iter().filter(|need| need.granted == Some(false)).map(|Need { what, permission, .. }| {
            let fix = format!("give the credential at {forge} this permission: {permission}");
            Finding::bad(About::Forge, name, format!("davit can not {what}"), fix)
        });
    let missing: Vec<Finding> = missing.collect();
    if !missing.is_empty() {
        return missing;
    }
    let of = |granted| {
        let words: Vec<&str> =
            access.needs.iter().filter(|need| need.granted == granted).map(|need| need.what).collect();
        words.join(", ")
    };
    let unsaid = of(None);
    let mut detail = format!("davit can {}", of(Some(true)));
    if !unsaid.is_empty() {
        detail = format!("{detail}; {forge} does not say whether it can {unsaid}");
    }
    vec![Finding::good(About::Forge, name, detail)]
}

fn hook(forge: &ForgeId, name: &str, check: &ForgeCheck, lacks_something: bool) -> Option<Finding> {
    let register = format!("davit forges register-hook {forge} --repository {}", check.repository);
    match &check.hook {
        HookStanding::Registered(hook) => {
            let last = hook.last_response.as_deref().map(|last| format!(", its last answer: {last}"));
            let detail = format!("its hook is registered{}", last.unwrap_or_default());
            Some(Finding::good(About::Forge, name, detail))
        }
        HookStanding::Inactive(_) => {
            Some(Finding::bad(About::Forge, name, "its hook is switched off: no delivery comes", register))
        }
        HookStanding::Missing => Some(Finding::bad(About::Forge, name, "no hook of it sends to davit", register)),
        // Where a permission is known to be missing, that is a finding already.
        HookStanding::Unknown(_) if lacks_something => None,
        HookStanding::Unknown(detail) => {
            let detail = format!("its hook can't be seen: {detail}");
            Some(Finding::bad(About::Forge, name, detail, "let the credential see the repository's webhooks"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_forges_can_not_reach_is_found() {
        for bad in ["http://127.0.0.1:8700", "http://localhost", "http://[::1]:8700", "davit"] {
            assert!(!address(bad).ok, "{bad}");
        }
        for good in ["https://davit.example.com", "http://10.0.0.5:8700", "https://localhost.example.com"] {
            assert!(address(good).ok, "{good}");
        }
    }

    #[test]
    fn a_place_that_no_repository_uses_may_be_broken() {
        let text = "forge = [{ id = \"hub\", kind = \"github\" }]\nrepository = [{ forge = \"hub\", name = \"a/b\" }]";
        let parsed = davit_domain::config::parse(text, &Configuration::default()).expect("a good file");
        let broken = |about| {
            let found =
                davit_runner::Finding { about, ok: false, detail: "it is not there".to_owned(), what_to_do: None };
            place(&parsed.configuration, found)
        };
        assert!(!broken("sandbox").ok && !broken("limits").ok);
        assert!(broken("host").ok && broken("container").ok);
        assert_eq!(broken("sandbox").name, "jobs: sandbox");
    }

    #[test]
    fn each_missing_permission_is_a_finding_in_the_forges_words() {
        let need = |what, permission: &str, granted| Need { what, permission: permission.to_owned(), granted };
        let mut access = RepositoryAccess {
            repository: "acme/shop".to_owned(),
            default_branch: "main".to_owned(),
            needs: vec![
                need("read the code", "Contents: read", Some(true)),
                need("report deployments", "Deployments: write", Some(false)),
                need("see checks", "Checks: read", None),
            ],
        };
        let forge: ForgeId = "github".parse().expect("an id");
        let found = permissions(&forge, "github acme/shop", &access);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].detail, "davit can not report deployments");
        assert!(found[0].fix.as_deref().is_some_and(|fix| fix.ends_with("Deployments: write")));
        access.needs.remove(1);
        let found = permissions(&forge, "github acme/shop", &access);
        assert!(found[0].ok);
        assert_eq!(found[0].detail, "davit can read the code; github does not say whether it can see checks");
    }
}
