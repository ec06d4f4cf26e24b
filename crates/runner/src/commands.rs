//! Workflow commands: lines of a step's output that ask for something, `::error file=a.rs,line=3::message`.
//!
//! The grammar is GitHub's. Does not live here: what happens on a command ([`crate::log`]).

use davit_domain::ci::{Annotation, AnnotationLevel};

/// What a line of output is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// A line.
    Text(&'a str),
    /// `::group::title`.
    Group(String),
    /// `::endgroup::`.
    EndGroup,
    /// `::debug::text`.
    Debug(String),
    /// `::notice …::text`, `::warning …::text`, `::error …::text`.
    Annotation(Annotation),
    /// `::add-mask::secret`.
    Mask(String),
    /// Commands were switched off or on, or asked for something that has no effect here.
    Nothing,
    /// A command that is not carried out, with the reason.
    Refused(&'static str),
}

/// Reads the lines of one step. `stop-commands` lasts as long as the step.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// What switches commands on again.
    stopped: Option<String>,
}

impl Commands {
    pub(crate) fn read<'a>(&mut self, line: &'a str) -> Said<'a> {
        let Some((name, properties, data)) = split(line) else { return Said::Text(line) };
        if let Some(token) = &self.stopped {
            if name != token {
                return Said::Text(line);
            }
            self.stopped = None;
            return Said::Nothing;
        }
        match name.to_ascii_lowercase().as_str() {
            "group" => Said::Group(one_line(&unescape(data))),
            "endgroup" => Said::EndGroup,
            "debug" => Said::Debug(unescape(data)),
            "notice" => annotation(AnnotationLevel::Notice, properties, data),
            "warning" => annotation(AnnotationLevel::Warning, properties, data),
            "error" => annotation(AnnotationLevel::Error, properties, data),
            "add-mask" => Said::Mask(unescape(data)),
            "stop-commands" if !data.trim().is_empty() => {
                self.stopped = Some(data.to_owned());
                Said::Nothing
            }
            "stop-commands" => Said::Refused("`stop-commands` needs a word that switches commands on again"),
            // Whether commands are shown in the log: they never are.
            "echo" => Said::Nothing,
            "set-output" => Said::Refused(
                "the command `set-output` is not carried out; write `name=value` to the file $GITHUB_OUTPUT",
            ),
            "save-state" => Said::Refused(
                "the command `save-state` is not carried out; write `name=value` to the file $GITHUB_STATE",
            ),
            "set-env" => {
                Said::Refused("the command `set-env` is not carried out; write `NAME=value` to the file $GITHUB_ENV")
            }
            "add-path" => {
                Said::Refused("the command `add-path` is not carried out; write the directory to the file $GITHUB_PATH")
            }
            "add-matcher" | "remove-matcher" => Said::Refused("problem matchers are not supported"),
            _ => Said::Text(line),
        }
    }
}

/// The name, the properties and the rest of a command.
fn split(line: &str) -> Option<(&str, &str, &str)> {
    let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    (!name.is_empty()).then_some((name, properties, data))
}

fn annotation(level: AnnotationLevel, properties: &str, data: &str) -> Said<'static> {
    let property = |name: &str| {
        let pairs = properties.split(',').filter_map(|pair| pair.split_once('='));
        let mut found = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| unescape_property(value.trim())).filter(|value| !value.is_empty())
    };
    let number = |name: &str| property(name).and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    Said::Annotation(Annotation {
        level,
        file: property("file"),
        line: number("line"),
        end_line: number("endLine"),
        column: number("col"),
        title: property("title"),
        message: unescape(data),
    })
}

fn unescape(data: &str) -> String {
    data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

fn unescape_property(value: &str) -> String {
    let value = value.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
    value.replace("%25", "%")
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_line_is_read(line in ".{0,120}", rest in ".{0,60}") {
            let mut commands = Commands::default();
            let _ = commands.read(&line);
            let (error, stop) = (format!("::error {line}::{rest}"), format!("::stop-commands::{rest}"));
            let _ = commands.read(&error);
            let _ = commands.read(&stop);
            let _ = commands.read(&line);
        }

        #[test]
        fn what_is_escaped_arrives(text in "[^\0]{0,60}") {
            let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
            let line = format!("::add-mask::{escaped}");
            prop_assert_eq!(Commands::default().read(&line), Said::Mask(text));
        }
    }

    fn read(line: &str) -> Said<'_> {
        Commands::default().read(line)
    }

    #[test]
    fn commands_are_told_from_lines() {
        for line in ["", "::", "a ::error::b", "::error: x", "std::fs::read", ":: group::x", "::unknown::x", "#[error]"]
        {
            assert_eq!(read(line), Said::Text(line), "{line}");
        }
        assert_eq!(read("::group::Build%0A100%25"), Said::Group("Build 100%".to_owned()));
        assert_eq!(read("  ::endgroup::"), Said::EndGroup);
        assert_eq!(read("::debug::a::b"), Said::Debug("a::b".to_owned()));
        assert_eq!(read("::add-mask::a%0Ab"), Said::Mask("a\nb".to_owned()));
        for line in ["::set-output name=a::b", "::set-env name=a::b", "::add-path::/x", "::save-state name=a::b"] {
            assert!(matches!(read(line), Said::Refused(reason) if reason.contains("$GITHUB_")), "{line}");
        }
    }

    #[test]
    fn annotations_have_places() {
        let Said::Annotation(found) =
            read("::ERROR file=src/a%2Cb.rs,line=3,endLine=5,col=7,title=No%3A that::wrong%0Aindeed, see: x")
        else {
            panic!("an annotation")
        };
        let expected = Annotation {
            level: AnnotationLevel::Error,
            file: Some("src/a,b.rs".to_owned()),
            line: Some(3),
            end_line: Some(5),
            column: Some(7),
            title: Some("No: that".to_owned()),
            message: "wrong\nindeed, see: x".to_owned(),
        };
        assert_eq!(found, expected);
        let Said::Annotation(found) = read("::notice line=x,file=,col=0::m") else { panic!("an annotation") };
        assert_eq!((found.file, found.line, found.column), (None, None, None));
    }

    #[test]
    fn commands_can_be_switched_off() {
        let mut commands = Commands::default();
        assert_eq!(commands.read("::stop-commands::t0ken"), Said::Nothing);
        assert_eq!(commands.read("::error::x"), Said::Text("::error::x"));
        assert_eq!(commands.read("::stop-commands::other"), Said::Text("::stop-commands::other"));
        assert_eq!(commands.read("::t0ken::"), Said::Nothing);
        assert_eq!(commands.read("::endgroup::"), Said::EndGroup);
        assert_eq!(commands.read("::t0ken::"), Said::Text("::t0ken::"));
    }
}
