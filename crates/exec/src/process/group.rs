//! A process group: ending it, and saying what is left of it.
//!
//! The kernel is asked through signals and `/proc`. Where there is no `/proc`, zombies count as alive and processes
//! that left the group are not found.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

/// Carries the [`Mark`] in the environment of a program and of everything it starts.
pub(super) const MARK_VARIABLE: &str = "DAVIT_PROCESS_MARK";

/// Between TERM and KILL.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long KILL may need: longer only for a process stuck in the kernel.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// How often the group is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What all processes of one run have in common, also those that left its group.
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The process group that a program leads. Dropped before [`end`](Self::end) or [`release`](Self::release), it is
/// killed.
pub(super) struct Group {
    id: Pid,
    mark: Mark,
    ours: bool,
}

impl Group {
    pub(super) fn led_by(pid: i32, mark: Mark) -> Self {
        Self { id: Pid::from_raw(pid), mark, ours: true }
    }

    /// The program ended by itself: what it left in the background may stay.
    pub(super) fn release(&mut self) {
        self.ours = false;
    }

    /// TERM, and KILL when that does not help. Returns what was seen, for people.
    pub(super) async fn end(&mut self, child: &mut Child) -> String {
        self.signal(Signal::SIGTERM);
        // A stopped process would not see the TERM.
        self.signal(Signal::SIGCONT);
        let mut how = "ended by TERM";
        let mut gone = self.gone_within(child, TERM_GRACE).await;
        if !gone {
            how = "did not end by TERM and was ended by KILL";
            self.signal(Signal::SIGKILL);
            gone = self.gone_within(child, KILL_GRACE).await;
        }
        self.ours = !gone;
        let mut proof = format!("process group {} {how}", self.id);
        if !gone {
            proof = format!("process group {} did NOT end by TERM and KILL: {}", self.id, list(&self.members()));
        }
        let strays = self.strays();
        if !strays.is_empty() {
            proof.push_str(&format!("; still running, because it left the group: {}", list(&strays)));
        }
        proof
    }

    /// No answer to a signal means that nobody is left, which [`is_alive`](Self::is_alive) finds out anyway.
    fn signal(&self, signal: Signal) {
        let _ = killpg(self.id, signal);
    }

    /// The time is counted in looks: while the machine stands still, the group has no time to end in.
    async fn gone_within(&self, child: &mut Child, limit: Duration) -> bool {
        for _ in 0..limit.as_millis() / LOOK.as_millis() {
            if timeout(LOOK, child.wait()).await.is_err() {
                continue;
            }
            if !self.is_alive() {
                return true;
            }
            sleep(LOOK).await;
        }
        false
    }

    fn is_alive(&self) -> bool {
        killpg(self.id, None) != Err(Errno::ESRCH) && processes().is_none_or(|_| !self.members().is_empty())
    }

    fn members(&self) -> Vec<Process> {
        processes().into_iter().flatten().filter(|process| process.group == self.id.as_raw()).collect()
    }

    fn strays(&self) -> Vec<Process> {
        let mark = format!("{MARK_VARIABLE}={}", self.mark.as_str());
        let has_mark = |process: &Process| {
            std::fs::read(format!("/proc/{}/environ", process.pid))
                .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|pair| pair == mark.as_bytes()))
        };
        let left = |process: &Process| process.group != self.id.as_raw() && has_mark(process);
        processes().into_iter().flatten().filter(left).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ours {
            self.signal(Signal::SIGKILL);
        }
    }
}

struct Process {
    pid: i32,
    group: i32,
    name: String,
}

/// Every process that is not a zombie. `None` where there is no `/proc`.
fn processes() -> Option<impl Iterator<Item = Process>> {
    let entries = std::fs::read_dir("/proc").ok()?;
    Some(entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        parse_stat(pid, &String::from_utf8_lossy(&stat))
    }))
}

/// `4711 (name, which may hold spaces and brackets) S 1 4711 …`: state, parent, group (proc_pid_stat(5)).
fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let mut fields = tail.split_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Process { pid, group, name })
}

fn list(processes: &[Process]) -> String {
    let names: Vec<String> = processes.iter().map(|process| format!("{} ({})", process.pid, process.name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_can_hold_anything() {
        let process = parse_stat(7, "7 (a) S (b) R 1 42 42 0").expect("a process");
        assert_eq!((process.group, process.name.as_str()), (42, "a) S (b"));
        assert!(parse_stat(7, "7 (a) Z 1 42 42 0").is_none(), "a zombie has ended");
    }
}
