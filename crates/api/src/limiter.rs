//! Slows down guessing of passwords.
//!
//! The engine locks a name after ten wrong tries from anywhere, and tells nobody, so that nobody learns what names there
//! are. Here tries are counted by name and address together: who tried so often from one place is told to wait, without
//! costing the server another hash. A try counts before its password is looked at, so that many at once are no way
//! around it.

use crate::problem::Problem;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use davit_domain::time::Timestamp;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const WRONG_ALLOWED: u32 = 10;
/// As long as a name is locked that was guessed at from many places.
const LOCKED_FOR: Duration = Duration::from_secs(900);
/// Pairs that are remembered; past that the oldest goes, so that guessing names can't fill the memory.
const REMEMBERED: usize = 10_000;
/// Longer than any account's name. Bytes.
const LONGEST_NAME: usize = 256;

/// Counts tries.
#[derive(Debug, Default)]
pub(crate) struct LoginLimiter(Mutex<HashMap<(String, IpAddr), Tries>>);

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    last: Timestamp,
}

/// From where a request comes: its peer, or what a proxy on this machine says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(pub(crate) IpAddr);

impl LoginLimiter {
    /// Counts a try; refused when there were too many.
    pub(crate) fn attempt(&self, name: &str, from: Origin, now: Timestamp) -> Result<(), Problem> {
        if name.len() > LONGEST_NAME {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "the name or the password is wrong"));
        }
        let mut tries = self.lock();
        let key = (name.to_owned(), from.0);
        let before = tries.get(&key).filter(|tries| now.since(tries.last) < LOCKED_FOR).map_or(0, |tries| tries.count);
        if before >= WRONG_ALLOWED {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many wrong passwords for this name from here: try again in a quarter of an hour",
            ));
        }
        if tries.len() >= REMEMBERED && !tries.contains_key(&key) {
            make_room(&mut tries, now);
        }
        tries.insert(key, Tries { count: before + 1, last: now });
        Ok(())
    }

    /// Forgets the tries of somebody who knew the password.
    pub(crate) fn forgive(&self, name: &str, from: Origin) {
        self.lock().remove(&(name.to_owned(), from.0));
    }

    /// Forgets the tries with a name from everywhere: an administrator let it in again.
    pub(crate) fn forgive_name(&self, name: &str) {
        self.lock().retain(|(tried, _), _| !tried.eq_ignore_ascii_case(name));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, IpAddr), Tries>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(tries: &mut HashMap<(String, IpAddr), Tries>, now: Timestamp) {
    tries.retain(|_, tries| now.since(tries.last) < LOCKED_FOR);
    if tries.len() < REMEMBERED {
        return;
    }
    let oldest = tries.iter().min_by_key(|(_, tries)| tries.last).map(|(key, _)| key.clone());
    oldest.map(|key| tries.remove(&key));
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        // Only a proxy on this machine is believed: anybody else could claim to be anywhere, and be nobody twice.
        Ok(Self(if peer.is_loopback() { forwarded(&parts.headers).unwrap_or(peer) } else { peer }))
    }
}

/// The last address of `X-Forwarded-For`: the one that the proxy itself saw.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(Duration::from_secs(seconds))
    }

    fn from(last: u8) -> Origin {
        Origin(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    #[test]
    fn who_guesses_locks_out_themselves_alone() {
        let limiter = LoginLimiter::default();
        for _ in 0..WRONG_ALLOWED {
            assert!(limiter.attempt("ann", from(1), at(0)).is_ok());
        }
        assert!(limiter.attempt("ann", from(1), at(899)).is_err());
        assert!(limiter.attempt("ann", from(2), at(899)).is_ok(), "ann herself");
        assert!(limiter.attempt("bob", from(1), at(899)).is_ok());
        assert!(limiter.attempt("ann", from(1), at(900)).is_ok());
        assert!(limiter.attempt(&"x".repeat(LONGEST_NAME + 1), from(1), at(0)).is_err());
    }

    #[test]
    fn who_knows_the_password_starts_anew() {
        let limiter = LoginLimiter::default();
        for _ in 1..WRONG_ALLOWED {
            assert!(limiter.attempt("ann", from(1), at(0)).is_ok());
        }
        limiter.forgive("ann", from(1));
        assert!(limiter.attempt("ann", from(1), at(0)).is_ok() && limiter.attempt("ann", from(1), at(0)).is_ok());
    }

    #[test]
    fn the_memory_is_bounded() {
        let limiter = LoginLimiter::default();
        for number in 0..=REMEMBERED {
            assert!(limiter.attempt(&number.to_string(), from(1), at(0)).is_ok());
        }
        assert_eq!(limiter.lock().len(), REMEMBERED);
    }

    #[test]
    fn a_proxy_on_this_machine_says_who_it_is() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded(&headers), None);
        headers.append("x-forwarded-for", "203.0.113.9, 192.0.2.7".parse().expect("a header"));
        assert_eq!(forwarded(&headers), Some(from(7).0));
        headers.append("x-forwarded-for", "nonsense".parse().expect("a header"));
        assert_eq!(forwarded(&headers), None);
    }
}
