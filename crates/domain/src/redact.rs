//! Masking secrets in text that leaves davit: logs, errors, answers.
//!
//! A secret is looked for as it is and in the forms that tools print it in: base64 (also as a part of a longer
//! base64 text, and wrapped), URL-encoded, JSON-escaped, quoted for a shell, and line by line. Does not live here: cutting a stream
//! into pieces. A secret that is spread over two calls is not seen.

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::{self, Write};

const MASK: &str = "***";
/// Secrets of fewer characters are not masked: they would mask half of every log.
const SHORTEST_SECRET: usize = 4;
/// Lines of a secret that have fewer characters are not masked on their own (`-----`, `}`).
const SHORTEST_LINE: usize = 8;
/// Where common tools wrap base64: `base64` (76), `openssl` and PEM (64).
const WRAPS: [usize; 2] = [76, 64];

/// Masks a set of secrets. Cheap to clone.
#[derive(Clone)]
pub struct Redactor {
    matcher: Matcher,
}

#[derive(Clone)]
enum Matcher {
    /// There is no secret.
    Nothing,
    Forms(AhoCorasick),
    /// The secrets are too many for a matcher: nothing may be shown.
    Everything,
}

/// Says nothing about the secrets.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Masks `secrets`, except those of fewer than four characters.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            collect_forms(&secret, &mut forms);
        }
        let matcher = if forms.is_empty() {
            Matcher::Nothing
        } else {
            AhoCorasick::new(&forms).map_or(Matcher::Everything, Matcher::Forms)
        };
        Self { matcher }
    }

    /// `text` with every secret replaced by `***`.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let forms = match &self.matcher {
            Matcher::Nothing => return Cow::Borrowed(text),
            Matcher::Everything => return Cow::Borrowed(MASK),
            Matcher::Forms(forms) => forms,
        };
        let mut clean = Cow::Borrowed(text);
        // A mask and its neighbours can be a secret again (the secret `a***`). Every round makes the text shorter.
        while let Some(masked) = mask_once(forms, &clean) {
            clean = Cow::Owned(masked);
        }
        clean
    }
}

/// Masks what matches, overlapping and adjoining matches as one. `None`: nothing does.
fn mask_once(forms: &AhoCorasick, text: &str) -> Option<String> {
    let mut spans: Vec<(usize, usize)> =
        forms.find_overlapping_iter(text).map(|found| (found.start(), found.end())).collect();
    if spans.is_empty() {
        return None;
    }
    spans.sort_unstable();
    let mut masked = String::with_capacity(text.len());
    let mut shown_to = 0;
    for (start, end) in spans {
        // Where this match begins inside or right after the last mask, the mask covers it too.
        if start > shown_to || masked.is_empty() {
            masked.push_str(&text[shown_to..start]);
            masked.push_str(MASK);
        }
        shown_to = shown_to.max(end);
    }
    masked.push_str(&text[shown_to..]);
    Some(masked)
}

fn collect_forms(secret: &str, forms: &mut BTreeSet<String>) {
    let trimmed = secret.trim();
    for whole in [secret, trimmed] {
        if whole.chars().count() >= SHORTEST_SECRET {
            encode(whole, forms);
        }
    }
    for line in trimmed.lines().map(str::trim) {
        if line.chars().count() >= SHORTEST_LINE {
            encode(line, forms);
        }
    }
}

fn encode(text: &str, forms: &mut BTreeSet<String>) {
    forms.insert(text.to_owned());
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        forms.insert(engine.encode(text));
    }
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|before| inner_base64(engine, text, before)));
    }
    let base64 = STANDARD_NO_PAD.encode(text);
    for width in WRAPS {
        // Of ASCII, so that every piece is a text.
        let pieces = base64.as_bytes().chunks(width).filter_map(|piece| std::str::from_utf8(piece).ok());
        forms.extend(pieces.filter(|piece| base64.len() > width && piece.len() >= SHORTEST_LINE).map(str::to_owned));
    }
    forms.extend(url_forms(text));
    forms.extend(json_forms(text));
    // As `set -x` and quoting helpers write a single quote.
    forms.extend(["'\\''", "'\"'\"'"].map(|quote| text.replace('\'', quote)));
}

