//! Deliveries: what is around a payload, who gets it, and what goes astray.

use super::*;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use std::sync::atomic::AtomicU16;

const KINDS: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];

/// What to answer, and what came.
type Seen = Arc<(AtomicU16, Mutex<Vec<(HeaderMap, String)>>)>;

/// Takes deliveries and answers as it is told.
struct Receiver {
    url: String,
    seen: Seen,
    _server: AbortOnDropHandle<()>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let seen: Seen = Arc::new((AtomicU16::new(202), Mutex::default()));
        let take = async |State(seen): State<Seen>, headers: HeaderMap, body: String| {
            seen.1.lock().expect("the lock").push((headers, body));
            StatusCode::from_u16(seen.0.load(Ordering::SeqCst)).expect("a status")
        };
        let app = Router::new().route("/hook", axum::routing::post(take)).with_state(Arc::clone(&seen));
        let server =
            tokio::spawn(async move { axum::serve(listener, app).await.expect("it runs until it is dropped") });
        Self { url, seen, _server: AbortOnDropHandle::new(server) }
    }

    fn answers(&self, status: u16) {
        self.seen.0.store(status, Ordering::SeqCst);
    }

    fn seen(&self) -> Vec<(HeaderMap, String)> {
        self.seen.1.lock().expect("the lock").clone()
    }
}

