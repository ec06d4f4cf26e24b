//! The commands that talk to a server over its API, one file a group.
//!
//! A command reads its arguments, calls [`crate::client`], and prints: results on stdout, the rest on stderr.

mod account;
mod alerts;
pub(crate) mod apply;
mod apps;
mod asking;
mod builds;
mod cancel;
mod changes;
mod channels;
mod ci;
mod compare;
mod completions;
mod configs;
mod declared;
mod deliveries;
mod delivery;
pub(crate) mod deploy;
mod diff;
mod doctor;
mod environments;
pub(crate) mod examples;
mod export;
mod feed;
mod forges;
mod groups;
mod host_keys;
mod hosts;
mod kept;
mod locks;
mod log_pieces;
mod login;
mod logs;
mod operate;
mod outbox;
mod ping;
mod providers;
mod releases;
mod request_batches;
mod request_edits;
mod requests;
mod rollback;
mod run_logs;
mod runs;
mod saving;
mod search;
mod second_factor;
mod secret_values;
mod secrets;
mod setup;
mod sizes;
mod status;
mod terminals;
mod times;
mod tokens;
mod users;
mod values;

use crate::failure::{Failure, Outcome};
use crate::output::Tone;
use clap::{Args, Subcommand};
use sizes::size;
use times::when;