/// What the base64 of any text shows for `text` when it begins `before` bytes after a multiple of three: the
/// characters that depend on `text` alone.
fn inner_base64(engine: &impl Engine, text: &str, before: usize) -> String {
    let mut padded = vec![0; before];
    padded.extend_from_slice(text.as_bytes());
    let encoded = engine.encode(&padded);
    let first = (before * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    encoded[first..end].to_owned()
}

/// Percent-encoding as RFC 3986 has it, as `encodeURIComponent` and as a form do it, in either case.
fn url_forms(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for (kept, space) in [("-_.~", "%20"), ("-_.!~*'()", "%20"), ("-_.*", "+"), ("-_.~", "+")] {
        let mut upper = String::new();
        let mut lower = String::new();
        for byte in text.bytes() {
            let character = char::from(byte);
            if character.is_ascii_alphanumeric() || (byte.is_ascii() && kept.contains(character)) {
                upper.push(character);
                lower.push(character);
            } else if byte == b' ' {
                upper.push_str(space);
                lower.push_str(space);
            } else {
                // Writing to a string can't fail.
                let _ = write!(upper, "%{byte:02X}");
                let _ = write!(lower, "%{byte:02x}");
            }
        }
        forms.extend([upper, lower]);
    }
    forms
}

/// The inside of a JSON string: with Unicode as it is and as `\u` escapes, with and without `\/`, and with the
/// characters of HTML escaped, as Go does it.
fn json_forms(text: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(text).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let mut ascii = String::new();
    for character in plain.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string can't fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    let slashes = [plain.replace('/', "\\/"), ascii.replace('/', "\\/")];
    let without_html = plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    [plain, ascii, without_html].into_iter().chain(slashes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().map(|secret| (*secret).to_owned()))
    }

    #[test]
    fn text_without_a_secret_is_not_copied() {
        assert!(matches!(redactor(&["hunter2"]).redact("all is well"), Cow::Borrowed("all is well")));
        assert!(matches!(redactor(&[]).redact("hunter2"), Cow::Borrowed("hunter2")));
        assert_eq!(redactor(&["abc", "", "   "]).redact("abc    d"), "abc    d");
    }

    #[test]
    fn every_form_that_tools_print_is_masked() {
        let secret = "p@ss \"wörd\"/+1";
        let redactor = redactor(&[secret]);
        for form in [
            "p@ss \"wörd\"/+1",
            "cEBzcyAid8O2cmQiLysx",
            "p%40ss%20%22w%C3%B6rd%22%2F%2B1",
            "p%40ss%20%22w%c3%b6rd%22%2f%2b1",
            "p%40ss+%22w%C3%B6rd%22%2F%2B1",
            r#"p@ss \"wörd\"/+1"#,
            r#"p@ss \"w\u00f6rd\"\/+1"#,
        ] {
            assert_eq!(redactor.redact(&format!("<{form}>")), "<***>", "{form}");
        }
    }

    #[test]
    fn quoting_hides_nothing() {
        let redactor = redactor(&["it's <b>&co"]);
        for form in [r#"it'\''s <b>&co"#, r#"it'"'"'s <b>&co"#, r"it's \u003cb\u003e\u0026co"] {
            assert_eq!(redactor.redact(form), "***", "{form}");
        }
    }

    #[test]
    fn base64_around_a_secret_shows_nothing_of_it() {
        let redactor = redactor(&["hunter2-hunter2"]);
        // user:…, x-access-token:… and a longer name: all three alignments.
        for user in ["u", "us", "use", "user"] {
            let header = STANDARD.encode(format!("{user}:hunter2-hunter2\n"));
            let masked = redactor.redact(&header).into_owned();
            assert!(masked.contains(MASK), "{header} became {masked}");
            assert!(masked.len() <= MASK.len() + 12, "{header} became {masked}");
        }
    }

    #[test]
    fn a_wrapped_base64_text_is_masked_line_by_line() {
        let secret = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(4);
        let redactor = redactor(&[&secret]);
        let base64 = STANDARD.encode(&secret);
        for width in WRAPS {
            for start in (0..base64.len()).step_by(width) {
                let line = &base64[start..base64.len().min(start + width)];
                assert_eq!(redactor.redact(line).replace('=', ""), MASK, "{line}");
            }
        }
    }

    #[test]
    fn each_long_line_of_a_secret_is_masked() {
        let redactor = redactor(&["-----BEGIN KEY-----\r\nAAAABBBBCCCC\r\nshort\r\n-----END KEY-----\r\n"]);
        assert_eq!(redactor.redact("x AAAABBBBCCCC y"), "x *** y");
        assert_eq!(redactor.redact("short"), "short");
    }

    #[test]
    fn a_secret_from_a_file_is_masked_without_its_newline() {
        assert_eq!(redactor(&["abc12\n"]).redact("token abc12!"), "token ***!");
    }

    #[test]
    fn overlapping_secrets_leave_no_rest() {
        let redactor = redactor(&["abcdef", "defghi", "abcd", "abcdefghijkl"]);
        assert_eq!(redactor.redact("<abcdefghi>"), "<***>");
        assert_eq!(redactor.redact("<abcdefghijkl>"), "<***>");
        assert_eq!(redactor.redact("abcdabcd abcd"), "*** ***");
    }

    #[test]
    fn a_mask_never_makes_a_secret() {
        assert_eq!(redactor(&["****"]).redact("*****"), "***");
        assert_eq!(redactor(&["a***", "hunter2"]).redact("ahunter2"), "***");
    }

    #[test]
    fn debug_output_is_silent() {
        assert_eq!(format!("{:?}", redactor(&["hunter2"])), "Redactor { .. }");
    }

    /// A form of the secret, as a tool would print it.
    fn printed(secret: &str, form: usize) -> String {
        match form {
            0 => secret.to_owned(),
            1 => STANDARD.encode(secret),
            2 => URL_SAFE_NO_PAD.encode(secret),
            3 => url_forms(secret).remove(0),
            4 => json_forms(secret).remove(0),
            before => inner_base64(&STANDARD_NO_PAD, secret, before - 5),
        }
    }

    proptest! {
        #[test]
        fn a_secret_never_survives(
            secrets in prop::collection::vec("(?s)[a-c*%\\\\\" é/\n]{4,12}|.{4,40}", 1..4),
            form in 0usize..8,
            before in "(?s)[a-c*%]{0,6}|.{0,10}",
            after in "(?s)[a-c*%]{0,6}|.{0,10}",
        ) {
            let redactor = Redactor::new(secrets.clone());
            for secret in &secrets {
                let printed = printed(secret, form);
                let masked = redactor.redact(&format!("{before}{printed}{after}")).into_owned();
                prop_assert!(!masked.contains(&printed), "{:?} in {:?}", printed, masked);
                prop_assert!(!masked.contains(secret.as_str()), "{:?} in {:?}", secret, masked);
                prop_assert_eq!(redactor.redact(&masked).into_owned(), masked.clone());
            }
        }

        #[test]
        fn the_rest_of_the_text_stays(before in "[a-f ]{0,20}", after in "[a-f ]{0,20}") {
            let redactor = Redactor::new(["XYZ-123".to_owned()]);
            let masked = redactor.redact(&format!("{before}XYZ-123{after}")).into_owned();
            prop_assert_eq!(masked, format!("{before}***{after}"));
        }
    }
}
