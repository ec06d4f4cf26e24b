//! Every file in `tests/corpus/invalid` is refused with the mistakes of its snapshot, all at once.

use crate::corpus::{directory, files};
use davit_ci::{read_action, read_workflow};

#[test]
fn every_mistake_is_reported_with_its_place() {
    let files = files("invalid");
    let mut all = String::new();
    for (name, text) in &files {
        let errors = read_workflow(name, text).err().unwrap_or_else(|| panic!("{name} is accepted"));
        let lines = text.lines().count();
        for error in errors.as_slice() {
            assert!(error.place.line >= 1 && error.place.column >= 1, "{error}");
            assert!(error.place.line <= lines + 1, "{error}");
        }
        all.push_str(&format!("{errors}\n\n"));
    }
    insta::with_settings!({
        snapshot_path => directory().join("snapshots"), prepend_module_to_snapshot => false, omit_expression => true,
    }, { insta::assert_snapshot!("invalid", all) });
}

#[test]
fn composite_actions_are_read_and_checked() {
    let good = "name: Setup\ndescription: Sets up\nauthor: us\ninputs:\n  version:\n    default: ${{ github.ref }}\n    required: true\n  other:\n\
                outputs:\n  path:\n    description: where\n    value: ${{ steps.a.outputs.path }}\nruns:\n  using: composite\n  steps:\n    \
                - id: a\n      run: echo ${{ inputs.version }}\n      shell: bash\n    - uses: actions/checkout@v4\n";
    let action = read_action("action.yml", good).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((action.name.as_str(), action.steps.len(), action.inputs.len()), ("Setup", 2, 2));
    assert!(action.inputs.get("version").is_some_and(|input| input.required));

    let refused = |text: &str| read_action("a.yml", text).expect_err(text).to_string();
    let node = refused("name: x\nruns:\n  using: node20\n  main: index.js\n");
    assert_eq!(node, "a.yml:3:10: actions that run with `node20` are not supported; supported is `composite`");
    let shell = refused("name: x\nruns:\n  using: composite\n  steps:\n    - run: a\n      timeout-minutes: 1\n");
    assert!(shell.contains("a.yml:5:7: a step needs `shell`"), "{shell}");
    assert!(shell.contains("a.yml:6:7: `timeout-minutes` is not supported in a step"), "{shell}");
    let secrets = refused("name: x\nruns: {using: composite, steps: [{shell: sh, run: '${{ secrets.A }}'}]}\n");
    assert!(secrets.contains("the context `secrets` is not known here"), "{secrets}");
}

#[test]
fn what_no_workflow_needs_is_refused_before_it_costs_anything() {
    let refused = |text: &str, reason: &str| {
        let errors = read_workflow("w.yml", text).err().unwrap_or_else(|| panic!("accepted: {reason}")).to_string();
        assert!(errors.contains(reason), "{reason}: {}", &errors[..errors.len().min(500)]);
    };
    let job = "{runs-on: a, steps: [{run: a}]}";
    let jobs: String = (0..10_000).map(|number| format!("  j{number}: {job}\n")).collect();
    refused(&format!("on: push\njobs:\n{jobs}"), "at most 256 jobs; this one has 10000");
    let steps = "{run: a},".repeat(10_000);
    refused(&format!("on: push\njobs: {{a: {{runs-on: a, steps: [{steps}]}}}}"), "at most 1000 steps; these are 10000");
    let patterns = "a,".repeat(10_000);
    refused(&format!("on: {{push: {{branches: [{patterns}]}}}}\njobs: {{a: {job}}}"), "more than 256 patterns");
    let include = "{x: 1},".repeat(10_000);
    let matrix = format!("{{runs-on: a, steps: [{{run: a}}], strategy: {{matrix: {{include: [{include}]}}}}}}");
    refused(&format!("on: push\njobs: {{a: {matrix}}}"), "more than 1000 mappings");
    let needs = "a,".repeat(10_000);
    refused(
        &format!("on: push\njobs: {{a: {{needs: [{needs}], runs-on: a, steps: [{{run: a}}]}}}}"),
        "`needs` has more",
    );
    refused(&"#".repeat((1 << 20) + 1), "at most 1048576 are read");
    let unknown: String = (0..10_000).map(|number| format!("k{number}: 1\n")).collect();
    assert!(read_workflow("w.yml", &unknown).is_err_and(|errors| errors.as_slice().len() <= 500));
}
