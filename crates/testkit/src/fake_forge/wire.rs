//! Reading what clients send, and giving out lists in pages.

use super::server::{Answer, Refused};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The query's fields.
pub(super) type Query = axum::extract::Query<HashMap<String, String>>;

/// A field that is not as the forge wants it, and what it says about it.
pub(super) struct Invalid {
    pub(super) field: String,
    pub(super) message: String,
}

impl Invalid {
    pub(super) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// The fields of a request.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// A text, or nothing.
    pub(super) fn text(&self, field: &str) -> Result<Option<&str>, Invalid> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Invalid::new(field, "must be a string")),
        }
    }

    /// Yes or no, or nothing. A form has only texts.
    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, Invalid> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(Invalid::new(field, "is not a boolean")),
        }
    }

    /// Texts, or nothing.
    pub(super) fn texts(&self, field: &str) -> Result<Option<Vec<String>>, Invalid> {
        let wrong = || Invalid::new(field, "is not an array of strings");
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(wrong()),
        }
    }

    /// Fields inside this one; none when it is not there.
    pub(super) fn inner(&self, field: &str) -> Result<Option<Self>, Invalid> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self(fields.clone()))),
            Some(_) => Err(Invalid::new(field, "is not an object")),
        }
    }

    /// A link of http or https, or nothing.
    pub(super) fn link(&self, field: &str) -> Result<Option<&str>, Invalid> {
        let link = self.text(field)?;
        if link.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(Invalid::new(field, format!("{field} must use http(s) scheme")));
        }
        Ok(link)
    }
}

/// What a request's content type is, without its parameters.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// The fields of a form or a query.
pub(super) fn form(text: &str) -> Map<String, Value> {
    let decoded = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decoded(&spaced)
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), Value::String(decoded(value))))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let coded = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, coded.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How a forge pages its lists.
pub(super) struct Paging {
    /// The parameter for a page's size.
    pub(super) size: &'static str,
    /// That size unless asked for.
    pub(super) default: usize,
    /// The largest size.
    pub(super) max: usize,
    /// The header with the number of all items; `None` where none says it.
    pub(super) total: Option<&'static str>,
}

impl Paging {
    /// One page of `items`; `url` is the list's own address.
    pub(super) fn answer(&self, items: Vec<Value>, query: &HashMap<String, String>, url: &str) -> Response {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let size = number(self.size).unwrap_or(self.default).clamp(1, self.max);
        let page = number("page").unwrap_or(1).max(1);
        let total = items.len();
        let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
        let mut response = Json(shown).into_response();
        if let Some(name) = self.total {
            response.headers_mut().insert(name, HeaderValue::from(total));
        }
        if page * size < total {
            let others = query.iter().filter(|(name, _)| *name != "page");
            let others: String = others.map(|(name, value)| format!("&{name}={value}")).collect();
            let link = format!("<{url}?page={}{others}>; rel=\"next\"", page + 1);
            response.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).expect("an address is ASCII"));
        }
        response
    }
}

/// An answer with this status.
pub(super) fn json(status: axum::http::StatusCode, body: &Value) -> Answer {
    Ok((status, Json(body)).into_response())
}

/// Parses a body that has to be a JSON object.
pub(super) fn object(body: &[u8], refuse: impl Fn(&str) -> Refused) -> Result<Fields, Refused> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(Fields(fields)),
        Ok(_) => Err(refuse("Body should be a JSON object")),
        Err(_) => Err(refuse("Problems parsing JSON")),
    }
}
