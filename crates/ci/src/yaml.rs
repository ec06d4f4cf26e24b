//! YAML as a tree whose every node knows its place. `saphyr-parser` reads; here its events become nodes, under limits.
//!
//! Stricter than YAML: one document, no tags, no key twice (whatever its case, as GitHub compares keys), keys are texts.

use crate::place::{Place, Problems};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// No workflow file is larger, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// Lists and mappings in each other.
const MOST_LEVELS: usize = 50;
/// Nodes of a document, with those that aliases repeat.
const MOST_NODES: usize = 100_000;

/// The key that other readers merge mappings for; it is reported where it is read, and nowhere else.
pub(crate) const MERGE_KEY: &str = "<<";

/// One value of a document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

/// A value without parts.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// As written, without quotes.
    pub(crate) text: String,
    /// What it is by the core schema of YAML 1.2.
    pub(crate) plain: Plain,
    /// Where the text is that the parts of an expression are counted from: each `${{` in it, in order.
    pub(crate) expressions: Vec<Place>,
    /// Whether the text is on one line, as it is, from `Node::place`.
    pub(crate) verbatim: bool,
}

/// What a scalar is. Quoted ones are texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Number(f64),
    Text,
}

impl Node {
    /// What it is, in words.
    pub(crate) fn described(&self) -> String {
        match &self.kind {
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
            Kind::Scalar(Scalar { plain: Plain::Null, .. }) => "empty".to_owned(),
            Kind::Scalar(scalar) => {
                let start: String = scalar.text.chars().take(40).collect();
                let more = if start.len() < scalar.text.len() { "…" } else { "" };
                format!("`{}{more}`", start.replace('\n', " "))
            }
        }
    }
}

/// The document in `text`; [`None`] where it could not be read, which is in `problems` then.
pub(crate) fn read(text: &str, problems: &mut Problems) -> Option<Node> {
    if text.len() > MOST_BYTES {
        problems.add(Place::START, format!("the file has {} bytes; at most {MOST_BYTES} are read", text.len()));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut composer = Composer::new(text, problems);
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((event, span)) => composer.take(event, span.start, span.end),
            Err(error) => {
                let place = place(error.marker());
                Err((place, format!("this is not YAML: {}", error.info())))
            }
        };
        if let Err((place, message)) = step {
            composer.problems.add(place, message);
            return None;
        }
    }
    if composer.root.is_none() {
        composer.problems.add(Place::START, "the file is empty; a workflow has at least `on` and `jobs`");
    }
    composer.root
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

type Step = Result<(), (Place, String)>;

/// A list or mapping that is not at its end yet.
struct Open {
    place: Place,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Place)>, seen: HashSet<String> },
}

struct Composer<'a> {
    lines: Vec<Line<'a>>,
    problems: &'a mut Problems,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

impl<'a> Composer<'a> {
    fn new(text: &'a str, problems: &'a mut Problems) -> Self {
        Self {
            lines: text.lines().map(Line::new).collect(),
            problems,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            root: None,
        }
    }

