//! Hooks that go on when davit or the connection goes away, and are followed again: nothing lost, nothing twice.

use super::support::{HOUR, Kind, Place, connect, hook, never, new_id, on_every_host, ssh_target};
use davit_domain::log::Stream;
use davit_exec::host::{HookEnd, HookId, HookLine, Host, HostHook};
use davit_exec::{ExecError, Exit, Timeouts};
use davit_testkit::sshd::Sshd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Ends as a whole, except for the last line; odd writes, half characters, bytes that are no text, empty lines.
const ODD: &str = r#"echo x >> runs
i=0
while [ $i -lt 20 ]; do
  printf 'line %s \303' $i; printf '\251 and \0\377\r\n\n'
  i=$((i+1))
done
printf 'half of a character \303' # the connection goes away here
read -r go < gate
printf '\251\n'
while [ $i -lt 400 ]; do printf '%s' "$i"; printf ' more\nand '; i=$((i+1)); done
printf 'an end without a line ending'
exit 3
"#;

on_every_host! {
    async fn every_line_arrives_once_however_often_it_is_followed(place: Place) {
        let gate = place.gate();
        let (id, script) = (new_id(), hook(ODD, place.root()));
        let mut followed = Followed::default();
        followed.follow(&place, &place.host, &id, &script, 40).await;
        assert_eq!(followed.end, None, "it waits in the middle of a character");
        let opened = tokio::spawn(tokio::fs::write(gate, "go\n"));
        let mut times = 1;
        while followed.end.is_none() {
            // A connection of its own each time, as after a restart of davit.
            let host = connect(&place.target).await.expect("connected");
            followed.follow(&place, &host, &id, &script, 53).await;
            times += 1;
        }
        opened.await.expect("joined").expect("the hook went on");
        assert!(times > 5, "it was cut often: {times}");
        assert_eq!(followed.end, Some(exited(3)));
        let mut expected = Vec::new();
        for number in 0..20 {
            expected.extend([format!("line {number} é and \u{FFFD}\u{FFFD}"), String::new()]);
        }
        expected.push("half of a character é".into());
        expected.push("20 more".into());
        expected.extend((21..400).map(|number| format!("and {number} more")));
        expected.push("and an end without a line ending".into());
        assert_eq!(followed.texts(), expected);
        assert_eq!(place.runs(), 1);
        let bytes = fs::metadata(format!("{}/hook-{id}/output", place.layout.control_dir())).expect("output").len();
        assert_eq!(followed.from(), bytes, "the last line ends where the output ends");
    }

    async fn it_is_followed_after_it_ended(place: Place) {
        let (id, script) = (new_id(), hook("echo x >> runs; echo one; echo two; kill -KILL $$", place.root()));
        let mut first = Followed::default();
        first.finish(&place, &id, &script).await;
        let mut again = Followed::default();
        again.finish(&place, &id, &script).await;
        assert_eq!((again.texts(), &again.end), (vec!["one".into(), "two".into()], &first.end));
        assert_eq!(again.end, Some(HookEnd::Exited(Exit::Signal("KILL".into()))));
        again.finish(&place, &id, &script).await;
        assert_eq!(again.lines.len(), 2, "nothing is new");
        assert_eq!(place.runs(), 1);
        place.host.forget_hooks(&place.layout.control_dir(), &[id]).await.expect("forgotten");
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }

    async fn of_several_starts_one_runs_it(place: Place) {
        let (id, script) = (new_id(), hook("echo x >> runs; echo one", place.root()));
        let mut all = [Followed::default(), Followed::default(), Followed::default(), Followed::default()];
        let [a, b, c, d] = &mut all;
        tokio::join!(
            a.finish(&place, &id, &script),
            b.finish(&place, &id, &script),
            c.finish(&place, &id, &script),
            d.finish(&place, &id, &script),
        );
        for followed in &all {
            assert_eq!((followed.texts(), &followed.end), (vec!["one".into()], &Some(exited(0))));
        }
        assert_eq!(place.runs(), 1);
    }

    async fn one_that_was_killed_with_its_shell_has_vanished(place: Place) {
        let (id, script) = (new_id(), hook("echo one; exec sleep 3600", place.root()));
        let mut followed = Followed::default();
        followed.follow(&place, &place.host, &id, &script, 1).await;
        for pid in place.pids(&id) {
            kill(pid, Signal::SIGKILL).expect("it ran");
        }
        followed.finish(&place, &id, &script).await;
        assert_eq!((followed.texts(), followed.end), (vec!["one".into()], Some(HookEnd::Vanished)));
    }

    async fn a_process_of_another_boot_or_time_is_not_the_hook(place: Place) {
        let script = hook("echo one; exec sleep 3600", place.root());
        for field in [1, 3, 4] {
            let id = new_id();
            let mut followed = Followed::default();
            followed.follow(&place, &place.host, &id, &script, 1).await;
            let pids = place.pids(&id);
            // As if the ids had been given out again, or the host had been restarted.
            place.edit_pid_file(&id, |fields| {
                fields[field] = "0".into();
                fields[if field == 4 { 4 } else { 4 - field }] = "0".into();
            });
            followed.finish(&place, &id, &script).await;
            assert_eq!(followed.end, Some(HookEnd::Vanished), "field {field}");
            let proof = place.host.end_hook(&place.layout.control_dir(), &id).await.expect("asked");
            assert!(proof.starts_with("it had ended"), "{proof}");
            for pid in pids {
                kill(pid, Signal::SIGKILL).expect("it was left alone");
            }
        }
    }

    async fn one_that_was_ended_before_it_started_never_starts(place: Place) {
        let (id, script) = (new_id(), hook("echo x >> runs", place.root()));
        let control = place.layout.control_dir();
        for _ in 0..2 {
            assert_eq!(place.host.end_hook(&control, &id).await.expect("asked"), "it had not started");
        }
        let (sink, _lines) = tokio::sync::mpsc::channel(4);
        let refusal = place.host.run_hook(&control, &id, &script, 0, HOUR, &sink, &never()).await.expect_err("ended");
        assert!(refusal.to_string().contains("it was ended before it started"), "{refusal}");
        assert!(!place.root().join("runs").exists());
        place.host.forget_hooks(&control, std::slice::from_ref(&id)).await.expect("forgotten");
        Followed::default().finish(&place, &id, &script).await;
        assert_eq!(place.runs(), 1);
    }

    async fn what_a_hook_leaves_running_is_not_ended_with_it(place: Place) {
        let (id, script) = (new_id(), hook("sleep 3600 & echo $!", place.root()));
        let mut followed = Followed::default();
        followed.finish(&place, &id, &script).await;
        assert_eq!(followed.end, Some(exited(0)));
        let proof = place.host.end_hook(&place.layout.control_dir(), &id).await.expect("asked");
        assert_eq!(proof, "it had ended by itself (code 0)");
        let pid = followed.texts()[0].parse().expect("a pid");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it still runs");
    }

    async fn one_that_runs_is_not_forgotten_and_can_be_ended_from_anywhere(place: Place) {
        let (id, script) = (new_id(), hook("echo one; sleep 3600", place.root()));
        let control = place.layout.control_dir();
        let mut followed = Followed::default();
        followed.follow(&place, &place.host, &id, &script, 1).await;
        place.host.forget_hooks(&control, &[id.clone(), new_id()]).await.expect("asked");
        place.prepare().await.expect("prepared");
        let other = connect(&place.target).await.expect("connected");
        let proof = other.end_hook(&control, &id).await.expect("ended");
        assert!(proof.starts_with("process group ") && proof.ends_with(" ended by TERM"), "{proof}");
        followed.finish(&place, &id, &script).await;
        assert_eq!(followed.end, Some(HookEnd::Exited(Exit::Signal("TERM".into()))));
    }

    async fn the_limit_counts_from_the_start_of_the_hook(place: Place) {
        let (id, script) = (new_id(), hook("echo one; sleep 3600", place.root()));
        let mut followed = Followed::default();
        followed.follow(&place, &place.host, &id, &script, 1).await;
        place.edit_pid_file(&id, |fields| {
            let since: f64 = fields[5].parse().expect("seconds");
            fields[5] = (since - 1000.0).to_string();
        });
        let limits = Timeouts { total: Duration::from_secs(900), ..HOUR };
        let (sink, _lines) = tokio::sync::mpsc::channel(4);
        let control = place.layout.control_dir();
        let refusal = place.host.run_hook(&control, &id, &script, 4, limits, &sink, &never()).await.expect_err("over");
        assert!(matches!(refusal, ExecError::TimedOut { limit, .. } if limit == limits.total), "{refusal}");
        assert!(refusal.to_string().ends_with("ended by TERM"), "{refusal}");
    }

    async fn nothing_runs_when_it_was_cancelled_before(place: Place) {
        let (id, script, cancel) = (new_id(), hook("echo x >> runs", place.root()), CancellationToken::new());
        cancel.cancel();
        let (sink, _lines) = tokio::sync::mpsc::channel(4);
        let control = place.layout.control_dir();
        let refusal = place.host.run_hook(&control, &id, &script, 0, HOUR, &sink, &cancel).await.expect_err("cancelled");
        assert!(matches!(&refusal, ExecError::Cancelled { proof } if proof == "it had not started"), "{refusal}");
        assert!(!place.root().join("runs").exists());
    }
}

