//! Until when a certificate is good: the one date of X.509 (RFC 5280, 4.1) that is wanted here. Whether it is to be
//! believed, the TLS library has judged already.

use davit_domain::time::Timestamp;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, around the version.
const VERSION: u8 = 0xa0;
const DAY: i64 = 24 * 3600 * 1000;

/// Whole days from now; negative: it has ended. `None`: that can't be read.
pub(super) fn days_left(der: &[u8]) -> Option<i64> {
    Some((not_after(der)?.millis() - crate::cmd::times::now().millis()).div_euclid(DAY))
}

/// `Certificate { tbs { [version], serial, algorithm, issuer, validity { notBefore, notAfter }, … }, … }`.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = enter(der, SEQUENCE)?;
    let (mut tbs, _) = enter(certificate, SEQUENCE)?;
    if tbs.first() == Some(&VERSION) {
        tbs = element(tbs)?.2;
    }
    for _ in ["serial", "algorithm", "issuer"] {
        tbs = element(tbs)?.2;
    }
    let (validity, _) = enter(tbs, SEQUENCE)?;
    let (_, _, rest) = element(validity)?;
    let (tag, text, _) = element(rest)?;
    moment(tag, std::str::from_utf8(text).ok()?)
}

fn enter(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == expected).then_some((content, rest))
}

/// Tag, content, and what comes after.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        0x80 | 0x85.. => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` with a year from 1950 on, or `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) if digits < "50" => (format!("20{}", &digits[..2]), &digits[2..]),
        (UTC_TIME, 12) => (format!("19{}", &digits[..2]), &digits[2..]),
        (GENERALIZED_TIME, 14) => (digits[..4].to_owned(), &digits[4..]),
        (_, _) => return None,
    };
    let part = |at: usize| &rest[at..at + 2];
    let text = format!("{year}-{}-{}T{}:{}:{}Z", part(0), part(2), part(4), part(6), part(8));
    serde_json::from_value(text.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl x509 -outform der` writes them: lengths of one and of more bytes.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head = if length < 0x80 {
            vec![tag, u8::try_from(length).expect("small")]
        } else {
            vec![tag, 0x82, u8::try_from(length >> 8).expect("small"), (length & 0xff) as u8]
        };
        [head, content.to_vec()].concat()
    }

    fn certificate(not_after: &[u8], tag: u8, with_version: bool) -> Vec<u8> {
        let validity = [der(UTC_TIME, b"250101000000Z"), der(tag, not_after)].concat();
        let version = if with_version { der(VERSION, &der(2, &[2])) } else { Vec::new() };
        let issuer = der(SEQUENCE, &[7; 300]);
        let tbs = [version, der(2, &[1, 2, 3]), der(SEQUENCE, &[]), issuer, der(SEQUENCE, &validity), vec![0; 9]];
        der(SEQUENCE, &[der(SEQUENCE, &tbs.concat()), vec![0; 200]].concat())
    }

    #[test]
    fn the_end_of_a_certificate_is_found() {
        for (text, tag, expected) in [
            (&b"260131120000Z"[..], UTC_TIME, "2026-01-31T12:00:00.000Z"),
            (b"491231235959Z", UTC_TIME, "2049-12-31T23:59:59.000Z"),
            (b"20510131120000Z", GENERALIZED_TIME, "2051-01-31T12:00:00.000Z"),
        ] {
            for with_version in [true, false] {
                let found = not_after(&certificate(text, tag, with_version));
                assert_eq!(found.map(|at| at.to_string()).as_deref(), Some(expected));
            }
        }
        assert!(days_left(&certificate(b"200101000000Z", UTC_TIME, true)).is_some_and(|days| days < 0));
    }

    #[test]
    fn whatever_is_cut_short_or_wrong_has_no_end() {
        let whole = certificate(b"260131120000Z", UTC_TIME, true);
        for length in 0..whole.len() {
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
        for text in [&b"26013112000Z"[..], b"2601311200000", b"26013112000\xffZ", b"261331120000Z"] {
            assert_eq!(not_after(&certificate(text, UTC_TIME, true)), None);
        }
    }
}
