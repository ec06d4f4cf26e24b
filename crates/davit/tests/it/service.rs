//! What a service manager hears of the real server, over a real datagram socket.

use crate::process::Site;
use davit_testkit::postgres::{Relay, TestDatabase};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

/// Until the next datagram, at most.
const LONG: Duration = Duration::from_secs(60);

async fn next(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = timeout(LONG, socket.recv(&mut buffer)).await.expect("it says something").expect("readable");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

/// Listens until a datagram says this.
async fn heard(socket: &UnixDatagram, what: &str) {
    while !next(socket).await.contains(what) {}
}

#[tokio::test]
async fn the_service_manager_hears_when_davit_is_ready_lives_and_stops() {
    let site = Site::new(None).await;
    let path = site.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut davit = site.davit("data", &["serve", "--listen", "127.0.0.1:0"]);
    davit.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000").stdout(Stdio::null()).stderr(Stdio::null());
    let mut davit = davit.kill_on_drop(true).spawn().expect("davit starts");

    let mut heard = Vec::new();
    while !(heard.iter().any(|said: &String| said.contains("READY=1"))
        && heard.iter().any(|said| said == "WATCHDOG=1\n"))
    {
        heard.push(next(&socket).await);
    }
    let says = |word: &str| heard.iter().position(|said| said.contains(word)).expect("it was said");
    assert!(says("EXTEND_TIMEOUT_USEC=") < says("READY=1"), "a long start asks for time: {heard:?}");
    let ready = &heard[says("READY=1")];
    let address = ready.lines().find_map(|line| line.strip_prefix("STATUS=Serving ")).expect("its address");
    tokio::net::TcpStream::connect(address).await.expect("who is ready takes connections");

    let id = i32::try_from(davit.id().expect("it runs")).expect("a process id");
    kill(Pid::from_raw(id), Signal::SIGTERM).expect("a signal");
    self::heard(&socket, "STOPPING=1").await;
    let ended = timeout(LONG, davit.wait()).await.expect("it ends").expect("it ran");
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn a_database_that_is_away_is_told_and_ends_nothing() {
    let database = TestDatabase::create().await;
    let relay = Relay::to(&database).await;
    let site = Site::new(Some(relay.url())).await;
    let path = site.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut davit = site.davit("data", &["serve", "--listen", "127.0.0.1:0"]);
    davit.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "3000000").stdout(Stdio::null()).stderr(Stdio::null());
    let _davit = davit.kill_on_drop(true).spawn().expect("davit starts");

    heard(&socket, "READY=1").await;
    relay.cut();
    heard(&socket, "STATUS=The database does not answer").await;
    for _ in 0..2 {
        heard(&socket, "WATCHDOG=1").await;
    }
    relay.mend();
    heard(&socket, "STATUS=The database answers again").await;
}
