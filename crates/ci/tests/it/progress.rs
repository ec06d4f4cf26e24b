//! How a run goes on: which jobs start, and which do not.

use crate::corpus::{contexts, push_to_main};
use crate::plans::planned;
use davit_ci::{
    Conclusion, Contexts, Expansion, Instance, JobProgress, Next, Plan, Progress, Root, Value, conclusion, expand,
    needs_value, next,
};
use std::fmt::Write;

/// A run, driven by hand.
struct Run {
    plan: Plan,
    jobs: Vec<JobProgress>,
    expanded: Vec<(String, Vec<Instance>)>,
    cancelled: bool,
}

impl Run {
    /// `jobs` are the lines below `jobs:`, without what every job must have.
    fn new(jobs: &[(&str, &str)]) -> Self {
        let mut text = "on: push\njobs:\n".to_owned();
        for (id, rest) in jobs {
            writeln!(text, "  {id}: {{ runs-on: linux, steps: [{{ run: 'true' }}], {rest} }}").expect("a text");
        }
        Self { plan: planned(&text), jobs: Vec::new(), expanded: Vec::new(), cancelled: false }
    }

    fn set(&mut self, job: &str, index: usize, state: Progress) {
        let continue_on_error = self.instances(job).get(index).is_some_and(|instance| instance.continue_on_error);
        self.jobs.retain(|known| (known.job.as_str(), known.index) != (job, index));
        self.jobs.push(JobProgress { job: job.to_owned(), index, state, outputs: Vec::new(), continue_on_error });
    }

    fn end(&mut self, job: &str, index: usize, conclusion: Conclusion) {
        self.set(job, index, Progress::Ended(conclusion));
    }

    fn instances(&self, job: &str) -> Vec<Instance> {
        let planned = self.plan.jobs.iter().find(|planned| planned.job.id == job).expect("a job");
        match &planned.expansion {
            Expansion::Now(instances) => instances.clone(),
            Expansion::AfterNeeds => {
                self.expanded.iter().find(|(id, _)| id == job).map(|(_, known)| known.clone()).unwrap_or_default()
            }
        }
    }

    fn base() -> Contexts<'static> {
        contexts(&push_to_main()).with(Root::Inputs, Value::Object(Vec::new()))
    }

    fn all(&self) -> Vec<Next> {
        next(&self.plan, &self.jobs, &self.expanded, &Self::base(), self.cancelled)
    }

    /// What is to be done, in short, and does it: what starts runs, what is left out has ended.
    fn go(&mut self) -> String {
        let mut said = Vec::new();
        for one in self.all() {
            match one {
                Next::Expand { job } => {
                    let written = &self.plan.jobs.iter().find(|planned| planned.job.id == job).expect("a job").job;
                    let needs = needs_value(&self.plan, written, &self.jobs);
                    let instances = expand(written, &Self::base().with(Root::Needs, needs)).expect("combinations");
                    said.push(format!("expand {job}"));
                    self.expanded.push((job, instances));
                }
                Next::Start { job, index } => {
                    self.set(&job, index, Progress::Running);
                    said.push(format!("start {job} {index}"));
                }
                Next::Skip { job, index, .. } => {
                    self.end(&job, index, Conclusion::Skipped);
                    said.push(format!("skip {job} {index}"));
                }
                Next::Fail { job, index, .. } => {
                    self.end(&job, index, Conclusion::Failure);
                    said.push(format!("fail {job} {index}"));
                }
                Next::Cancel { job, index, .. } => {
                    self.end(&job, index, Conclusion::Cancelled);
                    said.push(format!("cancel {job} {index}"));
                }
            }
        }
        said.join(", ")
    }

    fn conclusion(&self) -> Option<Conclusion> {
        conclusion(&self.plan, &self.jobs, &self.expanded, self.cancelled)
    }
}

#[test]
fn jobs_start_when_their_needs_are_done() {
    let mut run = Run::new(&[("a", ""), ("b", ""), ("c", "needs: [a, b]")]);
    assert_eq!(run.go(), "start a 0, start b 0");
    assert_eq!(run.go(), "", "they run");
    run.end("a", 0, Conclusion::Success);
    assert_eq!(run.go(), "", "one of two");
    assert_eq!(run.conclusion(), None);
    run.end("b", 0, Conclusion::Success);
    assert_eq!(run.go(), "start c 0");
    run.end("c", 0, Conclusion::Success);
    assert_eq!((run.go().as_str(), run.conclusion()), ("", Some(Conclusion::Success)));
}

