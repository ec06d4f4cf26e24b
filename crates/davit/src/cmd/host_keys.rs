//! Keys for many hosts at once: davit's key onto hosts, the hosts' keys into davit.

use super::Format;
use super::hosts::see_list;
use crate::client::Client;
use crate::client::things::{AcceptKey, ScannedKey};
use crate::client::types::HostCheck;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, visible};
use crate::prompt;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

/// Log in to hosts with a password, once, and leave davit's public key there
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// The hosts
    #[arg(required = true)]
    names: Vec<String>,
    /// Read the password from standard input; it is the same for all of these hosts
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    format: Format,
}

/// Pin the host keys that a known_hosts file of yours has
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file, such as ~/.ssh/known_hosts
    file: PathBuf,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Installed {
    name: String,
    #[serde(flatten)]
    check: HostCheck,
}

pub(super) async fn install(client: &Client, args: InstallArgs) -> Outcome {
    let output = Output::detect();
    if !args.password_stdin && !prompt::can_ask() {
        return Err(Failure::usage("there is no terminal to ask for the password")
            .hint("davit hosts install-key HOST --password-stdin < FILE"));
    }
    let for_all = if args.password_stdin { Some(prompt::secret_from_stdin()?) } else { None };
    let mut items = Vec::new();
    for name in args.names {
        let password = match &for_all {
            Some(password) => password.clone(),
            None => prompt::secret(&format!("Password for {name}: ")).await?,
        };
        let check = client.install_key(&name, &password).await.map_err(see_list)?;
        if !args.format.json {
            let (tone, mark) = if check.ok { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
            output.line(format!("{} {name}: {}", output.paint(tone, mark), visible(&check.detail)))?;
        }
        items.push(Installed { name, check });
    }
    let failed = items.iter().filter(|host| !host.check.ok).count();
    if args.format.json {
        output.json(&json!({ "items": items }))?;
    }
    match failed {
        0 => Ok(Exit::Done),
        failed => Err(Failure::failed(format!("{failed} of {} hosts did not take the key", items.len()))
            .hint("davit hosts verify, which says what is wrong")),
    }
}

/// Shows the keys of all hosts and pins the new ones after one question. A key that changed stays as it is.
pub(super) async fn scan_all(client: &Client, yes: bool, format: Format) -> Outcome {
    let output = Output::detect();
    let keys = client.scan_keys(&[]).await?.items;
    if !format.json {
        let rows: Vec<_> = keys.iter().map(row).collect();
        output.table(&["host", "key", "fingerprint", "detail"], &rows, "There are no hosts with keys.")?;
    }
    let new: Vec<AcceptKey> = keys.iter().filter_map(ScannedKey::first_key).collect();
    let asked = yes || (!format.json && prompt::can_ask());
    let accepted =
        !new.is_empty() && (yes || (asked && prompt::confirm(&format!("Pin these {} keys?", new.len())).await?));
    if accepted {
        client.accept_keys(&new).await?;
    }
    if format.json {
        output.json(&json!({ "items": keys, "pinned": if accepted { new.len() } else { 0 } }))?;
    } else if accepted {
        output.line(format!("{} keys are pinned", new.len()))?;
    }
    let changed: Vec<&str> = keys.iter().filter(|key| key.status == "changed").map(|key| key.host.as_str()).collect();
    if !changed.is_empty() {
        return Err(Failure::failed(format!("{} shows another key than the pinned one", changed.join(", ")))
            .hint("compare it on the host, then davit hosts scan-keys HOST --fingerprint SHA256:…"));
    }
    if !new.is_empty() && !accepted {
        let exit = if asked { Exit::Failed } else { Exit::Usage };
        return Err(Failure::new(exit, "no key was pinned").hint("davit hosts scan-keys --all --yes"));
    }
    match keys.iter().filter(|key| key.status == "failed").count() {
        0 => Ok(Exit::Done),
        failed => Err(Failure::failed(format!("{failed} of {} hosts did not show a key", keys.len()))),
    }
}

pub(super) async fn import(client: &Client, args: ImportArgs) -> Outcome {
    let output = Output::detect();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| Failure::usage(format!("{} can't be read: {error}", args.file.display())))?;
    let import = client.import_known_hosts(&text).await?;
    if args.format.json {
        output.json(&import)?;
    } else {
        let pinned = if import.pinned.is_empty() { "no host".to_owned() } else { import.pinned.join(", ") };
        output.line(format!("pinned: {}", visible(&pinned)))?;
        output.note(format!("{} lines are of hosts that davit does not know.", import.unknown));
    }
    if import.conflicts.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(format!("{} has another pinned key, which stays", import.conflicts.join(", ")))
        .hint("compare it on the host, then davit hosts scan-keys HOST --fingerprint SHA256:…"))
}

fn row(key: &ScannedKey) -> Vec<Cell> {
    let tone = match key.status.as_str() {
        "same" => Tone::Good,
        "new" => Tone::Busy,
        _ => Tone::Bad,
    };
    vec![
        Cell::from(&key.host),
        Cell::toned(tone, &key.status),
        Cell::from(key.fingerprint.as_deref().unwrap_or("-")),
        Cell::from(&key.detail),
    ]
}
