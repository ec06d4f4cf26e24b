//! Markdown as HTML: anchors as GitHub makes them, links as the site has them, HTML within it as the text that it is.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use serde::Serialize;
use std::collections::BTreeMap;

/// A document, rendered.
#[derive(Debug)]
pub(super) struct Rendered {
    /// Its first heading.
    pub(super) title: String,
    /// Everything, its first heading included.
    pub(super) html: String,
    /// Its headings.
    pub(super) headings: Vec<Heading>,
    /// What each heading has below it, as text.
    pub(super) sections: Vec<Section>,
}

/// A place in a document.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Heading {
    pub(super) anchor: String,
    pub(super) title: String,
    /// 1 is the title of the document.
    pub(super) level: usize,
}

/// What is searched: a heading and the text up to the next one.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) heading: Heading,
    pub(super) text: String,
}

/// A link of a list: what the table of contents is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// A heading of the second level.
    Chapter(String),
    /// The first link of a list item, with its words and where it leads.
    Entry(String, String),
}

/// `resolve` says where a link or picture leads on the site; `aliases` are further anchors of its headings, in their order.
pub(super) fn render(
    source: &str,
    anchor_label: &str,
    aliases: &[Heading],
    resolve: impl Fn(&str) -> String,
) -> Rendered {
    let mut events: Vec<Event<'_>> = parse(source).collect();
    let headings = name_headings(&mut events);
    let sections = sections(&events, &headings);
    let mut body = String::new();
    let mut language = None;
    let mut heading = headings.iter();
    let mut aliases = aliases.iter();
    let events = events.into_iter().flat_map(|event| match heading_end(&event) {
        true => {
            heading.next().map_or_else(Vec::new, |heading| vec![anchor(heading, aliases.next(), anchor_label), event])
        }
        false => vec![shown(event, &mut language, &resolve)],
    });
    html::push_html(&mut body, boxed_tables(events));
    let title = headings.first().map(|heading| heading.title.clone()).unwrap_or_default();
    Rendered { title, html: body, headings, sections }
}

/// Chapters and their entries, of a document that lists others.
pub(super) fn listed(source: &str) -> Vec<Listed> {
    let mut listed = Vec::new();
    let (mut in_chapter, mut wants_link, mut link) = (false, false, None);
    let mut words = String::new();
    for event in parse(source) {
        if let Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) = event {
            (in_chapter, words) = (true, String::new());
        } else if in_chapter && heading_end(&event) {
            in_chapter = false;
            listed.push(Listed::Chapter(std::mem::take(&mut words)));
        } else if matches!(event, Event::Start(Tag::Item)) {
            wants_link = true;
        } else if let Event::Start(Tag::Link { dest_url, .. }) = &event
            && wants_link
        {
            (wants_link, link, words) = (false, Some(dest_url.to_string()), String::new());
        } else if matches!(event, Event::End(TagEnd::Link)) {
            listed.extend(link.take().map(|link| Listed::Entry(std::mem::take(&mut words), link)));
        } else if let Event::Text(text) | Event::Code(text) = &event {
            words.push_str(text);
        }
    }
    listed
}

/// Text for HTML, in an attribute as well.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn parse(source: &str) -> Parser<'_> {
    Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

fn heading_end(event: &Event<'_>) -> bool {
    matches!(event, Event::End(TagEnd::Heading(_)))
}

/// Gives every heading its anchor.
fn name_headings(events: &mut [Event<'_>]) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for start in 0..events.len() {
        let Some(level) = heading_level(&events[start]) else { continue };
        let words = events[start..].iter().take_while(|event| !heading_end(event)).filter_map(text_of);
        let title: String = words.collect();
        let slug = slug(&title);
        let times = taken.entry(slug.clone()).or_default();
        let anchor = if *times == 0 { slug } else { format!("{slug}-{times}") };
        *times += 1;
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
            *id = Some(CowStr::from(anchor.clone()));
        }
        headings.push(Heading { anchor, title, level });
    }
    headings
}

fn heading_level(event: &Event<'_>) -> Option<usize> {
    if let Event::Start(Tag::Heading { level, .. }) = event { Some(*level as usize) } else { None }
}

fn text_of<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    if let Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) = event {
        return Some(text);
    }
    matches!(event, Event::SoftBreak | Event::HardBreak).then_some(" ")
}

/// As GitHub does it: letters and digits of any script, `-` and `_`; blanks become hyphens.
fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn sections(events: &[Event<'_>], headings: &[Heading]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut headings = headings.iter();
    let mut in_heading = false;
    for event in events {
        if heading_level(event).is_some() {
            in_heading = true;
            sections.extend(headings.next().cloned().map(|heading| Section { heading, text: String::new() }));
        } else if heading_end(event) {
            in_heading = false;
        } else if let Some(section) = sections.last_mut()
            && !in_heading
        {
            match text_of(event) {
                Some(text) => section.text.push_str(text),
                None if ends_a_block(event) => section.text.push(' '),
                None => {}
            }
        }
    }
    sections
}

fn ends_a_block(event: &Event<'_>) -> bool {
    matches!(event, Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell | TagEnd::CodeBlock))
}

/// The link at a heading's end: for who wants to point at it, and for nobody else.
fn anchor<'a>(heading: &Heading, alias: Option<&Heading>, label: &str) -> Event<'a> {
    let (anchor, label) = (escaped(&heading.anchor), escaped(label));
    let alias = alias
        .filter(|alias| alias.anchor != heading.anchor)
        .map_or_else(String::new, |alias| format!("<span id=\"{}\"></span>", escaped(&alias.anchor)));
    let link = format!(
        "{alias}<a class=\"anchor\" href=\"#{anchor}\" title=\"{label}\" aria-hidden=\"true\" tabindex=\"-1\">#</a>"
    );
    Event::Html(CowStr::from(link))
}

