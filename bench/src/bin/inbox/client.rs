//! The client: signed pushes over many connections, one after the other on each.

use anyhow::{Context, ensure};
use davit_bench::process;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// What the deliveries are signed with.
pub(crate) const SECRET: &str = "a secret for a measurement";
/// Bytes of a body.
pub(crate) const BODY: usize = 10 * 1024;
const PUSH: &str = include_str!("../../../../crates/forge/tests/payloads/push.branch.json");
/// What of the payload is replaced to make each delivery one of its own: the commit that was pushed.
const AFTER: &str = "\"after\":\"";
/// Memory is looked at after each of so many equal parts.
const PARTS: usize = 4;

/// What one run found.
pub(crate) struct Taken {
    pub(crate) started: Instant,
    pub(crate) wall: Duration,
    /// From sending to the end of the answer, sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) before: process::Memory,
    /// Resident memory after a quarter of the deliveries, after two, three, and after all of them; KiB.
    pub(crate) quarters: [u64; PARTS],
    pub(crate) after: process::Memory,
    pub(crate) cpu: Duration,
}

/// Sends `count` deliveries to `POST /hooks/github`, each of which has to be answered with `status`. Requests are made
/// and signed while others are under way: a hundred thousand of them would not fit in memory.
pub(crate) async fn load(
    address: &str,
    pid: u32,
    template: &Arc<str>,
    (count, connections): (usize, usize),
    status: &'static str,
) -> anyhow::Result<Taken> {
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        streams.push(TcpStream::connect(address).await?);
    }
    let answered = Arc::new(AtomicUsize::new(0));
    let (before, cpu) = (process::memory(pid)?, process::cpu(pid)?);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (first, stream) in streams.into_iter().enumerate() {
        let share = Share { numbers: (first..count).step_by(connections), status, answered: Arc::clone(&answered) };
        tasks.spawn(share.send(stream, address.to_owned(), Arc::clone(template)));
    }
    let (mut latencies, mut quarters) = (Vec::with_capacity(count), [0; PARTS]);
    let mut reached = 0;
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                Some(done) => latencies.extend(done??),
                None => break,
            },
            () = sleep(Duration::from_millis(10)) => {}
        }
        while reached < PARTS && answered.load(Ordering::Relaxed) * PARTS >= count * (reached + 1) {
            quarters[reached] = process::memory(pid)?.now;
            reached += 1;
        }
    }
    let wall = started.elapsed();
    let (after, cpu) = (process::memory(pid)?, process::cpu(pid)?.saturating_sub(cpu));
    quarters[PARTS - 1] = after.now;
    latencies.sort();
    Ok(Taken { started, wall, latencies, before, quarters, after, cpu })
}

/// What one connection sends.
struct Share {
    numbers: std::iter::StepBy<std::ops::Range<usize>>,
    status: &'static str,
    answered: Arc<AtomicUsize>,
}

impl Share {
    /// Sends its requests one after the other; how long each took.
    async fn send(self, mut stream: TcpStream, address: String, template: Arc<str>) -> anyhow::Result<Vec<Duration>> {
        stream.set_nodelay(true)?;
        let mut latencies = Vec::with_capacity(self.numbers.len());
        let mut answer = Vec::with_capacity(1024);
        for number in self.numbers {
            let request = request(&address, &template, number)?;
            let sent = Instant::now();
            stream.write_all(&request).await?;
            read_answer(&mut stream, &mut answer, self.status).await?;
            latencies.push(sent.elapsed());
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(latencies)
    }
}

/// Reads one answer and checks its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>, status: &str) -> anyhow::Result<()> {
    answer.clear();
    loop {
        ensure!(stream.read_buf(answer).await? > 0, "the server closed the connection");
        let text = std::str::from_utf8(answer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        ensure!(head.strip_prefix("HTTP/1.1 ").is_some_and(|rest| rest.starts_with(status)), "not taken: {text}");
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length")).context("a length")?.1;
        if body.len() >= length.parse()? {
            return Ok(());
        }
    }
}

/// The payload, compact and filled up to its size.
pub(crate) fn template() -> anyhow::Result<Arc<str>> {
    let mut payload: serde_json::Value = serde_json::from_str(PUSH)?;
    let length = payload.to_string().len();
    payload["filler"] = json!("x".repeat(BODY.saturating_sub(length + ",\"filler\":\"\"".len())));
    let text = payload.to_string();
    ensure!(text.contains(AFTER), "a push says what it moved to");
    Ok(text.into())
}

/// The payload of one delivery.
pub(crate) fn body(template: &str, number: usize) -> String {
    let mut text = template.to_owned();
    if let Some(at) = template.find(AFTER) {
        let start = at + AFTER.len();
        text.replace_range(start..start + 40, &format!("{:040x}", number + 1));
    }
    text
}

/// A whole HTTP request as GitHub sends it.
fn request(address: &str, template: &str, number: usize) -> anyhow::Result<Vec<u8>> {
    let body = body(template, number);
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(body.as_bytes());
    let mut signature = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}")?;
    }
    let head = format!(
        "POST /hooks/github HTTP/1.1\r\nhost: {address}\r\nuser-agent: GitHub-Hookshot/davit\r\naccept: */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nx-github-event: push\r\n\
         x-github-delivery: 00000000-0000-4000-8000-{number:012x}\r\nx-github-hook-id: 1\r\n\
         x-hub-signature-256: sha256={signature}\r\n\r\n",
        body.len()
    );
    Ok([head.into_bytes(), body.into_bytes()].concat())
}
