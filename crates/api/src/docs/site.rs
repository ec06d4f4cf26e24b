//! Every page, rendered once: what is where, what stands around it, and which address leads to it.

use super::language::{Language, Words};
use super::markdown::{self, Heading, Listed, Rendered};
use super::reference::Reference;
use super::search::{Index, Place};
use super::template;
use axum::body::Bytes;
use rust_embed::RustEmbed;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The guide, as it lies in the repository.
#[derive(RustEmbed)]
#[folder = "../../docs"]
struct Guide;

/// The page that the reference is part of.
const REFERENCE: &str = "api";
/// The page that lists all others.
const INDEX: &str = "index";
const STYLE: &str = include_str!("style.css");
/// The colours and sizes of the UI.
const TOKENS: &str = include_str!("../../../../ui/src/styles/tokens.css");
/// Takes over the theme that somebody chose in the UI. Without scripts the system's one holds.
const THEME: &str = "const theme = (() => { try { return localStorage.getItem('davit.theme') } catch { return null } })()\n\
                     if (theme === 'light' || theme === 'dark') document.documentElement.classList.add(theme)\n";

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) media_type: &'static str,
    /// With its quotes.
    pub(super) etag: String,
    pub(super) bytes: Bytes,
}

/// All of it.
pub(super) struct Site {
    documents: BTreeMap<String, Document>,
    contents: BTreeMap<Language, Vec<Chapter>>,
    indexes: BTreeMap<Language, Index>,
}

/// A part of the table of contents.
#[derive(Debug, Clone)]
struct Chapter {
    title: String,
    /// Names of pages, and what they are called here.
    entries: Vec<(String, String)>,
}

/// A link.
#[derive(Debug, Serialize)]
struct Link {
    title: String,
    url: String,
    current: bool,
}

#[derive(Debug, Serialize)]
struct LinkedChapter {
    title: String,
    entries: Vec<Link>,
}

/// What the layout is filled with.
#[derive(Debug, Serialize)]
struct Page<'a> {
    language: &'static str,
    words: &'static Words,
    title: &'a str,
    body: &'a str,
    outline: &'a [Heading],
    chapters: Vec<LinkedChapter>,
    previous: Option<Link>,
    next: Option<Link>,
    root: String,
    other: Link,
    other_language: &'static str,
    query: &'a str,
}

impl Site {
    /// Everything, in both languages.
    pub(super) fn render() -> Self {
        let contents = Language::ALL.map(|language| (language, contents(language)));
        let mut site = Self { documents: BTreeMap::new(), contents: contents.into(), indexes: BTreeMap::new() };
        let openapi = serde_json::to_value(crate::openapi()).unwrap_or_default();
        for language in Language::ALL {
            site.render_language(language, &openapi);
        }
        site.add("style.css", "text/css; charset=utf-8", format!("{}\n{STYLE}", tokens()).into_bytes());
        site.add("theme.js", "text/javascript; charset=utf-8", THEME.as_bytes().to_vec());
        site
    }

    /// What is at a path below `/docs/`.
    pub(super) fn document(&self, path: &str) -> Option<Document> {
        self.documents.get(path).cloned().or_else(|| picture(path))
    }

    /// The page for what is not there.
    pub(super) fn missing(&self, language: Language) -> String {
        let words = language.words();
        let first = language.url("");
        let body = format!(
            "<h1>{}</h1>\n<p>{}</p>\n<p><a href=\"{first}\">{}</a></p>\n",
            words.missing, words.missing_why, words.first_page
        );
        self.laid_out(language, "", words.missing, &body, &[], "")
    }

    /// The page with what was found.
    pub(super) fn found(&self, language: Language, query: &str) -> String {
        let words = language.words();
        let places = self.indexes.get(&language).map(|index| index.find(query)).unwrap_or_default();
        let mut body = format!("<h1>{}</h1>\n", words.search);
        if query.trim().is_empty() {
            body.push_str(&format!("<p>{}</p>\n", words.what_to_search));
        } else if places.is_empty() {
            body.push_str(&format!("<p role=\"status\">{}</p>\n", words.nothing_found));
        } else {
            let list: String = places.iter().map(shown).collect();
            let count = places.len();
            body.push_str(&format!(
                "<p role=\"status\">{}: {count}</p>\n<ol class=\"found\">\n{list}</ol>\n",
                words.found
            ));
        }
        self.laid_out(language, "search", words.search, &body, &[], query)
    }

