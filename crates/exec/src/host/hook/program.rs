//! The shell programs for hooks, and what a person's script becomes in them.

use super::{HostHook, MAX_OUTPUT};
use crate::ExecError;
use crate::host::script::Script;

/// Starts a hook and follows it.
const FOLLOW: &str = concat!(include_str!("../scripts/hook_common.sh"), include_str!("../scripts/hook.sh"));
/// Waits for a hook, detached.
const RUN: &str = concat!(include_str!("../scripts/hook_common.sh"), include_str!("../scripts/hook_run.sh"));
/// Ends a hook.
pub(super) const END: &str = concat!(include_str!("../scripts/hook_common.sh"), include_str!("../scripts/hook_end.sh"));
/// Removes what hooks left.
pub(super) const FORGET: &str =
    concat!(include_str!("../scripts/hook_common.sh"), include_str!("../scripts/hook_forget.sh"));

/// Interpreters that know `-e`.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];
/// The scripts count output in blocks of this size.
const BLOCK: u64 = 65536;

/// The program that starts a hook in `dir`, unless that was done before, and follows it from the byte `from` on.
pub(super) fn starting(hook: &HostHook, control: &str, dir: &str, mark: &str, from: u64) -> Result<Vec<u8>, ExecError> {
    let mut script = Script::bare(FOLLOW);
    script
        .set("program", runner(hook, control, dir)?)
        .set("control", control)
        .set("hook_dir", dir)
        .set("hook_cwd", &hook.cwd)
        .set("mark", mark)
        .set("skip_blocks", (from / BLOCK).to_string())
        .set("skip_rest", (from % BLOCK).to_string())
        .set("most_blocks", (MAX_OUTPUT / BLOCK).to_string());
    Ok(script.into_bytes())
}

fn runner(hook: &HostHook, control: &str, dir: &str) -> Result<Vec<u8>, ExecError> {
    let refused = |why: &str| Err(ExecError::Refused(format!("{}: {why}", hook.label)));
    let text = hook.script.replace("\r\n", "\n");
    if [&text, &hook.cwd, control].iter().any(|text| text.contains('\0')) {
        return refused("the script and its directories must not hold NUL bytes");
    }
    for (name, value) in &hook.env {
        let mut bytes = name.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !starts || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return refused(&format!(
                "{name:?} is no variable name; use letters, digits and _, not starting with a digit"
            ));
        }
        if value.contains('\0') {
            return refused(&format!("the value of {name} holds a NUL byte, which no program can be given"));
        }
    }
    let mut script = Script::bare(RUN);
    script.set("control", control).set("hook_dir", dir).set("hook_script", &text);
    script.exports("set_variables", &hook.env);
    let interpreter = interpreter(&text);
    script.calls("interpreter", std::iter::once(interpreter.iter().map(String::as_bytes).collect()));
    Ok(script.into_bytes())
}

/// What runs the script: `sh -e`, or what its `#!` line says, as the kernel reads it: a program and at most one
/// argument. It is read here so that a `noexec` file system doesn't matter, and shells get `-e`.
fn interpreter(script: &str) -> Vec<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let first = script.lines().next().unwrap_or_default();
    let Some(line) = first.strip_prefix("#!").map(str::trim).filter(|line| !line.is_empty()) else {
        return vec!["sh".into(), "-e".into()];
    };
    let (program, argument) = match line.split_once([' ', '\t']) {
        Some((program, argument)) => (program, argument.trim()),
        None => (line, ""),
    };
    let mut words = vec![program.to_owned()];
    words.extend((!argument.is_empty()).then(|| argument.to_owned()));
    let shell = if base(program) == "env" { base(argument) } else { base(program) };
    if SHELLS.contains(&shell.as_str()) {
        words.push("-e".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_chooses_its_interpreter() {
        for (script, words) in [
            ("echo hi", &["sh", "-e"][..]),
            ("#!\necho hi", &["sh", "-e"]),
            ("#!/bin/bash\n", &["/bin/bash", "-e"]),
            ("#! /bin/sh -u\n", &["/bin/sh", "-u", "-e"]),
            ("#!/usr/bin/env bash\n", &["/usr/bin/env", "bash", "-e"]),
            ("#!/usr/bin/env python3\n", &["/usr/bin/env", "python3"]),
            ("#!/usr/bin/env -S node --flag\n", &["/usr/bin/env", "-S node --flag"]),
        ] {
            assert_eq!(interpreter(script), words, "{script:?}");
        }
    }

    #[test]
    fn a_message_never_holds_a_value() {
        let hook = HostHook {
            script: String::new(),
            cwd: "/".into(),
            env: vec![("TOKEN".into(), "s3cret\0".into())],
            label: "step 4".into(),
        };
        let refusal = starting(&hook, "/c", "/c/x", "@", 0).expect_err("NUL").to_string();
        assert!(refusal.contains("TOKEN") && !refusal.contains("s3cret"), "{refusal}");
        assert!(!format!("{hook:?}").contains("s3cret"));
    }
}
