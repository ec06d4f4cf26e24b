//! Second factors: time-based codes (RFC 6238: SHA-1, six digits, thirty seconds, one step of tolerance) and recovery
//! codes for when the phone is gone. A code of either kind is good for once.

use super::unproved;
use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use davit_domain::ids::UserId;
use davit_store::StoreError;
use davit_store::accounts::User;
use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use totp_rs::{Builder, Secret, Totp};

/// As RFC 4226 recommends. Bytes.
const SECRET: usize = 20;
/// How lately somebody without a password must have signed in to put a second factor on.
const LATELY: Duration = Duration::from_secs(10 * 60);
/// How long one that was started waits for its first code.
const WAITS: Duration = Duration::from_secs(10 * 60);
/// Recovery codes that an account gets at once.
const CODES: usize = 10;
/// Letters that nobody takes for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters of a recovery code: 80 bits, too many to try the hashes of a stolen database.
const CODE_LETTERS: usize = 16;

/// A second factor that its owner has yet to confirm.
pub struct Enrolment {
    /// For typing it in, base 32.
    pub secret: SecretString,
    /// For authenticator apps.
    pub otpauth_url: SecretString,
    /// The same as a picture.
    pub qr_svg: SecretString,
}

/// How whoever sits before an open session shows that the account is theirs.
#[derive(Debug)]
pub enum Proof<'a> {
    /// Its password.
    Password(&'a SecretString),
    /// A code of its second factor, or a recovery code.
    Code(&'a SecretString),
}

impl Engine {
    /// Whether an account is asked for a code.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn has_second_factor(&self, user: UserId) -> Result<bool, EngineError> {
        Ok(self.store().second_factor(user).await?.is_some_and(|factor| factor.confirmed_at.is_some()))
    }

    /// Makes a secret for an authenticator app. Codes are asked for once [one of it](Self::confirm_second_factor) was
    /// shown.
    ///
    /// A session alone is not enough: who stole one would shut the owner out. An account that has a password needs that
    /// as well, and one without a session of the last ten minutes.
    ///
    /// # Errors
    /// `Conflict` when the account has a second factor already, `Invalid` when its password is missing, `Denied` when
    /// that is wrong or the session too old.
    pub async fn start_second_factor(
        &self,
        user: &User,
        password: Option<&SecretString>,
        session: &str,
    ) -> Result<Enrolment, EngineError> {
        self.prove_to_enrol(user, password, session).await?;
        let secret = Secret::from(rand::random::<[u8; SECRET]>().to_vec()).to_base32();
        let totp = totp(&secret, &user.name)?;
        let url = totp.to_url().map_err(|error| unusable(&error))?;
        let picture = QrCode::new(&url).map_err(|error| unusable(&error))?;
        let picture = picture.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
        let key = secret_key(user.id);
        let sealed = self.sealer().seal(&key, &secret.clone().into())?;
        let mut tx = self.store().begin().await?;
        tx.start_second_factor(user.id).await.map_err(|error| match error {
            StoreError::Conflict(_) => {
                EngineError::Conflict("the account has a second factor already: remove that one first".into())
            }
            StoreError::Unavailable(_) | StoreError::NotFound(_) | StoreError::Corrupt { .. } | StoreError::Open(_) => {
                error.into()
            }
        })?;
        tx.put_secret(&key, &sealed, self.now()).await?;
        tx.commit().await?;
        Ok(Enrolment { secret: secret.into(), otpauth_url: url.into(), qr_svg: picture.into() })
    }

    /// Shows that the authenticator app has the secret: from now on codes are asked for. Returns the recovery codes,
    /// this once.
    ///
    /// Wrong codes count as wrong passwords do, and what was started lapses after ten minutes: who stole a session would
    /// else guess the code of what its owner left half-done, and shut them out.
    ///
    /// # Errors
    /// `Invalid` when the code is not right, `Denied` when there were too many such, `Conflict` when nothing waits to be
    /// confirmed.
    pub async fn confirm_second_factor(
        &self,
        user: &User,
        code: &SecretString,
    ) -> Result<Vec<SecretString>, EngineError> {
        let nothing = || EngineError::Conflict("there is no second factor to confirm: start anew".into());
        if !self.waits_for_its_code(user.id).await? {
            return Err(nothing());
        }
        let tried = self.begin_try(&user.name).await?;
        if tried.refused {
            self.was_wrong(&tried, Some(user)).await?;
            return Err(unproved());
        }
        let Some(step) = self.step_of(user.id, code).await? else {
            self.was_wrong(&tried, Some(user)).await?;
            return Err(EngineError::Invalid(
                "that is not the code that the app shows now: look again, and at the clock of the phone".into(),
            ));
        };
        let codes = recovery_codes();
        let mut tx = self.store().begin().await?;
        if !tx.confirm_second_factor(user.id, step, &hashes(user.id, &codes), self.now()).await? {
            return Err(nothing());
        }
        self.was_right(&mut tx, &tried).await?;
        self.feed(&mut tx, &user.name, "second_factor_added", &user.name, Value::Null).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Makes new recovery codes in the place of the old ones.
    ///
    /// # Errors
    /// `Denied` when the proof is none, `Conflict` when the account has no second factor.
    pub async fn renew_recovery_codes(&self, user: &User, proof: Proof<'_>) -> Result<Vec<SecretString>, EngineError> {
        self.prove(user, proof).await?;
        if !self.has_second_factor(user.id).await? {
            return Err(EngineError::Conflict("the account has no second factor".into()));
        }
        let codes = recovery_codes();
        let mut tx = self.store().begin().await?;
        tx.set_recovery_codes(user.id, &hashes(user.id, &codes)).await?;
        self.feed(&mut tx, &user.name, "recovery_codes_renewed", &user.name, Value::Null).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Takes one's own second factor away.
    ///
    /// # Errors
    /// `Denied` when the proof is none.
    pub async fn drop_own_second_factor(&self, user: &User, proof: Proof<'_>) -> Result<(), EngineError> {
        self.prove(user, proof).await?;
        self.remove_second_factor_of(user, &user.name).await
    }

    /// Takes an account's second factor away, for somebody who lost it.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    pub async fn remove_second_factor(&self, name: &str, by: &str) -> Result<(), EngineError> {
        let user = self.known_user(name).await?;
        self.remove_second_factor_of(&user, by).await
    }

    async fn remove_second_factor_of(&self, user: &User, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        tx.delete_secret(&secret_key(user.id)).await?;
        if tx.drop_second_factor(user.id).await? {
            self.feed(&mut tx, by, "second_factor_removed", &user.name, Value::Null).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn prove_to_enrol(
        &self,
        user: &User,
        password: Option<&SecretString>,
        session: &str,
    ) -> Result<(), EngineError> {
        if self.has_password(user).await? {
            let missing = || EngineError::Invalid("send the account's password: a session alone is not enough".into());
            return self.prove_password(user, password.ok_or_else(missing)?).await.map(drop);
        }
        let sessions = self.sessions_of(user, Some(session)).await?;
        let is_new = sessions.iter().any(|(one, own)| *own && self.now().since(one.created_at) < LATELY);
        let too_old = "you signed in more than ten minutes ago: sign in again, then set the second factor up";
        if is_new { Ok(()) } else { Err(EngineError::Denied(too_old.into())) }
    }

    /// Whether one was started a moment ago and is not confirmed yet.
    async fn waits_for_its_code(&self, user: UserId) -> Result<bool, EngineError> {
        let is_open = self.store().second_factor(user).await?.is_some_and(|factor| factor.confirmed_at.is_none());
        let started = self.store().secret_set_at(&secret_key(user)).await?;
        Ok(is_open && started.is_some_and(|at| self.now().since(at) < WAITS))
    }

    /// A session alone is not enough to weaken its account: who stole it has neither password nor phone.
    async fn prove(&self, user: &User, proof: Proof<'_>) -> Result<(), EngineError> {
        match proof {
            Proof::Password(password) => self.prove_password(user, password).await.map(drop),
            Proof::Code(code) => {
                let tried = self.begin_try(&user.name).await?;
                if tried.refused || !self.use_code(user.id, code).await? {
                    self.was_wrong(&tried, Some(user)).await?;
                    return Err(unproved());
                }
                let mut tx = self.store().begin().await?;
                self.was_right(&mut tx, &tried).await?;
                tx.commit().await?;
                Ok(())
            }
        }
    }

    /// Uses a code up, of the app or for recovery; says whether it was right.
    pub(super) async fn use_code(&self, user: UserId, code: &SecretString) -> Result<bool, EngineError> {
        let step = self.step_of(user, code).await?;
        let mut tx = self.store().begin().await?;
        let used = match step {
            Some(step) => tx.use_step(user, step).await?,
            None => tx.use_recovery_code(user, &code_hash(user, code.expose_secret())).await?,
        };
        tx.commit().await?;
        Ok(used)
    }

    /// Of which step a code of the app is; `None`: of none that counts now.
    async fn step_of(&self, user: UserId, code: &SecretString) -> Result<Option<i64>, EngineError> {
        let key = secret_key(user);
        let Some(sealed) = self.store().secret(&key).await? else { return Ok(None) };
        let secret = self.sealer().open(&key, &sealed)?;
        let code: String = code.expose_secret().chars().filter(|c| !c.is_whitespace()).collect();
        let now = u64::try_from(self.now().millis() / 1000).unwrap_or_default();
        let step = totp(secret.expose_secret(), "davit")?.check(&code, now);
        Ok(step.and_then(|step| i64::try_from(step).ok()))
    }
}

/// The key of an account's secret in the sealed store.
#[must_use]
pub fn secret_key(user: UserId) -> String {
    format!("totp:{}", user.0)
}

fn totp(secret: &str, account: &str) -> Result<Totp, EngineError> {
    let secret = Secret::try_from_base32(secret).map_err(|error| unusable(&error))?;
    let builder = Builder::new().with_secret(secret).with_skew(1);
    builder.with_issuer(Some("davit")).with_account_name(account).build().map_err(|error| unusable(&error))
}

fn recovery_codes() -> Vec<SecretString> {
    let code = || {
        let mut text = String::with_capacity(CODE_LETTERS + 3);
        for (at, byte) in rand::random::<[u8; CODE_LETTERS]>().into_iter().enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
        }
        text.into()
    };
    std::iter::repeat_with(code).take(CODES).collect()
}

fn hashes(user: UserId, codes: &[SecretString]) -> Vec<String> {
    codes.iter().map(|code| code_hash(user, code.expose_secret())).collect()
}

/// Of what was typed, however it is spaced and whatever its letters' size.
fn code_hash(user: UserId, code: &str) -> String {
    let letters = code.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let mut hash = Sha256::new();
    hash.update(user.0.to_be_bytes());
    hash.update(letters.collect::<String>().as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

fn unusable(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Unavailable(format!("the second factor can't be made: {error}"))
}
