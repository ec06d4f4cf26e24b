//! What an authenticator app shows, by RFC 6238 and nothing of davit's.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// How long a code is shown. Seconds.
pub const STEP: i64 = 30;

/// The code of a secret in base 32, so many seconds after 1970.
///
/// # Panics
/// When the secret is not base 32.
#[must_use]
pub fn shown(secret: &str, seconds: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(&base32(secret)).expect("any length will do");
    mac.update(&(seconds / STEP).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'2'..=b'7' => letter - b'2' + 26,
        other => panic!("{other} is no letter of base 32"),
    };
    let bits: Vec<u8> = text.bytes().flat_map(|letter| (0..5).rev().map(move |bit| value(letter) >> bit & 1)).collect();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}
