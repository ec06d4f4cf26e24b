//! A person's shell: a real terminal of a real sshd.

use super::support::{Kind, Place, connect, ssh_target};
use bytes::Bytes;
use davit_exec::host::{ShellEvent, ShellInput, ShellOutput, TerminalSize};
use davit_exec::{ExecError, Exit};
use davit_testkit::sshd::Sshd;
use std::time::Duration;

const SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };
/// A shell that shows nothing for so long shows nothing more; whoever waits says what there was.
const HANGS: Duration = Duration::from_secs(120);

/// A shell and what it has shown so far.
struct Shell {
    input: ShellInput,
    output: ShellOutput,
    shown: String,
    sshd: Sshd,
}

impl Shell {
    async fn open() -> Self {
        let sshd = Sshd::start().await;
        let host = connect(&ssh_target(&sshd)).await.expect("the host lets us in");
        let (input, output) = host.shell(SIZE).await.expect("a shell");
        let mut shell = Self { input, output, shown: String::new(), sshd };
        // The prompt says nothing, so that only what commands say is seen.
        shell.type_in("PS1=; stty -echo; echo 'I am '$((40 + 2))\n").await;
        shell.wait_for("I am 42\r\n").await;
        shell
    }

    async fn type_in(&self, text: &str) {
        self.input.send(Bytes::copy_from_slice(text.as_bytes())).await.expect("is typed");
    }

