//! What the OpenAPI document says beyond what each handler and view says of itself: what operations are called and what
//! they need, what every answer has, and how pages of lists are put.

use crate::needs;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ArrayItems, Object, Schema, SchemaType, Type};
use utoipa::openapi::{Components, OpenApi, Ref, RefOr};

/// Completes the document that the routes make.
pub(crate) fn complete(document: &mut OpenApi) {
    // The router marks a parameter with slashes in it; the document has no sign for that.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    name_operations(document);
    needs::describe(document);
    let taken = taken(document);
    if let Some(components) = &mut document.components {
        name_items(components);
        let answered = components.schemas.iter_mut().filter(|(name, _)| !taken.contains(*name));
        answered.for_each(|(_, schema)| require_nullable(schema));
    }
}

/// The operations of a path, by their methods in capitals.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let methods = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ];
    methods.into_iter().filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Each operation is called by its method and path: functions of several modules have one name.
fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let words = path.trim_start_matches("/api/v1").split(|letter: char| !letter.is_ascii_alphanumeric());
        let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
        for (method, operation) in operations(item) {
            operation.operation_id = Some(format!("{}_{name}", method.to_lowercase()));
        }
    }
}

/// The names of the schemas of what davit takes, and of all within them.
fn taken(document: &mut OpenApi) -> BTreeSet<String> {
    let schemas = document.components.as_ref().map_or(Value::Null, |components| json!(components.schemas));
    let bodies = document.paths.paths.values_mut().flat_map(operations);
    let mut open: Vec<Value> = bodies.map(|(_, operation)| json!(operation.request_body)).collect();
    let mut names = BTreeSet::new();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                let reference = fields.get("$ref").and_then(Value::as_str);
                if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next())
                    && names.insert(name.to_owned())
                {
                    open.push(schemas[name].clone());
                }
                open.extend(fields.into_iter().map(|(_, field)| field));
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    names
}

/// A page of a list spells its items out, for want of a name: here they have one.
fn name_items(components: &mut Components) {
    let names: BTreeSet<String> = components.schemas.keys().cloned().collect();
    for (name, page) in &mut components.schemas {
        let Some(item) = name.strip_prefix("Page_").filter(|item| names.contains(*item)) else { continue };
        if let RefOr::T(Schema::Object(page)) = page
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            items.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
        }
    }
}

/// In what davit answers, a field that may be null is always there. (Those left out when empty are never null.)
fn require_nullable(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => require_nullable_of(object),
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(require_nullable),
        RefOr::T(Schema::OneOf(choices)) => choices.items.iter_mut().for_each(require_nullable),
        RefOr::T(Schema::Array(list)) => {
            if let ArrayItems::RefOrSchema(items) = &mut list.items {
                require_nullable(items);
            }
        }
        // Schemas and references of other sorts have no fields of their own.
        RefOr::Ref(_) | RefOr::T(_) => {}
    }
}

fn require_nullable_of(object: &mut Object) {
    for (name, field) in &mut object.properties {
        if is_nullable(field) && !object.required.contains(name) {
            object.required.push(name.clone());
        }
        require_nullable(field);
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let may_be_null = |types: &SchemaType| match types {
        SchemaType::Type(one) => *one == Type::Null,
        SchemaType::Array(several) => several.contains(&Type::Null),
        SchemaType::AnyValue => false,
    };
    match schema {
        RefOr::T(Schema::Object(object)) => may_be_null(&object.schema_type),
        RefOr::T(Schema::Array(list)) => may_be_null(&list.schema_type),
        RefOr::T(Schema::OneOf(choices)) => choices.items.iter().any(is_nullable),
        RefOr::Ref(_) | RefOr::T(_) => false,
    }
}
