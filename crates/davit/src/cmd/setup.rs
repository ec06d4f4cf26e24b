//! `davit setup`: the first administrator, and a login as them.

use super::asking::Asking;
use super::{examples, login};
use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::prompt;
use clap::Args;
use secrecy::ExposeSecret;

/// Make the first administrator of a new server, and log in
///
/// Asks for the one-time code that the server printed when it started, and for a password of at least 12 characters.
/// Whoever has the server's data directory needs no code: davit admin create-user.
#[derive(Debug, Args)]
#[command(after_help = examples::SETUP)]
pub(crate) struct SetupArgs {
    /// The server's address [default: DAVIT_URL, else http://127.0.0.1:8700]
    #[arg(long)]
    url: Option<String>,
    /// The administrator's name
    #[arg(long)]
    name: String,
    /// Read the code and the password from standard input, a line each
    #[arg(long)]
    stdin: bool,
}

pub(super) async fn run(args: SetupArgs) -> Outcome {
    let url = login::address(args.url)?;
    let client = Client::new(&url, None)?;
    if !client.needs_set_up().await? {
        return Err(Failure::failed(format!("{} is set up already", client.base())).hint("davit login"));
    }
    let asking = Asking { stdin: args.stdin };
    let code = asking.secret("Code that the server printed: ").await?;
    let password = asking.secret("Password: ").await?;
    if !asking.stdin && prompt::secret("The same again: ").await?.expose_secret() != password.expose_secret() {
        return Err(Failure::usage("these are two passwords: nothing is made"));
    }
    let session = client.set_up(&code, &args.name, &password).await?;
    login::keep(url, session).await
}
