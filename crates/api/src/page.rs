//! Lists: newest first, in pages, by a cursor that is the last id seen.

use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const DEFAULT: u32 = 50;
const MOST: u32 = 200;

/// Which part of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// 1 to 200; 50 without it.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    /// How many rows.
    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(DEFAULT).clamp(1, MOST))
    }

    /// The id that the page starts after.
    pub(crate) fn before(&self) -> Result<Option<i64>, Problem> {
        self.cursor
            .as_deref()
            .map(|text| text.parse().map_err(|_| Problem::invalid("cursor must be the `next` of an earlier page")))
            .transpose()
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// Cursor of the next page; none when this was the last.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A list that is always whole.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of `limit` rows; a full one has a next.
    pub(crate) fn cut(items: Vec<T>, limit: i64, id: impl Fn(&T) -> i64) -> Self {
        let full = i64::try_from(items.len()).is_ok_and(|count| count >= limit);
        let next = items.last().filter(|_| full).map(|last| id(last).to_string());
        Self { items, next }
    }
}
