//! `davit runs logs`: what jobs said, as a whole, as it comes, or in pieces.

use super::log_pieces::{PieceArgs, Printing};
use super::runs::the_job;
use super::{Format, not_found};
use crate::client::Client;
use crate::client::ci::{Job, JobLine, Run};
use crate::client::logs::{LogOf, Mark, PART};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, visible};
use clap::Args;
use std::collections::BTreeSet;

/// Whose log is printed.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The run's number
    run: i64,
    /// Only the job with this number or name
    #[arg(long)]
    job: Option<String>,
    /// Lines of this step of the job alone
    #[arg(long, value_name = "N", requires = "job", conflicts_with = "follow")]
    step: Option<u32>,
    /// Go on until the run ends; exit code 1 unless it succeeds
    #[arg(short, long)]
    follow: bool,
    /// Say where the job's steps and groups begin: numbers for --lines
    #[arg(long, conflicts_with_all = ["follow", "lines", "search", "limit", "step"])]
    outline: bool,
    #[command(flatten)]
    piece: PieceArgs,
    #[command(flatten)]
    format: Format,
}

/// Prints what is asked for.
pub(super) async fn print(client: &Client, args: LogsArgs) -> Outcome {
    let logs = Logs { client, output: Output::detect(), format: args.format };
    let job = args.job.as_deref();
    if args.piece.limit.is_some() && !args.piece.is_asked_for() {
        return Err(Failure::usage("--limit goes with --lines or --search here"));
    }
    if args.piece.from.is_some() && job.is_none() {
        return Err(Failure::usage("lines are numbered job by job: --from goes with --job here")
            .hint(format!("davit runs show {}, for the jobs", args.run)));
    }
    match (&args.piece.search, job) {
        _ if args.follow => logs.follow(args.run, job).await,
        _ if args.outline => logs.outline(args.run, job).await,
        (Some(text), None) => logs.search(args.run, text, args.piece.limit).await,
        _ if args.piece.is_asked_for() => logs.piece(&args).await,
        (_, _) => logs.print(args.run, job, args.step).await,
    }
}

/// Prints a run's log until it ends.
pub(super) async fn follow(client: &Client, format: Format, run: i64) -> Outcome {
    Logs { client, output: Output::detect(), format }.follow(run, None).await
}

/// Prints logs of jobs.
struct Logs<'c> {
    client: &'c Client,
    output: Output,
    format: Format,
}

