//! `davit login`: get a token and keep it.

use crate::client::types::Session;
use crate::client::{Client, DEFAULT_URL, login};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, visible};
use crate::prompt;
use clap::Args;
use secrecy::SecretString;

/// Store a token for this person on this machine
///
/// Asks for the name and password of an account, makes a token with them, and stores the token together with the
/// server's address (DAVIT_URL or --url). A token for the stored address is used from then on, unless DAVIT_TOKEN is
/// set.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The server's address [default: DAVIT_URL, else http://127.0.0.1:8700]
    #[arg(long)]
    url: Option<String>,
    /// The account's name
    #[arg(long)]
    name: Option<String>,
    /// Read the password from stdin
    #[arg(long, requires = "name")]
    password_stdin: bool,
    /// Read a token that exists already from stdin
    #[arg(long, conflicts_with_all = ["name", "password_stdin"])]
    token_stdin: bool,
}

pub(super) async fn run(args: LoginArgs) -> Outcome {
    let url = match args.url {
        Some(url) => url,
        None => login::variable("DAVIT_URL")?.unwrap_or_else(|| DEFAULT_URL.to_owned()),
    };
    let token = if args.token_stdin {
        prompt::secret_from_stdin()?
    } else {
        let (name, password) = credentials(args.name, args.password_stdin)?;
        Client::new(&url, None)?.create_token(&name, &password, &token_title()).await?
    };
    // A token that does not work is not worth keeping.
    let session: Session = Client::new(&url, Some(&token))?.get(&["session"], &[]).await?;
    let path = login::store(&login::Access { url, token: Some(token) })?;
    let (name, role) = (visible(&session.user.name), visible(session.user.role()));
    Output::detect().line(format!("Logged in as {name} ({role}); stored in {}", path.display()))?;
    Ok(crate::failure::Exit::Done)
}

fn credentials(name: Option<String>, password_stdin: bool) -> Result<(String, SecretString), Failure> {
    if let (Some(name), true) = (&name, password_stdin) {
        return Ok((name.clone(), prompt::secret_from_stdin()?));
    }
    if !prompt::can_ask() {
        return Err(Failure::usage("there is no terminal to ask for a password")
            .hint("davit login --token-stdin, or --name NAME --password-stdin"));
    }
    let name = name.map_or_else(|| prompt::line("Name: "), Ok)?;
    Ok((name, prompt::secret("Password: ")?))
}

/// What the list of tokens shows, so that a person knows which one to revoke. Names of tokens are unique, and short.
fn token_title() -> String {
    let host = nix::sys::utsname::uname().ok().map(|name| name.nodename().to_string_lossy().into_owned());
    let host: String = host.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(40).collect();
    format!("login {host} {:08x}", rand::random::<u32>())
}
