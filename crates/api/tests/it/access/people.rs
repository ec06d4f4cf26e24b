//! Accounts, groups, grants, tokens, identities.

use super::*;
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    vec![("POST", "/tokens", json!({ "name": "new" }), VIEWER, 201)]
}
