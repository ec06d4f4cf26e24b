//! WeCom's group robots (企业微信群机器人). The key is part of the URL.
//! Source: <https://developer.work.weixin.qq.com/document/path/91770>.

use super::{Call, Prepared};
use crate::notify::Trouble;
use crate::notify::outgoing::{Answer, Request};
use crate::notify::render::{Message, cut};
use serde_json::json;

/// A Markdown text has at most 4,096 bytes.
const LONGEST: usize = 4_096;

pub(super) fn request(call: &Call<'_>) -> Prepared {
    let body = json!({ "msgtype": "markdown", "markdown": { "content": text(call.message) } });
    Ok((call.url.clone(), Request::json(&body)))
}

pub(super) fn text(message: &Message) -> String {
    let link = message.link.as_ref().map(|(label, url)| format!("\n[{label}]({url})")).unwrap_or_default();
    let lines = message.body(
        |title| format!("**{title}**"),
        |label, value| format!("> {label}：<font color=\"comment\">{value}</font>"),
    );
    let body = lines.join("\n");
    // The link is worth more than the end of a long reason.
    format!("{}{link}", cut(&body, LONGEST.saturating_sub(link.len())))
}

/// Refusals come with status 200 and an `errcode`: <https://developer.work.weixin.qq.com/document/path/90313>.
pub(super) fn judge(answer: &Answer) -> Result<(), Trouble> {
    answer.succeeded()?;
    let said = answer.json();
    let words = said["errmsg"].as_str().unwrap_or_default();
    match said["errcode"].as_i64() {
        Some(0) => Ok(()),
        Some(code @ -1) => Err(Trouble::Later(format!("WeCom is busy ({code} {words})"))),
        Some(code @ (45_009 | 45_033)) => {
            Err(Trouble::Pause { after: None, detail: format!("too many messages ({code} {words})") })
        }
        Some(code) => Err(Trouble::Refused(format!("WeCom refused it ({code} {words})"))),
        None => Err(Trouble::Refused(format!("the answer is not WeCom's: {}", answer.words()))),
    }
}
