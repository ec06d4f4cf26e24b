//! What a password must be, and its hash: Argon2id with the crate's defaults (OWASP's first recommendation or stronger).

use crate::{Engine, EngineError};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};

/// Characters.
const SHORTEST: usize = 12;
/// Bytes: hashing more is work that others choose for us.
const LONGEST: usize = 1024;

/// Argon2id of a password nobody has, with the same parameters as real ones.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What people who are asked for twelve characters choose most, by public lists of passwords that got out. In small
/// letters, without what is repeated or in a row: that is looked for by itself.
const COMMON: [&str; 24] = [
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "adminadminadmin",
    "administrator",
    "changemechangeme",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "letmeinletmein",
    "logmeinplease",
    "mypassword123",
    "p@ssw0rd1234",
    "password1234",
    "password12345",
    "password123456",
    "password123!",
    "passwordpassword",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwertyuiop12",
    "qwertyuiop123",
    "welcome12345",
    "woaini1314520",
    "zaq12wsxcde3",
];

impl Engine {
    /// The hash of a new password for the account of this name.
    ///
    /// # Errors
    /// `Invalid` when it is not acceptable; the sentence says why.
    pub(crate) async fn hash_password(&self, name: &str, password: &SecretString) -> Result<String, EngineError> {
        check(name, password.expose_secret()).map_err(EngineError::Invalid)?;
        let password = password.clone();
        self.hashing(move || {
            Argon2::default()
                .hash_password(password.expose_secret().as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| EngineError::Unavailable(format!("the password can't be hashed: {error}")))
        })
        .await?
    }

    /// Whether a password is the one of this hash. Without a hash it takes as long, and is not. Tells the log each time:
    /// what makes a server slow when many guess.
    pub(super) async fn verify_password(
        &self,
        password: &SecretString,
        hash: Option<String>,
    ) -> Result<bool, EngineError> {
        let fits = password.expose_secret().len() <= LONGEST;
        let password = if fits { password.clone() } else { SecretString::default() };
        let known = hash.is_some() && fits;
        let hash = PasswordHash::new(hash.as_deref().unwrap_or(DUMMY_HASH))
            .map_err(|error| EngineError::Unavailable(format!("the hash of a password is damaged: {error}")))?;
        tracing::debug!(algorithm = %hash.algorithm, cost = %hash.params, "a password is compared");
        let right = self
            .hashing(move || Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
            .await?;
        Ok(known && right)
    }

    /// Argon2 takes tens of milliseconds of CPU and 19 MiB on purpose: not on an I/O thread, and only a few at a time,
    /// so that guessing passwords can't starve deployments.
    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
        let unavailable = |error: &dyn std::fmt::Display| EngineError::Unavailable(error.to_string());
        let _permit = self.hashing_permits().acquire().await.map_err(|error| unavailable(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| unavailable(&error))
    }
}

fn check(name: &str, password: &str) -> Result<(), String> {
    if password.chars().count() < SHORTEST {
        return Err(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return Err(format!("a password has at most {LONGEST} bytes"));
    }
    let small = password.to_lowercase();
    if small.contains(&name.to_lowercase()) && small.len() < name.len() + SHORTEST {
        return Err("a password is not the account's name with a little around it: choose another one".into());
    }
    if COMMON.contains(&small.as_str()) || has_few_letters(&small) || is_in_a_row(&small) {
        return Err("that password is one of those that are guessed first: choose another one".into());
    }
    Ok(())
}

/// `aaaaaaaaaaaa`, `121212121212`.
fn has_few_letters(password: &str) -> bool {
    let mut letters: Vec<char> = password.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len() < 4
}

/// `123456789012`, `abcdefghijkl`, and both backwards.
fn is_in_a_row(password: &str) -> bool {
    let follows =
        |a: char, b: char| u32::from(a).abs_diff(u32::from(b)) == 1 || matches!((a, b), ('9', '0') | ('0', '9'));
    password.chars().zip(password.chars().skip(1)).all(|(a, b)| follows(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_guessed_first_are_refused() {
        for bad in [
            "elevenchars",
            "Password1234",
            "PASSWORDPASSWORD",
            "aaaaaaaaaaaaaaa",
            "121212121212",
            "123456789012",
            "abcdefghijklmn",
            "210987654321",
            "woaini1314520",
            "Administrator1",
        ] {
            assert!(check("administrator", bad).is_err(), "{bad}");
        }
        assert!(check("ana", &"x y".repeat(400)).is_err(), "too long to be hashed");
    }

    #[test]
    fn any_other_of_twelve_characters_will_do() {
        for good in ["a password of a test", "密码是一句很长的话没有人猜得到", "tr0ub4dor&3xx", "ana likes long walks"]
        {
            assert!(check("ana", good).is_ok(), "{good}");
        }
        assert!(check("a", "abracadabra-abc").is_ok(), "a short name is in many a password");
    }
}