impl Logs<'_> {
    /// A piece of one job's log.
    async fn piece(&self, args: &LogsArgs) -> Outcome {
        let job = self.only_job(args.run, args.job.as_deref()).await?;
        let again = format!("davit runs logs {} --job {}", args.run, job.id);
        let printing = Printing { client: self.client, output: self.output, format: self.format, again };
        let of = LogOf::Job { id: job.id, step: args.step };
        let shown = |line: &JobLine| self.output.job_line(&job.name, line.at, line.step, &line.text);
        args.piece.print(&printing, &of, shown).await
    }

    /// Where steps and groups begin.
    async fn outline(&self, run: i64, job: Option<&str>) -> Outcome {
        let job = self.only_job(run, job).await?;
        let outline = self.client.job_outline(job.id).await?;
        if self.format.json {
            self.output.json(&outline)?;
            return Ok(Exit::Done);
        }
        let row = |mark: &Mark| {
            let tone = if mark.kind == "error" { Tone::Bad } else { Tone::Faint };
            vec![
                Cell::from(mark.seq.to_string()),
                Cell::from(mark.step.to_string()),
                Cell::toned(tone, &mark.kind),
                Cell::from(mark.title.as_deref().unwrap_or_default()),
            ]
        };
        let rows: Vec<_> = outline.marks.iter().filter(|mark| mark.kind != "endgroup").map(row).collect();
        self.output.table(&["line", "step", "what", "title"], &rows, "It has said nothing")?;
        Ok(Exit::Done)
    }

    /// Lines of all jobs that hold a text.
    async fn search(&self, run: i64, text: &str, limit: Option<usize>) -> Outcome {
        let mut found = self.client.search_run(run, text).await?;
        found.items.truncate(limit.unwrap_or(usize::MAX));
        if found.items.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("no line of run {run} holds {text}")));
        }
        let detail = self.client.run(run).await?;
        for line in &found.items {
            if self.format.json {
                self.output.json(line)?;
                continue;
            }
            let job = detail.jobs.iter().find(|job| job.id == line.job_id);
            let name = job.map_or_else(|| line.job_id.to_string(), |job| job.name.clone());
            let number = self.output.paint(Tone::Faint, format!("{:>6}", line.seq));
            let name = self.output.paint(Tone::Name, visible(&name));
            self.output.line(format!("{number}  {name}| {}", self.output.program(&line.text)))?;
        }
        Ok(Exit::Done)
    }

    /// The job that is named, or the only one there is.
    async fn only_job(&self, run: i64, job: Option<&str>) -> Result<Job, Failure> {
        let detail = self.client.run(run).await?;
        if let Some(text) = job {
            return the_job(&detail, text).cloned();
        }
        let mut newest = detail.jobs.iter().filter(|job| job.latest);
        match (newest.next(), newest.next()) {
            (Some(job), None) => Ok(job.clone()),
            (None, _) => Err(not_found("job of run", &run.to_string(), &format!("davit runs show {run}"))),
            (Some(_), Some(_)) => Err(Failure::usage(format!("run {run} has several jobs: say which with --job"))
                .hint(format!("davit runs show {run}"))),
        }
    }

    async fn print(&self, run: i64, job: Option<&str>, step: Option<u32>) -> Outcome {
        let detail = self.client.run(run).await?;
        let jobs: Vec<&Job> = match job {
            Some(text) => vec![the_job(&detail, text)?],
            None => detail.jobs.iter().filter(|job| job.latest && job.started_at.is_some()).collect(),
        };
        for job in jobs {
            self.stored(job, step).await?;
        }
        Ok(Exit::Done)
    }

    async fn stored(&self, job: &Job, step: Option<u32>) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let page = self.client.log::<JobLine>(&LogOf::Job { id: job.id, step }, after, PART).await?;
            page.items.iter().try_for_each(|line| self.line(job, line))?;
            match page.items.last() {
                Some(last) if last.seq < page.last_seq => after = last.seq,
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// One job after the other, in the order in which they start; what jobs beside them say waits for its turn.
    async fn follow(&self, run: i64, only: Option<&str>) -> Outcome {
        let mut changes = self.client.stream(&["events"], &[]);
        let mut printed = BTreeSet::new();
        loop {
            let detail = self.client.run(run).await?;
            let key = match only {
                Some(text) => Some(the_job(&detail, text)?.key.clone()),
                None => None,
            };
            let next = detail.jobs.iter().find(|job| {
                let is_meant = job.latest && key.as_ref().is_none_or(|key| job.key == *key);
                is_meant && job.started_at.is_some() && !printed.contains(&job.id)
            });
            if let Some(job) = next {
                self.client.follow_job(job.id, |line| self.line(job, &line)).await?;
                printed.insert(job.id);
            } else if detail.run.has_ended() {
                return self.verdict(&detail.run);
            } else {
                if detail.run.state == "awaiting_approval" && printed.is_empty() {
                    self.output.note(format!("It waits for approval: davit runs approve {run}"));
                }
                self.client.run_changed(&mut changes).await?;
            }
        }
    }

    fn verdict(&self, run: &Run) -> Outcome {
        if run.is_good() {
            return Ok(Exit::Done);
        }
        let reason = run.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        Err(Failure::failed(format!("run {} ended as {}{reason}", run.id, run.state))
            .hint(format!("davit runs show {}", run.id)))
    }

    fn line(&self, job: &Job, line: &JobLine) -> Result<(), Failure> {
        if self.format.json {
            let mut value = serde_json::json!(line);
            value["job"] = job.id.into();
            return self.output.json(&value);
        }
        self.output.line(self.output.job_line(&job.name, line.at, line.step, &line.text))
    }
}
