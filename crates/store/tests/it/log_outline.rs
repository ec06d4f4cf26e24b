//! Outlines of jobs' logs, of any length and whatever a workflow writes.

use crate::ci::running_job;
use crate::support::{at, both};
use davit_domain::log::Stream;
use davit_store::ci_logs::NewJobLine;
use davit_store::log_outline::{Mark, MarkKind, Outline};

fn line(step: u32, text: impl Into<String>) -> NewJobLine {
    NewJobLine { at: at(1), step, stream: Stream::Stdout, text: text.into() }
}

fn mark(seq: i64, step: u32, kind: MarkKind) -> Mark {
    Mark { seq, step, kind }
}

both!(a_log_is_outlined_over_the_ends_of_pieces, |store| {
    let (_, job, fence) = running_job(&store).await;
    assert_eq!(store.job_outline(job).await.expect("reads"), Outline::default());
    // A group begins with the last line of a piece, and the next step inside the second piece.
    let mut lines = vec![line(1, "quiet"); 16_383];
    lines[0] = line(1, "::endgroup::");
    lines[1] = line(1, "::error::in no group");
    let title = "部".repeat(500);
    lines.push(line(1, format!("::group::{title}")));
    lines.extend([line(1, "::error::one"), line(1, "::error::two"), line(1, "said ::group::"), line(1, "::GROUP::no")]);
    lines.extend([line(1, "::endgroup::"), line(2, "other"), line(1, "again"), line(3, "::group::")]);
    store.append_job_lines(job, fence, 1, &lines).await.expect("writes");

    let outline = store.job_outline(job).await.expect("reads");
    let expected = [
        mark(1, 1, MarkKind::Step),
        mark(1, 1, MarkKind::EndGroup),
        mark(16_384, 1, MarkKind::Group("部".repeat(191))),
        mark(16_385, 1, MarkKind::Error),
        mark(16_389, 1, MarkKind::EndGroup),
        mark(16_390, 2, MarkKind::Step),
        mark(16_391, 1, MarkKind::Step),
        mark(16_392, 3, MarkKind::Step),
        mark(16_392, 3, MarkKind::Group(String::new())),
    ];
    assert_eq!(outline, Outline { marks: expected.into(), last_seq: 16_392, truncated: false });
});

both!(steps_are_named_however_many_groups_there_are, |store| {
    let (_, job, fence) = running_job(&store).await;
    let mut lines = Vec::new();
    for _ in 0..12_000 {
        lines.extend([line(1, "::group::x"), line(1, "::endgroup::")]);
    }
    lines.extend([line(2, "::group::y"), line(2, "::error::in it"), line(2, "::endgroup::"), line(3, "end")]);
    store.append_job_lines(job, fence, 1, &lines).await.expect("writes");

    let outline = store.job_outline(job).await.expect("reads");
    assert!(outline.truncated);
    assert_eq!(outline.last_seq, 24_004);
    let last: Vec<_> = outline.marks.iter().rev().take(4).rev().cloned().collect();
    let expected = [
        mark(19_999, 1, MarkKind::Group("x".into())),
        mark(20_000, 1, MarkKind::EndGroup),
        mark(24_001, 2, MarkKind::Step),
        mark(24_004, 3, MarkKind::Step),
    ];
    assert_eq!(last, expected, "the last group that is named has its end");
    assert_eq!(outline.marks.len(), 20_003);
});
