//! Looks whether the feed is as davit wrote it.

use super::head::Head;
use super::key::FeedKey;
use crate::{Engine, EngineError};
use davit_store::feed_chain::{FeedAnchor, StoredEntry};

const PAGE: i64 = 1000;
/// More are counted, not told one by one.
const MOST_FAULTS: usize = 100;
/// The chain may lose its first entries to the retention while it is being read.
const TRIES: usize = 3;

/// What is wrong in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What sort of thing.
    pub kind: FaultKind,
    /// The entry's number, where there is an entry.
    pub entry: Option<i64>,
    /// Its place in the chain, where it has one.
    pub position: Option<i64>,
    /// A sentence for people.
    pub sentence: String,
}

/// Sorts of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// An entry says something else than what davit wrote, or stands in another place.
    Changed,
    /// Entries are gone from the middle.
    Missing,
    /// An entry is there that davit did not write, or a second time.
    Inserted,
    /// The newest entries are gone.
    Cut,
    /// The beginning of the chain is not what davit wrote.
    Beginning,
}

impl FaultKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Cut => "cut",
            Self::Beginning => "beginning",
        }
    }
}

/// What a look at the whole feed has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the chain.
    pub entries: u64,
    /// Entries that are so new that they are not in it yet.
    pub waiting: u64,
    /// The first position; those before it were forgotten, as the settings want.
    pub first: i64,
    /// The end of the chain: keep it somewhere else, and give it to the next look.
    pub end: Option<Head>,
    /// What is wrong, the first hundred.
    pub faults: Vec<Fault>,
    /// How much is wrong in all.
    pub fault_count: usize,
}

impl Engine {
    /// Looks at every entry; `expected` is an end of the chain that an earlier look has shown.
    ///
    /// # Errors
    /// When the store does not answer, or the master key does not fit. A feed that is not as it was is a result.
    pub async fn verify_feed(&self, expected: Option<&Head>) -> Result<Verified, EngineError> {
        let noted = Head::noted(self.data_dir()).await?;
        let noted = noted.as_ref().filter(|noted| expected != Some(noted));
        let heads: Vec<&Head> = expected.into_iter().chain(noted).collect();
        let mut tries = 0;
        loop {
            tries += 1;
            let before = self.store().feed_anchor().await?;
            let verified = self.verify_from(before.as_ref(), &heads).await?;
            if tries >= TRIES || self.store().feed_anchor().await? == before {
                return Ok(verified);
            }
        }
    }

    async fn verify_from(&self, anchor: Option<&FeedAnchor>, heads: &[&Head]) -> Result<Verified, EngineError> {
        let mut found = Verified::default();
        let key = FeedKey::read(self.store(), self.sealer()).await?;
        let (Some(key), Some(anchor)) = (key, anchor) else {
            found.fault(
                FaultKind::Beginning,
                None,
                "the key of the feed or the beginning of its chain is gone from the database".into(),
            );
            return Ok(found);
        };
        if !key.is_anchor(anchor) {
            found.fault(FaultKind::Beginning, None, "the beginning of the chain was not written by davit".into());
        }
        let mut walk = Walk { key: &key, anchor, heads, at: anchor.position, seal: Some(anchor.seal.clone()) };
        found.first = anchor.position + 1;
        walk.compare_with_heads(anchor.position, &anchor.seal, &mut found);
        self.forgotten_and_still_there(anchor, &mut found).await?;
        let mut after = anchor.position;
        loop {
            let entries = self.store().chained(after, PAGE).await?;
            let Some(last) = entries.last().and_then(|entry| entry.position) else { break };
            entries.iter().for_each(|entry| walk.step(entry, &mut found));
            after = last;
        }
        walk.end(&mut found);
        self.look_at_the_rest(&key, anchor, &mut found).await?;
        Ok(found)
    }

    /// Entries with a place before the beginning.
    async fn forgotten_and_still_there(&self, anchor: &FeedAnchor, found: &mut Verified) -> Result<(), EngineError> {
        let early = self.store().chained(i64::MIN, PAGE).await?;
        for entry in early.iter().take_while(|entry| entry.position.is_some_and(|at| at <= anchor.position)) {
            let sentence = format!("entry {} has a place before the beginning of the chain", entry.id);
            found.fault(FaultKind::Inserted, Some(entry), sentence);
        }
        Ok(())
    }

