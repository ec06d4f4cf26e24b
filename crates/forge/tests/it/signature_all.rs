//! What holds for everybody who signs webhooks.

use crate::senders::{DELIVERY, SECRET, SENDERS, Sender};
use crate::support::{NOW, form};
use davit_domain::config::HookSignature;
use davit_forge::{ForgeKind, HookRules, Incoming, ParseError, VerifyError, parse, verify};
use proptest::prelude::*;
use reqwest::header::HeaderValue;
use secrecy::SecretString;
use std::collections::BTreeSet;

const BODY: &[u8] = br#"{"ref":"refs/heads/main","note":"a+b & c%"}"#;

/// Where the body is not covered a change of it is not noticed: that is a fact about the forge.
fn assert_noticed(sender: &Sender, body: &[u8], what: &str) {
    let verdict = sender.check(&sender.genuine(BODY), body);
    if sender.covers_body {
        assert_eq!(verdict, Err(sender.wrong()), "{}: {what}", sender.name());
    } else {
        assert!(verdict.is_ok(), "{}: {what}", sender.name());
    }
}

#[test]
fn what_is_signed_is_genuine() {
    for sender in &SENDERS {
        let verified = sender.check(&sender.genuine(BODY), BODY).unwrap_or_else(|e| panic!("{}: {e}", sender.name()));
        assert_eq!((verified.event.as_str(), verified.payload.as_slice()), (sender.event, BODY), "{}", sender.name());
        let has_id = sender.kind != ForgeKind::Gitee;
        assert_eq!(verified.delivery == DELIVERY, has_id, "{}: {}", sender.name(), verified.delivery);
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for sender in &SENDERS {
        for position in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[position / 8] ^= 1 << (position % 8);
            assert_noticed(sender, &body, &format!("bit {position}"));
        }
        let proof = sender.prove(&sender.secret(SECRET), BODY);
        for position in 0..proof.len() {
            let mut changed = proof.clone().into_bytes();
            changed[position] = if changed[position] == b'0' { b'1' } else { b'0' };
            let changed = sender.signed(std::str::from_utf8(&changed).expect("ASCII"));
            assert_eq!(sender.check(&changed, BODY), Err(sender.wrong()), "{} character {position}", sender.name());
        }
    }
}

#[test]
fn a_truncated_or_longer_body_is_noticed() {
    for sender in &SENDERS {
        for length in 0..BODY.len() {
            assert_noticed(sender, &BODY[..length], &format!("{length} bytes"));
        }
        assert_noticed(sender, &[BODY, b"\n"].concat(), "a line break more");
    }
}

#[test]
fn a_wrong_secret_is_refused() {
    for sender in &SENDERS {
        for seed in ["it's a Secret to Everybody", "It's a Secret to Everybod", "It's a Secret to Everybody?", "x"] {
            let verdict = sender.check_with(&sender.secret(seed), &sender.genuine(BODY), BODY);
            assert_eq!(verdict, Err(sender.wrong()), "{} {seed:?}", sender.name());
        }
    }
}

#[test]
fn without_a_secret_nothing_is_genuine() {
    for sender in &SENDERS {
        for proof in ["", "x", &sender.prove("", BODY)] {
            assert_eq!(
                sender.check_with("", &sender.signed(proof), BODY),
                Err(VerifyError::NoSecret),
                "{}",
                sender.name()
            );
        }
    }
}

#[test]
fn a_missing_or_empty_proof_is_refused() {
    for sender in &SENDERS {
        let mut headers = sender.genuine(BODY);
        headers.remove(sender.proof_header());
        assert_eq!(sender.check(&headers, BODY), Err(sender.missing()), "{}", sender.name());
        assert_eq!(sender.check(&sender.signed(""), BODY), Err(sender.missing()), "{}", sender.name());
        for nothing in ["sha256=", "v1,", "v1, v1,", "=", "sha1="] {
            assert_eq!(
                sender.check(&sender.signed(nothing), BODY),
                Err(sender.wrong()),
                "{} {nothing:?}",
                sender.name()
            );
        }
    }
}

#[test]
fn a_proof_has_one_spelling() {
    for sender in &SENDERS {
        let proof = sender.prove(&sender.secret(SECRET), BODY);
        let bare = proof.split_once(['=', ',']).map_or("", |(_, bare)| bare);
        for bad in
            [proof.to_uppercase(), format!("{proof}0"), format!("0{proof}"), format!("{proof}{proof}"), bare.into()]
        {
            let verdict = sender.check(&sender.signed(&bad), BODY);
            assert!(verdict.is_err_and(|e| e.is_unauthenticated()), "{} {bad:?}", sender.name());
        }
        let mut twice = sender.genuine(BODY);
        twice.append(sender.proof_header(), HeaderValue::from_str(&proof).expect("a value"));
        assert_eq!(sender.check(&twice, BODY), Err(sender.wrong()), "{}: twice", sender.name());
        let mut binary = sender.genuine(BODY);
        binary.insert(sender.proof_header(), HeaderValue::from_bytes(b"sha256=\xff").expect("a value"));
        assert_eq!(sender.check(&binary, BODY), Err(sender.wrong()), "{}: not text", sender.name());
    }
}

#[test]
fn nobody_passes_for_another() {
    for (us, receiver) in SENDERS.iter().enumerate() {
        for (them, sender) in SENDERS.iter().enumerate() {
            let verdict = receiver.check(&sender.genuine(BODY), BODY);
            assert_eq!(verdict.is_ok(), us == them, "{} sends to {}", sender.name(), receiver.name());
        }
    }
}

