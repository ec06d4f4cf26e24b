//! Hooks that say more, or other things, than anybody expects: very much, bytes that are no text, half a character.

use super::support::{HOUR, Place, hook, never, new_id, on_every_host, until};
use davit_domain::log::{MAX_LINE, Stream};
use davit_exec::Exit;
use davit_exec::host::HookEnd;
use std::fs;

/// The most of a hook's output that is wanted.
const MOST: u64 = 64 << 20;

on_every_host! {
    async fn of_200_mb_the_first_64_mib_are_kept_and_the_host_is_not_filled(place: Place) {
        let flood = "yes \"$(printf '%0998d' 0)\" | head -c 100000000";
        let script = format!(
            "{flood}; : > half; read -r go < gate; {flood}; : > whole; read -r go < gate; echo last; exit 3"
        );
        let (id, script) = (new_id(), hook(&script, place.root()));
        let gate = place.root().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
        let (control, cancel) = (place.layout.control_dir(), never());
        let output = format!("{control}/hook-{id}/output");
        let (sink, mut lines) = tokio::sync::mpsc::channel(4);
        let running = async {
            let sink = sink;
            place.host.run_hook(&control, &id, &script, 0, HOUR, &sink, &cancel).await
        };
        let reading = async {
            let (mut kept, mut said) = (0, Vec::new());
            while let Some(line) = lines.recv().await {
                match line.line.stream {
                    Stream::System => said.push(line.line.text),
                    Stream::Stdout | Stream::Stderr => {
                        assert_eq!(line.line.text.len(), 998, "whole lines");
                        kept += 999;
                    }
                }
            }
            (kept, said)
        };
        let watching = async {
            for part in ["half", "whole"] {
                let written = place.root().join(part);
                until(&format!("the {part} of it is cut to what is wanted"), || {
                    let is_cut = fs::metadata(&output).is_ok_and(|file| file.len() == MOST);
                    (written.exists() && is_cut).then_some(())
                })
                .await;
                tokio::fs::write(&gate, "go\n").await.expect("it still runs");
            }
        };
        let (end, (kept, said), ()) = tokio::join!(running, reading, watching);
        assert_eq!(end.expect("an end"), HookEnd::Exited(Exit::Code(3)));
        assert_eq!(said, ["this is more than 64 MiB of output: the rest is not kept"]);
        assert_eq!(kept, MOST / 999 * 999, "every whole line before");
        assert_eq!(fs::metadata(&output).expect("output").len(), MOST);
        place.host.forget_hooks(&control, &[id]).await.expect("forgotten");
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }

    async fn bytes_that_are_no_text_become_lines_too(place: Place) {
        let bytes = noise(3_000_000);
        fs::write(place.root().join("noise"), &bytes).expect("a file");
        let (ended, lines) = place.hook("cat noise; exit 7").await;
        assert_eq!(ended.expect("ran"), HookEnd::Exited(Exit::Code(7)));
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert!(texts == as_lines(&bytes), "{} lines, each as its bytes say", texts.len());
        assert!(!texts.iter().any(|text| text.contains('\0')), "which PostgreSQL can't hold");
    }

    async fn half_a_character_at_the_end_is_shown_as_such(place: Place) {
        for (script, last) in [
            ("echo one; printf 'caf\\303'", "caf\u{FFFD}"),
            ("echo one; printf '\\360\\237\\215'", "\u{FFFD}"),
            ("echo one; printf 'no line ending'", "no line ending"),
            ("echo one; printf 'return\\r'", "return"),
            ("echo one; printf '\\0'", "\u{FFFD}"),
        ] {
            let (ended, lines) = place.hook(script).await;
            assert_eq!(ended.expect(script), HookEnd::Exited(Exit::Code(0)));
            let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts, ["one", last], "{script}");
        }
        let (ended, lines) = place.hook("echo one; printf ''").await;
        assert_eq!((ended.expect("ran"), lines.len()), (HookEnd::Exited(Exit::Code(0)), 1), "nothing is no line");
    }
}

/// Bytes made of dice: line endings of both kinds, NUL, no UTF-8, and some lines that are far too long.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 100_000);
    while bytes.len() < length {
        let [kind, ..] = dice();
        if kind == 0 {
            bytes.extend(std::iter::repeat_n(0xfe, MAX_LINE * 2 + 1));
        }
        bytes.extend(dice());
    }
    bytes
}

/// What a reader of these bytes would call their lines.
fn as_lines(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last() == Some(&&b""[..]) {
        lines.pop();
    }
    let text = |line: &&[u8]| {
        let shown = &line[..line.len().min(MAX_LINE)];
        let mark = if line.len() > MAX_LINE { " […cut]" } else { "" };
        let shown = shown.strip_suffix(b"\r").unwrap_or(shown);
        String::from_utf8_lossy(shown).replace('\0', "\u{FFFD}") + mark
    };
    lines.iter().map(text).collect()
}
