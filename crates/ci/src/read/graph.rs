//! `needs`: every job exists, none waits for itself, and expressions look at needed jobs alone.

use crate::expression::{Expression, Root, Template};
use crate::model::{Job, Matrix, Work};
use crate::place::{Place, Problems, listed};
use crate::yaml::{Entry, Kind, Node};
use std::collections::BTreeSet;

/// The jobs, each behind those that it needs, otherwise as in the file.
pub(super) fn order(read: Vec<(&Entry, Option<Job>)>, problems: &mut Problems) -> Vec<Job> {
    let ids: BTreeSet<&str> = read.iter().map(|(entry, _)| entry.key.as_str()).collect();
    let mut jobs = Vec::new();
    for (entry, job) in read {
        let Some(mut job) = job else { continue };
        job.needs = needed(entry, &job, &ids, problems);
        unneeded(&job, problems);
        jobs.push(job);
    }
    sort(jobs, problems)
}

/// The jobs that a job needs; what is not there is reported.
fn needed(entry: &Entry, job: &Job, ids: &BTreeSet<&str>, problems: &mut Problems) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for need in &job.needs {
        let place = place_of_need(entry, need).unwrap_or(job.place);
        if !ids.contains(need.as_str()) {
            let jobs = listed(ids.iter().copied());
            problems.add(place, format!("the job `{}` needs `{need}`, which is no job; there are {jobs}", job.id));
        } else if *need == job.id {
            problems.add(place, format!("the job `{need}` needs itself"));
        } else if found.contains(need) {
            problems.add(place, format!("the job `{}` needs `{need}` twice", job.id));
        } else {
            found.push(need.clone());
        }
    }
    found
}

fn place_of_need(entry: &Entry, need: &str) -> Option<Place> {
    let Kind::Map(fields) = &entry.value.kind else { return None };
    let needs = &fields.iter().find(|field| field.key == "needs")?.value;
    let is_it = |node: &&Node| matches!(&node.kind, Kind::Scalar(scalar) if scalar.text == need);
    match &needs.kind {
        Kind::List(items) => items.iter().find(is_it).map(|node| node.place),
        Kind::Scalar(_) | Kind::Map(_) => Some(needs.place),
    }
}

/// `needs.x` is empty where the job does not need `x`, which nobody means.
fn unneeded(job: &Job, problems: &mut Problems) {
    let mut reported = BTreeSet::new();
    for expression in expressions(job) {
        for id in expression.looked_up(Root::Needs) {
            let known = job.needs.iter().any(|need| need.eq_ignore_ascii_case(&id));
            if !known && reported.insert(id.clone()) {
                let message =
                    format!("the job `{}` looks at `needs.{id}` and does not need it; add it to `needs`", job.id);
                problems.add(job.place, message);
            }
        }
    }
}

/// The expressions of a job in which `needs` means something.
fn expressions(job: &Job) -> Vec<&Expression> {
    let mut found: Vec<&Expression> = job.condition.expression().into_iter().collect();
    let mut templates: Vec<&Template> = job.env.iter().chain(job.outputs.iter()).map(|(_, value)| value).collect();
    templates.extend(&job.name);
    templates.extend(&job.runs_on.0);
    if let Some(Matrix::Expression(expression)) = &job.strategy.matrix {
        found.push(expression);
    }
    for step in &job.steps {
        found.extend(step.condition.expression());
        templates.extend(&step.name);
        templates.extend(step.env.iter().map(|(_, value)| value));
        match &step.work {
            Work::Run { script, .. } => templates.push(script),
            Work::Uses { with, .. } => templates.extend(with.iter().map(|(_, value)| value)),
        }
    }
    found.extend(templates.into_iter().flat_map(Template::expressions));
    found
}

/// Takes whatever needs nothing that is left, again and again; what is left in the end waits for itself.
fn sort(mut left: Vec<Job>, problems: &mut Problems) -> Vec<Job> {
    let mut sorted: Vec<Job> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready =
            left.iter().position(|job| !job.needs.iter().any(|need| left.iter().any(|other| other.id == *need)));
        match ready {
            Some(index) => sorted.push(left.remove(index)),
            None => {
                let circle = circle(&left);
                let first = circle.first().copied();
                let place = first.and_then(|id| left.iter().find(|job| job.id == id)).map(|job| job.place);
                let path: Vec<&str> = circle.iter().copied().chain(first).collect();
                let message = format!("these jobs wait for each other: {}", path.join(" needs "));
                problems.add(place.unwrap_or(Place::START), message);
                return sorted;
            }
        }
    }
    sorted
}

/// Jobs of which each needs the next, and the last the first.
fn circle(left: &[Job]) -> Vec<&str> {
    let mut path: Vec<&str> = Vec::new();
    let mut current = left.first();
    while let Some(job) = current {
        if let Some(start) = path.iter().position(|id| *id == job.id) {
            return path.split_off(start);
        }
        path.push(&job.id);
        current = job.needs.iter().find_map(|need| left.iter().find(|other| other.id == *need));
    }
    path
}