#[test]
fn a_form_is_taken_from_those_who_send_one() {
    let body = form(BODY);
    for sender in &SENDERS {
        // Gitea signs what is inside.
        let signed = if sender.kind == ForgeKind::Gitea { BODY } else { &body };
        let mut headers = sender.genuine(signed);
        headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        let verdict = sender.check(&headers, &body);
        if sender.sends_forms {
            assert_eq!(verdict.expect("genuine").payload, BODY, "{}", sender.name());
            // The same signature on the other packing.
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            let as_json = sender.check(&headers, &body);
            let inside = sender.kind == ForgeKind::Gitea;
            assert_eq!(as_json.is_err(), inside, "{}: a form that says it is JSON", sender.name());
        } else {
            assert_eq!(verdict, Err(VerifyError::UnsupportedContentType), "{}", sender.name());
        }
    }
}

#[test]
fn only_known_content_types_are_read() {
    for sender in &SENDERS {
        let mut headers = sender.genuine(BODY);
        for good in ["application/json; charset=utf-8", "Application/JSON"] {
            headers.insert("content-type", HeaderValue::from_str(good).expect("a value"));
            assert!(sender.check(&headers, BODY).is_ok(), "{} {good}", sender.name());
        }
        for bad in ["text/plain", "application/jsonx", "multipart/form-data", ""] {
            headers.insert("content-type", HeaderValue::from_str(bad).expect("a value"));
            let refused = Err(VerifyError::UnsupportedContentType);
            assert_eq!(sender.check(&headers, BODY), refused, "{} {bad}", sender.name());
        }
        headers.remove("content-type");
        assert_eq!(sender.check(&headers, BODY), Err(VerifyError::UnsupportedContentType), "{}", sender.name());
    }
}

#[test]
fn a_body_of_26_mib_is_checked_like_any_other() {
    let body = vec![b' '; 26 << 20];
    let mut other = body.clone();
    other[25 << 20] = b'!';
    for sender in &SENDERS {
        let headers = sender.genuine(&body);
        assert!(sender.check(&headers, &body).is_ok(), "{}", sender.name());
        assert_eq!(sender.check(&headers, &other).is_err(), sender.covers_body, "{}", sender.name());
    }
}

#[test]
fn what_is_not_json_is_genuine_and_unreadable() {
    let deep = format!("{{\"ref\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let unclosed = "{\"x\":".repeat(100_000);
    let bodies: [&[u8]; 6] =
        [b"{\"ref\":\"refs/heads/\xff\"}", b"\xff\xfe", b"", b"[1,", deep.as_bytes(), unclosed.as_bytes()];
    for sender in &SENDERS {
        for body in bodies {
            let verified = sender.check(&sender.genuine(body), body).expect("genuine");
            let hook = crate::senders::generic_hook();
            let refusal = parse(sender.kind, Some(&hook), &verified.event, &verified.payload).expect_err("unreadable");
            assert!(matches!(refusal, ParseError::Malformed { .. }), "{} {refusal}", sender.name());
            assert!(refusal.to_string().len() < 400, "{refusal}");
        }
    }
}

#[test]
fn a_signature_that_a_kind_does_not_have_lets_nobody_in() {
    use HookSignature::{HmacSha1, HmacSha256, StandardWebhooks, Timestamp, Token};
    let secret = SecretString::from(SECRET);
    for sender in &SENDERS {
        for signature in [HmacSha256, HmacSha1, Token, StandardWebhooks, Timestamp] {
            if sender.kind.signatures().contains(&signature) {
                continue;
            }
            let hook = crate::senders::generic_hook();
            let rules = HookRules { kind: sender.kind, signature, secret: &secret, generic: Some(&hook), now: NOW };
            let verdict = verify(&rules, &Incoming { headers: &sender.genuine(BODY), body: BODY });
            assert!(matches!(verdict, Err(VerifyError::Configuration { .. })), "{:?} {signature:?}", sender.kind);
        }
    }
}

#[test]
fn refusals_say_nothing_of_what_is_right() {
    let header = || "X-Hub-Signature-256".to_owned();
    let refusals = [
        VerifyError::NoSecret,
        VerifyError::Configuration { detail: "change it" },
        VerifyError::UnsupportedContentType,
        VerifyError::SignatureMissing { header: header() },
        VerifyError::SignatureWrong { header: header() },
        VerifyError::Expired { header: header() },
        VerifyError::Header { header: header() },
        VerifyError::MalformedForm,
    ];
    let codes: BTreeSet<_> = refusals.iter().map(VerifyError::code).collect();
    assert_eq!(codes.len(), refusals.len());
    for sender in &SENDERS {
        let right = sender.prove(&sender.secret(SECRET), BODY);
        let refusal = sender.check(&sender.signed("nonsense"), BODY).expect_err("refused");
        let text = format!("{refusal} {refusal:?} {}", refusal.code());
        assert!(!text.contains(SECRET) && !text.contains(&right) && !text.contains("nonsense"), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_accepted_and_nothing_panics(
        which in 0..SENDERS.len(),
        seed in "[!-~]{1,100}",
        body in prop::collection::vec(any::<u8>(), 0..300),
        junk in "[ -~]{0,80}",
        form in any::<bool>(),
    ) {
        let sender = &SENDERS[which];
        let secret = sender.secret(&seed);
        let mut headers = sender.signed(&sender.prove(&secret, &body));
        prop_assert!(sender.check_with(&secret, &headers, &body).is_ok());
        if form {
            headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
            let verdict = sender.check_with(&secret, &headers, &body);
            prop_assert!(verdict.is_err() || sender.sends_forms);
        }
        prop_assume!(junk.trim() != sender.prove(&secret, &body));
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert(sender.proof_header(), HeaderValue::from_str(&junk).expect("printable"));
        prop_assert!(sender.check_with(&secret, &headers, &body).is_err_and(|refusal| refusal.is_unauthenticated()));
    }
}
