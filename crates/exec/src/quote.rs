//! Shell quoting: the one way a value becomes part of shell text. Knows nothing of what the text is for.

/// `value` as one single-quoted POSIX shell word. Everything but NUL survives, newlines and non-UTF-8 bytes included;
/// NUL, which no shell can hold, is the caller's to refuse.
///
/// ```
/// assert_eq!(davit_exec::quote::sh("it's $HOME"), br"'it'\''s $HOME'");
/// ```
#[must_use]
pub fn sh(value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let mut word = Vec::with_capacity(value.len() + 2);
    word.push(b'\'');
    for byte in value {
        match byte {
            b'\'' => word.extend_from_slice(br"'\''"),
            other => word.push(*other),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test may wait for a program on its own thread")]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_a_shell_reads_back_is_what_was_quoted() {
        let every_byte: Vec<u8> = (1..=255).collect();
        let values: [&[u8]; 8] =
            [b"", b"'", b"a'b''c", b"$(id) `id` \"$HOME\" \\", b"-n", b"two\nlines\n\n", b"*?[a]~ #", &every_byte];
        for value in values {
            let mut script = b"printf '%s' ".to_vec();
            script.extend(sh(value));
            let script = std::os::unix::ffi::OsStringExt::from_vec(script);
            let script: std::ffi::OsString = script;
            let output = Command::new("sh").arg("-c").arg(script).output().expect("sh runs");
            assert_eq!(output.stdout, value);
        }
    }
}
