//! `davit rollback`.

use super::SEE_STATUS;
use super::deploy::FollowArgs;
use super::examples;
use crate::client::Client;
use crate::failure::Outcome;
use clap::Args;

/// Ask to go back to an earlier release
#[derive(Debug, Args)]
#[command(after_help = examples::ROLLBACK)]
pub(crate) struct RollbackArgs {
    /// The app's key
    app: String,
    /// The environment's key
    environment: String,
    /// The release to go back to; absent: the one before the live one
    #[arg(long, value_name = "RELEASE")]
    to: Option<String>,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(super) async fn run(args: RollbackArgs) -> Outcome {
    let client = Client::from_environment()?;
    let request = client.rollback(&args.app, &args.environment, args.to.as_deref()).await.map_err(|failure| {
        let releases = format!("davit releases {} {}", args.app, args.environment);
        failure.hint_if_not_found(if args.to.is_some() { &releases } else { SEE_STATUS })
    })?;
    args.follow.conclude(&client, request).await
}