    fn render_language(&mut self, language: Language, openapi: &serde_json::Value) {
        let reference = Reference::of(openapi, language);
        let mut index = Index::default();
        for (name, source) in guide(language) {
            let words = language.words();
            let aliases = if language == Language::English { Vec::new() } else { headings(&name) };
            let mut rendered =
                markdown::render(&source, words.anchor, &aliases, |link| resolve(language.directory(), link));
            index.add(&language.url(page_path(&name)), &rendered);
            if name == REFERENCE {
                reference.introduce(&mut rendered);
            }
            self.add_page(language, &name, &rendered);
        }
        for (name, rendered) in reference.pages() {
            index.add_operations(&language.url(&name), &rendered);
            self.add_page(language, &name, &rendered);
        }
        self.indexes.insert(language, index);
    }

    fn add_page(&mut self, language: Language, name: &str, page: &Rendered) {
        let outline = page.headings.iter().filter(|heading| matches!(heading.level, 2 | 3)).cloned();
        let outline: Vec<Heading> = outline.collect();
        let html = self.laid_out(language, name, &page.title, &page.html, &outline, "");
        self.add(&language.path(page_path(name)), "text/html; charset=utf-8", html.into_bytes());
    }

    fn add(&mut self, path: &str, media_type: &'static str, bytes: Vec<u8>) {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        self.documents.insert(path.to_owned(), Document { media_type, etag, bytes: bytes.into() });
    }

    fn laid_out(
        &self,
        language: Language,
        name: &str,
        title: &str,
        body: &str,
        outline: &[Heading],
        query: &str,
    ) -> String {
        let chapters = self.contents.get(&language).map(Vec::as_slice).unwrap_or_default();
        let (previous, next) = neighbours(language, chapters, name);
        let other = language.other();
        let page = Page {
            language: language.code(),
            words: language.words(),
            title,
            body,
            outline,
            chapters: linked(language, chapters, name),
            previous,
            next,
            root: language.url(""),
            other: Link { title: other.own_name().to_owned(), url: translated(other, name, query), current: false },
            other_language: other.code(),
            query,
        };
        template::fill(template::LAYOUT, &page)
    }
}

/// The same page in another language; what is found there when somebody searches.
fn translated(language: Language, name: &str, query: &str) -> String {
    if query.is_empty() {
        return language.url(page_path(name));
    }
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("{}?q={query}", language.url(name))
}

/// The first page has no name in its address.
fn page_path(name: &str) -> &str {
    if name == INDEX { "" } else { name }
}

/// The documents of a language: name without `.md`, and text.
fn guide(language: Language) -> impl Iterator<Item = (String, String)> {
    Guide::iter().filter_map(move |file| {
        let name = file.strip_prefix(language.directory())?.strip_suffix(".md")?.to_owned();
        (!name.contains('/')).then(|| Some((name, text(&file)?))).flatten()
    })
}

/// The headings of the English page: a link to one of them leads to the same place in any language.
fn headings(name: &str) -> Vec<Heading> {
    let source = text(&format!("{name}.md")).unwrap_or_default();
    markdown::render(&source, "", &[], str::to_owned).headings
}

fn text(file: &str) -> Option<String> {
    String::from_utf8(Guide::get(file)?.data.into_owned()).ok()
}

