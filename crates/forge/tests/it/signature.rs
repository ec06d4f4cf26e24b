//! Who sent it: vectors that others published, and what is each forge's own.

use crate::senders::{DELIVERY, SECRET, Sender, gitee_signature, hex, hmac_sha256, sender, standard_signature};
use crate::support::{NOW, form, headers};
use davit_domain::config::HookSignature;
use davit_domain::time::Timestamp;
use davit_forge::{ForgeKind, Verified, VerifyError};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

const JSON: &[u8] = br#"{"ref":"refs/heads/main","note":"a+b & c%"}"#;

fn header(header: &str) -> VerifyError {
    VerifyError::Header { header: header.to_owned() }
}

fn with(headers: &HeaderMap, name: &'static str, value: &str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    headers
}

fn without(headers: &HeaderMap, name: &str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(name);
    headers
}

fn as_form(headers: &HeaderMap) -> HeaderMap {
    with(headers, "content-type", "application/x-www-form-urlencoded")
}

/// The delivery's id that davit takes from a genuine request.
fn id(sender: &Sender, headers: &HeaderMap, body: &[u8]) -> String {
    sender.check(headers, body).expect("genuine").delivery
}

/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
#[test]
fn githubs_vector_is_genuine() {
    let (github, body) = (sender(ForgeKind::Github, HookSignature::HmacSha256), b"Hello, World!");
    let proof = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let verified = github.check(&github.signed(proof), body).expect("genuine");
    let (event, delivery) = ("push".to_owned(), DELIVERY.to_owned());
    assert_eq!(verified, Verified { event, delivery, payload: body.to_vec() });
    assert_eq!(github.check(&github.signed(&proof.to_uppercase()), body), Err(github.wrong()));

    // `printf 'Hello, World!' | openssl dgst -sha1 -hmac "It's a Secret to Everybody"`
    let old = sender(ForgeKind::Github, HookSignature::HmacSha1);
    let sha1 = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59";
    assert!(old.check(&old.signed(sha1), body).is_ok());
    assert_eq!(github.check(&old.signed(sha1), body), Err(github.missing()), "sha1 where sha256 is required");
    assert_eq!(github.check(&github.signed(sha1), body), Err(github.wrong()));
    assert_eq!(old.check(&github.signed(proof), body), Err(old.missing()));
}

#[test]
fn github_signs_a_form_as_it_is_sent() {
    let github = sender(ForgeKind::Github, HookSignature::HmacSha256);
    let body = form(JSON);
    assert_eq!(github.check(&as_form(&github.genuine(&body)), &body).expect("genuine").payload, JSON);
    assert_eq!(github.check(&as_form(&github.genuine(JSON)), &body), Err(github.wrong()), "signed over the JSON");
    for body in ["payload=a&payload=b", "payload=%", "a=b", ""] {
        let headers = as_form(&github.genuine(body.as_bytes()));
        assert_eq!(github.check(&headers, body.as_bytes()), Err(VerifyError::MalformedForm), "{body:?}");
        assert_eq!(github.check_with("other", &headers, body.as_bytes()), Err(github.wrong()), "{body:?}");
    }
}

