//! When a schedule is due: five fields in POSIX syntax, in UTC, as `on.schedule` has them.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A checked cron expression.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    source: String,
    times: croner::Cron,
}

impl Cron {
    /// Reads minute, hour, day of month, month and day of week.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(source: &str) -> Result<Self, String> {
        let fields: Vec<&str> = source.split_whitespace().collect();
        if fields.len() != 5 {
            return Err(format!(
                "a schedule has five fields: minute, hour, day of month, month, day of week; `{source}` has {}",
                fields.len()
            ));
        }
        for field in &fields {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | ',' | '-' | '/');
            let name = |word: &str| word.is_empty() || NAMES.contains(&word.to_ascii_uppercase().as_str());
            let words = field.split(|c: char| !c.is_ascii_alphabetic()).all(name);
            if !field.chars().all(allowed) || !words {
                return Err(format!("`{field}` is no field of a schedule: numbers, names, `*`, `,`, `-` and `/` are"));
            }
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let times = parser.parse(source).map_err(|error| format!("`{source}` is no schedule: {error}"))?;
        Ok(Self { source: source.to_owned(), times })
    }

    /// The first time after `after`; [`None`] where there is none, as for the 31st of February.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let next = self.times.find_next_occurrence(&after.to_zoned(TimeZone::UTC), false).ok()?;
        Some(next.timestamp())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

const NAMES: [&str; 19] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN", "MON", "TUE", "WED",
    "THU", "FRI", "SAT",
];

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        Self::parse(&source)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_in_utc() {
        let cases = [
            ("30 5 * * 1,3", "2026-03-02T05:30:00Z", "2026-03-04T05:30:00Z"),
            ("*/15 * * * *", "2026-03-02T05:31:00Z", "2026-03-02T05:45:00Z"),
            ("0 0 1 JAN *", "2026-03-02T05:31:00Z", "2027-01-01T00:00:00Z"),
            ("0 4-6/2 * * sun", "2026-03-02T05:31:00Z", "2026-03-08T04:00:00Z"),
            ("0 0 13 * 5", "2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z"),
            ("0 0 29 2 *", "2026-03-02T00:00:00Z", "2028-02-29T00:00:00Z"),
        ];
        for (cron, after, next) in cases {
            let found = Cron::parse(cron).expect(cron).next_after(after.parse().expect("a time"));
            assert_eq!(found, Some(next.parse().expect("a time")), "{cron}");
        }
        let never = Cron::parse("0 0 31 2 *");
        let after = "2026-03-02T00:00:00Z".parse().expect("a time");
        assert!(never.is_err() || never.expect("checked").next_after(after).is_none());
    }

    #[test]
    fn what_is_not_posix_is_refused() {
        for cron in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * L * *",
            "@daily",
            "* * * * 1#2",
            "* * 15W * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "? * * * *",
        ] {
            assert!(Cron::parse(cron).is_err(), "{cron}");
        }
    }
}