#[tokio::test]
async fn a_lost_connection_leaves_the_hook_running() {
    let mut place = Place::new(Kind::Ssh).await;
    let gate = place.gate();
    let sshd = place.sshd.take().expect("sshd");
    let (id, script) = (new_id(), hook("echo one; read -r go < gate; echo two", place.root()));
    let control = place.layout.control_dir();
    let (sink, mut lines) = tokio::sync::mpsc::channel(4);
    let cancel = never();
    let (ended, first) = tokio::join!(place.host.run_hook(&control, &id, &script, 0, HOUR, &sink, &cancel), async {
        let line = lines.recv().await.expect("a line");
        drop(sshd);
        line
    });
    assert_eq!(ended.expect("an end"), HookEnd::Lost);
    let gone = place.host.run_hook(&control, &id, &script, first.end, HOUR, &sink, &cancel).await.expect_err("gone");
    assert!(matches!(gone, ExecError::ConnectionLost { .. }) && gone.is_transient(), "{gone}");

    let sshd = Sshd::start().await;
    let host = connect(&ssh_target(&sshd)).await.expect("the host is back");
    tokio::fs::write(&gate, "go\n").await.expect("it still runs");
    let mut followed = Followed { lines: vec![first], end: None };
    followed.follow(&place, &host, &id, &script, usize::MAX).await;
    assert_eq!((followed.texts(), followed.end), (vec!["one".into(), "two".into()], Some(exited(0))));
}

