//! Who we say we are: a private key, the SSH agent, or (once, to install a key) a password.
//!
//! An answer is taken for a refusal only when the host gave one; a connection that ended in the middle of the login is
//! worth another try.

use super::keys::{self, KeyCheck, Stop};
use super::route::Trouble;
use super::{Connector, route};
use crate::ExecError;
use crate::host::HostTarget;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// A connection that refused says so, or is gone; which one is clear after this long. It takes a moment, and longer where
/// the server is busy: a connection that broke must not be taken for a refusal.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Questions in a row that a host may ask before we stop answering. PAM asks one, and sometimes says something first.
const MAX_QUESTIONS: usize = 4;

/// What to log in with.
pub(super) enum Login {
    /// A key that davit holds.
    Key(Arc<PrivateKey>),
    /// Whatever the agent behind this socket has.
    Agent(PathBuf),
    /// A password, by itself or as the answer to the one question.
    Password(SecretString),
    /// Nothing: only the host's key is of interest.
    None,
}

impl Login {
    /// What the target says.
    ///
    /// # Errors
    /// `Denied` when its key is missing or unreadable, or there is no agent.
    pub(super) fn of(connector: &Connector, target: &HostTarget) -> Result<Self, ExecError> {
        if !target.agent {
            return keys::private_key(target).map(Self::Key);
        }
        let socket = connector.settings().agent.clone();
        socket.map(Self::Agent).ok_or_else(|| {
            let detail = "it is to be logged in to with the SSH agent, and the server has none: start it with \
                SSH_AUTH_SOCK in its environment, or give the host a key";
            denied(target, detail.into())
        })
    }

    /// Tells logins apart without giving anything away.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Key(key) => keys::fingerprint(key.public_key()),
            Self::Agent(_) => "agent".into(),
            Self::Password(_) => "password".into(),
            Self::None => "nobody".into(),
        }
    }

    /// Logs in.
    pub(super) async fn present(&self, target: &HostTarget, handle: &mut Handle<KeyCheck>) -> Result<(), Trouble> {
        match self {
            Self::Key(key) => with_key(target, handle, key).await,
            Self::Agent(socket) => with_agent(target, handle, socket).await,
            Self::Password(password) => with_password(target, handle, password).await,
            Self::None => Ok(()),
        }
    }
}

async fn with_key(target: &HostTarget, handle: &mut Handle<KeyCheck>, key: &Arc<PrivateKey>) -> Result<(), Trouble> {
    let hash = hash_for(target, handle, key.public_key()).await?;
    let login = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
    let answer = handle.authenticate_publickey(target.user.as_str(), login).await;
    if answered(target, handle, answer).await?.success() {
        return Ok(());
    }
    let line = keys::public_line(key.public_key());
    Err(Trouble::Lasting(denied(
        target,
        format!("add this line to ~{}/.ssh/authorized_keys there: {line}", target.user),
    )))
}

async fn with_agent(target: &HostTarget, handle: &mut Handle<KeyCheck>, socket: &Path) -> Result<(), Trouble> {
    let broken = |error: russh::keys::Error| {
        let detail = format!("the SSH agent at {} does not answer ({error}): is it running?", socket.display());
        Trouble::Lasting(denied(target, detail))
    };
    let mut agent = AgentClient::connect_uds(socket).await.map_err(broken)?;
    if let Some(binding) = handle.agent_session_binding()
        && let Err(error) = agent.bind_session(binding, false).await
    {
        // An agent that doesn't know this has no keys that ask for it.
        tracing::debug!(host = %target.name, %error, "the agent does not bind keys to hosts");
    }
    let identities = agent.request_identities().await.map_err(broken)?;
    let keys: Vec<PublicKey> = identities
        .into_iter()
        .filter_map(|identity| match identity {
            AgentIdentity::PublicKey { key, .. } => Some(key),
            AgentIdentity::Certificate { .. } => None,
        })
        .collect();
    if keys.is_empty() {
        return Err(Trouble::Lasting(denied(target, "the SSH agent holds no keys: add one with ssh-add".into())));
    }
    for (refused, key) in keys.iter().enumerate() {
        if with_agent_key(target, handle, &mut agent, key, refused).await? {
            return Ok(());
        }
    }
    let detail = format!(
        "none of the {} keys of the SSH agent is let in: add the public line of one (ssh-add -L) to \
         ~{}/.ssh/authorized_keys there",
        keys.len(),
        target.user
    );
    Err(Trouble::Lasting(denied(target, detail)))
}

