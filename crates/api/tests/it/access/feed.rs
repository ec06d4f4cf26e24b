//! The feed.

use super::{OPERATOR, Row, VIEWER};
use serde_json::Value;

pub(super) fn rows() -> Vec<Row> {
    vec![
        ("GET", "/feed", Value::Null, VIEWER, 200),
        ("GET", "/feed/actions", Value::Null, VIEWER, 200),
        ("GET", "/feed/export", Value::Null, OPERATOR, 200),
    ]
}