#[tokio::test]
async fn what_a_login_shell_says_is_no_output() {
    let place = Place::new(Kind::Ssh).await;
    place.sshd.as_ref().expect("sshd").greet("Welcome to web1! @davit- @davit done");
    let host = connect(&place.target).await.expect("connected");
    let (id, script) = (new_id(), hook("echo one; echo two >&2; exit 4", place.root()));
    let mut followed = Followed::default();
    followed.follow(&place, &host, &id, &script, usize::MAX).await;
    assert_eq!((followed.texts(), followed.end), (vec!["one".into(), "two".into()], Some(exited(4))));
    let proof = host.end_hook(&place.layout.control_dir(), &id).await.expect("asked");
    assert_eq!(proof, "it had ended by itself (code 4)");
}

#[tokio::test]
async fn a_host_without_proc_runs_hooks_too() {
    let place = Place::new(Kind::Ssh).await;
    let nothing = place.root().join("nothing");
    fs::create_dir(&nothing).expect("a directory");
    place.sshd.as_ref().expect("sshd").mount(&nothing, std::path::Path::new("/proc"));
    let host = connect(&place.target).await.expect("connected");
    let control = place.layout.control_dir();
    let (id, script) = (new_id(), hook("echo one; read -r go < gate; echo two; exit 4", place.root()));
    let gate = place.gate();
    let mut followed = Followed::default();
    followed.follow(&place, &host, &id, &script, 1).await;
    tokio::fs::write(&gate, "go\n").await.expect("it still runs");
    followed.follow(&place, &host, &id, &script, usize::MAX).await;
    assert_eq!((followed.texts(), followed.end), (vec!["one".into(), "two".into()], Some(exited(4))));

    let (id, script) = (new_id(), hook("echo one; sleep 3600", place.root()));
    Followed::default().follow(&place, &host, &id, &script, 1).await;
    let proof = host.end_hook(&control, &id).await.expect("ended");
    assert!(proof.starts_with("process group ") && proof.ends_with(" ended by TERM"), "{proof}");
}

#[tokio::test]
async fn much_output_is_followed_from_far_inside() {
    let place = Place::new(Kind::Ssh).await;
    let script = "line=$(printf '%0999d' 0); i=0; while [ $i -lt 20000 ]; do echo $line; i=$((i+1)); done; echo end";
    let (id, script) = (new_id(), hook(script, place.root()));
    let mut followed = Followed::default();
    followed.follow(&place, &place.host, &id, &script, 15_000).await;
    followed.finish(&place, &id, &script).await;
    assert_eq!((followed.lines.len(), followed.from()), (20_001, 20_000_004));
    assert_eq!(followed.lines.last().map(|line| line.line.text.as_str()), Some("end"));
    assert!(followed.lines.windows(2).all(|pair| pair[0].end < pair[1].end));
}

