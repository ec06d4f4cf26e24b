//! Finds places by words: all of them have to be there, in the heading or the text below it. Nothing is taken apart into
//! words beforehand, so that Chinese is found too.

use super::markdown::{self, Heading, Rendered, Section};
use std::cmp::Reverse;

/// Places that one search shows.
const MOST: usize = 40;
/// Words of one search that count, and characters of it.
const MOST_WORDS: usize = 8;
const LONGEST: usize = 200;
/// Characters of an excerpt, before and after the first word that was found.
const BEFORE: usize = 60;
const AFTER: usize = 160;

/// What can be found.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    url: String,
    page: String,
    title: String,
    text: String,
    small: Small,
}

/// The same in small letters, to look for words in. Positions in it are not those in the text: a letter may become two.
#[derive(Debug)]
struct Small {
    title: String,
    names: String,
    text: String,
}

/// Something that was found.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) url: String,
    pub(super) page: String,
    pub(super) title: String,
    /// HTML.
    pub(super) excerpt: String,
}

impl Index {
    /// Has a page found, at each of its headings.
    pub(super) fn add(&mut self, url: &str, page: &Rendered) {
        self.extend(url, page, &page.sections);
    }

    /// Has the operations of a page of the reference found; what its introduction says is found elsewhere.
    pub(super) fn add_operations(&mut self, url: &str, page: &Rendered) {
        let operations = page.sections.get(1..).unwrap_or_default();
        self.extend(url, page, operations);
    }

    /// The best places first.
    pub(super) fn find(&self, query: &str) -> Vec<Place> {
        let query: String = query.chars().take(LONGEST).collect::<String>().to_lowercase();
        let words: Vec<&str> = query.split_whitespace().take(MOST_WORDS).collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(Reverse<usize>, usize)> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| entry.score(&words).map(|score| (Reverse(score), at)))
            .collect();
        found.sort_unstable();
        found.iter().take(MOST).filter_map(|(_, at)| self.entries.get(*at)).map(|entry| entry.place(&words)).collect()
    }

    fn extend(&mut self, url: &str, page: &Rendered, sections: &[Section]) {
        for Section { heading: Heading { anchor, title, level }, text } in sections {
            let url = if *level == 1 { url.to_owned() } else { format!("{url}#{anchor}") };
            let names = format!("{title} {}", page.title).to_lowercase();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let small = Small { title: title.to_lowercase(), names, text: text.to_lowercase() };
            self.entries.push(Entry { url, page: page.title.clone(), title: title.clone(), text, small });
        }
    }
}

impl Entry {
    /// How well it answers; nothing when a word is missing.
    fn score(&self, words: &[&str]) -> Option<usize> {
        let Small { title, names, text } = &self.small;
        let mut score = 0;
        for word in words {
            let times = text.matches(word).count();
            let named = names.contains(word);
            if times == 0 && !named {
                return None;
            }
            score += times.min(5) + if title.contains(word) { 20 } else { 0 } + if named { 5 } else { 0 };
        }
        Some(score)
    }

    fn place(&self, words: &[&str]) -> Place {
        Place {
            url: self.url.clone(),
            page: self.page.clone(),
            title: self.title.clone(),
            excerpt: excerpt(&self.text, words),
        }
    }
}

/// A piece of the text around the first word in it, with all words marked.
fn excerpt(text: &str, words: &[&str]) -> String {
    let letters: Vec<char> = text.chars().collect();
    // One small letter for each, so that places in both are the same.
    let small: Vec<char> = letters.iter().map(|letter| letter.to_lowercase().next().unwrap_or(*letter)).collect();
    let words: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
    let starts_here = |at: usize| words.iter().filter(|word| small[at..].starts_with(word)).map(Vec::len).max();
    let first = (0..small.len()).find(|at| starts_here(*at).is_some()).unwrap_or(0);
    let (from, to) = (first.saturating_sub(BEFORE), (first + AFTER).min(letters.len()));
    let mut out = String::from(if from > 0 { "… " } else { "" });
    let mut at = from;
    while at < to {
        let length = starts_here(at).unwrap_or(0).min(to - at);
        let piece: String = letters[at..at + length.max(1)].iter().collect();
        let piece = markdown::escaped(&piece);
        out.push_str(&if length > 0 { format!("<mark>{piece}</mark>") } else { piece });
        at += length.max(1);
    }
    out.push_str(if to < letters.len() { " …" } else { "" });
    out
}