#[test]
fn githubs_event_and_delivery_are_plain_names() {
    let github = sender(ForgeKind::Github, HookSignature::HmacSha256);
    let genuine = github.genuine(JSON);
    for (name, shown) in [("x-github-event", "X-GitHub-Event"), ("x-github-delivery", "X-GitHub-Delivery")] {
        assert_eq!(github.check(&without(&genuine, name), JSON), Err(header(shown)));
        let mut twice = genuine.clone();
        twice.append(name, HeaderValue::from_static("push"));
        assert_eq!(github.check(&twice, JSON), Err(header(shown)));
        for bad in ["", "a  b", " ", "<script>", "é", "a/b", "sha256:0", &"x".repeat(101)] {
            assert_eq!(github.check(&with(&genuine, name, bad), JSON), Err(header(shown)), "{bad:?}");
        }
    }
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
#[test]
fn the_vector_of_standard_webhooks_is_genuine() {
    let gitlab = sender(ForgeKind::Gitlab, HookSignature::StandardWebhooks);
    let (secret, body) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", br#"{"test": 2432232314}"#);
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let request = |signature: &str| {
        headers([
            ("content-type", "application/json"),
            ("x-gitlab-event", "Push Hook"),
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", signature),
        ])
    };
    let check = |seconds: i64, signature: &str| {
        gitlab.check_at(Timestamp::from_millis(seconds * 1000), secret, &request(signature), body)
    };
    assert_eq!(check(1_614_265_330, right).expect("genuine").delivery, "msg_p5jXN8AQM9LWM0D4loKWxJek");

    let other = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for several in [format!("{other} {right}"), format!("{right} {other}"), format!("v1a,xyz v2,{right} {right}")] {
        assert!(check(1_614_265_330, &several).is_ok(), "{several}");
    }
    for none in [other.to_owned(), format!("{other} {other}"), right.replacen("v1", "v2", 1), right[3..].to_owned()] {
        assert_eq!(check(1_614_265_330, &none), Err(gitlab.wrong()), "{none}");
    }

    let expired = Err(VerifyError::Expired { header: "webhook-timestamp".to_owned() });
    for (seconds, good) in [(-300, true), (300, true), (-301, false), (301, false), (86_400, false)] {
        let verdict = check(1_614_265_330 + seconds, right);
        assert_eq!(verdict.is_ok(), good, "{seconds} s later");
        assert!(good || verdict == expired);
    }
}

#[test]
fn standard_webhooks_sign_the_id_and_the_time_too() {
    let gitlab = sender(ForgeKind::Gitlab, HookSignature::StandardWebhooks);
    let genuine = gitlab.genuine(JSON);
    assert_eq!(gitlab.check(&with(&genuine, "webhook-id", "msg_2"), JSON), Err(gitlab.wrong()));
    assert_eq!(gitlab.check(&with(&genuine, "webhook-timestamp", "1772442901"), JSON), Err(gitlab.wrong()));
    assert_eq!(gitlab.check(&without(&genuine, "webhook-id"), JSON), Err(header("webhook-id")));
    for bad in ["", "soon", "1772442900.5", "99999999999999999999"] {
        let verdict = gitlab.check(&with(&genuine, "webhook-timestamp", bad), JSON);
        assert_eq!(verdict, Err(header("webhook-timestamp")), "{bad:?}");
    }
    // The largest number there is does not wrap round into now.
    let (secret, never) = (gitlab.secret(SECRET), i64::MAX.to_string());
    let far = with(&genuine, "webhook-timestamp", &never);
    let far = with(&far, "webhook-signature", &standard_signature(&secret, DELIVERY, &never, JSON));
    assert!(matches!(gitlab.check(&far, JSON), Err(VerifyError::Expired { .. })));
}

#[test]
fn a_signing_token_that_is_none_lets_nobody_in() {
    let gitlab = sender(ForgeKind::Gitlab, HookSignature::StandardWebhooks);
    for bad in ["secret", "whsec_", "whsec_***", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let refusal = gitlab.check_with(bad, &gitlab.genuine(JSON), JSON).expect_err("refused");
        assert!(matches!(refusal, VerifyError::Configuration { .. }) && refusal.is_unauthenticated(), "{bad}");
        assert!(refusal.to_string().contains("whsec_ followed by base64"), "{refusal}");
    }
    // The padding gets lost when people copy.
    let secret = gitlab.secret("seventeen letters");
    let headers = gitlab.signed(&gitlab.prove(&secret, JSON));
    assert!(secret.ends_with('=') && gitlab.check_with(secret.trim_end_matches('='), &headers, JSON).is_ok());
}

#[test]
fn gitlabs_repetitions_are_known_by_the_right_header() {
    let gitlab = sender(ForgeKind::Gitlab, HookSignature::Token);
    let genuine = gitlab.genuine(JSON);
    let shared = with(&genuine, "x-gitlab-event-uuid", "13792a34-cac6-4fda-95a8-c58e00a3954e");
    let shared = with(&shared, "x-gitlab-webhook-uuid", "c9f3f0e2-9a0a-4d33-8f0b-1f2d3c4b5a69");
    assert_eq!(id(gitlab, &shared, JSON), DELIVERY, "Idempotency-Key");
    let both = with(&genuine, "webhook-id", "msg_1");
    assert_eq!(id(gitlab, &both, JSON), DELIVERY, "Idempotency-Key before webhook-id");
    assert_eq!(id(gitlab, &without(&both, "idempotency-key"), JSON), "msg_1");
    assert_eq!(id(gitlab, &with(&both, "idempotency-key", ""), JSON), "msg_1", "an empty one is none");
    let bad = with(&genuine, "idempotency-key", "a b");
    assert_eq!(gitlab.check(&bad, JSON), Err(header("Idempotency-Key")));

    // Before 17.4 there is none of them: the content has to do, and the UUIDs still don't count.
    let old = without(&shared, "idempotency-key");
    let first = id(gitlab, &old, JSON);
    assert!(first.starts_with("sha256:") && first.len() == 71, "{first}");
    assert_eq!(id(gitlab, &with(&old, "x-gitlab-event-uuid", "another"), JSON), first);
    assert_ne!(id(gitlab, &old, b"{}"), first, "another body");
    assert_ne!(id(gitlab, &with(&old, "x-gitlab-event", "Tag Push Hook"), JSON), first, "another event");

    // Where the id is signed nothing else counts.
    let signing = sender(ForgeKind::Gitlab, HookSignature::StandardWebhooks);
    assert_eq!(id(signing, &with(&signing.genuine(JSON), "idempotency-key", "msg_9"), JSON), DELIVERY);
}

#[test]
fn gitlabs_token_may_be_any_text() {
    let gitlab = sender(ForgeKind::Gitlab, HookSignature::Token);
    let mut headers = gitlab.genuine(JSON);
    headers.insert("x-gitlab-token", HeaderValue::from_bytes("pässwört".as_bytes()).expect("a value"));
    assert!(gitlab.check_with("pässwört", &headers, JSON).is_ok());
    assert_eq!(gitlab.check_with("pässwörtchen", &headers, JSON), Err(gitlab.wrong()));
    for bad in ["a  b", "", " Push Hook", "<b>"] {
        let verdict = gitlab.check(&with(&gitlab.genuine(JSON), "x-gitlab-event", bad), JSON);
        assert_eq!(verdict, Err(header("X-Gitlab-Event")), "{bad:?}");
    }
}

#[test]
fn gitea_signs_the_json_inside_a_form() {
    let gitea = sender(ForgeKind::Gitea, HookSignature::HmacSha256);
    let body = form(JSON);
    let proof = hex(&hmac_sha256(SECRET.as_bytes(), JSON));
    let verified = gitea.check(&as_form(&gitea.signed(&proof)), &body).expect("genuine");
    assert_eq!((verified.payload.as_slice(), verified.delivery.as_str()), (JSON, DELIVERY));
    let over_the_form = as_form(&gitea.genuine(&body));
    assert_eq!(gitea.check(&over_the_form, &body), Err(gitea.wrong()), "as GitHub does it");
    for bad in ["payload=a&payload=b", "payload=%", "a=b", ""] {
        assert_eq!(gitea.check(&as_form(&gitea.signed(&proof)), bad.as_bytes()), Err(VerifyError::MalformedForm));
        assert_eq!(gitea.check(&as_form(&gitea.signed("")), bad.as_bytes()), Err(gitea.missing()), "before anything");
    }
}

#[test]
fn giteas_copies_for_other_forges_prove_nothing() {
    let gitea = sender(ForgeKind::Gitea, HookSignature::HmacSha256);
    let proof = hex(&hmac_sha256(SECRET.as_bytes(), JSON));
    let copies = without(&gitea.genuine(JSON), "x-gitea-signature");
    let copies = with(&copies, "x-hub-signature-256", &format!("sha256={proof}"));
    let copies = with(&copies, "x-gogs-signature", &proof);
    assert_eq!(gitea.check(&copies, JSON), Err(gitea.missing()));
    assert_eq!(gitea.check(&gitea.signed(&format!("sha256={proof}")), JSON), Err(gitea.wrong()), "no prefix");
    let github = sender(ForgeKind::Github, HookSignature::HmacSha256);
    assert_eq!(github.check(&gitea.genuine(JSON), JSON), Err(github.missing()), "the address decides");
}

/// <https://help.gitee.com/webhook/how-to-verify-webhook-keys>
#[test]
fn gitees_vector_is_genuine_for_an_hour() {
    let gitee = sender(ForgeKind::Gitee, HookSignature::Timestamp);
    let (secret, at) = ("bBg5lrt03VixkX85CNqYIcecC0SIGASE", 1_633_679_083_918);
    let headers =
        with(&gitee.signed("Xvh4YPVe6l31XpDRL9J2yeaEXabsckIoUUschpXiVck="), "x-gitee-timestamp", "1633679083918");
    let check = |millis: i64| gitee.check_at(Timestamp::from_millis(at + millis), secret, &headers, JSON);
    assert!(check(0).is_ok());
    const HOUR: i64 = 3_600_000;
    let expired = Err(VerifyError::Expired { header: "X-Gitee-Timestamp".to_owned() });
    for (later, good) in [(HOUR, true), (-HOUR, true), (HOUR + 1, false), (-HOUR - 1, false), (i64::MAX - at, false)] {
        assert_eq!(check(later).is_ok(), good, "{later} ms");
        assert!(good || check(later) == expired);
    }
    for bad in ["", "yesterday", "1633679083918.0"] {
        let verdict = gitee.check_with(secret, &with(&headers, "x-gitee-timestamp", bad), JSON);
        assert_eq!(verdict, Err(header("X-Gitee-Timestamp")), "{bad:?}");
    }
    let another = with(&headers, "x-gitee-timestamp", "1633679083919");
    assert_eq!(gitee.check_with(secret, &another, JSON), Err(gitee.wrong()));
}

#[test]
fn gitees_password_does_not_expire() {
    let gitee = sender(ForgeKind::Gitee, HookSignature::Token);
    let genuine = gitee.genuine(JSON);
    let late = Timestamp::from_millis(NOW.millis() + 86_400_000);
    assert!(gitee.check_at(late, SECRET, &genuine, JSON).is_ok(), "the time is not part of the proof");
    assert!(gitee.check(&without(&genuine, "x-gitee-timestamp"), JSON).is_ok());
    let signed = with(&genuine, "x-gitee-token", &gitee_signature(SECRET, "1772442900000"));
    assert_eq!(gitee.check(&signed, JSON), Err(gitee.wrong()), "a signature where the password is expected");
}

#[test]
fn gitees_repetitions_are_known_by_time_and_body() {
    for signature in [HookSignature::Timestamp, HookSignature::Token] {
        let gitee = sender(ForgeKind::Gitee, signature);
        let genuine = gitee.genuine(JSON);
        let first = id(gitee, &genuine, JSON);
        assert!(first.starts_with("sha256:") && first.len() == 71, "{first}");
        assert_eq!(id(gitee, &with(&genuine, "x-request-id", "another"), JSON), first);
        assert_ne!(id(gitee, &genuine, b"{}"), first, "another body");
        let mut later = with(&genuine, "x-gitee-timestamp", "1772442900001");
        if signature == HookSignature::Timestamp {
            later = with(&later, "x-gitee-token", &gitee_signature(SECRET, "1772442900001"));
        }
        assert_ne!(id(gitee, &later, JSON), first, "another time");
    }
}

#[test]
fn gitees_proofs_in_the_body_are_not_kept() {
    let gitee = sender(ForgeKind::Gitee, HookSignature::Token);
    for (body, kept) in [
        (
            r#"{"hook_id":1,"password":"It's a Secret to Everybody","sign":"c2ln","ref":"x"}"#,
            r#"{"hook_id":1,"password":"***","sign":"***","ref":"x"}"#,
        ),
        (r#"{"sign" : "c2ln" , "password":"p\u0061ss"}"#, r#"{"sign" : "***" , "password":"***"}"#),
        (r#"{"pass\u0077ord":{"a":["It's a Secret to Everybody"]}}"#, r#"{"pass\u0077ord":"***"}"#),
        (r#"{"password":null,"ref":"x"}"#, r#"{"password":null,"ref":"x"}"#),
        (r#"{"ref":"x"}"#, r#"{"ref":"x"}"#),
        (r#"{"password":"a","password":"It's a Secret to Everybody"}"#, r#""not a payload of Gitee's""#),
        (r#"{"password":"It's a Secret to Everybody""#, r#""not a payload of Gitee's""#),
    ] {
        let verified = gitee.check(&gitee.genuine(body.as_bytes()), body.as_bytes()).expect("genuine");
        assert_eq!(std::str::from_utf8(&verified.payload), Ok(kept), "{body}");
    }
    let body = crate::support::changed("gitee/push", |payload| payload["password"] = SECRET.into());
    let verified = gitee.check(&gitee.genuine(&body), &body).expect("genuine");
    let kept: Value = serde_json::from_slice(&verified.payload).expect("still JSON");
    assert_eq!((&kept["password"], &kept["sign"], &kept["hook_id"]), (&"***".into(), &"***".into(), &41.into()));
}

#[test]
fn gitees_test_of_a_hook_is_a_ping() {
    let gitee = sender(ForgeKind::Gitee, HookSignature::Timestamp);
    let genuine = gitee.genuine(JSON);
    for (value, event) in [("true", "ping"), ("True", "ping"), ("false", "Push Hook"), ("", "Push Hook")] {
        assert_eq!(gitee.check(&with(&genuine, "x-gitee-ping", value), JSON).expect("genuine").event, event);
    }
}

#[test]
fn a_generic_sender_signs_as_configured() {
    let generic = sender(ForgeKind::Generic, HookSignature::HmacSha256);
    let genuine = generic.genuine(JSON);
    assert_eq!(generic.check(&without(&genuine, "x-delivery"), JSON), Err(header("X-Delivery")));
    assert_eq!(generic.check(&with(&genuine, "x-delivery", "a b"), JSON), Err(header("X-Delivery")));

    use davit_forge::{HookRules, Incoming, verify};
    let secret = secrecy::SecretString::from(SECRET);
    let mut hook = crate::senders::generic_hook();
    hook.header = "X-Sender-Proof".to_owned();
    hook.prefix = String::new();
    hook.delivery_header = None;
    let check = |headers: &HeaderMap, hook: Option<&davit_domain::config::GenericHook>| {
        let (kind, signature) = (ForgeKind::Generic, HookSignature::HmacSha256);
        verify(
            &HookRules { kind, signature, secret: &secret, generic: hook, now: NOW },
            &Incoming { headers, body: JSON },
        )
    };
    let headers = with(&genuine, "x-sender-proof", &hex(&hmac_sha256(SECRET.as_bytes(), JSON)));
    let delivery = check(&headers, Some(&hook)).expect("genuine").delivery;
    assert!(delivery.starts_with("sha256:"), "{delivery}");
    let missing = VerifyError::SignatureMissing { header: "X-Sender-Proof".to_owned() };
    assert_eq!(check(&genuine, Some(&hook)), Err(missing));
    assert!(matches!(check(&headers, None), Err(VerifyError::Configuration { .. })));
}