#[tokio::test]
async fn of_very_much_output_the_rest_is_dropped_here_and_there() {
    let place = Place::new(Kind::Local).await;
    let gate = place.gate();
    let script =
        "head -c 80000000 /dev/zero | tr '\\0' x | fold -b -w 60000; read -r go < gate; echo; echo last; exit 2";
    let (id, script) = (new_id(), hook(script, place.root()));
    // Silence beyond the limit on output is none.
    let limits = Timeouts { idle: Duration::from_secs(30), ..HOUR };
    let (sink, mut lines) = tokio::sync::mpsc::channel(4);
    let (control, cancel) = (place.layout.control_dir(), never());
    let (end, said) = tokio::join!(place.host.run_hook(&control, &id, &script, 0, limits, &sink, &cancel), async {
        loop {
            let line = lines.recv().await.expect("a line");
            if line.line.stream == Stream::System {
                tokio::fs::write(&gate, "go\n").await.expect("it still runs");
                break line;
            }
        }
    });
    assert_eq!(end.expect("an end"), exited(2));
    assert!(said.line.text.contains("64 MiB") && said.end > 64 << 20, "{said:?}");
    assert_eq!(fs::metadata(format!("{control}/hook-{id}/output")).expect("output").len(), 64 << 20);
    let end = place.host.run_hook(&control, &id, &script, said.end, limits, &sink, &cancel).await;
    assert_eq!(end.expect("an end"), exited(2));
    assert!(lines.try_recv().is_err(), "nothing more was said");
}

/// What was heard of a hook so far, as a journal keeps it.
#[derive(Default)]
struct Followed {
    lines: Vec<HookLine>,
    end: Option<HookEnd>,
}

impl Followed {
    /// Where to go on.
    fn from(&self) -> u64 {
        self.lines.last().map_or(0, |line| line.end)
    }

    fn texts(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.line.text.clone()).collect()
    }

    /// Follows it to its end.
    async fn finish(&mut self, place: &Place, id: &HookId, hook: &HostHook) {
        self.follow(place, &place.host, id, hook, usize::MAX).await;
    }

    /// Goes on where it is, and drops everything in the middle after this many lines.
    async fn follow(&mut self, place: &Place, host: &Host, id: &HookId, hook: &HostHook, most: usize) {
        let (sink, mut heard) = tokio::sync::mpsc::channel(4);
        let (control, cancel, from) = (place.layout.control_dir(), never(), self.from());
        let running = async {
            let sink = sink;
            host.run_hook(&control, id, hook, from, HOUR, &sink, &cancel).await.expect("it runs")
        };
        let lines = &mut self.lines;
        let hearing = async {
            for _ in 0..most {
                let Some(line) = heard.recv().await else { break };
                lines.push(line);
            }
        };
        self.end = {
            let (mut running, mut hearing) = (std::pin::pin!(running), std::pin::pin!(hearing));
            tokio::select! {
                biased;
                () = &mut hearing => None,
                end = &mut running => {
                    hearing.await;
                    Some(end)
                }
            }
        };
    }
}

impl Place {
    /// A hook waits here until something is written to it.
    fn gate(&self) -> PathBuf {
        let gate = self.root().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
        gate
    }

    /// How often a script that says so ran.
    fn runs(&self) -> usize {
        fs::read_to_string(self.root().join("runs")).expect("it ran").lines().count()
    }

    fn pid_file(&self, id: &HookId) -> PathBuf {
        format!("{}/hook-{id}/pid", self.layout.control_dir()).into()
    }

    /// The shell that waits for a hook, and the hook.
    fn pids(&self, id: &HookId) -> [Pid; 2] {
        let text = fs::read_to_string(self.pid_file(id)).expect("a pid file");
        let fields: Vec<&str> = text.split_whitespace().collect();
        [fields[0], fields[2]].map(|pid| Pid::from_raw(pid.parse().expect("a pid")))
    }

    fn edit_pid_file(&self, id: &HookId, edit: impl FnOnce(&mut Vec<String>)) {
        let text = fs::read_to_string(self.pid_file(id)).expect("a pid file");
        let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        edit(&mut fields);
        fs::write(self.pid_file(id), fields.join(" ") + "\n").expect("written");
    }
}

fn exited(code: i32) -> HookEnd {
    HookEnd::Exited(Exit::Code(code))
}
