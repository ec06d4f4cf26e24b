//! `davit forges …`: how forges stand, what davit may do there, hooks and deploy keys.

use super::declared::{self, DeclaredCommand};
use super::examples;
use super::{Format, ListFormat};
use crate::client::Client;
use crate::client::declared::Thing;
use crate::client::forges::{ForgeCheck, HookStanding, Need};
use crate::client::types::Forge;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, visible};
use clap::{Args, Subcommand};
use serde_json::json;

/// Look at forges, test what davit may do there, register hooks, make deploy keys
#[derive(Debug, Subcommand)]
#[command(after_help = examples::FORGES)]
pub(crate) enum ForgesCommand {
    /// List forges with the URL for their webhooks
    List(ListFormat),
    /// Ask a forge what davit may do with the repositories of the apps there; changes nothing
    Test(RepositoryArgs),
    /// Have a forge send webhooks to davit, signed with its webhook_secret
    RegisterHook(RepositoryArgs),
    /// Print the public key with which git reads a forge's repositories; makes it when there is none
    DeployKey(DeployKeyArgs),
    #[command(flatten)]
    Declared(DeclaredCommand),
}

/// A forge and a repository there.
#[derive(Debug, Args)]
pub(crate) struct RepositoryArgs {
    /// The forge's id
    forge: String,
    /// This repository, `owner/name`; absent: every repository of an app there
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// A forge, and where its key is to be added.
#[derive(Debug, Args)]
pub(crate) struct DeployKeyArgs {
    /// The forge's id
    forge: String,
    /// Also let it read this repository, `owner/name`, through the forge's API
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(command: ForgesCommand) -> Outcome {
    let client = Client::from_environment()?;
    match command {
        ForgesCommand::List(args) => list(&client, args).await,
        ForgesCommand::Test(args) => test(&client, args).await,
        ForgesCommand::RegisterHook(args) => register(&client, args).await,
        ForgesCommand::DeployKey(args) => deploy_key(&client, args).await,
        ForgesCommand::Declared(command) => declared::run(&client, command, Thing::Forge).await,
    }
}

async fn list(client: &Client, args: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut forges = client.forges().await?;
    forges.items.truncate(args.limit);
    if args.format.json {
        output.json(&forges)?;
    } else {
        let rows: Vec<_> = forges.items.iter().map(row).collect();
        output.table(
            &["forge", "kind", "secret", "credential", "hook"],
            &rows,
            "No forge is declared yet: davit forges set ID kind=KIND, or [[forge]] in davit.toml",
        )?;
    }
    Ok(Exit::Done)
}

fn row(forge: &Forge) -> Vec<Cell> {
    let set = |is_set: bool| if is_set { Cell::toned(Tone::Good, "set") } else { Cell::toned(Tone::Bad, "missing") };
    let credential =
        if forge.kind == "generic" { Cell::toned(Tone::Faint, "not needed") } else { set(forge.has_token) };
    vec![
        Cell::toned(Tone::Name, &forge.id),
        Cell::from(&forge.kind),
        set(forge.has_webhook_secret),
        credential,
        Cell::from(&forge.hook_url),
    ]
}

async fn test(client: &Client, args: RepositoryArgs) -> Outcome {
    let output = Output::detect();
    let mut checks = Vec::new();
    for repository in repositories(client, &args).await? {
        let check = client.check_forge(&args.forge, &repository).await?;
        if !args.format.json {
            print(&check, output)?;
        }
        checks.push(check);
    }
    if args.format.json {
        output.json(&json!({ "items": checks }))?;
    }
    let bad = checks.iter().filter(|check| !check.is_good()).count();
    Ok(if bad == 0 { Exit::Done } else { Exit::Failed })
}

fn print(check: &ForgeCheck, output: Output) -> Result<(), Failure> {
    let (good, bad, open) =
        (output.paint(Tone::Good, "✓"), output.paint(Tone::Bad, "✗"), output.paint(Tone::Faint, "?"));
    let name = visible(&check.repository);
    if !check.reachable {
        return output.line(format!("{bad} {name}: {}", visible(&check.detail)));
    }
    output.line(format!("{} {name}", if check.is_good() { &good } else { &bad }))?;
    for Need { what, permission, granted, .. } in &check.needs {
        let (what, permission) = (visible(what), visible(permission));
        output.line(match granted {
            Some(true) => format!("    {good} davit can {what}"),
            Some(false) => format!("    {bad} davit can not {what}: the credential lacks {permission}"),
            None => format!("    {open} the forge does not say whether davit can {what} ({permission})"),
        })?;
    }
    let HookStanding { state, last_response, .. } = &check.hook;
    let last = last_response.as_ref().map(|last| format!(", its last answer: {}", visible(last))).unwrap_or_default();
    output.line(match state.as_str() {
        "registered" => format!("    {good} its hook is registered{last}"),
        "inactive" => format!("    {bad} its hook is switched off: register it again"),
        "missing" => format!("    {bad} no hook of it sends to davit"),
        _ => format!("    {open} its hooks can't be seen"),
    })
}

async fn register(client: &Client, args: RepositoryArgs) -> Outcome {
    let output = Output::detect();
    let mut items = Vec::new();
    for repository in repositories(client, &args).await? {
        let hook = client.register_hook(&args.forge, &repository).await?;
        if !args.format.json {
            let secret = match hook.secret.as_str() {
                "made" => "davit made its secret and keeps it",
                "stored" => "with the secret stored in davit",
                "env" => "with the secret of the server's environment",
                "file" => "with the secret of the server's file",
                other => other,
            };
            output.line(format!("{} sends to {}: {secret}", visible(&repository), visible(&hook.url)))?;
        }
        items.push(json!({ "repository": repository, "hook": hook }));
    }
    if args.format.json {
        output.json(&json!({ "items": items }))?;
    }
    Ok(Exit::Done)
}

async fn deploy_key(client: &Client, args: DeployKeyArgs) -> Outcome {
    let output = Output::detect();
    let key = client.deploy_key(&args.forge, args.repository.as_deref()).await.map_err(see_list)?;
    if args.format.json {
        output.json(&key)?;
        return Ok(Exit::Done);
    }
    output.line(visible(&key.public_key))?;
    if let Some(repository) = &key.added_to {
        output.note(format!("It may read {} now.", visible(repository)));
    }
    if !key.in_use {
        let line = format!("git_key = {{ secret = \"{}\" }}", visible(&key.secret));
        output.note(format!("For git to use it, write {line} under [[forge]] \"{}\", then davit apply.", args.forge));
    }
    Ok(Exit::Done)
}

/// The repository that was named, else those of all apps at the forge.
async fn repositories(client: &Client, args: &RepositoryArgs) -> Result<Vec<String>, Failure> {
    if let Some(repository) = &args.repository {
        return Ok(vec![repository.clone()]);
    }
    let forge = client.forge(&args.forge).await.map_err(see_list)?;
    if forge.repositories.is_empty() {
        return Err(Failure::usage(format!("no app has a repository at {}", args.forge))
            .hint("name one: --repository owner/name"));
    }
    Ok(forge.repositories)
}

fn see_list(failure: Failure) -> Failure {
    failure.hint_if_not_found("davit forges list")
}