fn push(fake: &FakeForge) -> Delivery {
    let after = commit();
    fake.push_delivery(&NewPush {
        repository: REPOSITORY,
        git_ref: "refs/heads/main",
        before: None,
        after: Some(&after),
        message: "Sell tea",
        pusher: "ada",
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test]
async fn deliveries_have_ids_of_their_own() {
    for kind in KINDS {
        let fake = fake(kind).await;
        let (first, second) = (push(&fake), push(&fake));
        assert_ne!(first.id(), second.id());
        assert_eq!(first.body, second.body);
        assert!(String::from_utf8_lossy(&first.body).contains(REPOSITORY), "{kind:?}");
    }
    let fake = fake(ForgeKind::Github).await;
    assert!(
        String::from_utf8(fake.ping_delivery(REPOSITORY).body).expect("text").contains("\"full_name\":\"acme/shop\"")
    );
}

#[tokio::test]
async fn each_forge_signs_in_its_own_way() {
    let gitea = push(&fake(ForgeKind::Gitea).await).headers;
    assert_eq!(header(&gitea, "x-github-event"), "push", "copies under another forge's name");
    assert_eq!(format!("sha256={}", header(&gitea, "x-gitea-signature")), header(&gitea, "x-hub-signature-256"));

    let gitlab = fake(ForgeKind::Gitlab).await;
    assert_eq!(header(&push(&gitlab).headers, "x-gitlab-token"), gitlab.webhook_secret());
    gitlab.set_signature(HookSignature::StandardWebhooks);
    let signed = push(&gitlab);
    assert_eq!(header(&signed.headers, "webhook-id"), header(&signed.headers, "idempotency-key"));
    assert!(header(&signed.headers, "webhook-signature").starts_with("v1,"));
    assert_eq!(header(&signed.headers, "x-gitlab-token"), "");

    let gitee = fake(ForgeKind::Gitee).await;
    let ping = gitee.ping_delivery(REPOSITORY);
    assert_eq!((header(&ping.headers, "x-gitee-ping"), header(&ping.headers, "x-gitee-event")), ("true", "Push Hook"));
    gitee.set_signature(HookSignature::Token);
    assert_eq!(header(&push(&gitee).headers, "x-gitee-token"), gitee.webhook_secret());

    let github = fake(ForgeKind::Github).await;
    github.set_signature(HookSignature::HmacSha1);
    let old = push(&github).headers;
    assert_eq!((header(&old, "x-hub-signature-256"), old.contains_key("x-hub-signature")), ("", true));
}

/// The vectors of Standard Webhooks and of Gitee's help.
#[tokio::test]
async fn signatures_are_those_of_the_documents() {
    let clock = Arc::new(AtomicI64::new(1_614_265_330_000));
    let gitlab = FakeForge::start_on(ForgeKind::Gitlab, None, clock).await;
    let signing = Signing {
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        signature: HookSignature::StandardWebhooks,
        form: false,
    };
    let signed = gitlab.shared.signed("Push Hook", "msg_p5jXN8AQM9LWM0D4loKWxJek", b"{\"test\": 2432232314}", &signing);
    assert_eq!(header(&signed.headers, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

    let clock = Arc::new(AtomicI64::new(1_633_679_083_918));
    let gitee = FakeForge::start_on(ForgeKind::Gitee, None, clock).await;
    let signing = Signing {
        secret: "bBg5lrt03VixkX85CNqYIcecC0SIGASE".to_owned(),
        signature: HookSignature::Timestamp,
        form: false,
    };
    let signed = gitee.shared.signed("Push Hook", "", b"{}", &signing);
    assert_eq!(header(&signed.headers, "x-gitee-token"), "Xvh4YPVe6l31XpDRL9J2yeaEXabsckIoUUschpXiVck=");
}

#[tokio::test]
async fn what_failed_at_github_can_be_had_again() {
    let fake = fake(ForgeKind::Github).await;
    let receiver = Receiver::start().await;
    let hook = fake.add_hook(REPOSITORY, &receiver.url);
    let (lost, refused, fine) = (push(&fake), push(&fake), push(&fake));
    fake.lose(REPOSITORY, &lost);
    receiver.answers(503);
    assert_eq!(fake.send(REPOSITORY, &refused).await, [503]);
    receiver.answers(202);
    assert_eq!(fake.send(REPOSITORY, &fine).await, [202]);

    let path = format!("/repos/{REPOSITORY}/hooks/{hook}/deliveries");
    let (_, listed) = get(&fake, &format!("{path}?per_page=2")).await;
    let codes: Vec<_> = listed.as_array().expect("a list").iter().map(|one| one["status_code"].as_i64()).collect();
    assert_eq!(codes, [Some(200 + 2), Some(503)]);
    let (_, all) = get(&fake, &path).await;
    assert_eq!((all[2]["status"].as_str(), &all[2]["guid"]), (Some("failed to connect to host"), &json!(lost.id())));

    let (status, _) = post(&fake, &format!("{path}/{}/attempts", all[2]["id"]), json!({})).await;
    assert_eq!(status, 202);
    let again = fake.until(|fake| fake.attempts(REPOSITORY).into_iter().find(|attempt| attempt.redelivery)).await;
    assert_eq!((again.guid.as_str(), again.status), (lost.id(), 202));
    assert_eq!(header(&receiver.seen().pop().expect("a delivery").0, "x-github-delivery"), lost.id());
}

#[tokio::test]
async fn gitlab_sends_again_with_the_same_key_and_stops_after_failures() {
    let fake = fake(ForgeKind::Gitlab).await;
    let receiver = Receiver::start().await;
    let hook = fake.add_hook(REPOSITORY, &receiver.url);
    let lost = push(&fake);
    fake.lose(REPOSITORY, &lost);
    let path = format!("/projects/acme%2Fshop/hooks/{hook}");
    let (_, events) = get(&fake, &format!("{path}/events")).await;
    assert_eq!(events[0]["response_status"], "internal error");
    assert_eq!(events[0]["request_headers"]["Idempotency-Key"], lost.id());
    assert_eq!(events[0]["request_headers"]["X-Gitlab-Token"], "[REDACTED]");
    let (status, answer) = post(&fake, &format!("{path}/events/{}/resend", events[0]["id"]), json!({})).await;
    assert_eq!((status, answer), (201, json!({ "response_status": 202 })));
    assert_eq!(header(&receiver.seen()[0].0, "idempotency-key"), lost.id());

    receiver.answers(400);
    for _ in 0..4 {
        assert_eq!(fake.send(REPOSITORY, &push(&fake)).await, [400]);
    }
    assert_eq!(fake.send(REPOSITORY, &push(&fake)).await, [0_u16; 0], "the hook is disabled");
    assert_eq!(get(&fake, &path).await.1["alert_status"], "temporarily_disabled");
}

#[test]
fn disorder_is_the_same_each_time() {
    let disorder = Disorder { seed: 7, lost: 30, doubled: 30, delay: 3 };
    let first = disorder.of(100);
    assert_eq!(first, disorder.of(100));
    assert_ne!(first, Disorder { seed: 8, ..disorder }.of(100));
    assert!(first.order.windows(2).any(|two| two[0] > two[1]), "some overtake others");
    for position in 0..100 {
        assert_ne!(first.order.contains(&position), first.lost.contains(&position));
    }
    let still = Disorder { seed: 7, lost: 0, doubled: 0, delay: 0 }.of(5);
    assert_eq!((still.order, still.lost), (vec![0, 1, 2, 3, 4], vec![]));
}
