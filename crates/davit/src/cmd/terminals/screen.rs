//! What a shell showed, as a terminal may obey it.
//!
//! Programs on hosts wrote it. Moving about, colours and clearing are let through; what sets titles or the clipboard, or
//! makes the terminal answer as if somebody typed, is not.

/// Longer sequences are none. Bytes.
const LONGEST: usize = 256;

/// Lets through what is harmless, however it was cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// The beginning of a sequence whose end has not come yet.
    begun: String,
    /// The mode by which another screen is shown in the place of the first.
    second: Option<String>,
}

/// How a text that starts with ESC goes on.
#[derive(Debug, PartialEq, Eq)]
enum Sequence {
    /// So many bytes belong to it.
    Whole { bytes: usize, is_harmless: bool },
    /// Its end is yet to come.
    Begun,
}

impl Screen {
    /// What of `text`, and of what was held back before it, may be shown.
    pub(super) fn show(&mut self, text: &str) -> String {
        let text = std::mem::take(&mut self.begun) + text;
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            if first != '\u{1b}' {
                if !first.is_control() || matches!(first, '\t' | '\n' | '\r' | '\u{8}') {
                    shown.push(first);
                }
                rest = &rest[first.len_utf8()..];
                continue;
            }
            match sequence(rest) {
                Sequence::Whole { bytes, is_harmless } => {
                    let (sequence, behind) = rest.split_at(bytes);
                    if is_harmless {
                        self.note(sequence);
                        shown.push_str(sequence);
                    }
                    rest = behind;
                }
                Sequence::Begun if rest.len() <= LONGEST => {
                    rest.clone_into(&mut self.begun);
                    break;
                }
                // Nobody ends it: its escape goes, and what follows is text.
                Sequence::Begun => rest = &rest[1..],
            }
        }
        shown
    }

    /// What gives a terminal its own screen, letters, colours and cursor again.
    ///
    /// The first screen comes back only where it went, for the cursor comes back with it. The margins go last but for the
    /// cursor, which goes with them and is brought back.
    pub(super) fn as_before(&self) -> String {
        let first = self.second.as_ref().map(|mode| format!("\u{1b}[?{mode}l")).unwrap_or_default();
        format!("\u{1b}[?2026l{first}\u{1b}(B\u{1b}>\u{1b}[0m\u{1b}[?7h\u{1b}[?1l\u{1b}7\u{1b}[r\u{1b}8\u{1b}[?25h")
    }

    /// Remembers which screen a sequence leads to.
    fn note(&mut self, sequence: &str) {
        let Some(modes) = sequence.strip_prefix("\u{1b}[?") else { return };
        let (is_on, modes) = match (modes.strip_suffix('h'), modes.strip_suffix('l')) {
            (Some(modes), _) => (true, modes),
            (None, Some(modes)) => (false, modes),
            (None, None) => return,
        };
        for mode in modes.split(';').filter(|mode| matches!(*mode, "47" | "1047" | "1049")) {
            self.second = is_on.then(|| mode.to_owned());
        }
    }
}

fn sequence(text: &str) -> Sequence {
    let body = &text[1..];
    let whole = |bytes, is_harmless| Sequence::Whole { bytes: bytes + 1, is_harmless };
    match body.chars().next() {
        None => Sequence::Begun,
        Some('[') => control(&body[1..]),
        // Commands to the operating system, and strings for the device: they end with BEL or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let bell = body.find('\u{7}').map(|at| at + 1);
            let string_end = body.find("\u{1b}\\").map(|at| at + 2);
            let end = [bell, string_end].into_iter().flatten().min();
            end.map_or(Sequence::Begun, |end| whole(end, false))
        }
        // Which letters are drawn: a designator and one more.
        Some('(' | ')' | '*' | '+' | '#') => match body.chars().nth(1) {
            None => Sequence::Begun,
            Some(set) => whole(1 + set.len_utf8(), matches!(set, '0' | 'A' | 'B' | '8')),
        },
        // The cursor is kept and brought back, lines scroll, the keypad changes.
        Some('7' | '8' | 'D' | 'E' | 'M' | '=' | '>') => whole(1, true),
        Some(other) => whole(other.len_utf8(), false),
    }
}