    /// Entries without a place, and copies.
    async fn look_at_the_rest(
        &self,
        key: &FeedKey,
        anchor: &FeedAnchor,
        found: &mut Verified,
    ) -> Result<(), EngineError> {
        let mut above = 0;
        loop {
            let entries = self.store().unchained(above, PAGE).await?;
            let Some(last) = entries.last() else { break };
            above = last.id;
            for entry in &entries {
                if key.is_proved(entry, anchor.last_bare) {
                    found.waiting += 1;
                } else {
                    let sentence = format!("entry {} was not written by davit, or was changed right away", entry.id);
                    found.fault(FaultKind::Inserted, Some(entry), sentence);
                }
            }
        }
        for id in self.store().copied_entries().await? {
            let sentence = format!("entry {id} is a copy of another one");
            found.push(Fault { kind: FaultKind::Inserted, entry: Some(id), position: None, sentence });
        }
        Ok(())
    }
}

impl Verified {
    /// Whether all is as davit wrote it.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.fault_count == 0
    }

    fn fault(&mut self, kind: FaultKind, entry: Option<&StoredEntry>, sentence: String) {
        let position = entry.and_then(|entry| entry.position);
        self.push(Fault { kind, entry: entry.map(|entry| entry.id), position, sentence });
    }

    fn push(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// A walk along the chain.
struct Walk<'a> {
    key: &'a FeedKey,
    anchor: &'a FeedAnchor,
    heads: &'a [&'a Head],
    /// The position that was seen last.
    at: i64,
    /// Its seal; `None` behind a gap.
    seal: Option<Vec<u8>>,
}

impl Walk<'_> {
    fn step(&mut self, entry: &StoredEntry, found: &mut Verified) {
        let (Some(position), Some(seal)) = (entry.position, &entry.seal) else {
            found.fault(FaultKind::Changed, Some(entry), format!("entry {} has lost its seal", entry.id));
            self.at = entry.position.unwrap_or(self.at);
            self.seal = None;
            return;
        };
        if position != self.at + 1 {
            let gone = position - self.at - 1;
            let sentence = format!("{gone} entries are gone between the positions {} and {position}", self.at);
            found.push(Fault { kind: FaultKind::Missing, entry: None, position: Some(self.at + 1), sentence });
            self.seal = None;
        }
        let is_proved = self.key.is_proved(entry, self.anchor.last_bare);
        let is_bound = self.seal.as_ref().is_none_or(|before| self.key.is_seal(seal, before, position, entry));
        match (is_proved, is_bound) {
            (true, true) => {}
            (false, _) if entry.proof.is_none() => {
                let sentence = format!("entry {} at position {position} was not written by davit", entry.id);
                found.fault(FaultKind::Inserted, Some(entry), sentence);
            }
            (false, _) => {
                let sentence =
                    format!("entry {} at position {position} says something else than davit wrote", entry.id);
                found.fault(FaultKind::Changed, Some(entry), sentence);
            }
            (true, false) => {
                let sentence =
                    format!("entry {} does not belong to position {position}, or its seal was changed", entry.id);
                found.fault(FaultKind::Changed, Some(entry), sentence);
            }
        }
        self.compare_with_heads(position, seal, found);
        found.entries += 1;
        found.end = Some(Head { position, seal: seal.clone() });
        self.at = position;
        self.seal = Some(seal.clone());
    }

    /// The positions that somebody knows from before.
    fn compare_with_heads(&self, position: i64, seal: &[u8], found: &mut Verified) {
        for head in self.heads.iter().filter(|head| head.position == position && head.seal != seal) {
            let sentence = format!("position {} had another seal when it was noted: {head}", head.position);
            found.push(Fault { kind: FaultKind::Changed, entry: None, position: Some(position), sentence });
        }
    }

    fn end(&self, found: &mut Verified) {
        for head in self.heads.iter().filter(|head| head.position > self.at) {
            let sentence = format!(
                "the feed ends at position {}, but position {} was noted: the newest entries are gone, or the database is an older copy",
                self.at, head.position
            );
            found.push(Fault { kind: FaultKind::Cut, entry: None, position: Some(head.position), sentence });
        }
    }
}