    /// Reads until this was shown, and forgets what was shown up to there.
    async fn wait_for(&mut self, text: &str) {
        let mut bytes = std::mem::take(&mut self.shown).into_bytes();
        loop {
            // What is long comes in many small pieces: nothing is looked for before it can be there.
            if bytes.len() >= text.len() {
                let shown = String::from_utf8_lossy(&bytes);
                if let Some(at) = shown.find(text) {
                    self.shown = shown[at + text.len()..].to_owned();
                    return;
                }
            }
            let next = tokio::time::timeout(HANGS, self.output.next()).await;
            match next.unwrap_or_else(|_| panic!("nothing more after {:?}", String::from_utf8_lossy(&bytes))) {
                Some(ShellEvent::Output(more)) => bytes.extend_from_slice(&more),
                other => panic!("{other:?} instead of {text:?} after {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
    }

    /// Everything it shows until it ends, and how it ends.
    async fn end(mut self) -> (String, Exit) {
        let mut bytes = self.shown.into_bytes();
        loop {
            match self.output.next().await {
                Some(ShellEvent::Output(more)) => bytes.extend_from_slice(&more),
                Some(ShellEvent::Exit(exit)) => {
                    assert_eq!(self.output.next().await, None, "it ends once");
                    return (String::from_utf8_lossy(&bytes).into_owned(), exit);
                }
                None => panic!("no end"),
            }
        }
    }
}

#[tokio::test]
async fn a_shell_has_a_terminal_of_the_size_of_the_window() {
    let mut shell = Shell::open().await;
    shell.type_in("tty && stty size && echo $TERM\n").await;
    shell.wait_for("/dev/pts/").await;
    shell.wait_for("\r\n24 80\r\nxterm-256color\r\n").await;
    shell.input.resize(TerminalSize { cols: 132, rows: 50 }).await.expect("is resized");
    shell.type_in("stty size\n").await;
    shell.wait_for("50 132\r\n").await;
    // A program that runs is told.
    shell.type_in("trap 'echo told $(stty size)' WINCH; echo listening\n").await;
    shell.wait_for("listening\r\n").await;
    shell.input.resize(TerminalSize { cols: 40, rows: 12 }).await.expect("is resized");
    shell.type_in("echo\n").await;
    shell.wait_for("told 12 40\r\n").await;
}

#[tokio::test]
async fn characters_may_be_cut_anywhere() {
    let mut shell = Shell::open().await;
    for byte in "printf '<%s>\\n' '中文 ñ 😀'\n".as_bytes() {
        shell.input.send(Bytes::copy_from_slice(&[*byte])).await.expect("is typed");
    }
    shell.wait_for("<中文 ñ 😀>\r\n").await;
    // Many more bytes than any packet or window has.
    shell.type_in("for n in $(seq 60000); do printf '中文😀'; done; echo; echo the end\n").await;
    shell.wait_for(&"中文😀".repeat(60_000)).await;
    shell.wait_for("the end\r\n").await;
}

#[tokio::test]
async fn control_c_reaches_the_program_and_not_the_shell() {
    let mut shell = Shell::open().await;
    shell.type_in("PS1='ready''>'; cat\n").await;
    // It answers, so it has the terminal: before that, the shell gets what is typed.
    shell.type_in("begun\n").await;
    shell.wait_for("begun\r\n").await;
    shell.type_in("\x03").await;
    // What is typed before the shell has taken that is thrown away with it.
    shell.wait_for("ready>").await;
    shell.type_in("echo code=$?\n").await;
    shell.wait_for("code=130\r\n").await;
    shell.type_in("cat; echo no more\n").await;
    shell.type_in("said\n").await;
    shell.wait_for("said\r\n").await;
    shell.type_in("\x04").await;
    shell.wait_for("no more\r\n").await;
}

#[tokio::test]
async fn a_shell_says_how_it_ended_and_all_that_it_showed() {
    let shell = Shell::open().await;
    shell.type_in("seq 20000; exit 7\n").await;
    let (shown, exit) = shell.end().await;
    assert_eq!(exit, Exit::Code(7));
    assert!(shown.contains("\n20000\r\n"), "nothing is missing at the end: {:?}", &shown[shown.len() - 40..]);

    let shell = Shell::open().await;
    shell.type_in("kill -KILL $$\n").await;
    assert!(matches!(shell.end().await.1, Exit::Signal(name) if name == "KILL"));
}

#[tokio::test]
async fn a_job_in_the_background_that_goes_on_talking_does_not_hold_up_the_end() {
    let shell = Shell::open().await;
    // It ends with its terminal.
    shell.type_in("(trap '' HUP; while echo tick; do sleep 0.1; done) & exit 5\n").await;
    assert_eq!(shell.end().await.1, Exit::Code(5));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_lost() {
    let mut shell = Shell::open().await;
    shell.type_in("echo here; sleep 1000\n").await;
    shell.wait_for("here\r\n").await;
    shell.sshd.cut_now();
    assert_eq!(shell.end().await.1, Exit::Lost);
}

#[tokio::test]
async fn no_terminal_where_there_is_none() {
    let local = Place::new(Kind::Local).await;
    let Err(ExecError::Refused(why)) = local.host.shell(SIZE).await.map(drop) else {
        panic!("a shell of davit itself")
    };
    assert!(why.contains("davit itself"), "{why}");

    let sshd = Sshd::start().await;
    sshd.configure("PermitTTY no");
    let host = connect(&ssh_target(&sshd)).await.expect("the host lets us in");
    let Err(ExecError::Refused(why)) = host.shell(SIZE).await.map(drop) else { panic!("a terminal") };
    assert!(why.contains("PermitTTY"), "{why}");
}

#[tokio::test]
async fn shells_and_commands_share_a_connection() {
    let place = Place::new(Kind::Ssh).await;
    let (one, mut shown) = place.host.shell(SIZE).await.expect("a shell");
    let (two, _) = place.host.shell(SIZE).await.expect("a second one");
    place.prepare().await.expect("commands go on");
    one.send(Bytes::from_static(b"exit 3\n")).await.expect("is typed");
    let exit = loop {
        if let ShellEvent::Exit(exit) = shown.next().await.expect("an end") {
            break exit;
        }
    };
    assert_eq!(exit, Exit::Code(3));
    two.send(Bytes::from_static(b"true\n")).await.expect("the other goes on");
}