/// What becomes of a job with this `if` behind a job that ended like this.
#[test]
fn conditions_ask_how_needed_jobs_ended() {
    use Conclusion::{Cancelled, Error, Failure, Skipped, Success, TimedOut};
    let cases = [
        ("", Success, "start b 0"),
        ("", Failure, "skip b 0"),
        ("", Skipped, "skip b 0"),
        ("", Cancelled, "skip b 0"),
        ("", TimedOut, "skip b 0"),
        ("", Error, "skip b 0"),
        ("if: true", Failure, "skip b 0"),
        ("if: always()", Failure, "start b 0"),
        ("if: always()", Skipped, "start b 0"),
        ("if: failure()", Failure, "start b 0"),
        ("if: failure()", TimedOut, "start b 0"),
        ("if: failure()", Error, "start b 0"),
        ("if: failure()", Success, "skip b 0"),
        ("if: failure()", Skipped, "skip b 0"),
        ("if: failure()", Cancelled, "skip b 0"),
        ("if: success() || failure()", Failure, "start b 0"),
        ("if: \"!cancelled()\"", Skipped, "start b 0"),
        ("if: \"needs.a.result == 'failure'\"", Failure, "skip b 0"),
        ("if: \"always() && needs.a.result == 'failure'\"", TimedOut, "start b 0"),
        ("if: \"always() && needs.a.result == 'skipped'\"", Skipped, "start b 0"),
        ("if: \"github.ref == 'refs/heads/other'\"", Success, "skip b 0"),
        ("if: fromJSON(vars.nothing)", Success, "fail b 0"),
    ];
    for (condition, ended, expected) in cases {
        let mut run = Run::new(&[("a", ""), ("b", &format!("needs: a, {condition}"))]);
        run.end("a", 0, ended);
        assert_eq!(run.go(), expected, "{condition} after {ended:?}");
    }
}

#[test]
fn all_jobs_before_count() {
    let jobs = |last| [("a", ""), ("b", "needs: a, if: always()"), ("c", last)];
    for (last, expected) in
        [("needs: b", "skip c 0"), ("needs: b, if: failure()", "start c 0"), ("needs: b, if: always()", "start c 0")]
    {
        let mut run = Run::new(&jobs(last));
        run.end("a", 0, Conclusion::Failure);
        run.end("b", 0, Conclusion::Success);
        assert_eq!(run.go(), expected, "{last}");
    }
}

#[test]
fn who_is_left_out_is_told_why() {
    let mut run = Run::new(&[("a", ""), ("b", "needs: a"), ("c", "needs: b"), ("d", "if: github.ref == 'x'")]);
    run.end("a", 0, Conclusion::TimedOut);
    let reasons = |run: &Run| -> Vec<String> {
        let reason = |one| match one {
            Next::Skip { reason, .. } | Next::Fail { reason, .. } | Next::Cancel { reason, .. } => Some(reason),
            Next::Expand { .. } | Next::Start { .. } => None,
        };
        run.all().into_iter().filter_map(reason).collect()
    };
    assert_eq!(
        reasons(&run),
        ["`a`, which it needs, ended with failure", "its condition does not hold: github.ref == 'x'"]
    );
    assert_eq!(run.go(), "skip b 0, skip d 0");
    assert_eq!(reasons(&run), ["`a`, which it needs, ended with failure"], "the job that began it");
    run.go();
    assert_eq!(run.conclusion(), Some(Conclusion::TimedOut));
}

#[test]
fn a_failure_ends_the_rest_of_its_matrix() {
    let matrix = "strategy: { matrix: { x: [1, 2, 3], }, max-parallel: 2 }";
    let mut run = Run::new(&[("m", matrix), ("after", "needs: m, if: failure()")]);
    assert_eq!(run.go(), "start m 0, start m 1");
    run.end("m", 1, Conclusion::Failure);
    assert_eq!(run.go(), "cancel m 0, cancel m 2");
    assert_eq!(run.go(), "start after 0");
    run.end("after", 0, Conclusion::Success);
    assert_eq!(run.conclusion(), Some(Conclusion::Failure), "not cancelled");
}

#[test]
fn a_job_that_was_told_to_end_is_named_until_it_did() {
    let mut run = Run::new(&[("m", "strategy: { matrix: { x: [1, 2] } }")]);
    run.go();
    run.end("m", 0, Conclusion::Failure);
    assert_eq!(run.all(), run.all());
    assert!(matches!(run.all().as_slice(), [Next::Cancel { index: 1, .. }]));
    run.end("m", 1, Conclusion::Success);
    assert_eq!(run.all(), []);
}

#[test]
fn a_matrix_without_fail_fast_goes_on() {
    let mut run = Run::new(&[("m", "strategy: { fail-fast: false, max-parallel: 1, matrix: { x: [1, 2] } }")]);
    assert_eq!(run.go(), "start m 0");
    run.end("m", 0, Conclusion::Failure);
    assert_eq!(run.go(), "start m 1");
    run.end("m", 1, Conclusion::Success);
    assert_eq!(run.conclusion(), Some(Conclusion::Failure));
}

#[test]
fn a_failure_that_may_happen_leaves_the_run_green() {
    let matrix = "strategy: { matrix: { x: [1, 2] } }, continue-on-error: \"${{ matrix.x == 1 }}\"";
    let mut run = Run::new(&[("m", matrix), ("after", "needs: m")]);
    run.go();
    run.end("m", 0, Conclusion::Failure);
    assert_eq!(run.go(), "", "the other goes on");
    run.end("m", 1, Conclusion::Success);
    assert_eq!(run.go(), "start after 0");
    run.end("after", 0, Conclusion::Success);
    assert_eq!(run.conclusion(), Some(Conclusion::Success));
    run.end("m", 1, Conclusion::Failure);
    assert_eq!(run.conclusion(), Some(Conclusion::Failure), "the other may not");
}

