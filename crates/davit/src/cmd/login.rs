//! `davit login`: get a token and keep it.

use super::Format;
use super::examples;
use crate::client::types::Session;
use crate::client::{Client, DEFAULT_URL, login};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, visible};
use crate::prompt;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

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
    let url = match args.url {
        Some(url) => url,
        None => login::variable("DAVIT_URL")?.unwrap_or_else(|| DEFAULT_URL.to_owned()),
    };
    let token = if args.token_stdin {
        prompt::secret_from_stdin()?
    } else {
        let typed = credentials(args.name, args.password_stdin)?;
        token(&Client::new(&url, None)?, &typed).await?
    };
    // A token that does not work is not worth keeping.
    let session: Session = Client::new(&url, Some(&token))?.get(&["session"], &[]).await?;
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
    let session: Session = client.get(&["session"], &[]).await?;
    if format.json {
        output.json(&session)?;
    } else {
        let (name, role) = (visible(&session.user.name), visible(session.user.role()));
        output.line(format!("{name} ({role}) at {}, davit {}", client.base(), visible(&session.version)))?;
    }
    Ok(Exit::Done)
}

/// What somebody typed, or a script sent.
struct Credentials {
    name: String,
    password: SecretString,
    code: Option<SecretString>,
}

/// The server says whether a code is needed once it has seen the right password.
async fn token(client: &Client, typed: &Credentials) -> Result<SecretString, Failure> {
    let title = token_title();
    let made = client.create_token(&typed.name, &typed.password, typed.code.as_ref(), &title).await;
    let missing = |failure: &Failure| failure.code.as_deref() == Some("second_factor_required");
    match made {
        Err(failure) if missing(&failure) && prompt::can_ask() => {
            let code = prompt::secret("Code, or a recovery code: ")?;
            client.create_token(&typed.name, &typed.password, Some(&code), &title).await
        }
        Err(failure) if missing(&failure) => {
            let hint = "send the code on a second line of stdin, or use davit login --token-stdin";
            Err(Failure { hint: Some(hint.to_owned()), ..failure })
        }
        made => made,
    }
}

fn credentials(name: Option<String>, password_stdin: bool) -> Result<Credentials, Failure> {
    if let (Some(name), true) = (&name, password_stdin) {
        let text = prompt::secret_from_stdin()?;
        let mut lines = text.expose_secret().lines().map(SecretString::from);
        let password = lines.next().unwrap_or_default();
        return Ok(Credentials { name: name.clone(), password, code: lines.next() });
    }
    if !prompt::can_ask() {
        return Err(Failure::usage("there is no terminal to ask for a password")
            .hint("davit login --token-stdin, or --name NAME --password-stdin"));
    }
    let name = name.map_or_else(|| prompt::line("Name: "), Ok)?;
    Ok(Credentials { name, password: prompt::secret("Password: ")?, code: None })
}

/// What the list of tokens shows, so that a person knows which one to revoke. Names of tokens are unique, and short.
fn token_title() -> String {
    let host = nix::sys::utsname::uname().ok().map(|name| name.nodename().to_string_lossy().into_owned());
    let host: String = host.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(40).collect();
    format!("login {host} {:08x}", rand::random::<u32>())
}
