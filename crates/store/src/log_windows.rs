//! Windows into long logs of deployments: lines by their place among all of them, or those of one host or step. A place
//! among all is the line's number. Among those of a host or a step, `log_host_blocks` and `log_blocks` tell how many are
//! in each whole block of 4096 lines of the log: what lies before a window is summed up, a row a block, and counted in
//! one block alone. Appending lines and reading them on is [`logs`](crate::logs).

use crate::logs::Row;
use crate::{Store, StoreError, Tx, on_read, on_tx};
use davit_domain::ids::{DeploymentId, HostName};
use davit_domain::log::Line;
use sqlx::{Database, Encode, QueryBuilder, Type};

/// Lines a block; migrations 0014 and 0018 count with the same number.
const BLOCK: i64 = 4096;

/// Which lines of a deployment's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinesOf {
    /// Of all (`None`), of the server (`Some(None)`), or of one host.
    pub host: Option<Option<HostName>>,
    /// The number of the step; `None`: of all.
    pub step: Option<u8>,
}

/// Where a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this place among the lines that are looked at, from 0.
    Place(i64),
    /// At the line with this number, or the next one that is looked at.
    Line(i64),
}

/// Lines that follow each other among those that are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The place of the first one, from 0.
    pub first: i64,
    /// How many there are in all, up to `last_seq`.
    pub total: i64,
    /// The last line of the log when it was looked at. What is written meanwhile is not in the window.
    pub last_seq: i64,
    /// The lines.
    pub items: Vec<Line>,
}

/// The lines that are looked at in each block that has some.
struct Blocks {
    /// (number of the block, how many in it), in order.
    counted: Vec<(i64, i64)>,
    /// The first line that is in no whole block.
    open_from: i64,
    /// How many from there on.
    open: i64,
}

impl Store {
    /// At most `limit` lines, in order, from a place or a line on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_window(
        &self,
        id: DeploymentId,
        of: &LinesOf,
        begin: Begin,
        limit: i64,
    ) -> Result<Window, StoreError> {
        let last_seq = self.last_seq(id).await?;
        let begin = match begin {
            Begin::Place(place) => Begin::Place(place.max(0)),
            Begin::Line(seq) => Begin::Line(seq.max(1)),
        };
        let mut window = if *of == LinesOf::default() {
            self.window_of_all(id, begin, limit, last_seq).await?
        } else {
            self.window_of_some(id, of, begin, limit, last_seq).await?
        };
        window.items.retain(|line| line.seq <= last_seq);
        Ok(window)
    }

    async fn window_of_all(
        &self,
        id: DeploymentId,
        begin: Begin,
        limit: i64,
        last_seq: i64,
    ) -> Result<Window, StoreError> {
        let first = match begin {
            Begin::Place(place) => place,
            Begin::Line(seq) => seq.min(last_seq + 1) - 1,
        };
        let items = self.lines(id, first, None, None, limit).await?;
        Ok(Window { first, total: last_seq, last_seq, items })
    }

    async fn window_of_some(
        &self,
        id: DeploymentId,
        of: &LinesOf,
        begin: Begin,
        limit: i64,
        last_seq: i64,
    ) -> Result<Window, StoreError> {
        let blocks = self.blocks(id, of, last_seq).await?;
        let first = match begin {
            Begin::Place(place) => place,
            Begin::Line(seq) => {
                let block_start = ((seq - 1) / BLOCK * BLOCK).min(blocks.open_from - 1);
                blocks.before(block_start) + self.count_lines(id, of, block_start, seq - 1).await?
            }
        };
        let (mut items, mut skip, mut wanted) = (Vec::new(), first, limit);
        let mut ranges = blocks.ranges().peekable();
        while wanted > 0
            && let Some((after, mut until, mut lines)) = ranges.next()
        {
            if skip >= lines {
                skip -= lines;
                continue;
            }
            // Blocks that follow each other are read at once, and those between without any such line not at all.
            while lines < skip + wanted
                && let Some((_, end, more)) = ranges.next_if(|(start, ..)| *start == until)
            {
                (until, lines) = (end, lines + more);
            }
            let found = self.lines_between(id, of, (after, until), skip, wanted).await?;
            (skip, wanted) = (0, wanted - i64::try_from(found.len()).unwrap_or(wanted));
            items.extend(found);
        }
        Ok(Window { first, total: blocks.total(), last_seq, items })
    }

    /// Those with numbers in `(after, until]`, without the first `skip` of them.
    async fn lines_between(
        &self,
        id: DeploymentId,
        of: &LinesOf,
        (after, until): (i64, i64),
        skip: i64,
        limit: i64,
    ) -> Result<Vec<Line>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => {
            let mut query = QueryBuilder::new(
                "SELECT l.seq, l.at, l.host, l.step, l.stream, l.text FROM (SELECT seq FROM log_lines WHERE ");
            among(&mut query, id, of);
            query.push(" AND seq > ").push_bind(after).push(" AND seq <= ").push_bind(until);
            query.push(" ORDER BY seq LIMIT ").push_bind(limit).push(" OFFSET ").push_bind(skip);
            // Whatever the database knows of the tables: the few that were found first.
            query.push(") found CROSS JOIN log_lines l WHERE l.deployment_id = ").push_bind(id.0);
            query.push(" AND l.seq = found.seq ORDER BY l.seq");
            query.build_query_as().fetch_all(p).await
        })?;
        Row::read_all(id, rows)
    }

    async fn count_lines(&self, id: DeploymentId, of: &LinesOf, after: i64, until: i64) -> Result<i64, StoreError> {
        Ok(on_read!(&self.db, p => {
            let mut query = QueryBuilder::new("SELECT COUNT(*) FROM log_lines WHERE ");
            among(&mut query, id, of);
            query.push(" AND seq > ").push_bind(after).push(" AND seq <= ").push_bind(until);
            query.build_query_scalar().fetch_one(p).await
        })?)
    }

    async fn blocks(&self, id: DeploymentId, of: &LinesOf, last_seq: i64) -> Result<Blocks, StoreError> {
        let open_from = last_seq / BLOCK * BLOCK + 1;
        let counted = on_read!(&self.db, p => {
            let mut query = QueryBuilder::new("SELECT block, CAST(SUM(lines) AS BIGINT) FROM ");
            match &of.host {
                None => query.push("log_blocks WHERE "),
                Some(host) => {
                    let host = host.as_ref().map(ToString::to_string).unwrap_or_default();
                    query.push("log_host_blocks WHERE host = ").push_bind(host).push(" AND ")
                }
            };
            query.push("deployment_id = ").push_bind(id.0).push(" AND block < ").push_bind(open_from / BLOCK);
            if let Some(step) = of.step {
                query.push(" AND step = ").push_bind(i64::from(step));
            }
            query.push(" GROUP BY block ORDER BY block").build_query_as().fetch_all(p).await
        })?;
        let open = self.count_lines(id, of, open_from - 1, last_seq).await?;
        Ok(Blocks { counted, open_from, open })
    }
}

