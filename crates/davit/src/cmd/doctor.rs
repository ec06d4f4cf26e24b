//! `davit doctor`: one line a check, ✓ or ✗, and what to do.
//!
//! Sees what a client can see, and asks the server for the rest: its address, its forges, its outbox, the places where
//! jobs run. With `--server` it looks at the server's own machine instead.

mod certificate;
mod server;

use super::{Format, hosts};
use crate::client::Client;
use crate::client::forges::Finding;
use crate::client::types::{Forge, Host, HostCheck, Session};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, visible};
use clap::Args;
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  davit doctor                                        over the API, as who is logged in
  davit doctor --server                               the server of the Debian package, as root
  davit doctor --server --data-dir /srv/davit --json";

/// Check that everything works, and say what to do where it does not
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Look at the server on this machine, whether it runs or not: settings, files, database, address
    #[arg(long)]
    server: bool,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    look: server::ServerLook,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    fn good(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok: true, detail: detail.into(), fix: None }
    }

    fn bad(name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), ok: false, detail: detail.into(), fix: Some(fix.into()) }
    }

    fn of_failure(name: &str, failure: Failure) -> Self {
        Self { name: name.to_owned(), ok: false, detail: failure.message, fix: failure.hint }
    }
}

impl From<Finding> for Check {
    fn from(finding: Finding) -> Self {
        let Finding { name, ok, detail, fix } = finding;
        Self { name, ok, detail, fix }
    }
}

pub(super) async fn run(args: DoctorArgs) -> Outcome {
    let output = Output::detect();
    let checks = if args.server { server::examine(args.look).await } else { examine().await };
    let ok = checks.iter().all(|check| check.ok);
    if args.format.json {
        output.json(&json!({ "ok": ok, "checks": checks }))?;
    } else {
        checks.iter().try_for_each(|check| print(check, output))?;
    }
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

/// Every check that can be made. Where one fails that others rest on, those are left out.
async fn examine() -> Vec<Check> {
    let client = match Client::from_environment() {
        Ok(client) => client,
        Err(failure) => return vec![Check::of_failure("login", failure)],
    };
    let mut checks = Vec::new();
    match client.probe("healthz").await {
        Ok((200, _)) => checks.push(Check::good("server", format!("{} answers", client.base()))),
        Ok((status, _)) => {
            let detail = format!("{} answers {status}: that is not davit", client.base());
            checks.push(Check::bad("server", detail, "set DAVIT_URL to the server's address"));
            return checks;
        }
        Err(failure) => {
            checks.push(Check::of_failure("server", failure));
            return checks;
        }
    }
    checks.push(readiness(&client).await);
    match client.get::<Session>(&["session"], &[]).await {
        Ok(session) => checks.extend([account(&session), version(&session)]),
        Err(failure) => {
            checks.push(Check::of_failure("login", failure));
            return checks;
        }
    }
    checks.extend(check_hosts(&client).await);
    checks.extend(check_forges(&client).await);
    checks
}

async fn readiness(client: &Client) -> Check {
    match client.probe("readyz").await {
        Ok((200, _)) => Check::good("readiness", "database, files and workers answer"),
        Ok((status, text)) => {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            Check::bad("readiness", format!("/readyz answers {status}: {text}"), "read the log of davit serve")
        }
        Err(failure) => Check::of_failure("readiness", failure),
    }
}

fn account(session: &Session) -> Check {
    Check::good("login", format!("logged in as {} ({})", session.user.name, session.user.role()))
}

fn version(session: &Session) -> Check {
    let (ours, theirs) = (env!("CARGO_PKG_VERSION"), session.version.as_str());
    if ours == theirs {
        return Check::good("version", format!("client and server are {ours}"));
    }
    Check::bad("version", format!("the client is {ours}, the server {theirs}"), "install the server's version here")
}

/// Checks the hosts anew; where the role does not allow that, says what the newest check found.
async fn check_hosts(client: &Client) -> Vec<Check> {
    let known = match hosts::all(client).await {
        Ok(known) => known,
        Err(failure) => return vec![Check::of_failure("hosts", failure)],
    };
    if known.is_empty() {
        return vec![Check::good("hosts", "none yet")];
    }
    let checks = known.into_iter().map(|host| async move {
        match client.verify_host(&host.name).await {
            Ok(check) => host_check(&host, Some(&check)),
            Err(failure) if failure.exit == Exit::Denied => host_check(&host, host.check.as_ref()),
            Err(failure) => Check::of_failure(&format!("host {}", host.name), failure),
        }
    });
    stream::iter(checks).buffered(hosts::AT_ONCE).collect().await
}

fn host_check(host: &Host, check: Option<&HostCheck>) -> Check {
    let name = format!("host {}", host.name);
    let Some(check) = check else {
        let fix = format!("davit hosts verify {}, as an operator", host.name);
        return Check::bad(name, "was never checked", fix);
    };
    if check.ok {
        return Check::good(name, &check.detail);
    }
    let fix = match check.code.as_deref() {
        Some("host_key_unknown" | "host_key_changed") => format!("davit hosts scan-keys {}", host.name),
        Some("denied") => "put the line of davit hosts public-key into authorized_keys there".to_owned(),
        Some("unreachable") => format!("see that {}:{} answers from the server", host.address, host.port.unwrap_or(22)),
        Some(_) | None => format!("davit hosts verify {}", host.name),
    };
    Check::bad(name, &check.detail, fix)
}

/// What the server finds; where the role does not allow to have it look, or it is too old to, what its list of forges says.
async fn check_forges(client: &Client) -> Vec<Check> {
    match client.examine().await {
        Ok(examination) => examination.checks.into_iter().map(Check::from).collect(),
        Err(failure) if matches!(failure.exit, Exit::Denied | Exit::NotFound) => match client.forges().await {
            Ok(forges) if forges.items.is_empty() => vec![Check::good("forges", "none yet")],
            Ok(forges) => forges.items.iter().map(forge_check).collect(),
            Err(failure) => vec![Check::of_failure("forges", failure)],
        },
        Err(failure) => vec![Check::of_failure("forges", failure)],
    }
}

fn forge_check(forge: &Forge) -> Check {
    let name = format!("forge {}", forge.id);
    let hook = &forge.hook_url;
    let missing = |what: &str, consequence: &str| {
        let fix = format!("give [[forge]] \"{}\" a {what} in davit.toml, then davit apply", forge.id);
        Check::bad(&name, format!("has no {what}: {consequence}"), fix)
    };
    if !forge.has_webhook_secret {
        return missing("webhook_secret", &format!("{hook} refuses every delivery"));
    }
    if !forge.has_token && forge.kind != "generic" {
        return missing("token", "davit can't report what it does there");
    }
    Check::good(name, format!("takes deliveries at {hook}"))
}

fn print(check: &Check, output: Output) -> Result<(), Failure> {
    let mark = if check.ok { output.paint(Tone::Good, "✓") } else { output.paint(Tone::Bad, "✗") };
    output.line(format!("{mark} {}: {}", visible(&check.name), visible(&check.detail)))?;
    match &check.fix {
        Some(fix) => output.line(format!("    {} {}", output.paint(Tone::Busy, "try:"), visible(fix))),
        None => Ok(()),
    }
}
