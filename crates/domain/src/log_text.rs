//! What a person reads of a log line: without the sequences that colour it and move the cursor. The UI has the same
//! rules in `ansi.ts`. How lines are stored is in [`log`](crate::log).

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// The text without its escape sequences; of a line redrawn with carriage returns, the last drawing.
#[must_use]
pub fn plain_text(raw: &str) -> Cow<'_, str> {
    if !raw.contains([ESCAPE, '\r']) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(ESCAPE) {
        text.push_str(&rest[..at]);
        let sequence = &rest[at..];
        let length = sequence_length(sequence);
        if length == 0 {
            text.push(ESCAPE);
        }
        rest = &sequence[length.max(ESCAPE.len_utf8())..];
    }
    text.push_str(rest);
    match text.trim_end_matches('\r').rsplit_once('\r') {
        Some((_, last)) => Cow::Owned(last.to_owned()),
        None => Cow::Owned(text.trim_end_matches('\r').to_owned()),
    }
}

/// How many bytes the sequence takes that the text begins with; 0: it begins with none that is complete.
fn sequence_length(text: &str) -> usize {
    let mut body = text.char_indices().skip(1).peekable();
    match body.next() {
        Some((_, '[')) => control_length(&text[2..]).map_or(0, |length| length + 2),
        Some((_, ']')) => {
            let body = &text[2..];
            let end = body.find([BELL, ESCAPE]).unwrap_or(body.len());
            let terminator = if body[end..].starts_with(BELL) {
                1
            } else if body[end..].starts_with("\u{1b}\\") {
                2
            } else {
                0
            };
            2 + end + terminator
        }
        Some((_, '@'..='Z' | '\\' | '^' | '_')) => 2,
        Some(_) | None => 0,
    }
}

/// Of what follows `ESC [`: parameters, intermediates, and one final byte.
fn control_length(body: &str) -> Option<usize> {
    let parameters = body.bytes().take_while(|byte| (b'0'..=b'?').contains(byte)).count();
    let intermediates = body[parameters..].bytes().take_while(|byte| (b' '..=b'/').contains(byte)).count();
    let end = parameters + intermediates;
    body.as_bytes().get(end).filter(|byte| (b'@'..=b'~').contains(byte)).map(|_| end + 1)
}

/// What is searched for in plain texts, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// `None`: nothing is searched for.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_lowercase()))
    }

    /// Whether a line holds it.
    #[must_use]
    pub fn is_in(&self, raw: &str) -> bool {
        plain_text(raw).to_lowercase().contains(&self.0)
    }

    /// The longest piece in ASCII that is, in letters of either case, in every text that holds it. Empty: there is
    /// none, and every text has to be looked at.
    #[must_use]
    pub fn longest_piece(&self) -> &str {
        // The Kelvin sign and the dotted capital I become k and i in small letters; a database need not know that.
        let pieces = self.0.split(|c: char| !c.is_ascii() || matches!(c, 'k' | 'i'));
        pieces.max_by_key(|piece| piece.len()).unwrap_or_default()
    }
}

/// A line as it compares with the same line of another attempt: the name of the attempt's release, times of day and
/// durations, which differ every time, are the same in both.
#[must_use]
pub fn comparable(raw: &str, release: &str) -> String {
    let text = plain_text(raw).replace(release, "·");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        let number = &rest[at..];
        let end = number.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).unwrap_or(number.len());
        let after = &number[end..];
        let in_word = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        let is_clock = number[..end].contains(':');
        out.push_str(if !in_word && (is_clock || is_duration(after)) { "·" } else { &number[..end] });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether a number before this is one of seconds or the like.
fn is_duration(after: &str) -> bool {
    let after = after.strip_prefix(' ').unwrap_or(after);
    ["ms", "s", "sec", "secs", "seconds", "min", "m"].iter().any(|unit| {
        after.strip_prefix(unit).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_titles_and_redrawn_lines_are_left_out() {
        for (raw, plain) in [
            ("plain", "plain"),
            ("an \u{1b}[31mERR\u{1b}[0mor", "an ERRor"),
            ("\u{1b}]0;title\u{7}said", "said"),
            ("\u{1b}]8;;https://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]never ends", ""),
            ("10%\r 50%\r100%\r", "100%"),
            ("only the end\r", "only the end"),
            ("cut \u{1b}[", "cut \u{1b}["),
            ("\u{1b}", "\u{1b}"),
            ("\u{1b}é", "\u{1b}é"),
            ("\u{1b}[38;5;12m色\u{1b}[m", "色"),
        ] {
            assert_eq!(plain_text(raw), plain, "{raw:?}");
        }
    }

    #[test]
    fn a_needle_is_found_without_regard_to_case_and_not_in_colours() {
        let needle = Needle::new("Error: É").expect("a text");
        assert!(needle.is_in("an \u{1b}[1mERR\u{1b}[0mOR: é"));
        assert!(!needle.is_in("an error: e"));
        assert!(!Needle::new("31m").expect("a text").is_in("\u{1b}[31mred"));
        assert_eq!(Needle::new(""), None);
    }

    #[test]
    fn a_piece_is_in_every_text_that_holds_the_needle() {
        let piece = |text| Needle::new(text).expect("a text").longest_piece().to_owned();
        assert_eq!(piece("Timed OUT 50%"), "med out 50%");
        assert_eq!(piece("发布 done"), " done");
        assert_eq!(piece("发布"), "");
        assert!(Needle::new("ok").expect("a text").is_in("O\u{212a}"), "the Kelvin sign is a k");
    }

    #[test]
    fn what_differs_every_time_compares_equal() {
        let same = |a: &str, b: &str| comparable(a, "r2") == comparable(b, "r2");
        assert!(same("took 1.5s", "took 12.25s"));
        assert!(same("done in 30 ms.", "done in 1200 ms."));
        assert!(same("12:30:01 start", "08:00:59.125 start"));
        assert_eq!(comparable("now r2 is live", "r2"), comparable("now r1 is live", "r1"));
        assert!(!same("exit code 1", "exit code 2"));
        assert!(!same("v1.2.3", "v1.2.4"));
        assert!(!same("web-1 s", "web-2 s"));
        assert!(!same("3 servers", "4 servers"));
    }
}
