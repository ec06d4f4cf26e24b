//! People's shells on hosts.

use super::{OPERATOR, Row};
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("POST", "/hosts/{name}/terminals", json!({ "cols": 80, "rows": 24 }), OPERATOR, 404),
        ("GET", "/terminals", Value::Null, OPERATOR, 200),
        ("GET", "/terminals/{id}", Value::Null, OPERATOR, 404),
        ("DELETE", "/terminals/{id}", Value::Null, OPERATOR, 404),
        ("GET", "/terminals/{id}/recording", Value::Null, OPERATOR, 404),
        ("GET", "/terminals/{id}/socket", Value::Null, OPERATOR, 404),
    ]
}
