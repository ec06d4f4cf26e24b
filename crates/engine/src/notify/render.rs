//! The words of notices, in both languages: a headline, a few facts, a link; or what a channel's own template says.
//!
//! Much of what is told was written by people who may not be trusted as the readers are: titles, branch names, reasons.
//! So every value is one line of a bounded length, and is escaped for whatever marks up a channel's texts.

use super::Notice;
use davit_domain::config::{Channel, ChannelKind};
use davit_domain::notice::{Language, NoticeEvent};
use minijinja::{AutoEscape, Environment, Error, Output, State, Value};
use serde_json::json;
use std::borrow::Cow;

/// Characters of one value that are told.
const LONGEST_VALUE: usize = 300;
/// Instructions that a template may take; one that takes more loops. The longest sensible ones take hundreds.
const FUEL: u64 = 50_000;

/// How a channel's texts are marked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Markup {
    /// Not at all.
    Plain,
    /// Markdown without HTML, of which vendors know different parts: DingTalk, WeCom.
    Narrow,
    /// Markdown with escapes: Mattermost.
    Markdown,
    /// Slack's `mrkdwn`.
    Slack,
}

impl Markup {
    const fn of(kind: ChannelKind) -> Self {
        match kind {
            ChannelKind::Dingtalk | ChannelKind::Wecom => Self::Narrow,
            ChannelKind::Slack => Self::Slack,
            ChannelKind::Mattermost => Self::Markdown,
            ChannelKind::Feishu | ChannelKind::Email | ChannelKind::Sms | ChannelKind::Webhook => Self::Plain,
        }
    }

    /// A value that means nothing but itself.
    pub(crate) fn escape(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => Cow::Borrowed(value),
            // Neither vendor documents escapes, so what could begin something becomes its look-alike.
            Self::Narrow => replaced(value, |letter| match letter {
                '[' => Some("［"),
                ']' => Some("］"),
                '<' => Some("＜"),
                '>' => Some("＞"),
                '`' => Some("ˋ"),
                '*' => Some("＊"),
                '@' => Some("＠"),
                '!' => Some("！"),
                _ => None,
            }),
            Self::Markdown => replaced(value, |letter| match letter {
                '\\' => Some("\\\\"),
                '`' => Some("\\`"),
                '*' => Some("\\*"),
                '_' => Some("\\_"),
                '~' => Some("\\~"),
                '[' => Some("\\["),
                ']' => Some("\\]"),
                '(' => Some("\\("),
                ')' => Some("\\)"),
                '#' => Some("\\#"),
                '|' => Some("\\|"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                // Somebody's name after it would ring at their desk.
                '@' => Some("@\u{200b}"),
                ':' => Some(":\u{200b}"),
                _ => None,
            }),
            // <https://api.slack.com/reference/surfaces/formatting#escaping>
            Self::Slack => replaced(value, |letter| match letter {
                '&' => Some("&amp;"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                '*' => Some("∗"),
                '_' => Some("ˍ"),
                '~' => Some("∼"),
                '`' => Some("ˋ"),
                _ => None,
            }),
        }
    }
}

fn replaced(value: &str, by: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if !value.chars().any(|letter| by(letter).is_some()) {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len() + 8);
    for letter in value.chars() {
        match by(letter) {
            Some(other) => text.push_str(other),
            None => text.push(letter),
        }
    }
    Cow::Owned(text)
}

/// What is told, before any vendor gives it a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The same for every try.
    pub(crate) id: String,
    /// What happened, as a word.
    pub(crate) event: &'static str,
    /// A sign that chats show before the headline.
    pub(crate) sign: &'static str,
    /// One line, not escaped.
    pub(crate) headline: String,
    /// Label and value of each line, not escaped.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What the channel's own template says in place of headline and facts; its values are escaped.
    pub(crate) own: Option<String>,
    /// Label and address of where people read more.
    pub(crate) link: Option<(&'static str, String)>,
    /// How texts are marked up.
    pub(crate) markup: Markup,
    /// Everything, for receivers that make their own words, and for variables of text messages.
    pub(crate) data: serde_json::Value,
}

impl Message {
    /// The whole without any mark-up.
    pub(crate) fn plain(&self) -> String {
        let mut lines = match &self.own {
            Some(own) => vec![own.trim().to_owned()],
            None => std::iter::once(self.headline.clone())
                .chain(self.facts.iter().map(|(label, value)| format!("{label}: {value}")))
                .collect(),
        };
        lines.extend(self.link.iter().map(|(_, url)| url.clone()));
        lines.join("\n")
    }

