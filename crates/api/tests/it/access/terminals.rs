//! People's shells on hosts.

use super::Row;
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("POST", "/hosts/{name}/terminals", json!({ "cols": 80, "rows": 24 }), 404),
        ("GET", "/terminals", Value::Null, 200),
        ("GET", "/terminals/{id}", Value::Null, 404),
        ("DELETE", "/terminals/{id}", Value::Null, 404),
        ("GET", "/terminals/{id}/recording", Value::Null, 404),
        ("GET", "/terminals/{id}/socket", Value::Null, 404),
    ]
}
