//! Whether an answer is what the OpenAPI document promises: the part of JSON Schema that the document uses.

use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(davit_api::openapi()).unwrap());

/// The document.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// Every operation: its method in capitals, its path below `/api/v1`, and what is said of it.
pub(crate) fn operations() -> impl Iterator<Item = (String, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters");
        methods
            .map(|(method, operation)| (method.to_uppercase(), path.strip_prefix("/api/v1").unwrap_or(path), operation))
    })
}

/// Panics when `answer` is not what `GET /api/v1<path>` is said to answer.
pub(crate) fn check(path: &str, answer: &Value) {
    let path = format!("/api/v1{}", path.split('?').next().unwrap_or_default());
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (template, operations) = paths
        .iter()
        .find(|(template, _)| **template == path)
        .or_else(|| paths.iter().find(|(template, _)| matches(template, &path)))
        .unwrap_or_else(|| panic!("{path} is not in the document"));
    let schema = &operations["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{template} has no schema for its answer");
    if let Err(error) = fits(schema, answer, "") {
        panic!("GET {path} does not answer what its schema says: {error}\n{answer}");
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(path).all(|(part, given)| part.starts_with('{') || *part == given)
}

fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let target = DOCUMENT.pointer(pointer).ok_or_else(|| format!("{at}: {reference} is not in the document"))?;
        return fits(target, value, at);
    }
    for one in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[one].as_array()
            && !choices.iter().any(|choice| fits(choice, value, at).is_ok())
        {
            return Err(format!("{at}: {value} is none of {choices:?}"));
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fits(part, value, at)?;
    }
    has_type(&schema["type"], value, at)?;
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at}: {value} is none of {words:?}"));
    }
    match value {
        Value::Array(items) if !schema["items"].is_null() => {
            for (index, item) in items.iter().enumerate() {
                fits(&schema["items"], item, &format!("{at}/{index}"))?;
            }
        }
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    return Err(format!("{at}: {name} is missing"));
                }
            }
            for (name, of_field) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(field) = fields.get(name) {
                    fits(of_field, field, &format!("{at}/{name}"))?;
                }
            }
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn has_type(types: &Value, value: &Value, at: &str) -> Result<(), String> {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is not a type of JSON Schema"),
    };
    let fine = match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    if fine { Ok(()) } else { Err(format!("{at}: {value} is not {types}")) }
}
