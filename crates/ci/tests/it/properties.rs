//! Any text at all: no panic, places inside of the text, and nothing is lost on the way through a store.

use crate::corpus::{contexts, files, push_to_main};
use davit_ci::{Cron, Decision, Expression, Pattern, Plan, Template, Value, plan, read_action, read_workflow};
use proptest::prelude::*;

/// Texts that look like parts of workflow files.
fn fragment() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "on",
        "push",
        "jobs",
        "steps",
        "run",
        "needs",
        "matrix",
        "include",
        "${{",
        "}}",
        "'",
        "\"",
        ":",
        "-",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        "&a",
        "*a",
        "|",
        ">",
        "#",
        "!",
        "?",
        "github.ref",
        "fromJSON(",
        ")",
        "é",
        "\t",
        "1",
        "true",
        ",",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

/// A file of the corpus with a part of it replaced.
fn damaged() -> impl Strategy<Value = String> {
    let texts: Vec<String> = files("valid").into_iter().chain(files("invalid")).map(|(_, text)| text).collect();
    (prop::sample::select(texts), any::<prop::sample::Index>(), any::<prop::sample::Index>(), fragment()).prop_map(
        |(text, from, length, replacement)| {
            let mut characters: Vec<char> = text.chars().collect();
            if characters.is_empty() {
                return replacement;
            }
            let from = from.index(characters.len());
            let end = (from + length.index(20)).min(characters.len());
            characters.splice(from..end, replacement.chars());
            characters.into_iter().collect()
        },
    )
}

/// Reads and plans; what is reported lies in the text, and what is planned survives being stored.
fn check(text: &str) -> Result<(), TestCaseError> {
    match read_workflow("w.yml", text) {
        Err(errors) => {
            prop_assert!(!errors.as_slice().is_empty());
            for error in errors.as_slice() {
                prop_assert!(error.place.line >= 1 && error.place.line <= text.lines().count() + 1, "{}", error);
            }
        }
        Ok(workflow) => {
            let Ok(Decision::Runs(plan)) = plan(&workflow, &push_to_main(), &contexts(&push_to_main())) else {
                return Ok(());
            };
            let printed = serde_json::to_string(&plan).expect("a plan is JSON");
            let read: Plan = serde_json::from_str(&printed).expect("it can be read again");
            prop_assert_eq!(serde_json::to_string(&read).expect("JSON"), printed);
            prop_assert_eq!(read, *plan);
        }
    }
    let _ = read_action("action.yml", text);
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn anything_like_a_workflow_is_read_without_panic(text in fragment()) {
        check(&text)?;
        check(&format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - run: {text}"))?;
    }

    #[test]
    fn a_damaged_workflow_is_read_without_panic(text in damaged()) {
        check(&text)?;
    }

    #[test]
    fn any_expression_is_read_and_evaluated_without_panic(source in prop_oneof![any::<String>(), fragment(), expression()]) {
        if let Ok(expression) = Expression::parse(&source) {
            let _ = expression.evaluate(&contexts(&push_to_main()));
            let stored: String = expression.clone().into();
            prop_assert_eq!(Expression::try_from(stored), Ok(expression));
        }
        if let Ok(template) = Template::parse(&source) {
            let _ = template.render(&contexts(&push_to_main()));
            prop_assert_eq!(template.source(), source.as_str());
        }
        let _ = Cron::parse(&source);
        let _ = Pattern::parse(&source);
    }

    #[test]
    fn json_and_back_is_the_same(value in value()) {
        let text = value.to_json_text();
        prop_assert_eq!(Value::from_json(&text).expect("JSON"), value);
    }

    /// A pattern of plain characters stands for itself alone.
    #[test]
    fn a_plain_pattern_is_the_name(name in "[a-z0-9/._-]{1,20}", other in "[a-z0-9/._-]{1,20}") {
        let pattern = Pattern::parse(&name).expect("a pattern");
        prop_assert!(pattern.matches(&name));
        prop_assert_eq!(pattern.matches(&other), name == other);
    }
}

/// Valid expressions, mostly.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "github.ref",
        "github.event.*.name",
        "matrix",
        "1",
        "-1.5",
        "0x1f",
        "'a'",
        "''",
        "'it''s'",
        "true",
        "null",
        "vars.MATRIX",
        "github['ref']",
        "needs.a.result",
        "success()",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 32, 3, |inner| {
        let operators = prop::sample::select(vec!["&&", "||", "==", "!=", "<", "<=", ">", ">="]);
        let functions = prop::sample::select(vec!["contains", "startsWith", "endsWith", "format", "join"]);
        prop_oneof![
            (inner.clone(), operators, inner.clone())
                .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
            (functions, inner.clone(), inner.clone())
                .prop_map(|(name, first, second)| format!("{name}({first}, {second})")),
            inner.clone().prop_map(|inner| format!("!({inner})")),
            inner.clone().prop_map(|inner| format!("fromJSON(toJSON({inner}))")),
            inner.prop_map(|inner| format!("({inner})[0].x.*")),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|number| Value::Number(f64::from(number))),
        (-1e9..1e9_f64).prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(Value::object::<String, Value>),
        ]
    })
}
