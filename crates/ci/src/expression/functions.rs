//! The functions of expressions.

use super::evaluate::{Contexts, Evaluated, Fault, Status, value_of};
use crate::value::{Value, fold};
use github_actions_expressions::call::{Call, Function};

/// No text that an expression makes is longer, in bytes: GitHub's own limit of memory.
pub(super) const MOST_BYTES: usize = 10 << 20;

pub(super) fn call(call: &Call<'_>, contexts: &Contexts<'_>) -> Evaluated {
    let arguments: Vec<Value> =
        call.args.iter().map(|argument| value_of(argument, contexts)).collect::<Result<_, _>>()?;
    let argument = |index: usize| arguments.get(index).unwrap_or(&Value::Null);
    Ok(match call.func {
        Function::Contains => Value::Bool(contains(argument(0), argument(1))),
        Function::StartsWith => Value::Bool(texts(argument(0), argument(1), |text, start| text.starts_with(start))),
        Function::EndsWith => Value::Bool(texts(argument(0), argument(1), |text, end| text.ends_with(end))),
        Function::Format => Value::String(format(&arguments)?),
        Function::Join => Value::String(join(argument(0), arguments.get(1))?),
        Function::ToJSON => Value::String(argument(0).to_json_text()),
        Function::FromJSON => from_json(argument(0))?,
        Function::HashFiles => Value::String(hash_files(&arguments, contexts)?),
        Function::Success => Value::Bool(contexts.status() == Status::Success),
        Function::Failure => Value::Bool(contexts.status() == Status::Failure),
        Function::Cancelled => Value::Bool(contexts.status() == Status::Cancelled),
        Function::Always => Value::Bool(true),
        Function::Case => return Err(Fault::Failed("there is no function `case`".to_owned())),
    })
}

fn contains(searched: &Value, item: &Value) -> bool {
    match searched {
        Value::Array(items) => items.iter().any(|one| one.loosely_equals(item)),
        Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            texts(searched, item, |text, part| text.contains(part))
        }
    }
}

/// Compares two values as texts whatever their case; an array or object is no text.
fn texts(text: &Value, part: &Value, holds: fn(&str, &str) -> bool) -> bool {
    text.is_primitive() && part.is_primitive() && holds(&fold(&text.to_string()), &fold(&part.to_string()))
}

/// `{0}` and so on are arguments, `{{` and `}}` are braces.
fn format(arguments: &[Value]) -> Result<String, Fault> {
    let Some((template, arguments)) = arguments.split_first() else {
        return Err(Fault::Failed("`format` needs a text".to_owned()));
    };
    let template = template.to_string();
    let refuse = || Fault::Failed("the text of `format` has a brace that is neither doubled nor `{number}`".to_owned());
    let mut text = String::new();
    let mut rest = template.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        let (before, braces) = rest.split_at(at);
        push(&mut text, before)?;
        if braces.starts_with("{{") || braces.starts_with("}}") {
            push(&mut text, &braces[..1])?;
            rest = &braces[2..];
            continue;
        }
        let (number, after) = braces.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or_else(refuse)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse());
        }
        let argument = number.parse().ok().and_then(|index: usize| arguments.get(index));
        let argument = argument.ok_or_else(|| Fault::Failed(format!("`format` has no argument for {{{number}}}")))?;
        push(&mut text, &argument.to_string())?;
        rest = after;
    }
    push(&mut text, rest)?;
    Ok(text)
}

fn join(values: &Value, separator: Option<&Value>) -> Result<String, Fault> {
    let separator = separator
        .map_or_else(|| ",".to_owned(), |value| if value.is_primitive() { value.to_string() } else { String::new() });
    match values {
        Value::Array(items) => {
            let mut text = String::new();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    push(&mut text, &separator)?;
                }
                push(&mut text, &item.to_string())?;
            }
            Ok(text)
        }
        Value::Object(_) => Ok(String::new()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(values.to_string()),
    }
}

fn from_json(value: &Value) -> Evaluated {
    let text = value.to_string();
    if text.trim().is_empty() {
        return Err(Fault::Failed("`fromJSON` was given an empty text".to_owned()));
    }
    Value::from_json(&text).map_err(|error| {
        // The parser's own message may hold a part of the text, and that may be a secret.
        let (line, column) = (error.line(), error.column());
        Fault::Failed(format!("`fromJSON` was given a text that is not JSON at line {line}, column {column}"))
    })
}

fn hash_files(patterns: &[Value], contexts: &Contexts<'_>) -> Result<String, Fault> {
    let hash = contexts.hash_files().ok_or_else(|| Fault::Failed("there are no files here to hash".to_owned()))?;
    let patterns: Vec<String> = patterns.iter().map(Value::to_string).collect();
    hash(&patterns).map_err(|reason| Fault::Failed(format!("`hashFiles` failed: {reason}")))
}

fn push(text: &mut String, more: &str) -> Result<(), Fault> {
    if text.len() + more.len() > MOST_BYTES {
        return Err(Fault::Failed(format!("the result is longer than {MOST_BYTES} bytes")));
    }
    text.push_str(more);
    Ok(())
}
