//! What stays open until the run.

use crate::corpus::{contexts, files, push_to_main};
use davit_ci::{Decision, Event, Expansion, MatrixError, Plan, Root, Value, expand, plan, read_workflow};

pub(crate) fn planned(text: &str) -> Plan {
    let workflow = read_workflow("w.yml", text).unwrap_or_else(|errors| panic!("{errors}"));
    match plan(&workflow, &push_to_main(), &contexts(&push_to_main())) {
        Ok(Decision::Runs(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_matrix_of_outputs_is_expanded_when_they_are_there() {
    let text = files("valid").into_iter().find(|(name, _)| name == "matrix-from-needs.yml").expect("the file").1;
    let plan = planned(&text);
    assert_eq!(plan.jobs[1].expansion, Expansion::AfterNeeds);
    let with_packages = |json: &str| {
        let needs = Value::object([("find", Value::object([("outputs", Value::object([("packages", json)]))]))]);
        let contexts = contexts(&push_to_main()).with(Root::Inputs, plan.inputs.clone()).with(Root::Needs, needs);
        expand(&plan.jobs[1].job, &contexts)
    };
    let names = |json: &str| -> Vec<String> {
        with_packages(json).expect(json).into_iter().map(|instance| instance.name).collect()
    };
    assert_eq!(names("[\"core\", \"web\"]"), ["test (core)", "test (web)"]);
    assert!(matches!(with_packages("[]"), Err(MatrixError::Shape(_))));
    assert!(matches!(with_packages("{}"), Err(MatrixError::Shape(_))));
    assert!(matches!(with_packages("oops"), Err(MatrixError::Evaluation(_))));
    let many: Vec<String> = (0..257).map(|number| number.to_string()).collect();
    assert_eq!(with_packages(&format!("[{}]", many.join(","))), Err(MatrixError::TooMany));
}

#[test]
fn the_strategy_is_known_to_each_job() {
    let plan = planned(
        "on: push\njobs:\n  a:\n    strategy: {fail-fast: false, max-parallel: 1.5, matrix: {x: [a, b]}}\n    \
         name: ${{ matrix.x }} ${{ strategy.job-index }}/${{ strategy.job-total }} ${{ strategy.max-parallel }}\n    \
         runs-on: linux\n    steps: [{run: 'true'}]\n",
    );
    let Expansion::Now(instances) = &plan.jobs[0].expansion else { panic!("expanded") };
    let names: Vec<&str> = instances.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(names, ["a 0/2 1", "b 1/2 1"]);
    assert!(instances.iter().all(|instance| !instance.fail_fast && instance.max_parallel == Some(1)));
}

#[test]
fn what_has_no_value_is_an_error_with_its_line() {
    let workflow =
        read_workflow("w.yml", "on: push\njobs:\n  a:\n    runs-on: ${{ fromJSON('x') }}\n    steps: [{run: a}]\n");
    let error = plan(&workflow.expect("a workflow"), &push_to_main(), &contexts(&push_to_main())).expect_err("no JSON");
    assert!(error.to_string().starts_with("the job `a` at line 3: `fromJSON('x')` can't be evaluated"), "{error}");
}

#[test]
fn inputs_are_of_their_kind() {
    let text = files("valid").into_iter().find(|(name, _)| name == "dispatch-inputs.yml").expect("the file").1;
    let workflow = read_workflow("w.yml", &text).expect("a workflow");
    let entered = [("environment", "staging"), ("dry", "true"), ("count", "7")];
    let inputs = entered.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let values = workflow.on.inputs(&Event::Dispatch { inputs }).expect("right");
    assert_eq!(values.get("dry"), Some(&Value::Bool(true)));
    assert_eq!(values.get("count"), Some(&Value::Number(7.0)));
    assert_eq!(values.get("who"), Some(&Value::from("")));
}

#[test]
fn a_stored_plan_is_the_plan() {
    for (name, text) in files("valid") {
        let workflow = read_workflow(&name, &text).expect("a workflow");
        let Ok(Decision::Runs(plan)) = plan(&workflow, &push_to_main(), &contexts(&push_to_main())) else { continue };
        let printed = serde_json::to_string(&plan).expect("JSON");
        let read: Plan = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{name}: {error}\n{printed}"));
        assert_eq!(read, *plan, "{name}");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), printed, "{name}");
    }
}