/// The commands of a client.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Make the server's configuration what davit.toml says; shows the plan first
    Apply(apply::ApplyArgs),
    /// Print the server's configuration as a davit.toml
    Export,
    /// Ask for a release of an app to an environment
    Deploy(deploy::DeployArgs),
    /// Show what a release would change, before it is asked for
    Diff(diff::DiffArgs),
    /// Ask to go back to an earlier release
    Rollback(rollback::RollbackArgs),
    /// List release requests
    Requests(requests::RequestsArgs),
    /// Show, decide or carry out one release request
    #[command(subcommand)]
    Request(requests::RequestCommand),
    /// List the releases kept of an app in an environment
    Releases(releases::ReleasesArgs),
    /// Print a deployment's log; times are UTC
    Logs(logs::LogsArgs),
    /// List and compare deployments, and decide about failed hosts
    #[command(subcommand)]
    Deployment(operate::DeploymentCommand),
    /// Stop a deployment that has not switched any host yet
    Cancel(cancel::CancelArgs),
    /// Let the next batch of a paused deployment go
    Continue(operate::ContinueArgs),
    /// Take a paused deployment back: its hosts serve again what they served before
    Revert(operate::RevertArgs),
    /// Let a waiting deployment pass locks and freeze windows
    Override(operate::OverrideArgs),
    /// Keep releases to an environment, or of one app to it, waiting
    Lock(locks::LockArgs),
    /// End a lock; what waited for it starts
    Unlock(locks::UnlockArgs),
    /// List the locks that hold
    Locks(ListFormat),
    /// List builds that are kept, and upload ones that were made elsewhere
    #[command(subcommand)]
    Builds(builds::BuildsCommand),
    /// Files for the transfers of custom release configs
    Uploads(builds::UploadsArgs),
    /// Show what is live where, what runs and what waits
    Status(status::StatusArgs),
    /// Find anything by words, a number or the beginning of a commit
    Search(search::SearchArgs),
    /// List what somebody has to look at
    Alerts(alerts::AlertsArgs),
    /// Show the delivery figures: how often, how fast and how well changes go live
    Delivery(delivery::DeliveryArgs),
    /// List apps, add and change them, see their branches and commits
    #[command(subcommand)]
    Apps(apps::AppsCommand),
    /// List environments, add and change them
    #[command(subcommand)]
    Environments(environments::EnvironmentsCommand),
    /// List, add, change and check hosts, and exchange keys with them
    #[command(subcommand)]
    Hosts(hosts::HostsCommand),
    /// Open shells on hosts, and see what they showed
    #[command(subcommand)]
    Terminals(terminals::TerminalsCommand),
    /// Store what { secret = "name" } in a davit.toml stands for
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Look at and change what hooks find in their environment
    #[command(subcommand)]
    Values(values::ValuesCommand),
    /// Say how apps are released where; history, copies, checks, dry runs
    #[command(subcommand)]
    Configs(configs::ConfigsCommand),
    /// Add and change forges, test what davit may do there, register hooks, make deploy keys
    #[command(subcommand)]
    Forges(forges::ForgesCommand),
    /// Look at webhook deliveries
    #[command(subcommand)]
    Deliveries(deliveries::DeliveriesCommand),
    /// Add and change channels, and try one
    #[command(subcommand)]
    Channels(channels::ChannelsCommand),
    /// Look at calls to forges and channels, and have one made again
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Look at CI runs, and decide about them
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// List and download what runs keep
    #[command(subcommand)]
    Artifacts(kept::ArtifactsCommand),
    /// List and remove what runs hand on to later ones
    #[command(subcommand)]
    Caches(kept::CachesCommand),
    /// Look at changes, and have davit merge them
    #[command(subcommand)]
    Changes(changes::ChangesCommand),
    /// Workflow files of the working copy and of the server, and starting one there
    #[command(subcommand)]
    Ci(ci::CiCommand),
    /// See who did what, when and from where; follow it, or take it away as a file
    Feed(Box<feed::FeedArgs>),
    /// Make, change and remove accounts
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Put accounts together, to grant them something at once
    #[command(subcommand)]
    Groups(groups::GroupsCommand),
    /// Grant a role somewhere, to an account or to a group
    #[command(subcommand)]
    Grants(groups::GrantsCommand),
    /// List the identity providers that people may sign in with
    Providers(providers::ProvidersArgs),
    /// List, make and revoke API tokens
    #[command(subcommand)]
    Tokens(tokens::TokensCommand),
    /// Look after one's own account: password, second factor, sessions, identities
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Make the first administrator of a new server, and log in
    Setup(setup::SetupArgs),
    /// Store a token for this person on this machine
    Login(login::LoginArgs),
    /// Forget the stored token on this machine
    Logout,
    /// Say who is logged in, and where
    Whoami(Format),
    /// Say whether the server can work; for health checks and scripts that wait for it
    Ping(ping::PingArgs),
    /// Check that everything works, and say what to do where it does not
    Doctor(doctor::DoctorArgs),
    /// Print a shell's completions
    Completions(completions::CompletionsArgs),
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print JSON and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much of a list is printed, and how.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ListFormat {
    /// Print at most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = positive)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Runs one of them.
pub(crate) async fn run(command: ClientCommand) -> Outcome {
    match command {
        ClientCommand::Apply(args) => apply::run(args).await,
        ClientCommand::Export => export::run().await,
        ClientCommand::Deploy(args) => deploy::run(args).await,
        ClientCommand::Diff(args) => diff::run(args).await,
        ClientCommand::Rollback(args) => rollback::run(args).await,
        ClientCommand::Requests(args) => requests::list(args).await,
        ClientCommand::Request(command) => requests::run(command).await,
        ClientCommand::Releases(args) => releases::run(args).await,
        ClientCommand::Logs(args) => logs::run(args).await,
        ClientCommand::Deployment(command) => operate::run(command).await,
        ClientCommand::Cancel(args) => cancel::run(args).await,
        ClientCommand::Continue(args) => operate::go_on(args).await,
        ClientCommand::Revert(args) => operate::revert(args).await,
        ClientCommand::Override(args) => operate::override_gates(args).await,
        ClientCommand::Lock(args) => locks::lock(args).await,
        ClientCommand::Unlock(args) => locks::unlock(args).await,
        ClientCommand::Locks(list) => locks::list(list).await,
        ClientCommand::Builds(command) => builds::run(command).await,
        ClientCommand::Uploads(args) => builds::uploads(args).await,
        ClientCommand::Status(args) => status::run(args).await,
        ClientCommand::Search(args) => search::run(args).await,
        ClientCommand::Alerts(args) => alerts::run(args).await,
        ClientCommand::Delivery(args) => delivery::run(args).await,
        ClientCommand::Apps(command) => apps::run(command).await,
        ClientCommand::Environments(command) => environments::run(command).await,
        ClientCommand::Hosts(command) => hosts::run(command).await,
        ClientCommand::Terminals(command) => terminals::run(command).await,
        ClientCommand::Secrets(command) => secrets::run(command).await,
        ClientCommand::Values(command) => values::run(command).await,
        ClientCommand::Configs(command) => configs::run(command).await,
        ClientCommand::Forges(command) => forges::run(command).await,
        ClientCommand::Deliveries(command) => deliveries::run(command).await,
        ClientCommand::Channels(command) => channels::run(command).await,
        ClientCommand::Outbox(command) => outbox::run(command).await,
        ClientCommand::Runs(command) => runs::run(command).await,
        ClientCommand::Artifacts(command) => kept::artifacts(command).await,
        ClientCommand::Caches(command) => kept::caches(command).await,
        ClientCommand::Changes(command) => changes::run(command).await,
        ClientCommand::Ci(command) => ci::run(command).await,
        ClientCommand::Feed(args) => feed::run(*args).await,
        ClientCommand::Users(command) => users::run(command).await,
        ClientCommand::Groups(command) => groups::run(command).await,
        ClientCommand::Grants(command) => groups::run_grants(command).await,
        ClientCommand::Tokens(command) => tokens::run(command).await,
        ClientCommand::Providers(args) => providers::run(args).await,
        ClientCommand::Account(command) => account::run(command).await,
        ClientCommand::Setup(args) => setup::run(args).await,
        ClientCommand::Login(args) => login::run(args).await,
        ClientCommand::Logout => login::logout(),
        ClientCommand::Whoami(format) => login::whoami(format).await,
        ClientCommand::Ping(args) => ping::run(args).await,
        ClientCommand::Doctor(args) => doctor::run(args).await,
        ClientCommand::Completions(args) => completions::run(args),
    }
}

/// The colour of a state, whatever it is the state of.
pub(crate) fn tone(state: &str) -> Tone {
    match state {
        "succeeded" | "success" | "done" | "processed" | "live" | "ok" | "merged" => Tone::Good,
        "failed" | "failure" | "error" | "timed_out" | "held" | "rejected" | "reverted" | "cancelled" | "unknown"
        | "drift" | "unreachable" | "dead" => Tone::Bad,
        "withdrawn" | "superseded" | "skipped" | "ignored" | "waiting" | "closed" => Tone::Faint,
        _ => Tone::Busy,
    }
}

/// The hint of everything that names an app and an environment.
const SEE_STATUS: &str = "davit status, which lists the apps and their environments";

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it must be a number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A filter of a list, where it is set.
fn filter(pairs: &[(&'static str, &Option<String>)]) -> Vec<(&'static str, String)> {
    pairs.iter().filter_map(|(name, value)| Some((*name, (*value).clone()?))).collect()
}

/// Two numbers as one word: `7` or nothing.
fn number_or_dash(number: Option<i64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// A failure of something that is looked up in a list.
fn not_found(what: &str, name: &str, hint: &str) -> Failure {
    Failure::new(crate::failure::Exit::NotFound, format!("there is no {what} {name}")).hint(hint)
}
