//! The shapes in the OpenAPI document, in words: the type of a field, the fields of an object, an example of it. The part
//! of JSON Schema that our document uses, and no more.

use super::markdown;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Objects within objects that an example shows.
const DEEPEST: usize = 4;

/// All schemas by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schemas<'a>(&'a Value);

/// A piece of a type: words, or the name of a schema.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    /// Whether `text` is the name of a schema.
    pub(super) named: bool,
}

/// A field of an object, or a parameter.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    /// Of a parameter: path, query or header.
    pub(super) place: String,
    pub(super) r#type: Vec<Part>,
    pub(super) required: bool,
    /// HTML.
    pub(super) meaning: String,
}

/// What an example is made of.
pub(super) struct Words<'a> {
    /// A text for a field of this name.
    pub(super) text: &'a dyn Fn(&str) -> Option<&'static str>,
    /// Of an object in which nothing has to be there.
    pub(super) preferred: &'a [&'a str],
}

impl<'a> Schemas<'a> {
    /// Of a whole document.
    pub(super) fn of(document: &'a Value) -> Self {
        Self(&document["components"]["schemas"])
    }

    /// Every schema with its name.
    pub(super) fn all(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.as_object().into_iter().flatten()
    }

    /// The fields of an object, those of all its parts; none of what is no object.
    pub(super) fn fields(self, schema: &Value) -> Vec<Field> {
        if let Some(name) = reference(schema) {
            return self.fields(&self.0[name]);
        }
        if let Some(items) = schema.get("items") {
            return self.fields(items);
        }
        let required: Vec<&str> = strings(&schema["required"]).collect();
        let own = schema["properties"].as_object().into_iter().flatten().map(|(name, field)| Field {
            name: name.clone(),
            place: String::new(),
            r#type: parts(field),
            required: required.contains(&name.as_str()),
            meaning: meaning(field),
        });
        let of_parts = ["allOf", "oneOf"].into_iter().filter_map(|of| schema[of].as_array()).flatten();
        own.chain(of_parts.flat_map(|part| self.fields(part))).collect()
    }

    /// Something that fits, with what has to be there; where nothing has to, with what `words` prefers of it.
    pub(super) fn example(self, schema: &Value, words: &Words<'_>) -> Value {
        self.example_at("", schema, words, DEEPEST)
    }

    fn example_at(self, name: &str, schema: &Value, words: &Words<'_>, depth: usize) -> Value {
        if let Some(reference) = reference(schema) {
            return self.example_at(name, &self.0[reference], words, depth);
        }
        if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
            return first.clone();
        }
        if let Some(choice) = schema["oneOf"].as_array().and_then(|choices| choices.first()) {
            return self.example_at(name, choice, words, depth);
        }
        match word(schema) {
            "integer" | "number" => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
            "boolean" => json!(true),
            "string" => json!((words.text)(name).unwrap_or("…")),
            "array" if depth > 0 => json!([self.example_at(name, &schema["items"], words, depth - 1)]),
            "array" => json!([]),
            _ => self.example_object(schema, words, depth),
        }
    }

    fn example_object(self, schema: &Value, words: &Words<'_>, depth: usize) -> Value {
        let mut object = Map::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if let Value::Object(fields) = self.example_at("", part, words, depth) {
                object.extend(fields);
            }
        }
        let fields: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
        let mut shown: Vec<&str> = strings(&schema["required"]).collect();
        if shown.is_empty() {
            shown = words.preferred.to_vec();
        }
        if !fields.iter().any(|(name, _)| shown.contains(&name.as_str())) {
            shown = fields.iter().map(|(name, _)| name.as_str()).collect();
        }
        for (name, field) in fields.into_iter().filter(|(name, _)| depth > 0 && shown.contains(&name.as_str())) {
            object.insert(name.clone(), self.example_at(name, field, words, depth - 1));
        }
        Value::Object(object)
    }
}

/// The type of a field.
pub(super) fn parts(schema: &Value) -> Vec<Part> {
    if let Some(name) = reference(schema) {
        return vec![Part { text: name.to_owned(), named: true }];
    }
    if let Some(choices) = ["oneOf", "anyOf"].into_iter().find_map(|of| schema[of].as_array()) {
        return joined(choices, " or ");
    }
    if let Some(all) = schema["allOf"].as_array() {
        return joined(all, " and ");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return vec![plain(values.join(" or "))];
    }
    if schema["type"] == "array" || schema.get("items").is_some_and(Value::is_object) {
        return std::iter::once(plain("array of ".to_owned())).chain(parts(&schema["items"])).collect();
    }
    if schema["additionalProperties"].is_object() {
        return std::iter::once(plain("map to ".to_owned())).chain(parts(&schema["additionalProperties"])).collect();
    }
    vec![plain(simple(schema))]
}

/// What is said of it, as HTML.
pub(super) fn meaning(described: &Value) -> String {
    described["description"].as_str().map(prose).unwrap_or_default()
}

/// A comment of the code, as HTML.
pub(super) fn prose(text: &str) -> String {
    markdown::render(text, "", &[], str::to_owned).html
}

/// The schema that is referred to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn joined(choices: &[Value], between: &str) -> Vec<Part> {
    let mut all = Vec::new();
    for choice in choices {
        if !all.is_empty() {
            all.push(plain(between.to_owned()));
        }
        all.extend(parts(choice));
    }
    all
}

fn plain(text: String) -> Part {
    Part { text, named: false }
}

/// One type or several, with its form and bounds.
fn simple(schema: &Value) -> String {
    let types: Vec<&str> = schema["type"].as_str().into_iter().chain(strings(&schema["type"])).collect();
    let mut text = if types.is_empty() { "anything".to_owned() } else { types.join(" or ") };
    let bound = |name: &str, word: &str| schema[name].as_f64().map(|bound| format!(", {word} {bound}"));
    // Whole numbers have no other form than theirs, and that they begin at zero goes without saying.
    text.extend(bound("minimum", "at least").filter(|_| schema["minimum"] != 0));
    text.extend(bound("maximum", "at most"));
    text
}

/// The type that is not null.
fn word(schema: &Value) -> &str {
    let types = &schema["type"];
    types.as_str().or_else(|| strings(types).find(|one| *one != "null")).unwrap_or_default()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