/// Offers one of the agent's keys, after so many that were refused.
async fn with_agent_key(
    target: &HostTarget,
    handle: &mut Handle<KeyCheck>,
    agent: &mut AgentClient<UnixStream>,
    key: &PublicKey,
    refused: usize,
) -> Result<bool, Trouble> {
    let hash = hash_for(target, handle, key).await?;
    let answer = handle.authenticate_publickey_with(target.user.as_str(), key.clone(), hash, agent).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(host = %target.name, %error, "the agent did not sign with one of its keys");
            return Ok(false);
        }
    };
    match answered(target, handle, Ok(answer)).await {
        Ok(answer) => Ok(answer.success()),
        Err(_) if refused > 0 => {
            let detail = format!(
                "it ended the login after {refused} keys of the SSH agent (MaxAuthTries in its sshd_config): leave \
                 fewer keys in the agent"
            );
            Err(Trouble::Lasting(denied(target, detail)))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn with_password(
    target: &HostTarget,
    handle: &mut Handle<KeyCheck>,
    password: &SecretString,
) -> Result<(), Trouble> {
    let user = target.user.as_str();
    let answer = handle.authenticate_password(user, password.expose_secret()).await;
    match answered(target, handle, answer).await? {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, .. } if asks(&remaining_methods) => {
            let started = handle.authenticate_keyboard_interactive_start(user, None).await;
            answer_questions(target, handle, started, password).await
        }
        AuthResult::Failure { remaining_methods, .. } => Err(wrong_password(target, &remaining_methods)),
    }
}

/// Whether the host would ask a question, and has not just said that the password itself is wrong.
fn asks(methods: &MethodSet) -> bool {
    methods.contains(&MethodKind::KeyboardInteractive) && !methods.contains(&MethodKind::Password)
}

async fn answer_questions(
    target: &HostTarget,
    handle: &mut Handle<KeyCheck>,
    mut reply: Result<Reply, russh::Error>,
    password: &SecretString,
) -> Result<(), Trouble> {
    let mut answered = false;
    for _ in 0..MAX_QUESTIONS {
        let answers = match reply.map_err(|error| route::before_login(target, &error))? {
            Reply::Success => return Ok(()),
            Reply::Failure { remaining_methods, .. } => return Err(wrong_password(target, &remaining_methods)),
            Reply::InfoRequest { prompts, .. } => match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if !answered && !prompt.echo => {
                    answered = true;
                    vec![password.expose_secret().to_owned()]
                }
                _ => break,
            },
        };
        reply = handle.authenticate_keyboard_interactive_respond(answers).await;
    }
    let detail = "it asks for more than a password: add davit's public key to its authorized_keys by hand";
    Err(Trouble::Lasting(denied(target, detail.into())))
}

fn wrong_password(target: &HostTarget, methods: &MethodSet) -> Trouble {
    let passwords = [MethodKind::Password, MethodKind::KeyboardInteractive];
    let detail = if methods.is_empty() || passwords.iter().any(|method| methods.contains(method)) {
        "the password is not right"
    } else {
        "it takes no passwords: add davit's public key to its authorized_keys by hand"
    };
    Trouble::Lasting(denied(target, detail.into()))
}

/// The hash to sign with: RSA keys need one, and never SHA-1.
async fn hash_for(target: &HostTarget, handle: &Handle<KeyCheck>, key: &PublicKey) -> Result<Option<HashAlg>, Trouble> {
    if !key.algorithm().is_rsa() {
        return Ok(None);
    }
    let best = handle.best_supported_rsa_hash().await.map_err(|error| route::before_login(target, &error))?;
    // A server that doesn't say what it takes is taken to know RFC 8332.
    Ok(best.flatten().or(Some(HashAlg::Sha256)))
}

/// The answer, when it is one: the library reports a connection that ended as a refusal that leaves no way.
async fn answered(
    target: &HostTarget,
    handle: &mut Handle<KeyCheck>,
    answer: Result<AuthResult, russh::Error>,
) -> Result<AuthResult, Trouble> {
    let answer = answer.map_err(|error| route::before_login(target, &error))?;
    let AuthResult::Failure { remaining_methods, .. } = &answer else { return Ok(answer) };
    if !remaining_methods.is_empty() {
        return Ok(answer);
    }
    match timeout(LAST_WORDS, &mut *handle).await {
        // The library's own end, because the host said that there is no other way in.
        Ok(Err(Stop::Ssh(russh::Error::NoAuthMethod))) | Err(_) => Ok(answer),
        Ok(_) => Err(route::before_login(target, &russh::Error::Disconnect)),
    }
}

fn denied(target: &HostTarget, detail: String) -> ExecError {
    ExecError::Denied { host: target.name.clone(), user: target.user.clone(), detail }
}
