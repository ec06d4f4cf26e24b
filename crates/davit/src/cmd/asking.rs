//! Passwords and codes, asked for at the terminal or read from standard input, and signing in with them.

use crate::client::Client;
use crate::client::session::{Credentials, OwnSession};
use crate::failure::Failure;
use crate::prompt;
use clap::Args;
use secrecy::SecretString;

/// Where secrets come from.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Asking {
    /// Read what would be asked for from standard input, a line each and in that order: the password; a code, where the
    /// account has a second factor; then the rest
    #[arg(long)]
    pub(crate) stdin: bool,
}

impl Asking {
    /// Whether there is somebody, or something, to answer.
    pub(crate) fn is_possible(self) -> bool {
        self.stdin || prompt::can_ask()
    }

    /// The answer to a question.
    pub(crate) async fn secret(self, question: &str) -> Result<SecretString, Failure> {
        if self.stdin {
            return prompt::secret_line_from_stdin(&format!("an answer to: {}", question.trim_end()));
        }
        if prompt::can_ask() {
            return prompt::secret(question).await;
        }
        Err(Failure::usage("there is no terminal to ask for passwords and codes").hint("--stdin < FILE"))
    }

    /// Signs in, and asks for a code where one is needed.
    pub(crate) async fn sign_in(self, client: &Client, typed: Credentials) -> Result<OwnSession<'_>, Failure> {
        match client.sign_in(&typed).await {
            Err(failure) if failure.code.as_deref() == Some("second_factor_required") && self.is_possible() => {
                let Ok(code) = self.secret("Code, or a recovery code: ").await else {
                    let hint = "send the code on a second line of stdin".to_owned();
                    return Err(Failure { hint: Some(hint), ..failure });
                };
                client.sign_in(&Credentials { code: Some(code), ..typed }).await
            }
            signed_in => signed_in,
        }
    }
}
