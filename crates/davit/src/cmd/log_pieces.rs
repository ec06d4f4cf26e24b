//! Pieces of stored logs: `--lines` and `--search`, of deployments and of jobs.

use super::{Format, positive};
use crate::client::Client;
use crate::client::logs::{LogOf, Numbered, PART};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};
use clap::Args;

/// Matching lines that are printed unless somebody says otherwise.
const MATCHES: usize = 50;
/// Lines that are read around a match: the next one is often among them.
const AROUND: usize = 200;

/// Which piece.
#[derive(Debug, Args)]
pub(crate) struct PieceArgs {
    /// Lines with these numbers alone: 100-200, 100- or 100; printed with their numbers
    #[arg(long, value_name = "FROM-TO", value_parser = span, conflicts_with_all = ["follow", "search"])]
    lines: Option<Span>,
    /// Lines with this text alone, whatever the case of its letters; printed with their numbers
    #[arg(long, value_name = "TEXT", conflicts_with = "follow")]
    pub(super) search: Option<String>,
    /// With --search: only from the line with this number on
    #[arg(long, value_name = "LINE", requires = "search")]
    pub(super) from: Option<u64>,
    /// Print at most this many lines: the newest, of --lines and --search [default: 50] the first
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "follow")]
    pub(super) limit: Option<usize>,
}

/// Lines from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    first: u64,
    last: Option<u64>,
}

/// How a line is printed.
pub(super) struct Printing<'c> {
    pub(super) client: &'c Client,
    pub(super) output: Output,
    pub(super) format: Format,
    /// The command that prints more, without `--search`.
    pub(super) again: String,
}

impl PieceArgs {
    /// Whether a piece is asked for, and not the whole.
    pub(super) const fn is_asked_for(&self) -> bool {
        self.lines.is_some() || self.search.is_some()
    }

    /// Prints it; `shown` is how a line looks.
    pub(super) async fn print<T: Numbered>(
        &self,
        printing: &Printing<'_>,
        of: &LogOf,
        shown: impl Fn(&T) -> String,
    ) -> Outcome {
        match (&self.search, self.lines) {
            (Some(text), _) => printing.found(of, text, self.from.unwrap_or(1), self.limit, shown).await,
            (None, Some(span)) => printing.span(of, span, self.limit, shown).await,
            (None, None) => Ok(Exit::Done),
        }
    }
}

impl Printing<'_> {
    async fn span<T: Numbered>(
        &self,
        of: &LogOf,
        span: Span,
        limit: Option<usize>,
        shown: impl Fn(&T) -> String,
    ) -> Outcome {
        let mut after = span.first - 1;
        let mut left = limit.unwrap_or(usize::MAX);
        loop {
            let part = self.client.log::<T>(of, after, left.min(PART)).await?;
            let wanted = part.items.iter().take_while(|line| span.last.is_none_or(|last| line.seq() <= last));
            for line in wanted {
                self.line(line, &shown)?;
            }
            left -= part.items.len().min(left);
            match part.items.last().map(Numbered::seq) {
                Some(seq) if left > 0 && seq < span.last.unwrap_or(u64::MAX).min(part.last_seq) => after = seq,
                Some(_) | None => return Ok(Exit::Done),
            }
        }
    }

    async fn found<T: Numbered>(
        &self,
        of: &LogOf,
        text: &str,
        from: u64,
        limit: Option<usize>,
        shown: impl Fn(&T) -> String,
    ) -> Outcome {
        let limit = limit.unwrap_or(MATCHES);
        let (mut from, mut printed, mut before) = (from, 0, None);
        loop {
            let matches = self.client.search_log(of, text, from).await?;
            let earlier = matches.lines.iter().filter(|line| **line < from).count();
            let wanted: Vec<u64> = matches.lines[earlier..].iter().copied().take(limit - printed).collect();
            // Those before the first place that was asked about are not among the ones that are left.
            let before = *before.get_or_insert(matches.before + earlier as u64);
            if matches.total == before {
                return Err(Failure::new(Exit::NotFound, format!("no line from {from} on holds {text}")));
            }
            self.numbered(of, &wanted, &shown).await?;
            printed += wanted.len();
            let left = matches.total.saturating_sub(before + printed as u64);
            match wanted.last() {
                Some(last) if printed < limit && left > 0 => from = last + 1,
                Some(last) if left > 0 => {
                    let next = last + 1;
                    self.output.note(format!("{left} more: {} --search={} --from {next}", self.again, quoted(text)));
                    return Ok(Exit::Done);
                }
                Some(_) | None => return Ok(Exit::Done),
            }
        }
    }

    /// The lines with these numbers, which rise.
    async fn numbered<T: Numbered>(
        &self,
        of: &LogOf,
        wanted: &[u64],
        shown: &impl Fn(&T) -> String,
    ) -> Result<(), Failure> {
        let mut rest = wanted;
        while let Some(first) = rest.first() {
            let part = self.client.log::<T>(of, first - 1, AROUND).await?;
            for line in part.items.iter().filter(|line| rest.binary_search(&line.seq()).is_ok()) {
                self.line(line, shown)?;
            }
            let read = part.items.last().map_or(*first, Numbered::seq).max(*first);
            rest = &rest[rest.partition_point(|seq| *seq <= read)..];
        }
        Ok(())
    }

    fn line<T: Numbered>(&self, line: &T, shown: &impl Fn(&T) -> String) -> Result<(), Failure> {
        if self.format.json {
            return self.output.json(line);
        }
        let number = self.output.paint(Tone::Faint, format!("{:>6}", line.seq()));
        self.output.line(format!("{number}  {}", shown(line)))
    }
}

/// As shells read a text, whatever it says.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn span(text: &str) -> Result<Span, String> {
    let mistake = || "it must be FROM-TO, FROM- or one number, each from 1".to_owned();
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(mistake);
    let (first, last) = match text.split_once('-') {
        None => (number(text)?, Some(number(text)?)),
        Some((first, "")) => (number(first)?, None),
        Some((first, last)) => (number(first)?, Some(number(last)?)),
    };
    if last.is_some_and(|last| last < first) {
        return Err("the first number must not be the larger one".to_owned());
    }
    Ok(Span { first, last })
}

#[cfg(test)]
mod tests {
    use super::{Span, quoted, span};

    #[test]
    fn a_shell_reads_what_is_quoted_as_it_was() {
        for text in ["tea", "it's", "''", "-x", "$(a) `b` \\", "a b"] {
            assert_eq!(shlex::split(&format!("--search={}", quoted(text))), Some(vec![format!("--search={text}")]));
        }
    }

    #[test]
    fn a_span_is_two_numbers_or_one() {
        assert_eq!(span("100-200"), Ok(Span { first: 100, last: Some(200) }));
        assert_eq!(span("100-"), Ok(Span { first: 100, last: None }));
        assert_eq!(span("7"), Ok(Span { first: 7, last: Some(7) }));
        for text in ["", "-", "-5", "0", "0-3", "5-4", "a-b", "1-2-3"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
