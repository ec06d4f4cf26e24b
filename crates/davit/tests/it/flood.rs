//! A hook that never stops talking: neither the server's memory nor the host's disk grows with what it says.

use crate::process::{Server, Site, ssh};
use davit_testkit::sshd::Sshd;

/// What the server's memory may grow by while it follows 200 MB of output, in KiB. It keeps 64 MiB of them in its log.
const MOST: u64 = 32 << 10;

#[tokio::test]
async fn of_200_mb_of_output_the_server_holds_a_little_at_a_time() {
    let (site, sshd) = (Site::new(None).await, Sshd::start().await);
    // Lines of 4000 bytes.
    let floods = "yes \"$(printf '%03999d' 0)\" | head -c 200000000; echo; echo the end";
    let app = site.app(&ssh(&site, &sshd), "", floods);
    let server = site.set_up(&app).await;
    let commit = site.commit("a flood");
    forget_peak(&server);
    let before = memory(&server, "VmRSS:");
    let deployment = server.deploy(&commit).await;
    let end = server.end_of(deployment).await;
    let grown = memory(&server, "VmHWM:").saturating_sub(before);
    assert_eq!(end["state"], "succeeded", "{end}");
    assert!(grown < MOST, "{grown} KiB more than the {before} before");

    // All of what is kept, and one line that says what is not.
    let kept = (64 << 20) / 4000;
    let last = end["last_seq"].as_i64().expect("lines");
    assert!((kept..kept + 100).contains(&last), "{last} lines, {kept} of them the hook's");
    let page = server.get(&format!("/deployments/{deployment}/logs?after={}&limit=100", last - 50)).await;
    let items = page["items"].as_array().expect("lines");
    let texts: Vec<&str> = items.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(texts.iter().filter(|text| text.contains("more than 64 MiB of output")).count(), 1);
    assert!(!texts.contains(&"the end"), "what comes after it is not kept");
    assert_eq!(site.served().as_deref(), Some("a flood"));
    let left = std::fs::read_dir(site.path("releases/shop/.davit")).expect("a directory");
    let left: Vec<String> = left.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into()).collect();
    assert!(!left.iter().any(|name| name.starts_with("hook-")), "{left:?}");
}

/// From now on the peak is that of now.
fn forget_peak(server: &Server) {
    std::fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").expect("its own peak");
}

/// A line of the server's memory, in KiB.
fn memory(server: &Server, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let value = status.lines().find_map(|text| text.strip_prefix(line)).expect("a line");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}
