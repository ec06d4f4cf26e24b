//! `davit hosts …`: list them, check them, pin their keys.

use super::declared::{self, DeclaredCommand};
use super::examples;
use super::{Format, ListFormat, host_keys, not_found};
use crate::client::Client;
use crate::client::declared::Thing;
use crate::client::types::{Host, HostCheck};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, visible};
use crate::prompt;
use clap::{Args, Subcommand};
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};

/// More hosts than anybody has; what "all" means.
const ALL: usize = 100_000;
/// Hosts that are checked at once.
pub(super) const AT_ONCE: usize = 8;
const SEE_LIST: &str = "davit hosts list";

/// List and check hosts
#[derive(Debug, Subcommand)]
#[command(after_help = examples::HOSTS)]
pub(crate) enum HostsCommand {
    /// List hosts with their newest check
    List(ListFormat),
    /// Connect to hosts and say whether releases can go there
    Verify(NamesArgs),
    /// Show the keys of hosts and pin those that are accepted
    ScanKeys(ScanArgs),
    /// Log in to hosts with a password, once, and leave davit's public key there
    InstallKey(host_keys::InstallArgs),
    /// Pin the host keys that a known_hosts file of yours has
    ImportKnownHosts(host_keys::ImportArgs),
    /// Print davit's public key, for the authorized_keys of hosts
    PublicKey,
    #[command(flatten)]
    Declared(DeclaredCommand),
}

/// Some hosts, or all.
#[derive(Debug, Args)]
pub(crate) struct NamesArgs {
    /// These hosts; none: all
    names: Vec<String>,
    #[command(flatten)]
    format: Format,
}

/// Whose keys are pinned, and who says that they are right.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// These hosts; none: all that have no pinned key yet
    names: Vec<String>,
    /// Accept first keys without asking; a key that changed is never accepted this way
    #[arg(short, long)]
    yes: bool,
    /// Accept a key with exactly this fingerprint, also in place of another one
    #[arg(long, value_name = "SHA256:…")]
    fingerprint: Option<String>,
    /// Look at every host at once, also those with a pinned key, and ask once
    #[arg(long, conflicts_with_all = ["names", "fingerprint"])]
    all: bool,
    #[command(flatten)]
    format: Format,
}

/// A host with what a check found.
#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    #[serde(flatten)]
    check: HostCheck,
}

/// A host with the key that it shows.
#[derive(Debug, Serialize)]
struct Scanned {
    name: String,
    fingerprint: Option<String>,
    code: Option<String>,
    detail: String,
    accepted: bool,
}

pub(super) async fn run(command: HostsCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        HostsCommand::List(list) => print_list(&client, list).await,
        HostsCommand::Verify(args) => verify(&client, args).await,
        HostsCommand::ScanKeys(args) if args.all => host_keys::scan_all(&client, args.yes, args.format).await,
        HostsCommand::ScanKeys(args) => scan_keys(&client, args).await,
        HostsCommand::InstallKey(args) => host_keys::install(&client, args).await,
        HostsCommand::ImportKnownHosts(args) => host_keys::import(&client, args).await,
        HostsCommand::PublicKey => public_key(&client).await,
        HostsCommand::Declared(command) => declared::run(&client, command, Thing::Host).await,
    }
}

/// What to try when there is no such host.
pub(super) fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found(SEE_LIST)
}

/// The hosts that the server knows.
pub(super) async fn all(client: &Client) -> Result<Vec<Host>, Failure> {
    Ok(client.list(&["hosts"], &[], ALL).await?.items)
}

async fn print_list(client: &Client, list: ListFormat) -> Outcome {
    let output = Output::detect();
    let hosts = client.list::<Host>(&["hosts"], &[], list.limit).await?;
    if list.format.json {
        output.json(&hosts)?;
    } else {
        let rows: Vec<_> = hosts.items.iter().map(row).collect();
        let header = ["host", "at", "environments", "check", "key", "detail"];
        output.table(
            &header,
            &rows,
            "There are no hosts yet: davit hosts set NAME address=ADDRESS user=USER, or [[host]] in davit.toml",
        )?;
    }
    Ok(Exit::Done)
}

fn row(host: &Host) -> Vec<Cell> {
    let at = match (host.kind.as_str(), host.port) {
        ("local", _) => "local".to_owned(),
        (_, Some(port)) => format!("{}@{}:{port}", host.user, host.address),
        (_, None) => format!("{}@{}", host.user, host.address),
    };
    let check = match &host.check {
        None => Cell::toned(Tone::Faint, "not yet"),
        Some(check) if check.ok => Cell::toned(Tone::Good, "ok"),
        Some(_) => Cell::toned(Tone::Bad, "failed"),
    };
    vec![
        Cell::from(&host.name),
        Cell::from(at),
        Cell::from(host.environments.join(",")),
        check,
        Cell::from(host.host_key_fingerprint.as_deref().unwrap_or("-")),
        Cell::from(host.check.as_ref().map_or("", |check| &check.detail)),
    ]
}