impl Blocks {
    fn total(&self) -> i64 {
        self.counted.iter().map(|(_, lines)| lines).sum::<i64>() + self.open
    }

    /// Those in whole blocks up to this line, with which a block ends.
    fn before(&self, seq: i64) -> i64 {
        self.counted.iter().take_while(|(block, _)| (block + 1) * BLOCK <= seq).map(|(_, lines)| lines).sum()
    }

    /// The blocks that have some: the number before the first line, the last one, and how many.
    fn ranges(&self) -> impl Iterator<Item = (i64, i64, i64)> + '_ {
        let whole = self.counted.iter().map(|(block, lines)| (block * BLOCK, (block + 1) * BLOCK, *lines));
        whole.chain([(self.open_from - 1, i64::MAX, self.open)])
    }
}

impl Tx {
    /// Counts the blocks that lines `first` to `last`, just written, have made whole.
    pub(crate) async fn seal(&mut self, id: DeploymentId, first: i64, last: i64) -> Result<(), StoreError> {
        let (from, until) = ((first - 1) / BLOCK, last / BLOCK);
        if from == until {
            return Ok(());
        }
        for sql in [
            "INSERT INTO log_blocks (deployment_id, step, block, lines)
             SELECT deployment_id, step, (seq - 1) / $2, COUNT(*) FROM log_lines
             WHERE deployment_id = $1 AND seq > $3 AND seq <= $4 GROUP BY deployment_id, step, (seq - 1) / $2",
            "INSERT INTO log_host_blocks (deployment_id, host, block, step, lines)
             SELECT deployment_id, COALESCE(host, ''), (seq - 1) / $2, step, COUNT(*) FROM log_lines
             WHERE deployment_id = $1 AND seq > $3 AND seq <= $4
             GROUP BY deployment_id, COALESCE(host, ''), (seq - 1) / $2, step",
        ] {
            on_tx!(self, c => sqlx::query(sql)
                .bind(id.0).bind(BLOCK).bind(from * BLOCK).bind(until * BLOCK)
                .execute(&mut **c).await.map(drop))?;
        }
        Ok(())
    }
}

/// The condition for lines of a deployment that are looked at. Each has a form that an index answers.
pub(crate) fn among<DB: Database>(query: &mut QueryBuilder<DB>, id: DeploymentId, of: &LinesOf)
where
    for<'a> String: Encode<'a, DB> + Type<DB>,
    for<'a> i64: Encode<'a, DB> + Type<DB>,
{
    query.push("deployment_id = ").push_bind(id.0);
    match &of.host {
        None => {}
        Some(None) => {
            query.push(" AND host IS NULL");
        }
        Some(Some(host)) => {
            query.push(" AND host = ").push_bind(host.to_string());
        }
    }
    if let Some(step) = of.step {
        query.push(" AND step = ").push_bind(i64::from(step));
    }
}