    fn take(&mut self, event: Event<'_>, start: Marker, end: Marker) -> Step {
        let place = place(&start);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err((place, "a workflow file has one document; remove what follows `---`".to_owned()));
                }
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), place);
                let scalar = self.scalar(text, style, place, self::place(&end));
                self.add(Node { kind: Kind::Scalar(scalar), place }, anchor, 1)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), place);
                self.begin(place, anchor, Inside::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), place);
                self.begin(place, anchor, Inside::Map { entries: Vec::new(), key: None, seen: HashSet::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, place: Place) {
        if tagged {
            self.problems.add(place, "YAML tags are not supported; quote a text that looks like something else");
        }
    }

    fn begin(&mut self, place: Place, anchor: usize, inside: Inside) -> Step {
        if self.open.len() >= MOST_LEVELS {
            return Err((place, format!("more than {MOST_LEVELS} lists and mappings are in each other")));
        }
        if let Some(Open { inside: Inside::Map { key: None, .. }, .. }) = self.open.last() {
            return Err((place, "a key must be a text".to_owned()));
        }
        self.open.push(Open { place, anchor, inside });
        Ok(())
    }

    fn end(&mut self) -> Step {
        let Some(Open { place, anchor, inside }) = self.open.pop() else {
            return Ok(());
        };
        let kind = match inside {
            Inside::List(items) => Kind::List(items),
            Inside::Map { entries, .. } => Kind::Map(entries),
        };
        self.add(Node { kind, place }, anchor, 1)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Step {
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err((place, "this alias is inside of what it stands for".to_owned()));
        };
        self.add(node, 0, size)
    }

    /// Puts a finished node where it belongs: a key, a value, an item, the document.
    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Step {
        self.nodes += size;
        if self.nodes > MOST_NODES {
            return Err((
                node.place,
                format!("the file has more than {MOST_NODES} values, counting what aliases repeat"),
            ));
        }
        if anchor > 0 {
            let size = count(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.root = Some(node),
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map { entries, key, seen }) => match key.take() {
                Some((key, key_place)) => entries.push(Entry { key, key_place, value: node }),
                None => {
                    let Kind::Scalar(scalar) = node.kind else {
                        return Err((node.place, "a key must be a text".to_owned()));
                    };
                    if scalar.text == MERGE_KEY {
                        self.problems
                            .add(node.place, "merge keys (`<<`) are not supported; use an alias for a whole value");
                    }
                    if !seen.insert(scalar.text.to_uppercase()) {
                        self.problems.add(node.place, format!("the key `{}` is here twice", scalar.text));
                    }
                    *key = Some((scalar.text, node.place));
                }
            },
        }
        Ok(())
    }

    fn scalar(&self, text: Cow<'_, str>, style: ScalarStyle, place: Place, end: Place) -> Scalar {
        let plain = match style {
            ScalarStyle::Plain => core_schema(&text),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => {
                Plain::Text
            }
        };
        let expressions = self.expressions(text.matches("${{").count(), place, end);
        let line = self.lines.get(place.line - 1).map_or("", |line| line.after(place.column - 1));
        let verbatim = style == ScalarStyle::Plain && line.starts_with(&*text);
        Scalar { text: text.into_owned(), plain, expressions, verbatim }
    }

    /// The places of up to `count` starts of expressions between two places of the file: whatever the style of a
    /// scalar, `${{` is written as it is.
    fn expressions(&self, count: usize, start: Place, end: Place) -> Vec<Place> {
        let mut places = Vec::new();
        if count == 0 {
            return places;
        }
        for number in start.line..=end.line {
            let Some(line) = self.lines.get(number - 1) else { break };
            let skipped = if number == start.line { start.column - 1 } else { 0 };
            let rest = line.after(skipped);
            let behind = if number == end.line { line.after(end.column - 1).len() } else { 0 };
            let within = &rest[..rest.len().saturating_sub(behind)];
            let columns = within.match_indices("${{").map(|(at, _)| skipped + within[..at].chars().count() + 1);
            places.extend(columns.take(count - places.len()).map(|column| Place { line: number, column }));
        }
        places
    }
}

/// A line of the file in which the character at a column is found at once: a file may be one line.
struct Line<'a> {
    text: &'a str,
    /// Where each character starts; nothing where each is one byte.
    starts: Vec<usize>,
}

impl<'a> Line<'a> {
    fn new(text: &'a str) -> Self {
        let starts = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self { text, starts }
    }

    /// The line without its first `characters`.
    fn after(&self, characters: usize) -> &'a str {
        let at = if self.starts.is_empty() { Some(characters) } else { self.starts.get(characters).copied() };
        at.and_then(|at| self.text.get(at..)).unwrap_or_default()
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(items) => items.iter().map(count).sum(),
        Kind::Map(entries) => entries.iter().map(|entry| 1 + count(&entry.value)).sum(),
    }
}

/// What an unquoted scalar is, by chapter 10.3 of YAML 1.2.
fn core_schema(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Plain::Number(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Plain::Number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Plain::Number(f64::NEG_INFINITY),
        _ => number(text).map_or(Plain::Text, Plain::Number),
    }
}