fn contents(language: Language) -> Vec<Chapter> {
    let index = text(&format!("{}{INDEX}.md", language.directory())).unwrap_or_default();
    let mut chapters: Vec<Chapter> = Vec::new();
    for listed in markdown::listed(&index) {
        match listed {
            Listed::Chapter(title) => chapters.push(Chapter { title, entries: Vec::new() }),
            Listed::Entry(title, link) => {
                let name = link.strip_suffix(".md").map(str::to_owned);
                let entry = name.filter(|name| !name.contains('/')).map(|name| (name, title));
                if let Some(chapter) = chapters.last_mut() {
                    chapter.entries.extend(entry);
                }
            }
        }
    }
    chapters
}

fn linked(language: Language, chapters: &[Chapter], name: &str) -> Vec<LinkedChapter> {
    let link = |(page, title): &(String, String)| Link {
        title: title.clone(),
        url: language.url(page_path(page)),
        // A page of the reference is part of the guide to the API.
        current: page == name.split('/').next().unwrap_or_default(),
    };
    let chapter = |chapter: &Chapter| LinkedChapter {
        title: chapter.title.clone(),
        entries: chapter.entries.iter().map(link).collect(),
    };
    chapters.iter().map(chapter).collect()
}

/// The pages before and after one, in the order of the contents; the list itself comes first.
fn neighbours(language: Language, chapters: &[Chapter], name: &str) -> (Option<Link>, Option<Link>) {
    let first = (INDEX.to_owned(), language.words().contents.to_owned());
    let all: Vec<&(String, String)> =
        std::iter::once(&first).chain(chapters.iter().flat_map(|chapter| &chapter.entries)).collect();
    let Some(at) = all.iter().position(|(page, _)| page == name) else { return (None, None) };
    let link = |entry: &&(String, String)| Link {
        title: entry.1.clone(),
        url: language.url(page_path(&entry.0)),
        current: false,
    };
    (at.checked_sub(1).and_then(|before| all.get(before)).map(link), all.get(at + 1).map(link))
}

/// Where a link of a document leads: `directory` is the one that the document is in. What leads nowhere becomes `#`.
fn resolve(directory: &str, link: &str) -> String {
    if link.starts_with('#') || link.starts_with("https://") || link.starts_with("http://") {
        return link.to_owned();
    }
    let (file, anchor) =
        link.split_once('#').map_or((link, String::new()), |(file, anchor)| (file, format!("#{anchor}")));
    let mut path: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        if part == ".." && path.pop().is_none() {
            return "#".to_owned();
        }
        if part != ".." && part != "." {
            path.push(part);
        }
    }
    let file = path.join("/");
    if Guide::get(&file).is_none() {
        return "#".to_owned();
    }
    let page = file.strip_suffix(".md").unwrap_or(&file);
    let page = page.strip_suffix(INDEX).unwrap_or(page).trim_end_matches('/');
    format!("{}{anchor}", format!("/docs/{page}").trim_end_matches('/'))
}

fn picture(path: &str) -> Option<Document> {
    if !path.starts_with("images/") || !path.ends_with(".png") {
        return None;
    }
    // Looked up among the names that there are: outside of a release build a file is read from the disk.
    let name = Guide::iter().find(|name| name == path)?;
    let file = Guide::get(&name)?;
    let etag: String = file.metadata.sha256_hash().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let bytes = match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    };
    Some(Document { media_type: "image/png", etag: format!("\"{etag}\""), bytes })
}

/// The UI's tokens, whose dark ones hold where the system or the reader wants it dark.
fn tokens() -> String {
    let Some((light, rest)) = TOKENS.split_once(":root.dark {") else { return TOKENS.to_owned() };
    let Some((dark, rest)) = rest.split_once("\n}") else { return TOKENS.to_owned() };
    format!(
        "{light}:root.dark {{{dark}\n}}\n\n@media (prefers-color-scheme: dark) {{\n:root:not(.light) {{{dark}\n}}\n}}\n{rest}"
    )
}

fn shown(place: &Place) -> String {
    let (url, title) = (markdown::escaped(&place.url), markdown::escaped(&place.title));
    let within = markdown::escaped(&place.page);
    format!("<li><a href=\"{url}\">{title}</a> <span class=\"soft\">{within}</span><p>{}</p></li>\n", place.excerpt)
}
