//! Many connects at once, connects that have to be repeated, jump hosts that are shared, and connections that die.

use crate::hosts::support::{layout, never, ssh_target};
use davit_exec::ExecError;
use davit_exec::host::{Connector, ConnectorSettings, Host, HostTarget};
use davit_testkit::sshd::{Logins, ScriptedSshd, Sshd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A host is asked three times before it counts as gone: one that only stands still for ten seconds does not.
const KEEPALIVE: Duration = Duration::from_secs(3);

fn connector(settings: impl FnOnce(&mut ConnectorSettings)) -> Connector {
    let mut all = ConnectorSettings { pause: Duration::from_millis(1), ..ConnectorSettings::default() };
    settings(&mut all);
    Connector::new(all)
}

fn named(target: &HostTarget, name: &str) -> HostTarget {
    HostTarget { name: name.parse().expect("a name"), ..target.clone() }
}

/// In front of a host: each connection goes through `gate` first, and is dropped instead while `drops` is not zero.
struct Front {
    port: u16,
    waiting: Arc<AtomicUsize>,
    seen: Arc<AtomicUsize>,
    drops: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    /// From now on nothing is forwarded, and nothing is closed.
    frozen: CancellationToken,
}

impl Front {
    async fn of(port: u16, gate: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let front = Self {
            port: listener.local_addr().expect("its address").port(),
            waiting: Arc::default(),
            seen: Arc::default(),
            drops: Arc::default(),
            gate: Arc::new(Semaphore::new(gate)),
            frozen: CancellationToken::new(),
        };
        let (waiting, seen, drops) = (Arc::clone(&front.waiting), Arc::clone(&front.seen), Arc::clone(&front.drops));
        let (gate, frozen) = (Arc::clone(&front.gate), front.frozen.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                seen.fetch_add(1, Ordering::SeqCst);
                if drops.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    continue;
                }
                waiting.fetch_add(1, Ordering::SeqCst);
                let (gate, frozen) = (Arc::clone(&gate), frozen.clone());
                tokio::spawn(async move {
                    gate.acquire_owned().await.expect("never closed").forget();
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("the host");
                    let copied = tokio::io::copy_bidirectional(&mut client, &mut server);
                    if frozen.run_until_cancelled(copied).await.is_none() {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        front
    }

    fn target(&self, sshd: &Sshd) -> HostTarget {
        HostTarget { port: self.port, ..ssh_target(sshd) }
    }

    async fn until_waiting(&self, number: usize) {
        while self.waiting.load(Ordering::SeqCst) < number {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_door_is_knocked_at_by_so_many_at_once_and_no_more() {
    let sshd = Sshd::start().await;
    let front = Front::of(sshd.port(), 0).await;
    let connector = connector(|settings| settings.per_endpoint = 3);
    let mut connects = JoinSet::new();
    for number in 0..10 {
        let (connector, target) = (connector.clone(), named(&front.target(&sshd), &format!("web{number}")));
        connects.spawn(async move { Host::connect(&connector, &target, &never()).await });
    }
    front.until_waiting(3).await;
    assert_eq!(front.seen.load(Ordering::SeqCst), 3);
    // Another door is open meanwhile.
    Host::connect(&connector, &ssh_target(&sshd), &never()).await.expect("the other door").close().await;
    assert_eq!(front.seen.load(Ordering::SeqCst), 3);
    // One in, one more at the door.
    front.gate.add_permits(1);
    front.until_waiting(4).await;
    assert_eq!(front.seen.load(Ordering::SeqCst), 4);
    front.gate.add_permits(9);
    while let Some(connected) = connects.join_next().await {
        connected.expect("no panic").expect("connected").close().await;
    }
}

#[tokio::test]
async fn connects_in_all_are_bounded_too() {
    let sshd = Sshd::start().await;
    let fronts = [Front::of(sshd.port(), 0).await, Front::of(sshd.port(), 0).await];
    let connector = connector(|settings| settings.total = 1);
    let cancel = CancellationToken::new();
    let mut connects = JoinSet::new();
    let (first, target) = (connector.clone(), fronts[0].target(&sshd));
    connects.spawn({
        let cancel = cancel.clone();
        async move { Host::connect(&first, &target, &cancel).await }
    });
    fronts[0].until_waiting(1).await;
    let (second, target) = (connector.clone(), fronts[1].target(&sshd));
    connects.spawn(async move { Host::connect(&second, &target, &CancellationToken::new()).await });
    tokio::task::yield_now().await;
    assert_eq!(fronts[1].seen.load(Ordering::SeqCst), 0);
    // Whoever is cancelled gives its right back.
    cancel.cancel();
    let cancelled = connects.join_next().await.expect("one").expect("no panic").expect_err("cancelled");
    assert!(matches!(cancelled, ExecError::Cancelled { .. }), "{cancelled}");
    fronts[1].gate.add_permits(1);
    connects.join_next().await.expect("the other").expect("no panic").expect("connected").close().await;
}

#[tokio::test]
async fn a_connection_that_is_dropped_before_the_login_is_tried_again_and_a_refusal_is_not() {
    let sshd = Sshd::start().await;
    let front = Front::of(sshd.port(), 100).await;
    let connector = connector(|_| {});
    front.drops.store(3, Ordering::SeqCst);
    Host::connect(&connector, &front.target(&sshd), &never()).await.expect("the fourth try").close().await;
    assert_eq!(front.seen.load(Ordering::SeqCst), 4);

    front.drops.store(100, Ordering::SeqCst);
    let refusal = Host::connect(&connector, &front.target(&sshd), &never()).await.expect_err("dropped");
    assert!(refusal.is_transient() && refusal.to_string().contains("MaxStartups"), "{refusal}");
    assert_eq!(front.seen.load(Ordering::SeqCst), 4 + 5, "five tries");

    front.drops.store(0, Ordering::SeqCst);
    let unpinned = HostTarget { host_key: None, ..front.target(&sshd) };
    Host::connect(&connector, &unpinned, &never()).await.expect_err("unpinned");
    sshd.authorize_only("");
    Host::connect(&connector, &front.target(&sshd), &never()).await.expect_err("denied");
    assert_eq!(front.seen.load(Ordering::SeqCst), 9 + 2, "one try each");
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_the_login_is_no_refusal() {
    let sshd = Sshd::start().await;
    let connector = connector(|settings| settings.tries = 2);
    let whole = bytes_to_log_in(&sshd, &connector).await;
    // Somewhere in the last words of the client before it is let in.
    sshd.cut_after_bytes(whole);
    let broken = Host::connect(&connector, &ssh_target(&sshd), &never()).await.expect_err("cut");
    assert!(broken.is_transient(), "{broken}");
    sshd.stop_cutting();
    Host::connect(&connector, &ssh_target(&sshd), &never()).await.expect("let in").close().await;
}

/// The most bytes of a client that don't suffice for a login.
async fn bytes_to_log_in(sshd: &Sshd, connector: &Connector) -> u64 {
    let (mut too_few, mut enough) = (0, 16 << 10);
    while enough - too_few > 1 {
        let middle = u64::midpoint(too_few, enough);
        sshd.cut_after_bytes(middle);
        match Host::connect(connector, &ssh_target(sshd), &never()).await {
            Ok(_) => enough = middle,
            Err(_) => too_few = middle,
        }
    }
    too_few
}

#[tokio::test]
async fn hosts_behind_a_jump_host_share_one_connection_to_it() {
    let (bastion, host) = (Sshd::start().await, Sshd::start().await);
    let connector = connector(|_| {});
    let behind = |name: &str| HostTarget {
        jump: vec![named(&ssh_target(&bastion), "bastion")],
        ..named(&ssh_target(&host), name)
    };
    let mut connects = JoinSet::new();
    for number in 0..20 {
        let (connector, target) = (connector.clone(), behind(&format!("web{number}")));
        connects.spawn(async move { Host::connect(&connector, &target, &never()).await });
    }
    let hosts: Vec<Host> = connects.join_all().await.into_iter().map(|host| host.expect("connected")).collect();
    assert_eq!([bastion.connections(), host.connections()], [1, 20]);
    let dir = tempfile::tempdir().expect("a directory");
    let layout = layout(dir.path().to_str().expect("UTF-8"));
    for host in hosts {
        assert_eq!(host.live(&layout).await.expect("each works"), None);
        host.close().await;
    }
    // The last one took it away.
    Host::connect(&connector, &behind("web1"), &never()).await.expect("connected again").close().await;
    assert_eq!(bastion.connections(), 2);
}

#[tokio::test]
async fn a_jump_host_connection_that_died_is_replaced() {
    let (bastion, host) = (Sshd::start().await, Sshd::start().await);
    let front = Front::of(bastion.port(), 100).await;
    let connector = connector(|settings| settings.keepalive = KEEPALIVE);
    let target = HostTarget { jump: vec![named(&front.target(&bastion), "bastion")], ..ssh_target(&host) };
    let first = Host::connect(&connector, &target, &never()).await.expect("connected");
    let dir = tempfile::tempdir().expect("a directory");
    let layout = layout(dir.path().to_str().expect("UTF-8"));
    front.frozen.cancel();
    let lost = first.live(&layout).await.expect_err("nothing comes through");
    assert!(matches!(lost, ExecError::ConnectionLost { .. }), "{lost}");
    // The first one still holds on to the dead one.
    let target = HostTarget { jump: vec![named(&ssh_target(&bastion), "bastion")], ..target };
    let second = Host::connect(&connector, &target, &never()).await.expect("another way to it");
    assert_eq!(second.live(&layout).await.expect("asked"), None);
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_jump_host_that_takes_no_more_channels_gets_another_connection() {
    let (bastion, host) = (ScriptedSshd::start(Logins::AnyKey, 2).await, Sshd::start().await);
    let connector = connector(|_| {});
    let jump = HostTarget {
        port: bastion.port(),
        host_key: Some(bastion.host_key_line().into()),
        ..named(&ssh_target(&host), "bastion")
    };
    let mut hosts = Vec::new();
    for number in 0..5 {
        let target = HostTarget { jump: vec![jump.clone()], ..named(&ssh_target(&host), &format!("web{number}")) };
        hosts.push(Host::connect(&connector, &target, &never()).await.expect("a way"));
    }
    assert_eq!(bastion.connections(), 3, "two hosts on each");

    let closed = ScriptedSshd::start(Logins::AnyKey, 0).await;
    let jump = HostTarget { port: closed.port(), host_key: Some(closed.host_key_line().into()), ..jump };
    let target = HostTarget { jump: vec![jump], ..ssh_target(&host) };
    let refusal = Host::connect(&connector, &target, &never()).await.expect_err("no way").to_string();
    assert!(refusal.contains("the jump host bastion can't connect to"), "{refusal}");
    assert_eq!(closed.connections(), 1);
}

#[tokio::test]
async fn who_waits_for_a_jump_host_that_is_down_shares_what_the_first_one_found() {
    let (bastion, host) = (Sshd::start().await, Sshd::start().await);
    let front = Front::of(bastion.port(), 0).await;
    front.drops.store(usize::MAX, Ordering::SeqCst);
    let connector = connector(|_| {});
    let target = HostTarget { jump: vec![named(&front.target(&bastion), "bastion")], ..ssh_target(&host) };
    let connects = (0..20).map(|_| {
        let (connector, target) = (connector.clone(), target.clone());
        async move { Host::connect(&connector, &target, &never()).await }
    });
    let failed = connects.collect::<JoinSet<_>>().join_all().await;
    for refusal in failed {
        let refusal = refusal.expect_err("down");
        assert!(matches!(&refusal, ExecError::Unreachable { host, .. } if host.as_str() == "bastion"), "{refusal}");
    }
    assert_eq!(front.seen.load(Ordering::SeqCst), 5, "the tries of one");
}

#[tokio::test]
async fn a_host_that_no_longer_answers_is_a_lost_connection_and_closing_it_takes_no_for_an_answer() {
    let sshd = Sshd::start().await;
    let front = Front::of(sshd.port(), 1).await;
    let connector = connector(|settings| settings.keepalive = KEEPALIVE);
    let host = Host::connect(&connector, &front.target(&sshd), &never()).await.expect("connected");
    let dir = tempfile::tempdir().expect("a directory");
    let layout = layout(dir.path().to_str().expect("UTF-8"));
    assert_eq!(host.live(&layout).await.expect("it answers"), None);
    front.frozen.cancel();
    let lost = host.live(&layout).await.expect_err("it does not");
    assert!(matches!(lost, ExecError::ConnectionLost { .. }), "{lost}");
    host.close().await;
}