#[expect(clippy::cast_precision_loss, reason = "expressions know no other numbers")]
fn number(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(|number| number as f64);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(|number| number as f64);
    }
    let digits = text.chars().any(|c| c.is_ascii_digit());
    let allowed = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    // A number starts with a digit, a sign or a point: `e3` is a word.
    let starts = !text.starts_with(['e', 'E']);
    if digits && allowed && starts { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<Node, Vec<String>> {
        let mut problems = Problems::default();
        let node = read(text, &mut problems);
        problems.finish("f", node).map_err(|all| all.into_iter().map(|one| one.to_string()).collect())
    }

    fn entries(text: &str) -> Vec<Entry> {
        let Kind::Map(entries) = read_one(text).expect("a document").kind else { panic!("a mapping") };
        entries
    }

    #[test]
    fn places_are_those_of_the_file() {
        let found = entries("a: 1\n\"b\":\n  - x\n  - é: |\n      text ${{ a }}\n      é ${{ b }}\n");
        assert_eq!(found[1].key_place, Place { line: 2, column: 1 });
        let Kind::List(items) = &found[1].value.kind else { panic!("a list") };
        assert_eq!(items[0].place, Place { line: 3, column: 5 });
        let Kind::Map(inner) = &items[1].kind else { panic!("a mapping") };
        let Kind::Scalar(scalar) = &inner[0].value.kind else { panic!("a scalar") };
        let places: Vec<_> = scalar.expressions.iter().map(|place| (place.line, place.column)).collect();
        assert_eq!(places, [(5, 12), (6, 9)]);
    }

    #[test]
    fn scalars_are_what_yaml_says() {
        let kinds = |text: &str| {
            let Kind::Scalar(scalar) = read_one(text).expect("a document").kind else { panic!("a scalar") };
            scalar.plain
        };
        for text in ["yes", "on", "'1'", "\"true\"", "1.2.3", "e3", "1_000", "abc", "-", "2026-01-01"] {
            let text = if text == "-" { "'-'" } else { text };
            assert_eq!(kinds(text), Plain::Text, "{text}");
        }
        for (text, number) in [("1", 1.0), ("1.10", 1.1), ("0x10", 16.0), ("0o10", 8.0), ("-1e3", -1000.0), ("+2", 2.0)]
        {
            assert_eq!(kinds(text), Plain::Number(number), "{text}");
        }
        assert_eq!(kinds("True"), Plain::Bool(true));
        assert_eq!(kinds("~"), Plain::Null);
    }

    #[test]
    fn what_is_not_allowed_is_named_with_its_place() {
        let cases = [
            ("a: 1\nA: 2\n", "f:2:1: the key `A` is here twice"),
            ("a: !!str 1\n", "f:1:4: YAML tags are not supported"),
            ("a: 1\n---\nb: 2\n", "a workflow file has one document"),
            ("? [a]\n: b\n", "a key must be a text"),
            ("a: &x [*x]\n", "this alias is inside of what it stands for"),
            ("a: &x\n  b: 1\nc:\n  <<: *x\n", "f:4:3: merge keys (`<<`) are not supported"),
            ("a: [\n", "this is not YAML"),
            ("", "f:1:1: the file is empty"),
        ];
        for (text, expected) in cases {
            let found = read_one(text).expect_err(text);
            assert!(found.iter().any(|message| message.contains(expected)), "{text}: {found:?}");
        }
    }

    #[test]
    fn aliases_do_not_multiply_without_end() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let previous = level - 1;
            let items = vec![format!("*a{previous}"); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let found = read_one(&text).expect_err("too much");
        assert!(found[0].contains("more than 100000 values"), "{found:?}");
    }

    #[test]
    fn depth_is_limited() {
        let found = read_one(&"- ".repeat(5000)).expect_err("too deep");
        assert!(found[0].contains("in each other"), "{found:?}");
        assert!(read_one(&"[".repeat(5000)).is_err());
    }
}