/// Behind `ESC [`: parameters, then the letter that says what is done.
fn control(body: &str) -> Sequence {
    let Some(at) = body.find(|letter: char| !matches!(letter, ' '..='?')) else { return Sequence::Begun };
    let letter = body[at..].chars().next().unwrap_or_default();
    let parameters = &body[..at];
    // Cursor, clearing, inserting, scrolling, colours; of modes those that a screen is drawn with.
    let is_harmless = match letter {
        'A'..='H'
        | 'J'
        | 'K'
        | 'L'
        | 'M'
        | 'P'
        | 'S'
        | 'T'
        | 'X'
        | 'd'
        | 'f'
        | 'a'
        | 'e'
        | '@'
        | '`'
        | 'b'
        | 'r'
        | 's'
        | 'u' => parameters.chars().all(|letter| letter.is_ascii_digit() || letter == ';'),
        'm' => parameters.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ';' | ':')),
        'h' | 'l' => parameters.strip_prefix('?').is_some_and(|modes| modes.split(';').all(is_of_drawing)),
        _ => false,
    };
    Sequence::Whole { bytes: 2 + at + letter.len_utf8(), is_harmless }
}

/// Cursor keys and wrapping, the cursor's looks, the second screen. Not: reports of the mouse and of pasting.
fn is_of_drawing(mode: &str) -> bool {
    matches!(mode, "1" | "7" | "12" | "25" | "47" | "1047" | "1048" | "1049" | "2026")
}

#[cfg(test)]
mod tests {
    use super::Screen;
    use proptest::prelude::*;

    #[test]
    fn what_draws_is_shown() {
        for text in [
            "plain 文字\r\n\tend\u{8}",
            "\u{1b}[1;32mgreen\u{1b}[0m \u{1b}[38:5:9mred\u{1b}[m",
            "\u{1b}[2J\u{1b}[1;1H\u{1b}[?1049h\u{1b}[?25l\u{1b}[K",
            "\u{1b}7\u{1b}8\u{1b}(B\u{1b}M",
        ] {
            assert_eq!(Screen::default().show(text), text);
        }
    }

    #[test]
    fn what_asks_or_writes_elsewhere_is_not() {
        for hostile in [
            "\u{1b}]0;title\u{7}",
            "\u{1b}]52;c;aGk=\u{1b}\\",
            "\u{1b}P$qm\u{1b}\\",
            "\u{1b}[6n",
            "\u{1b}[c",
            "\u{1b}[>c",
            "\u{1b}[21t",
            "\u{1b}[?1000h",
            "\u{1b}[?2004h",
            "\u{1b}[?1049;1000h",
            "\u{1b}[!p",
            "\u{1b}c",
            "\u{1b}Z",
            "\u{7}\u{5}\u{e}\u{9b}",
        ] {
            let shown = Screen::default().show(&format!("a{hostile}b"));
            assert_eq!(shown, "ab", "{hostile:?}");
        }
    }

    #[test]
    fn a_sequence_may_come_in_pieces() {
        let mut screen = Screen::default();
        let pieces = ["a\u{1b}", "[3", "1mred\u{1b}]0;ti", "tle\u{7}b"];
        assert_eq!(pieces.map(|piece| screen.show(piece)), ["a", "", "\u{1b}[31mred", "b"]);
        let mut endless = Screen::default();
        let shown = endless.show(&format!("\u{1b}]{}", "x".repeat(400)));
        assert!(shown.ends_with("xxx") && !shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn a_terminal_is_left_as_it_was() {
        let left = |shown: &[&str]| {
            let mut screen = Screen::default();
            shown.iter().for_each(|text| drop(screen.show(text)));
            screen.as_before()
        };
        let plain = left(&["ls\r\n"]);
        assert!(!plain.contains("49l") && !plain.contains("47l"), "the cursor stays: {plain:?}");
        for put_back in ["\u{1b}(B", "\u{1b}>", "\u{1b}[?2026l", "\u{1b}[0m", "\u{1b}[?25h"] {
            assert!(plain.contains(put_back), "{put_back:?} in {plain:?}");
        }
        assert!(left(&["\u{1b}[?10", "49h", "top"]).contains("\u{1b}[?1049l"));
        assert!(left(&["\u{1b}[?25;47h"]).contains("\u{1b}[?47l"));
        assert_eq!(left(&["\u{1b}[?1049h", "\u{1b}[?1049l"]), plain);
        assert_eq!(left(&["\u{1b}[?1049;1000h"]), plain, "what is not shown switches nothing");
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(pieces in prop::collection::vec("(\u{1b}|\\[|\\]|[0-9;?]|[a-zA-Z]|\u{7}|\\\\){0,6}", 0..8)) {
            let whole = pieces.concat();
            prop_assume!(whole.len() < 200);
            let mut one = Screen::default();
            let mut many = Screen::default();
            let cut: String = pieces.iter().map(|piece| many.show(piece)).collect();
            prop_assert_eq!(cut, one.show(&whole));
        }
    }
}
