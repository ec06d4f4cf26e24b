//! When a schedule is due: five fields in POSIX syntax, in UTC or in a named time zone, as `on.schedule` has them.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A checked cron expression.
#[derive(Debug, Clone)]
pub struct Cron {
    source: String,
    times: croner::Cron,
    zone: TimeZone,
}

impl Cron {
    /// Reads minute, hour, day of month, month and day of week, in UTC.
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
        Ok(Self { source: source.to_owned(), times, zone: TimeZone::UTC })
    }

    /// The same in the time zone with this IANA name, as `Europe/Berlin`.
    ///
    /// # Errors
    ///
    /// A sentence that says that there is no such time zone.
    pub fn in_zone(self, name: &str) -> Result<Self, String> {
        let zone = TimeZone::get(name)
            .map_err(|_| format!("there is no time zone `{name}`; it needs an IANA name, as `Europe/Berlin`"))?;
        Ok(Self { zone, ..self })
    }

    /// The first time after `after`; [`None`] where there is none, as for the 31st of February. What falls into the hour
    /// that a change of clocks leaves out is due right after it.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let next = self.times.find_next_occurrence(&after.to_zoned(self.zone.clone()), false).ok()?;
        Some(next.timestamp())
    }

    /// The IANA name of the time zone, where it is not UTC.
    pub fn timezone(&self) -> Option<&str> {
        self.zone.iana_name().filter(|_| self.zone != TimeZone::UTC)
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
        self.source == other.source && self.zone == other.zone
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
    fn times_are_in_their_zone() {
        let cases = [
            ("0 9 * * *", "2026-01-10T00:00:00Z", "2026-01-10T08:00:00Z"),
            ("0 9 * * *", "2026-07-10T00:00:00Z", "2026-07-10T07:00:00Z"),
            // The clocks go from 2 to 3 on that day, and back from 3 to 2 on the other.
            ("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
            ("30 2 * * *", "2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z"),
            ("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        ];
        for (cron, after, next) in cases {
            let cron = Cron::parse(cron).expect(cron).in_zone("Europe/Berlin").expect("a zone");
            assert_eq!(cron.timezone(), Some("Europe/Berlin"));
            let found = cron.next_after(after.parse().expect("a time"));
            assert_eq!(found, Some(next.parse().expect("a time")), "{} after {after}", cron.as_str());
        }
        let utc = Cron::parse("0 9 * * *").expect("a schedule");
        assert_eq!(utc.timezone(), None);
        assert_eq!(utc.clone().in_zone("UTC"), Ok(utc.clone()));
        assert!(utc.in_zone("Mars/Olympus").is_err());
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
