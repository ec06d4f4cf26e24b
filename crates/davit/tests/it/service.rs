//! What a service manager hears of the real server, over a real datagram socket.

use crate::process::Site;
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
    let ready = heard.iter().find(|said| said.contains("READY=1")).expect("it is ready");
    let address = ready.lines().find_map(|line| line.strip_prefix("STATUS=Serving ")).expect("its address");
    tokio::net::TcpStream::connect(address).await.expect("who is ready takes connections");

    let id = i32::try_from(davit.id().expect("it runs")).expect("a process id");
    kill(Pid::from_raw(id), Signal::SIGTERM).expect("a signal");
    while !next(&socket).await.contains("STOPPING=1") {}
    let ended = timeout(LONG, davit.wait()).await.expect("it ends").expect("it ran");
    assert!(ended.success(), "{ended}");
}
