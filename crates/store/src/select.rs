//! Lists with conditions that may be absent. Everything but the column names is bound, never written into the text; a
//! text that no row can hold finds none.

use crate::{repository_key, storable};
use davit_domain::access::Places;
use davit_domain::ids::ForgeId;
use sqlx::{Database, Encode, QueryBuilder, Type};
use std::fmt::Display;

/// A `SELECT … FROM …` that grows a `WHERE`.
pub(crate) struct Select<DB: Database> {
    query: QueryBuilder<DB>,
    conditions: usize,
}

impl<DB: Database> Select<DB>
where
    for<'a> String: Encode<'a, DB> + Type<DB>,
    for<'a> i64: Encode<'a, DB> + Type<DB>,
{
    pub(crate) fn new(select: &'static str) -> Self {
        Self { query: QueryBuilder::new(select), conditions: 0 }
    }

    /// One with a number in the middle of its text.
    pub(crate) fn around((before, after): (&'static str, &'static str), number: i64) -> Self {
        let mut query = QueryBuilder::new(before);
        query.push_bind(number).push(after);
        Self { query, conditions: 0 }
    }

    /// `column = value`, when there is a value.
    pub(crate) fn equals(mut self, column: &'static str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.and().push(column).push(" = ").push_bind(storable(&value.to_string()).into_owned());
        }
        self
    }

    /// Of these numbers; none of them: no row.
    pub(crate) fn numbered(mut self, column: &'static str, numbers: &[i64]) -> Self {
        let query = self.and().push("(1 = 0");
        for number in numbers {
            query.push(" OR ").push(column).push(" = ").push_bind(*number);
        }
        query.push(")");
        self
    }

    /// `column = value`, when there is a number.
    pub(crate) fn equals_number(mut self, column: &'static str, value: Option<i64>) -> Self {
        if let Some(value) = value {
            self.and().push(column).push(" = ").push_bind(value);
        }
        self
    }

    /// `one = value OR other = value`, when there is a value.
    pub(crate) fn equals_either(mut self, one: &'static str, other: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let value = storable(value).into_owned();
            let query = self.and().push("(").push(one).push(" = ").push_bind(value.clone());
            query.push(" OR ").push(other).push(" = ").push_bind(value).push(")");
        }
        self
    }

    /// `column >= value`, when there is a number.
    pub(crate) fn at_least(mut self, column: &'static str, value: Option<i64>) -> Self {
        if let Some(value) = value {
            self.and().push(column).push(" >= ").push_bind(value);
        }
        self
    }

    /// `column < value`, when there is a number.
    pub(crate) fn less(mut self, column: &'static str, value: Option<i64>) -> Self {
        if let Some(value) = value {
            self.and().push(column).push(" < ").push_bind(value);
        }
        self
    }

    /// Apps and environments that are among these places.
    pub(crate) fn within(mut self, app: &'static str, environment: &'static str, places: Option<&Places>) -> Self {
        let Some(Places::Only(places)) = places else { return self };
        let query = self.and().push("(1 = 0");
        for place in places {
            query.push(" OR (1 = 1");
            if let Some(value) = &place.app {
                query.push(" AND ").push(app).push(" = ").push_bind(value.to_string());
            }
            if let Some(value) = &place.environment {
                query.push(" AND ").push(environment).push(" = ").push_bind(value.to_string());
            }
            query.push(")");
        }
        query.push(")");
        self
    }

    /// Of these repositories, by their forge, when there is a list: an empty one holds none.
    pub(crate) fn of_repositories(mut self, repositories: Option<&[(ForgeId, String)]>) -> Self {
        let Some(repositories) = repositories else { return self };
        let query = self.and().push("(1 = 0");
        for (forge, name) in repositories {
            query.push(" OR (forge = ").push_bind(forge.to_string());
            query.push(" AND LOWER(repository) = ").push_bind(repository_key(name)).push(")");
        }
        query.push(")");
        self
    }

    /// `column = value` without case, when there is a value.
    pub(crate) fn equals_any_case(mut self, column: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.and().push("LOWER(").push(column).push(") = LOWER(").push_bind(storable(value).into_owned()).push(")");
        }
        self
    }

    /// A text that is in one of the columns, without case, when there is one. Its `%` and `_` mean themselves.
    pub(crate) fn contains(mut self, columns: &[&'static str], text: Option<&str>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self };
        let pattern = containing(text);
        self.and().push("(");
        for (number, column) in columns.iter().enumerate() {
            self.query.push(if number == 0 { "LOWER(" } else { " OR LOWER(" }).push(*column);
            self.query.push(") LIKE LOWER(").push_bind(pattern.clone()).push(") ESCAPE '\\'");
        }
        self.query.push(")");
        self
    }

    /// A commit's id in the column that begins so. `beginning` is in lower case; an index on the column serves it.
    pub(crate) fn begins(mut self, column: &'static str, beginning: &str) -> Self {
        // Ids are hexadecimal: nothing that begins so comes after this.
        let end = format!("{beginning}g");
        let query = self.and().push(column).push(" >= ").push_bind(storable(beginning).into_owned());
        query.push(" AND ").push(column).push(" < ").push_bind(storable(&end).into_owned());
        self
    }

    /// Of the `count` numbers that the table gave last.
    pub(crate) fn newest(mut self, table: &'static str, count: &'static str) -> Self {
        self.and().push("id > (SELECT COALESCE(MAX(id), 0) - ").push(count).push(" FROM ").push(table).push(")");
        self
    }

    /// As [`contains`](Self::contains), and rows that have this number or whose commit begins with the text.
    pub(crate) fn found_by(mut self, columns: &[&'static str], commit: &'static str, text: Option<&str>) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return self };
        let pattern = containing(text);
        self.and().push("(");
        for column in columns {
            self.query.push("LOWER(").push(*column).push(") LIKE LOWER(").push_bind(pattern.clone());
            self.query.push(") ESCAPE '\\' OR ");
        }
        let sha = text.to_ascii_lowercase();
        // Shorter ones are in nearly every commit.
        let is_sha = (4..=64).contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_sha {
            self.query.push(commit).push(" LIKE ").push_bind(format!("{sha}%")).push(" OR ");
        }
        // No row has the number of what is none.
        self.query.push("id = ").push_bind(text.parse::<i64>().unwrap_or(-1)).push(")");
        self
    }

    /// A condition that has no value.
    pub(crate) fn only_if(mut self, condition: &'static str, wanted: bool) -> Self {
        if wanted {
            self.and().push(condition);
        }
        self
    }

    /// `column IN (values)`, when there are any.
    pub(crate) fn one_of(mut self, column: &'static str, values: &[impl Display]) -> Self {
        if values.is_empty() {
            return self;
        }
        let mut list = self.and().push(column).push(" IN (").separated(", ");
        for value in values {
            list.push_bind(storable(&value.to_string()).into_owned());
        }
        self.query.push(")");
        self
    }

    /// One row a value of the column.
    pub(crate) fn grouped_by(mut self, column: &'static str) -> QueryBuilder<DB> {
        self.query.push(" GROUP BY ").push(column);
        self.query
    }

    /// All, in this order.
    pub(crate) fn ordered_by(mut self, columns: &'static str) -> QueryBuilder<DB> {
        self.query.push(" ORDER BY ").push(columns);
        self.query
    }

    /// Newest first, below the id `before`, at most `limit`.
    pub(crate) fn newest_first(mut self, before: Option<i64>, limit: i64) -> QueryBuilder<DB> {
        if let Some(before) = before {
            self.and().push("id < ").push_bind(before);
        }
        self.query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        self.query
    }

    fn and(&mut self) -> &mut QueryBuilder<DB> {
        self.conditions += 1;
        self.query.push(if self.conditions == 1 { " WHERE " } else { " AND " })
    }
}

/// The pattern of `LIKE … ESCAPE '\'` for what holds this text. Its `%` and `_` mean themselves.
pub(crate) fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{}%", storable(&escaped))
}
