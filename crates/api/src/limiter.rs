//! Slows down guessing of passwords.
//!
//! The engine locks a name after ten wrong tries from anywhere, and tells nobody, so that nobody learns what names there
//! are. Here tries are counted by name and address together: who tried so often from one place is told to wait, without
//! costing the server another hash. A try counts before its password is looked at, so that many at once are no way
//! around it.
//!
//! Leaving for an identity provider costs something as well, and is open to anybody: that is counted by address alone.

use crate::problem::Problem;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use davit_domain::time::Timestamp;
use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const WRONG_ALLOWED: u32 = 10;
/// As long as a name is locked that was guessed at from many places.
const LOCKED_FOR: Duration = Duration::from_secs(900);
/// Departures to identity providers from one address in a [`DEPARTURES_IN`]: a whole office may share one, and everybody
/// does behind a proxy that is not on this machine. A provider itself is asked once a minute, whoever leaves for it.
const DEPARTURES_ALLOWED: u32 = 600;
const DEPARTURES_IN: Duration = Duration::from_secs(60);
/// Pairs that are remembered; past that the oldest goes, so that guessing names can't fill the memory.
const REMEMBERED: usize = 10_000;
/// Longer than any account's name. Bytes.
const LONGEST_NAME: usize = 256;

/// Counts tries.
#[derive(Debug, Default)]
pub(crate) struct LoginLimiter {
    tries: Mutex<HashMap<(String, IpAddr), Tries>>,
    departures: Mutex<HashMap<IpAddr, Tries>>,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    /// The newest one; of departures the one that they are counted from.
    at: Timestamp,
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
        let mut tries = lock(&self.tries);
        let key = (name.to_owned(), from.0);
        let before = tries.get(&key).filter(|tries| now.since(tries.at) < LOCKED_FOR).map_or(0, |tries| tries.count);
        if before >= WRONG_ALLOWED {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many wrong passwords for this name from here: try again in a quarter of an hour",
            ));
        }
        remember(&mut tries, key, Tries { count: before + 1, at: now }, now, LOCKED_FOR);
        Ok(())
    }

    /// Counts somebody who leaves for an identity provider; refused when too many did from there.
    pub(crate) fn depart(&self, from: Origin, now: Timestamp) -> Result<(), Problem> {
        let mut departures = lock(&self.departures);
        let counted = departures.get(&from.0).copied().filter(|counted| now.since(counted.at) < DEPARTURES_IN);
        let counted = counted.unwrap_or(Tries { count: 0, at: now });
        if counted.count >= DEPARTURES_ALLOWED {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many began to sign in from here: try again in a minute",
            ));
        }
        let counted = Tries { count: counted.count + 1, ..counted };
        remember(&mut departures, from.0, counted, now, DEPARTURES_IN);
        Ok(())
    }

    /// Forgets the tries of somebody who knew the password.
    pub(crate) fn forgive(&self, name: &str, from: Origin) {
        lock(&self.tries).remove(&(name.to_owned(), from.0));
    }

    /// Forgets the tries with a name from everywhere: an administrator let it in again.
    pub(crate) fn forgive_name(&self, name: &str) {
        lock(&self.tries).retain(|(tried, _), _| !tried.eq_ignore_ascii_case(name));
    }
}

fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what was counted, and makes room for it where there is none.
fn remember<K: Clone + Eq + Hash>(
    counted: &mut HashMap<K, Tries>,
    key: K,
    tries: Tries,
    now: Timestamp,
    lasting: Duration,
) {
    if counted.len() >= REMEMBERED && !counted.contains_key(&key) {
        counted.retain(|_, tries| now.since(tries.at) < lasting);
        if counted.len() >= REMEMBERED {
            let oldest = counted.iter().min_by_key(|(_, tries)| tries.at).map(|(key, _)| key.clone());
            oldest.map(|key| counted.remove(&key));
        }
    }
    counted.insert(key, tries);
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
        assert_eq!(lock(&limiter.tries).len(), REMEMBERED);
    }

    #[test]
    fn who_leaves_too_often_waits_a_minute() {
        let limiter = LoginLimiter::default();
        for number in 0..DEPARTURES_ALLOWED {
            assert!(limiter.depart(from(1), at(u64::from(number) / 12)).is_ok());
        }
        assert!(limiter.depart(from(1), at(59)).is_err());
        assert!(limiter.depart(from(2), at(59)).is_ok(), "somebody else");
        assert!(limiter.depart(from(1), at(60)).is_ok());
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