    /// The text between sign and link, one line a fact, as `line` marks it up.
    pub(crate) fn body(&self, title: impl Fn(&str) -> String, line: impl Fn(&str, &str) -> String) -> Vec<String> {
        if let Some(own) = &self.own {
            return own.trim().lines().map(ToOwned::to_owned).collect();
        }
        let headline = self.markup.escape(&self.headline);
        let facts = self.facts.iter().map(|(label, value)| line(label, &self.markup.escape(value)));
        std::iter::once(title(&format!("{} {headline}", self.sign))).chain(facts).collect()
    }
}

/// What a channel is told of a notice.
pub(crate) fn message(channel: &Channel, notice: &Notice, public_url: &str) -> Message {
    let words = Words::of(channel.language);
    let markup = Markup::of(channel.kind());
    let data = data(notice, &words, public_url);
    let own = channel.templates.get(&notice.event).map(|template| {
        // It was compiled when it was declared; what can still go wrong is what it does with its values.
        filled(template, markup, &data).unwrap_or_else(|error| format!("{}\n({error})", data["headline"]))
    });
    let text = |key: &str| data.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Message {
        id: notice.id.clone(),
        event: notice.event.as_str(),
        sign: sign(notice),
        headline: text("headline"),
        facts: facts(notice, &words),
        own,
        link: notice.url.as_ref().map(|url| (words.link, url.clone())),
        markup,
        data,
    }
}

/// A few lines that are no notice.
pub(crate) fn words(kind: ChannelKind, text: &str) -> Message {
    let markup = Markup::of(kind);
    let mut lines = text.lines();
    Message {
        id: format!("msg_{:032x}", rand::random::<u128>()),
        event: "answer",
        sign: "💬",
        headline: one_line(lines.next().unwrap_or_default()),
        facts: Vec::new(),
        own: Some(text.lines().map(|line| markup.escape(line).into_owned()).collect::<Vec<_>>().join("\n")),
        link: None,
        markup,
        data: json!({}),
    }
}

/// What templates know, one line each. The names are documented: docs/notifications.md.
fn data(notice: &Notice, words: &Words, public_url: &str) -> serde_json::Value {
    let line = |text: &Option<String>| text.as_deref().map(one_line);
    let place = match (&notice.app, &notice.environment) {
        (Some(app), Some(environment)) => Some(format!("{app} → {environment}")),
        (Some(app), None) => Some(app.to_string()),
        (None, _) => notice.repository.clone(),
    };
    let mut data = json!({
        "id": notice.id,
        "event": notice.event,
        "at": notice.at,
        "app": notice.app,
        "environment": notice.environment,
        "place": place,
        "request": notice.request,
        "deployment": notice.deployment,
        "host": line(&notice.host),
        "repository": notice.repository,
        "title": line(&notice.title),
        "person": line(&notice.person),
        "author": line(&notice.author),
        "commit": notice.commit.as_deref().map(short),
        "sha": notice.commit,
        "reference": notice.reference.as_deref().map(|name| one_line(short_reference(name))),
        "state": notice.state,
        "reason": line(&notice.reason),
        "url": notice.url,
        "davit": public_url,
        "test": notice.test,
    });
    let headline = (words.headline)(notice, &data);
    let headline = one_line(&if notice.test { format!("{} {headline}", words.test) } else { headline });
    data["text"] = json!(headline);
    data["headline"] = json!(headline);
    data
}

fn filled(template: &str, markup: Markup, data: &serde_json::Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("davit".into()));
    environment.set_formatter(move |out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value| {
        if value.is_undefined() || value.is_none() {
            return Ok(());
        }
        let text = value.to_string();
        out.write_str(&if value.is_safe() { Cow::Borrowed(text.as_str()) } else { markup.escape(&text) })
            .map_err(|_| Error::from(minijinja::ErrorKind::WriteFailure))
    });
    environment.render_str(template, minijinja::value::Serde(data))
}