#[test]
fn a_matrix_of_outputs_is_made_when_they_are_there() {
    let matrix = "needs: find, strategy: { matrix: { x: \"${{ fromJSON(needs.find.outputs.list) }}\" } }";
    let mut run = Run::new(&[("find", "outputs: { list: x }"), ("m", matrix), ("after", "needs: m")]);
    assert_eq!(run.go(), "start find 0");
    assert_eq!(run.conclusion(), None);
    run.end("find", 0, Conclusion::Success);
    run.jobs[0].outputs = vec![("list".to_owned(), "[7, 8]".to_owned())];
    assert_eq!(run.go(), "expand m");
    assert_eq!(run.go(), "start m 0, start m 1");
    run.end("m", 0, Conclusion::Success);
    assert_eq!(run.go(), "");
    run.end("m", 1, Conclusion::Success);
    assert_eq!(run.go(), "start after 0");

    let mut run = Run::new(&[("find", "outputs: { list: x }"), ("m", matrix), ("after", "needs: m")]);
    run.end("find", 0, Conclusion::Failure);
    assert_eq!(run.go(), "skip m 0", "it is never made");
    assert_eq!(run.go(), "skip after 0");
    assert_eq!(run.conclusion(), Some(Conclusion::Failure));
    let mut run = Run::new(&[("find", "outputs: { list: x }"), ("m", matrix)]);
    run.end("find", 0, Conclusion::Success);
    run.end("m", 0, Conclusion::Failure);
    assert_eq!(run.go(), "", "its matrix could not be made");
    assert_eq!(run.conclusion(), Some(Conclusion::Failure));
}

#[test]
fn a_cancelled_run_does_what_always_runs() {
    let mut run = Run::new(&[
        ("a", ""),
        ("m", "strategy: { matrix: { x: [1, 2] }, max-parallel: 1 }"),
        ("clean", "needs: [a, m], if: always()"),
        ("tell", "needs: clean, if: cancelled()"),
        ("never", "needs: a, if: failure()"),
        ("after", "needs: a"),
    ]);
    assert_eq!(run.go(), "start a 0, start m 0");
    run.cancelled = true;
    assert_eq!(run.go(), "cancel a 0, cancel m 0, cancel m 1, cancel after 0");
    assert_eq!(run.go(), "start clean 0, cancel never 0");
    assert_eq!(run.go(), "", "it goes on");
    run.end("clean", 0, Conclusion::Success);
    assert_eq!(run.go(), "start tell 0");
    run.end("tell", 0, Conclusion::Success);
    assert_eq!(run.conclusion(), Some(Conclusion::Cancelled));

    let mut late = Run::new(&[("a", "")]);
    late.go();
    late.end("a", 0, Conclusion::Success);
    late.cancelled = true;
    assert_eq!((late.go().as_str(), late.conclusion()), ("", Some(Conclusion::Success)), "it had ended before");
}

#[test]
fn runs_end_as_the_worst_of_their_jobs() {
    use Conclusion::{Cancelled, Error, Failure, Skipped, Success, TimedOut};
    let cases = [
        (Success, Skipped, Success),
        (Skipped, Skipped, Skipped),
        (Success, Failure, Failure),
        (Failure, Error, Failure),
        (TimedOut, Error, TimedOut),
        (Error, Cancelled, Error),
        (Cancelled, Success, Cancelled),
    ];
    for (first, second, expected) in cases {
        let mut run = Run::new(&[("a", ""), ("b", "")]);
        run.end("a", 0, first);
        assert_eq!(run.conclusion(), None);
        run.end("b", 0, second);
        assert_eq!(run.conclusion(), Some(expected), "{first:?} and {second:?}");
        run.cancelled = true;
        let expected = if [first, second].contains(&Cancelled) { Cancelled } else { expected };
        assert_eq!(run.conclusion(), Some(expected), "{first:?} and {second:?}, cancelled");
    }
}

#[test]
fn outputs_of_a_matrix_are_put_together() {
    let mut run = Run::new(&[
        ("m", "strategy: { matrix: { x: [1, 2] } }, outputs: { one: x, two: x }"),
        ("other", ""),
        ("after", "needs: m"),
    ]);
    run.end("m", 1, Conclusion::Success);
    run.end("m", 0, Conclusion::Success);
    let output = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    run.jobs[0].outputs = vec![output("one", ""), output("two", "second")];
    run.jobs[1].outputs = vec![output("one", "first"), output("two", "first")];
    let after = &run.plan.jobs.iter().find(|planned| planned.job.id == "after").expect("a job").job;
    let needs = needs_value(&run.plan, after, &run.jobs);
    let expected = r#"{ "m": { "result": "success", "outputs": { "one": "first", "two": "second" } } }"#;
    assert_eq!(needs, Value::from_json(expected).expect("JSON"));
}
