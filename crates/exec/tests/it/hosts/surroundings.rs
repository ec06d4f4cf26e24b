//! Hosts that are set up in ways of their own: another login shell, nothing but its directories to write to, a clock
//! that nobody can rely on. Everything that davit does on a host works there as anywhere.

use super::support::{HOUR, Kind, Place, TestBuild, connect, hook, never, new_id, release};
use davit_exec::build::Build;
use davit_exec::host::{FileSource, HookEnd, Shared, StageReport, TransferOptions, Verify};
use davit_exec::{ExecError, Exit};
use davit_testkit::sshd::Sshd;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// What each shell reads at its start, also when it runs one command.
const SHELLS: [(&str, &str, &str); 2] = [
    ("/usr/bin/fish", ".config/fish/config.fish", "printf 'Hello from fish'; set -gx CDPATH /; set -gx GREETED yes\n"),
    ("/usr/bin/zsh", ".zshenv", "printf 'Hello from zsh'; setopt nomatch; export CDPATH=/ GREETED=yes\n"),
];

#[tokio::test]
async fn any_login_shell_will_do() {
    for kind in [Kind::Ssh, Kind::BusyBox] {
        for (shell, start_up, says) in SHELLS {
            let mut place = Place::new(kind).await;
            let sshd = place.sshd();
            let file = sshd.home().join(start_up);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
            fs::write(&file, says).expect("a start-up file");
            sshd.log_in_with(shell);
            place.log_in_anew().await;
            // That shell is really in between: what it read at its start is in the environment of hooks.
            let (ended, lines) = place.hook("echo \"$GREETED\"").await;
            assert_eq!((ended.expect("ran"), lines[0].text.as_str()), (exited(0), "yes"), "{shell}");
            place.live_a_whole_life().await;
        }
    }
}