fn facts(notice: &Notice, words: &Words) -> Vec<(&'static str, String)> {
    let commit = notice.commit.as_deref().map(|commit| match &notice.reference {
        Some(reference) => format!("{} ({})", short(commit), short_reference(reference)),
        None => short(commit).to_owned(),
    });
    let author = notice.author.clone().filter(|author| Some(author) != notice.person.as_ref());
    let of = [
        (words.title, notice.title.clone()),
        (words.commit, commit),
        (words.person, notice.person.clone()),
        (words.author, author),
        (words.reason, notice.reason.clone()),
    ];
    of.into_iter()
        .filter_map(|(label, value)| Some((label, one_line(&value?))))
        .filter(|(_, v)| !v.is_empty())
        .collect()
}

/// One line of a bounded length, without anything that could steer a terminal, a header or the direction of a text.
pub(crate) fn one_line(text: &str) -> String {
    let is_mark =
        |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).filter(|one| !is_mark(*one));
    let mut line: String = plain.take(LONGEST_VALUE + 1).collect();
    if line.chars().count() > LONGEST_VALUE {
        line = line.chars().take(LONGEST_VALUE - 1).chain(['…']).collect();
    }
    line.trim().to_owned()
}

/// At most this many bytes, cut between letters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most { text } else { &text[..text.floor_char_boundary(most)] }
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

fn short_reference(name: &str) -> &str {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name)
}

const fn sign(notice: &Notice) -> &'static str {
    match notice.event {
        NoticeEvent::ReviewRequested => "🔍",
        NoticeEvent::Reviewed => "👀",
        NoticeEvent::Released => "🚀",
        NoticeEvent::Succeeded => "✅",
        NoticeEvent::Failed | NoticeEvent::RunFailed => "❌",
        NoticeEvent::RolledBack => "↩️",
        NoticeEvent::WindowOverridden => "⚠️",
        NoticeEvent::HostDown => "🔴",
        NoticeEvent::HostUp => "🟢",
        NoticeEvent::StatusUndeliverable => "📭",
    }
}

/// What a language says.
struct Words {
    test: &'static str,
    title: &'static str,
    commit: &'static str,
    person: &'static str,
    author: &'static str,
    reason: &'static str,
    link: &'static str,
    headline: fn(&Notice, &serde_json::Value) -> String,
}

impl Words {
    const fn of(language: Language) -> Self {
        match language {
            Language::En => Self {
                test: "Test –",
                title: "Title",
                commit: "Commit",
                person: "By",
                author: "Asked for by",
                reason: "Reason",
                link: "Open in davit",
                headline: english,
            },
            Language::Zh => Self {
                test: "测试 –",
                title: "标题",
                commit: "提交",
                person: "操作人",
                author: "申请人",
                reason: "原因",
                link: "在 davit 中查看",
                headline: chinese,
            },
        }
    }
}

fn said<'d>(data: &'d serde_json::Value, key: &str) -> &'d str {
    data.get(key).and_then(serde_json::Value::as_str).unwrap_or("davit")
}

fn number(notice: &Notice) -> String {
    notice.request.map(|request| format!(" #{request}")).unwrap_or_default()
}

fn english(notice: &Notice, data: &serde_json::Value) -> String {
    let (place, person, host) = (said(data, "place"), said(data, "person"), said(data, "host"));
    let number = number(notice);
    let is_rejected = notice.state.as_deref() == Some("rejected");
    match notice.event {
        NoticeEvent::ReviewRequested => format!("{place}: {person} asks for a review of request{number}"),
        NoticeEvent::Reviewed if is_rejected => format!("{place}: {person} rejected request{number}"),
        NoticeEvent::Reviewed => format!("{place}: {person} approved request{number}"),
        NoticeEvent::Released => format!("{place}: {person} released request{number}"),
        NoticeEvent::Succeeded => format!("{place}: released"),
        NoticeEvent::Failed => format!("{place}: the release failed"),
        NoticeEvent::RolledBack if notice.state.as_deref() == Some("reverted") => {
            format!("{place}: the release failed, and what was live before is live again")
        }
        NoticeEvent::RolledBack => format!("{place}: rolled back"),
        NoticeEvent::WindowOverridden => format!("{place}: {person} releases although a window or lock says no"),
        NoticeEvent::HostDown => format!("Host {host} can't be reached"),
        NoticeEvent::HostUp => format!("Host {host} can be reached again"),
        NoticeEvent::StatusUndeliverable => "A forge can't be told what happened".to_owned(),
        NoticeEvent::RunFailed => format!("{place}: the run failed"),
    }
}