/// `language` is that of the block of code around, when there is one.
fn shown<'a>(event: Event<'a>, language: &mut Option<String>, resolve: &impl Fn(&str) -> String) -> Event<'a> {
    let code_ends = matches!(event, Event::End(TagEnd::CodeBlock));
    if let Event::Start(Tag::CodeBlock(kind)) = &event {
        let name = if let CodeBlockKind::Fenced(name) = kind { name.to_string() } else { String::new() };
        let open = format!("<pre tabindex=\"0\"><code data-language=\"{}\">", escaped(&name));
        *language = Some(name);
        return Event::Html(CowStr::from(open));
    }
    if code_ends {
        *language = None;
        return Event::Html(CowStr::from("</code></pre>\n"));
    }
    if let (Event::Text(text), Some(language)) = (&event, language) {
        return Event::Html(CowStr::from(code(text, language)));
    }
    if let Event::Html(text) | Event::InlineHtml(text) = event {
        return Event::Text(text);
    }
    if let Event::Start(Tag::Link { link_type, dest_url, title, id }) = event {
        let dest_url = CowStr::from(resolve(&dest_url));
        return Event::Start(Tag::Link { link_type, dest_url, title, id });
    }
    if let Event::Start(Tag::Image { link_type, dest_url, title, id }) = event {
        let dest_url = CowStr::from(resolve(&dest_url));
        return Event::Start(Tag::Image { link_type, dest_url, title, id });
    }
    event
}

/// Code, with its comments told apart.
fn code(text: &str, language: &str) -> String {
    let has_comments = matches!(language, "sh" | "toml" | "ini" | "nginx" | "yaml" | "dockerfile");
    let lines = text.split_inclusive('\n').map(|line| match comment_start(line).filter(|_| has_comments) {
        Some(at) => {
            let (code, comment) = line.split_at(at);
            let (comment, end) = comment.strip_suffix('\n').map_or((comment, ""), |comment| (comment, "\n"));
            format!("{}<span class=\"comment\">{}</span>{end}", escaped(code), escaped(comment))
        }
        None => escaped(line),
    });
    lines.collect()
}

/// Where a `#` stands at the beginning, or behind a blank and outside of quotes.
fn comment_start(line: &str) -> Option<usize> {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if letter == '#' && before == ' ' => return Some(at),
            None if matches!(letter, '"' | '\'' | '`') => quote = Some(letter),
            None => {}
        }
        before = letter;
    }
    None
}

/// A table that is wider than the page is moved by itself.
fn boxed_tables<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    events.flat_map(|event| {
        if matches!(event, Event::Start(Tag::Table(_))) {
            return vec![Event::Html(CowStr::from("<div class=\"table\" tabindex=\"0\">")), event];
        }
        if matches!(event, Event::End(TagEnd::Table)) {
            return vec![event, Event::Html(CowStr::from("</div>\n"))];
        }
        vec![event]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(source: &str) -> String {
        render(source, "here", &[], |link| format!("to:{link}")).html
    }

    #[test]
    fn html_within_is_text() {
        for source in
            ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "`<b>`", "# <b>T</b>", "```\n<b>\n```"]
        {
            let html = html(source);
            assert!(!html.contains("<script>") && !html.contains("<img") && !html.contains("<b>"), "{html}");
            assert!(html.contains("&lt;"), "{html}");
        }
    }

    #[test]
    fn anchors_are_those_of_github() {
        let page =
            render("# A `davit.toml`\n\n## Two words!\n\n## Two words\n\n## 主密钥（新）\n", "", &[], str::to_owned);
        let anchors: Vec<&str> = page.headings.iter().map(|heading| heading.anchor.as_str()).collect();
        assert_eq!(anchors, ["a-davittoml", "two-words", "two-words-1", "主密钥新"]);
        assert_eq!(page.title, "A davit.toml");
    }

    #[test]
    fn headings_have_the_anchors_of_another_language_too() {
        let english = render("# Keys\n", "", &[], str::to_owned).headings;
        let chinese = render("# 密钥\n", "", &english, str::to_owned).html;
        assert!(chinese.contains("<h1 id=\"密钥\">") && chinese.contains("<span id=\"keys\">"), "{chinese}");
    }

    #[test]
    fn links_and_pictures_lead_where_they_are_said_to() {
        let html = html("[a](b.md) ![c](d.png)");
        assert!(html.contains("href=\"to:b.md\"") && html.contains("src=\"to:d.png\""), "{html}");
    }

    #[test]
    fn comments_are_told_apart_in_code() {
        let html = html("```sh\n# one\necho \"a # b\" c#d # two\n```");
        assert_eq!(html.matches("class=\"comment\"").count(), 2, "{html}");
        assert!(html.contains("<span class=\"comment\"># two</span>"), "{html}");
    }

    #[test]
    fn a_list_of_links_is_a_table_of_contents() {
        let source = "# T\n\n[no](no.md)\n\n## One\n\n- [A *b* `c`](a.md) – [not](not.md) this\n\n## Two\n\ntext\n";
        let entry = Listed::Entry("A b c".into(), "a.md".into());
        assert_eq!(listed(source), [Listed::Chapter("One".into()), entry, Listed::Chapter("Two".into())]);
    }
}
