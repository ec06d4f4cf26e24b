//! Expressions by GitHub's documentation.

use davit_ci::{Contexts, EvaluationError, Expression, Root, Status, Template, Value};

fn contexts() -> Contexts<'static> {
    let github = r#"{
        "ref": "refs/heads/main", "event": {
            "issue": {"labels": [{"name": "bug"}, {"name": "CI"}]}, "number": 7, "draft": false, "empty": null
        }
    }"#;
    let github = Value::from_json(github).expect("JSON");
    let matrix = Value::from_json(r#"{"os": "linux", "node": 20, "flags": ["a", "b"], "my-key": "dashed"}"#);
    Contexts::new().with(Root::Github, github).with(Root::Matrix, matrix.expect("JSON"))
}

fn value(source: &str) -> Value {
    let expression = Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.evaluate(&contexts()).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_all(cases: &[(&str, &str)]) {
    for (source, json) in cases {
        assert_eq!(value(source), Value::from_json(json).expect("JSON"), "{source}");
    }
}

#[test]
fn literals() {
    assert_all(&[
        ("null", "null"),
        ("true", "true"),
        ("711", "711"),
        ("-9.2", "-9.2"),
        ("0xff", "255"),
        ("-2.99e-2", "-0.0299"),
        ("'Mona the Octocat'", "\"Mona the Octocat\""),
        ("'It''s open source!'", "\"It's open source!\""),
    ]);
}

#[test]
fn operators_and_coercions() {
    assert_all(&[
        ("1 == '1'", "true"),
        ("'abc' == 'ABC'", "true"),
        ("'abc' != 'abd'", "true"),
        ("null == 0", "true"),
        ("null == ''", "true"),
        ("true == 1", "true"),
        ("'true' == true", "false"),
        ("'' == 0", "true"),
        ("'x' == 0", "false"),
        ("'x' < 1", "false"),
        ("'x' >= 1", "false"),
        ("'a' < 'B'", "true"),
        ("2 > 1 && 1 >= 1 && 1 <= 1 && 0 < 1", "true"),
        ("fromJSON('[]') == fromJSON('[]')", "false"),
        ("!''", "true"),
        ("!'a'", "false"),
        ("!!fromJSON('{}')", "true"),
        ("'a' && 'b'", "\"b\""),
        ("'' && 'b'", "\"\""),
        ("'' || 'b'", "\"b\""),
        ("0 || null", "null"),
        ("true && false || 'else'", "\"else\""),
        ("(1 == 2) || (3 == 3)", "true"),
    ]);
}

#[test]
fn contexts_are_looked_up() {
    assert_all(&[
        ("github.ref", "\"refs/heads/main\""),
        ("GitHub['REF']", "\"refs/heads/main\""),
        ("github.event.number", "7"),
        ("github.event.nothing.at.all", "null"),
        ("github.event.issue.labels.*.name", "[\"bug\", \"CI\"]"),
        ("github.event.issue.labels[1].name", "\"CI\""),
        ("github.event.issue.labels[9].name", "null"),
        ("github.event.issue.labels['0'].name", "\"bug\""),
        ("github.event.issue.*[0].name", "[\"bug\"]"),
        ("matrix.my-key", "\"dashed\""),
        ("matrix.flags[0]", "\"a\""),
        ("matrix.os.deeper", "null"),
        ("fromJSON('{\"a\": {\"b\": 1}}').a.b", "1"),
        ("fromJSON('{\"a\": {\"x\": 1}, \"b\": {\"x\": 2}}').*.x", "[1, 2]"),
    ]);
}

#[test]
fn functions() {
    assert_all(&[
        ("contains('Hello world', 'LLO')", "true"),
        ("contains(github.event.issue.labels.*.name, 'ci')", "true"),
        ("contains(fromJSON('[\"push\", \"pull_request\"]'), 'schedule')", "false"),
        ("contains(fromJSON('[1, 2]'), '2')", "true"),
        ("contains(github, 'ref')", "false"),
        ("startsWith('Hello world', 'he')", "true"),
        ("endsWith('Hello world', 'LD')", "true"),
        ("endsWith(1.5, '.5')", "true"),
        ("format('Hello {0} {1} {0}', 'Mona', 'the')", "\"Hello Mona the Mona\""),
        ("format('{{Hello {0}}}', true)", "\"{Hello true}\""),
        ("format('é{0}é', null)", "\"éé\""),
        ("join(github.event.issue.labels.*.name, ', ')", "\"bug, CI\""),
        ("join(matrix.flags)", "\"a,b\""),
        ("join('one', '-')", "\"one\""),
        ("toJSON(matrix.flags)", "\"[\\n  \\\"a\\\",\\n  \\\"b\\\"\\n]\""),
        ("toJSON(null)", "\"null\""),
        ("fromJSON('[1, {\"a\": true}]')[1].a", "true"),
    ]);
}

#[test]
fn failures_say_why_and_no_value() {
    let secret = Contexts::new().with(Root::Secrets, Value::object([("key", "s3cret")]));
    let cases = [
        ("format('{1}', 'a')", "no argument for {1}"),
        ("format('{x}', 'a')", "a brace"),
        ("format('}', 'a')", "a brace"),
        ("fromJSON('')", "empty text"),
        ("fromJSON(secrets.key)", "not JSON at line 1"),
        ("hashFiles('**/x')", "no files here"),
    ];
    for (source, reason) in cases {
        let error = Expression::parse(source).expect(source).evaluate(&secret).expect_err(source);
        assert!(error.to_string().contains(reason), "{source}: {error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn a_context_that_is_not_there_yet_is_told_from_an_empty_one() {
    let expression = Expression::parse("needs.build.outputs.version").expect("an expression");
    let error = expression.evaluate(&contexts()).expect_err("not known");
    assert!(matches!(error, EvaluationError::NotYet { root: Root::Needs, .. }), "{error}");
    let empty = contexts().with(Root::Needs, Value::object::<String, Value>([]));
    assert_eq!(expression.evaluate(&empty), Ok(Value::Null));
    let unneeded = Expression::parse("true || needs.build.result").expect("an expression");
    assert_eq!(unneeded.evaluate(&contexts()), Ok(Value::Bool(true)));
}

#[test]
fn files_are_hashed_by_the_caller() {
    let hash = |patterns: &[String]| Ok(patterns.join("+"));
    let contexts = Contexts::new().with_hash_files(&hash);
    let expression = Expression::parse("hashFiles('**/a', 'b')").expect("an expression");
    assert_eq!(expression.evaluate(&contexts), Ok(Value::from("**/a+b")));
}

#[test]
fn conditions_need_success_unless_they_ask_for_the_status() {
    use Status::{Cancelled, Failure, Skipped, Success};
    let cases: [(&str, &[Status]); 8] = [
        ("true", &[Success]),
        ("success()", &[Success]),
        ("failure()", &[Failure]),
        ("always()", &[Success, Failure, Cancelled, Skipped]),
        ("cancelled()", &[Cancelled]),
        ("!cancelled()", &[Success, Failure, Skipped]),
        ("success() || failure()", &[Success, Failure]),
        ("always() && github.ref == 'refs/heads/other'", &[]),
    ];
    for (source, holding) in cases {
        let condition = davit_ci::Condition::new(Expression::parse(source).expect(source));
        for status in [Success, Failure, Cancelled, Skipped] {
            let holds = condition.holds(&contexts().with_status(status)).expect(source);
            assert_eq!(holds, holding.contains(&status), "{source} after {status:?}");
        }
    }
    let default = davit_ci::Condition::default();
    assert_eq!(default.holds(&Contexts::new()), Ok(true));
    assert_eq!(default.holds(&Contexts::new().with_status(Failure)), Ok(false));
}

#[test]
fn texts_hold_expressions() {
    let render = |text: &str| Template::parse(text).expect(text).render(&contexts()).expect(text);
    assert_eq!(render("no expression, {{ }} and $x"), "no expression, {{ }} and $x");
    assert_eq!(render("on ${{ matrix.os }}-${{matrix.node}}!"), "on linux-20!");
    assert_eq!(render("${{ '}}' }}|${{ 'it''s }}' }}"), "}}|it's }}");
    assert_eq!(render("${{ matrix.flags }} ${{ null }}${{ true }}"), "Array true");
    let whole = Template::parse("${{ matrix.flags }}").expect("a template");
    assert_eq!(whole.evaluate(&contexts()), Ok(Value::Array(vec!["a".into(), "b".into()])));
    for text in ["${{ matrix.os", "${{ }}", "${{ 'a }}", "a ${{ b c }}", "${{ nothing.here }}", "${{ exec('x') }}"] {
        assert!(Template::parse(text).is_err(), "{text}");
    }
}

#[test]
fn expressions_cannot_eat_memory_or_the_stack() {
    let doubled = (0..30).fold("'xxxxxxxxxx'".to_owned(), |inner, _| format!("format('{{0}}{{0}}', {inner})"));
    let error = Expression::parse(&doubled).expect("an expression").evaluate(&contexts()).expect_err("too long");
    assert!(error.to_string().contains("longer than"), "{error}");
    let deep = [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{}1", "!".repeat(20_000)),
        vec!["1"; 5000].join("||"),
        format!("a{}", "[0".repeat(9000)),
        "x".repeat(30_000),
    ];
    for source in deep {
        assert!(Expression::parse(&source).is_err(), "{}", &source[..20]);
    }
    let long = vec!["true"; 250].join("&&");
    assert_eq!(Expression::parse(&long).expect("250 operators").evaluate(&contexts()), Ok(Value::Bool(true)));
}