fn chinese(notice: &Notice, data: &serde_json::Value) -> String {
    let (place, person, host) = (said(data, "place"), said(data, "person"), said(data, "host"));
    let number = number(notice);
    let is_rejected = notice.state.as_deref() == Some("rejected");
    match notice.event {
        NoticeEvent::ReviewRequested => format!("{place}：{person} 提交了发布申请{number}，请审核"),
        NoticeEvent::Reviewed if is_rejected => format!("{place}：{person} 驳回了发布申请{number}"),
        NoticeEvent::Reviewed => format!("{place}：{person} 通过了发布申请{number}"),
        NoticeEvent::Released => format!("{place}：{person} 开始发布{number}"),
        NoticeEvent::Succeeded => format!("{place}：发布成功"),
        NoticeEvent::Failed => format!("{place}：发布异常"),
        NoticeEvent::RolledBack if notice.state.as_deref() == Some("reverted") => {
            format!("{place}：发布异常，已恢复到之前的版本")
        }
        NoticeEvent::RolledBack => format!("{place}：已回滚"),
        NoticeEvent::WindowOverridden => format!("{place}：{person} 越过发布窗口或锁定进行发布"),
        NoticeEvent::HostDown => format!("主机 {host} 无法连接"),
        NoticeEvent::HostUp => format!("主机 {host} 已恢复"),
        NoticeEvent::StatusUndeliverable => "有状态未能送达代码平台".to_owned(),
        NoticeEvent::RunFailed => format!("{place}：流水线失败"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use davit_domain::config::{Hook, Receiver, SecretRef};
    use davit_domain::time::Timestamp;
    use std::collections::BTreeMap;

    fn channel(kind: ChannelKind, language: Language) -> Channel {
        Channel {
            id: "ops".parse().expect("an id"),
            receiver: Receiver::Hook(kind, Hook { url: SecretRef::Env("URL".into()), secret: None }),
            language,
            events: None,
            environments: Vec::new(),
            apps: Vec::new(),
            allow_private: false,
            ca: None,
            templates: BTreeMap::new(),
            commands: None,
        }
    }

    fn notice(event: NoticeEvent) -> Notice {
        let text = |text: &str| Some(text.to_owned());
        Notice {
            id: "msg_1".into(),
            event,
            at: Timestamp::from_millis(1_769_860_800_000),
            app: "shop".parse().ok(),
            environment: "production".parse().ok(),
            request: Some(42),
            deployment: Some(7),
            host: text("web-1"),
            repository: None,
            title: text("Sell *tea* [now](https://evil.example) <@U1> @all"),
            person: text("ana"),
            author: text("ben@github"),
            commit: text("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"),
            reference: text("refs/heads/main"),
            state: text("rejected"),
            reason: text("too\nlate \u{202e}`rm`"),
            url: text("https://davit.example/requests/42"),
            test: false,
        }
    }

    #[test]
    fn every_event_has_a_headline_in_both_languages() {
        let line = |language, event| message(&channel(ChannelKind::Slack, language), &notice(event), "").headline;
        let lines: Vec<String> = NoticeEvent::ALL
            .into_iter()
            .flat_map(|event| Language::ALL.map(|language| format!("{event}: {}", line(language, event))))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        review_requested: shop → production: ana asks for a review of request #42
        review_requested: shop → production：ana 提交了发布申请 #42，请审核
        reviewed: shop → production: ana rejected request #42
        reviewed: shop → production：ana 驳回了发布申请 #42
        released: shop → production: ana released request #42
        released: shop → production：ana 开始发布 #42
        succeeded: shop → production: released
        succeeded: shop → production：发布成功
        failed: shop → production: the release failed
        failed: shop → production：发布异常
        rolled_back: shop → production: rolled back
        rolled_back: shop → production：已回滚
        window_overridden: shop → production: ana releases although a window or lock says no
        window_overridden: shop → production：ana 越过发布窗口或锁定进行发布
        host_down: Host web-1 can't be reached
        host_down: 主机 web-1 无法连接
        host_up: Host web-1 can be reached again
        host_up: 主机 web-1 已恢复
        status_undeliverable: A forge can't be told what happened
        status_undeliverable: 有状态未能送达代码平台
        run_failed: shop → production: the run failed
        run_failed: shop → production：流水线失败
    "#);
    }

    #[test]
    fn what_people_wrote_marks_nothing_up() {
        let texts: Vec<String> =
            [ChannelKind::Dingtalk, ChannelKind::Wecom, ChannelKind::Slack, ChannelKind::Mattermost]
                .into_iter()
                .map(|kind| {
                    let message = message(&channel(kind, Language::Zh), &notice(NoticeEvent::Reviewed), "");
                    format!("{}:\n{}\n", kind.as_str(), super::super::vendors::text(kind, &message))
                })
                .collect();
        // What no eye sees is shown.
        insta::assert_snapshot!(texts.join("\n").replace('\u{200b}', "·"), @r#"
        dingtalk:
        #### 👀 shop → production：ana 驳回了发布申请 #42

        - **标题**: Sell ＊tea＊ ［now］(https://evil.example) ＜＠U1＞ ＠all

        - **提交**: 1a2b3c4 (main)

        - **操作人**: ana

        - **申请人**: ben＠github

        - **原因**: too late ˋrmˋ

        [在 davit 中查看](https://davit.example/requests/42)

        wecom:
        **👀 shop → production：ana 驳回了发布申请 #42**
        > 标题：<font color="comment">Sell ＊tea＊ ［now］(https://evil.example) ＜＠U1＞ ＠all</font>
        > 提交：<font color="comment">1a2b3c4 (main)</font>
        > 操作人：<font color="comment">ana</font>
        > 申请人：<font color="comment">ben＠github</font>
        > 原因：<font color="comment">too late ˋrmˋ</font>
        [在 davit 中查看](https://davit.example/requests/42)

        slack:
        *👀 shop → production：ana 驳回了发布申请 #42*
        标题: Sell ∗tea∗ [now](https://evil.example) &lt;@U1&gt; @all
        提交: 1a2b3c4 (main)
        操作人: ana
        申请人: ben@github
        原因: too late ˋrmˋ
        <https://davit.example/requests/42|在 davit 中查看>

        mattermost:
        #### 👀 shop → production：ana 驳回了发布申请 \#42
        - **标题**: Sell \*tea\* \[now\]\(https:·//evil.example\) &lt;@·U1&gt; @·all
        - **提交**: 1a2b3c4 \(main\)
        - **操作人**: ana
        - **申请人**: ben@·github
        - **原因**: too late \`rm\`

        [在 davit 中查看](https://davit.example/requests/42)
    "#);
    }

    #[test]
    fn a_template_of_ones_own_has_its_values_escaped_and_its_words_not() {
        let mut channel = channel(ChannelKind::Slack, Language::En);
        let template = "*{{ app }}* <!here> {{ title }} {{ nothing }}{% if reason %}({{ reason | upper }}){% endif %}";
        channel.templates.insert(NoticeEvent::Failed, template.to_owned());
        let message = message(&channel, &notice(NoticeEvent::Failed), "");
        let own = message.own.expect("its own");
        insta::assert_snapshot!(own, @"*shop* <!here> Sell ∗tea∗ [now](https://evil.example) &lt;@U1&gt; @all (TOO LATE ˋRMˋ)");
    }

    #[test]
    fn a_template_that_loops_comes_to_an_end() {
        for template in [
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ title }}{% endfor %}{% endfor %}",
            "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        ] {
            assert!(filled(template, Markup::Plain, &json!({ "title": "x" })).is_err(), "{template}");
        }
    }

    #[test]
    fn lines_are_short_and_single() {
        assert_eq!(one_line("a\r\nBcc: b\u{7}"), "a  Bcc: b");
        let long = one_line(&"ä".repeat(1_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (300, true));
        assert_eq!((cut("äöü", 3), cut("äöü", 99)), ("ä", "äöü"));
    }
}
