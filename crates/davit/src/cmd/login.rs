//! `davit login`: get a token and keep it.

use super::Format;
use super::asking::Asking;
use super::examples;
use crate::client::session::{Credentials, OwnSession};
use crate::client::{Client, DEFAULT_URL, login};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, visible};
use crate::prompt;
use clap::Args;
use secrecy::SecretString;

/// Store a token for this person on this machine
///
/// Asks for the name and password of an account, and for a code where it has a second factor, makes a token with them,
/// and stores the token together with the server's address (DAVIT_URL or --url). A token for the stored address is used
/// from then on, unless DAVIT_TOKEN is set. Whoever signs in at another provider makes a token on the page of their
/// account, and stores it with --token-stdin.
#[derive(Debug, Args)]
#[command(after_help = examples::LOGIN)]
pub(crate) struct LoginArgs {
    /// The server's address [default: DAVIT_URL, else http://127.0.0.1:8700]
    #[arg(long)]
    url: Option<String>,
    /// The account's name
    #[arg(long)]
    name: Option<String>,
    /// Read the password from stdin, and from a second line the code of a second factor
    #[arg(long, requires = "name")]
    password_stdin: bool,
    /// Read a token that exists already from stdin
    #[arg(long, conflicts_with_all = ["name", "password_stdin"])]
    token_stdin: bool,
}

pub(super) async fn run(args: LoginArgs) -> Outcome {
    let url = address(args.url)?;
    if args.token_stdin {
        return store(url, prompt::secret_from_stdin()?).await;
    }
    let asking = Asking { stdin: args.password_stdin };
    let typed = credentials(args.name, asking).await?;
    let client = Client::new(&url, None)?;
    let session = asking.sign_in(&client, typed).await?;
    keep(url, session).await
}

/// Where the server is.
pub(super) fn address(given: Option<String>) -> Result<String, Failure> {
    match given {
        Some(url) => Ok(url),
        None => Ok(login::variable("DAVIT_URL")?.unwrap_or_else(|| DEFAULT_URL.to_owned())),
    }
}

/// Stores a token that is made within a session, and closes that.
pub(super) async fn keep(url: String, mut session: OwnSession<'_>) -> Outcome {
    let made = session.create_token(&token_title()).await;
    session.close().await;
    store(url, made?).await
}

/// A token that does not work is not worth keeping.
async fn store(url: String, token: SecretString) -> Outcome {
    let session = Client::new(&url, Some(&token))?.session().await?;
    let path = login::store(&login::Access { url, token: Some(token) })?;
    let (name, role) = (visible(&session.user.name), visible(session.user.role()));
    Output::detect().line(format!("Logged in as {name} ({role}); stored in {}", path.display()))?;
    Ok(Exit::Done)
}

/// `davit logout`: the token is forgotten on this machine.
pub(super) fn logout() -> Outcome {
    let output = Output::detect();
    let Some(kept) = login::forget()? else {
        output.note("No login is stored on this machine.");
        return Ok(Exit::Done);
    };
    output.line(format!("The login at {} is forgotten", visible(&kept.url)))?;
    output.note("Its token still works where it was copied to: davit tokens list, davit tokens revoke ID");
    Ok(Exit::Done)
}

/// `davit whoami`.
pub(super) async fn whoami(format: Format) -> Outcome {
    let output = Output::detect();
    let client = Client::from_environment()?;
    let session = client.session().await?;
    if format.json {
        output.json(&session)?;
    } else {
        let (name, role) = (visible(&session.user.name), visible(session.user.role()));
        output.line(format!("{name} ({role}) at {}, davit {}", client.base(), visible(&session.version)))?;
    }
    Ok(Exit::Done)
}

async fn credentials(name: Option<String>, asking: Asking) -> Result<Credentials, Failure> {
    if !asking.is_possible() {
        return Err(Failure::usage("there is no terminal to ask for a password")
            .hint("davit login --token-stdin, or --name NAME --password-stdin"));
    }
    let name = match name {
        Some(name) => name,
        None => prompt::line("Name: ").await?,
    };
    Ok(Credentials { name, password: asking.secret("Password: ").await?, code: None })
}

/// What the list of tokens shows, so that a person knows which one to revoke. Names of tokens are unique, and short.
fn token_title() -> String {
    let host = nix::sys::utsname::uname().ok().map(|name| name.nodename().to_string_lossy().into_owned());
    let host: String = host.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(40).collect();
    format!("login {host} {:08x}", rand::random::<u32>())
}