#[tokio::test]
async fn a_greeting_without_a_line_ending_hides_no_answer() {
    let mut place = Place::new(Kind::Ssh).await;
    place.sshd().greet("Welcome to web1!");
    place.log_in_anew().await;
    place.live_a_whole_life().await;
    let refusal = place.host.switch(&place.layout, &release(9), "").await.expect_err("not there").to_string();
    assert!(refusal.contains("release 20260131T120009Z-1a2b3c4-9 is not on this host"), "{refusal}");
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_releases() {
    for kind in [Kind::Ssh, Kind::BusyBox] {
        let mut place = Place::new(kind).await;
        let root = place.root().display().to_string();
        // Whatever is temporary is empty and can't be written to, not even by root.
        let inside = format!(
            "/bin/mount --bind {root} /mnt && /bin/mount -t tmpfs none /tmp && /bin/mkdir -p {root} && \
             /bin/mount --bind /mnt {root} && /bin/mount -o remount,ro /tmp && \
             /bin/mount --bind /tmp /var/tmp && /bin/mount --bind /tmp /dev/shm && \
             exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\""
        );
        let sshd = place.sshd();
        let namespaces = if sshd.user() == "root" { "--mount" } else { "--map-root-user --mount" };
        sshd.configure(&format!("ForceCommand exec /usr/bin/unshare {namespaces} /bin/sh -c '{inside}'"));
        place.log_in_anew().await;
        let probe = "for dir in /tmp /var/tmp /dev/shm \"$HOME\"; do (: > \"$dir/probe\") 2>/dev/null || echo no; done";
        let (_, lines) = place.hook(probe).await;
        assert_eq!(lines.len(), 4, "{kind:?}: {lines:?}");
        place.live_a_whole_life().await;
    }
}

#[tokio::test]
async fn a_clock_that_jumps_changes_nothing() {
    let mut place = Place::new(Kind::Ssh).await;
    let (bin, clock) = (place.root().join("bin"), place.root().join("clock"));
    fs::create_dir(&bin).expect("a directory");
    // Each look at the clock finds another day, forth and back.
    let date = format!(
        "#!/bin/sh\necho x >> {0}\nset -- \"$@\" -d @$((1000000000 + $(wc -l < {0}) % 2 * 900000000))\nexec /bin/date \"$@\"\n",
        clock.display()
    );
    fs::write(bin.join("date"), date).expect("a program");
    fs::set_permissions(bin.join("date"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let sshd = Sshd::start_with_path(&format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())).await;
    place.move_to(sshd);
    // Without /proc there is no other clock to look at.
    let nothing = place.root().join("nothing");
    fs::create_dir(&nothing).expect("a directory");
    place.sshd().mount(&nothing, Path::new("/proc"));
    place.log_in_anew().await;
    place.live_a_whole_life().await;
    assert!(fs::read_to_string(&clock).expect("it was asked").lines().count() > 3);
}

impl Place {
    fn sshd(&self) -> &Sshd {
        self.sshd.as_ref().expect("sshd")
    }

    /// Another server leads to the same disk from now on.
    fn move_to(&mut self, sshd: Sshd) {
        self.target = super::support::ssh_target(&sshd);
        self.sshd = Some(sshd);
    }

    /// As a server does that was configured anew.
    async fn log_in_anew(&mut self) {
        self.host = connect(&self.target).await.expect("the host lets us in");
    }

    async fn staged(&self, number: i64, build: &Build, base: Option<(i64, &Build)>) -> StageReport {
        let options = TransferOptions { verify: Verify::Full, ..TransferOptions::default() };
        let facts = self.host.prepare(&self.layout, Some(&build.digest), &never()).await.expect("prepared");
        let named = base.map(|(number, build)| (release(number), build));
        assert_eq!(facts.base, named.as_ref().map(|(name, _)| name.clone()));
        let (upload, shared) = (self.upload(build, options), Shared::default());
        let base = named.as_ref().map(|(name, build)| (name, *build));
        self.host
            .stage(&self.layout, &release(number), "c0ffee", &upload, base, &shared, false, &never())
            .await
            .expect("staged")
    }

    /// Two releases, the second made of the first, with all that is done on the way.
    async fn live_a_whole_life(&self) {
        let first =
            TestBuild::new(&[("index.html", b"one"), ("it's *odd* $(x) ~", b"odd"), ("same", &[7; 100_000])]).await;
        let second =
            TestBuild::new(&[("index.html", b"two"), ("it's *odd* $(x) ~", b"odd"), ("same", &[7; 100_000])]).await;
        self.staged(1, &first.build, None).await;
        self.host.switch(&self.layout, &release(1), "a record with 'quotes' and $(x)").await.expect("switched");
        let report = self.staged(2, &second.build, Some((1, &first.build))).await;
        assert_eq!((report.files, report.sent_files), (3, 1), "{report:?}");
        let before = self.host.switch(&self.layout, &release(2), "a record").await.expect("switched");
        assert_eq!(before, Some(release(1)));
        self.check(1, &first);
        self.check(2, &second);
        assert_eq!(self.host.live(&self.layout).await.expect("asked"), Some(release(2)));

        self.run_hooks().await;
        let to = self.root().join("a 'place'/tool");
        let source = FileSource::Build { build: &second.build, path: "index.html" };
        self.host.put_file(source, to.to_str().expect("UTF-8"), Some(0o700), &never()).await.expect("put");
        assert_eq!(fs::read(&to).expect("the file"), b"two");

        let gone = self.host.remove_releases(&self.layout, &[release(1), release(2)]).await.expect("removed");
        assert_eq!(gone, [release(1)], "never the live one");
        assert_eq!(self.in_releases(), [release(2).as_str()]);
    }

    async fn run_hooks(&self) {
        let mut script = hook("printf '%s\\n' \"$VALUE\"; false | true; echo ~ > /dev/null; exit 12", self.root());
        script.env = vec![("VALUE".into(), "it's \"so\" $HOME `id` \\n !x *".into())];
        let (ended, lines) = self.hook_with(&script, HOUR, &never()).await;
        assert_eq!(ended.expect("ran"), exited(12));
        assert_eq!(lines[0].text, "it's \"so\" $HOME `id` \\n !x *");

        let (cancel, id, control) = (CancellationToken::new(), new_id(), self.layout.control_dir());
        let (sink, mut lines) = tokio::sync::mpsc::channel(4);
        let endless = hook("sleep 3600 & echo begun; sleep 3600", self.root());
        let (ended, ()) = tokio::join!(self.host.run_hook(&control, &id, &endless, 0, HOUR, &sink, &cancel), async {
            assert_eq!(lines.recv().await.expect("a line").line.text, "begun");
            cancel.cancel();
        });
        let refusal = ended.expect_err("cancelled");
        let ExecError::Cancelled { proof } = &refusal else { panic!("{refusal}") };
        assert!(proof.starts_with("process group ") && proof.ends_with(" ended by TERM"), "{proof}");
        self.host.forget_hooks(&control, &[id]).await.expect("forgotten");
    }
}

fn exited(code: i32) -> HookEnd {
    HookEnd::Exited(Exit::Code(code))
}