async fn verify(client: &Client, args: NamesArgs) -> Outcome {
    let output = Output::detect();
    let names = choose(client, args.names, |_| true).await?;
    let mut checks = stream::iter(names.into_iter().map(|name| async move {
        let check = client.verify_host(&name).await.map_err(see_list);
        check.map(|check| Checked { name, check })
    }))
    .buffered(AT_ONCE);
    let mut items = Vec::new();
    while let Some(checked) = checks.next().await {
        let checked = checked?;
        if !args.format.json {
            output.line(verified(&checked, output))?;
        }
        items.push(checked);
    }
    if args.format.json {
        output.json(&json!({ "items": items }))?;
    }
    let failed = items.iter().filter(|checked| !checked.check.ok).count();
    if failed == 0 {
        return Ok(Exit::Done);
    }
    let key =
        |checked: &Checked| matches!(checked.check.code.as_deref(), Some("host_key_unknown" | "host_key_changed"));
    let hint = if items.iter().any(key) {
        "davit hosts scan-keys"
    } else {
        "davit hosts public-key, and see that the hosts know this key"
    };
    Err(Failure::failed(format!("{failed} of {} hosts can't take releases", items.len())).hint(hint))
}

fn verified(checked: &Checked, output: Output) -> String {
    let mark = if checked.check.ok { output.paint(Tone::Good, "✓") } else { output.paint(Tone::Bad, "✗") };
    format!("{mark} {}: {}", output.paint(Tone::Name, &checked.name), visible(&checked.check.detail))
}

async fn scan_keys(client: &Client, args: ScanArgs) -> Outcome {
    let output = Output::detect();
    let names = choose(client, args.names.clone(), |host| host.kind != "local" && host.host_key_fingerprint.is_none());
    let names = names.await?;
    if args.fingerprint.is_some() && names.len() != 1 {
        return Err(Failure::usage("--fingerprint is one key, of one host")
            .hint("davit hosts scan-keys HOST --fingerprint SHA256:…"));
    }
    let mut items = Vec::new();
    for name in names {
        let check = client.verify_host(&name).await.map_err(see_list)?;
        items.push(scan(client, &args, name, check, output).await?);
    }
    if args.format.json {
        output.json(&json!({ "items": items }))?;
    } else if items.is_empty() {
        output.note("Every host has a pinned key.");
    }
    let open: Vec<&str> = items.iter().filter(|host| host.is_open()).map(|host| host.name.as_str()).collect();
    if open.is_empty() {
        return Ok(Exit::Done);
    }
    let nobody_asked = !args.yes && args.fingerprint.is_none() && (args.format.json || !prompt::can_ask());
    let exit = if nobody_asked { Exit::Usage } else { Exit::Failed };
    Err(Failure::new(exit, format!("no key was pinned for {}", open.join(", "))).hint(
        "compare the fingerprints with those on the hosts, then davit hosts scan-keys HOST --fingerprint SHA256:…",
    ))
}

/// Shows one host's key and pins it where that is wanted.
async fn scan(
    client: &Client,
    args: &ScanArgs,
    name: String,
    check: HostCheck,
    output: Output,
) -> Result<Scanned, Failure> {
    let HostCheck { fingerprint, code, detail, .. } = check;
    let mut scanned = Scanned { name, fingerprint, code, detail, accepted: false };
    if !args.format.json {
        let key = scanned.fingerprint.as_deref().unwrap_or("no key");
        output.line(format!(
            "{} {}: {}",
            output.paint(Tone::Name, &scanned.name),
            visible(key),
            visible(&scanned.detail)
        ))?;
    }
    if scanned.waits()
        && let Some(fingerprint) = scanned.fingerprint.clone()
        && accepts(args, &scanned, &fingerprint).await?
    {
        let body = json!({ "fingerprint": fingerprint });
        let _: Value = client.post(&["hosts", &scanned.name, "accept-key"], &body).await?;
        scanned.accepted = true;
        output.note(format!("Pinned {} for {}.", visible(&fingerprint), scanned.name));
    }
    Ok(scanned)
}

impl Scanned {
    /// Whether it shows a key that davit does not believe yet.
    fn waits(&self) -> bool {
        matches!(self.code.as_deref(), Some("host_key_unknown" | "host_key_changed"))
    }

    /// Whether there is something left to do: a key to accept, or one to get at all.
    fn is_open(&self) -> bool {
        !self.accepted && (self.waits() || (self.fingerprint.is_none() && self.code.as_deref() == Some("unreachable")))
    }
}

async fn accepts(args: &ScanArgs, host: &Scanned, shown: &str) -> Result<bool, Failure> {
    if let Some(expected) = &args.fingerprint {
        return Ok(expected == shown);
    }
    let changed = host.code.as_deref() == Some("host_key_changed");
    if args.yes {
        return Ok(!changed);
    }
    if args.format.json || !prompt::can_ask() {
        return Ok(false);
    }
    let warning = if changed { "This is NOT the key that was pinned; somebody may be in between. " } else { "" };
    prompt::confirm(&format!("{warning}Is this the key of {}?", host.name)).await
}

async fn public_key(client: &Client) -> Outcome {
    let answer: Value = client.get(&["hosts", "public-key"], &[]).await?;
    let key = answer.get("public_key").and_then(Value::as_str).unwrap_or_default();
    Output::detect().line(visible(key))?;
    Ok(Exit::Done)
}

/// The named hosts, or without names all that `wanted` says.
async fn choose(client: &Client, names: Vec<String>, wanted: impl Fn(&Host) -> bool) -> Result<Vec<String>, Failure> {
    let hosts = all(client).await?;
    if names.is_empty() {
        return Ok(hosts.into_iter().filter(wanted).map(|host| host.name).collect());
    }
    match names.iter().find(|name| hosts.iter().all(|host| host.name != **name)) {
        Some(unknown) => Err(not_found("host", unknown, SEE_LIST)),
        None => Ok(names),
    }
}
