//! Reading when releases go out to an environment and when they don't: its release windows and its freeze windows.

use super::reader::{Fields, Value};
use super::values::{filled_list, line, one_of};
use crate::freeze::{self, DAY, FreezeWindow, ReleaseWindow, Weekday};

/// `[[environment.window]]`: `days = ["mon", "tue"]`, `from = "09:00"`, `to = "17:00"`, `zone = "Europe/Berlin"`.
pub(super) fn release_window(mut fields: Fields<'_>) -> Option<ReleaseWindow> {
    let days = fields.or("days", Vec::new(), days);
    let from = fields.required("from", |value| clock_time(value, DAY - 1));
    let to = fields.required("to", |value| clock_time(value, DAY));
    let zone = fields.required("zone", zone);
    fields.finish();
    Some(ReleaseWindow { days: days?, from: from?, to: to?, zone: zone? })
}

/// `freeze = [{ days = ["fri"], from = "16:00", to = "24:00", zone = "Europe/Berlin", reason = "…" }]`.
pub(super) fn freeze(value: &Value<'_>) -> Option<Vec<FreezeWindow>> {
    let windows: Vec<Option<FreezeWindow>> = value.items()?.iter().map(freeze_window).collect();
    windows.into_iter().collect()
}

fn freeze_window(value: &Value<'_>) -> Option<FreezeWindow> {
    let mut fields = value.fields()?;
    let days = fields.optional("days", days);
    let from = fields.get("from");
    let to = fields.get("to");
    let until = fields.get("until");
    let zone = fields.required("zone", zone);
    let reason = fields.required("reason", line);
    fields.finish();
    match (from, to, until) {
        (Some(from), Some(to), None) => {
            let (from, to) = (clock_time(&from, DAY - 1), clock_time(&to, DAY));
            Some(FreezeWindow::Weekly { days: days?.unwrap_or_default(), from: from?, to: to?, zone: zone?, reason: reason? })
        }
        (Some(from), None, Some(until)) => {
            if matches!(days, Some(Some(_))) {
                return value.refuse("a freeze window has either `days` with `from` and `to`, or `from` and `until` with dates");
            }
            let (from, until) = (date_time(&from), date_time(&until));
            let (from, until) = (from?, until?);
            if freeze::civil(&from) >= freeze::civil(&until) {
                return value.refuse(format!("the freeze window ends ({until}) before it begins ({from})"));
            }
            Some(FreezeWindow::Dated { from, until, zone: zone?, reason: reason? })
        }
        (_, _, _) => value.refuse(
            "a freeze window needs `from` and `to` (\"16:00\"), or `from` and `until` with dates (\"2026-12-24T00:00\")",
        ),
    }
}

fn days(value: &Value<'_>) -> Option<Vec<Weekday>> {
    filled_list(value, |day| one_of(day, &Weekday::ALL.map(|weekday| (weekday.as_str(), weekday))))
}

fn zone(value: &Value<'_>) -> Option<String> {
    let name = line(value)?;
    match freeze::zone(&name) {
        Some(_) => Some(name),
        None => value.refuse(format!("{name:?} is no time zone: write one like \"Europe/Berlin\" or \"UTC\"")),
    }
}

fn clock_time(value: &Value<'_>, latest: u16) -> Option<u16> {
    let text = value.text()?;
    let minutes = text.split_once(':').and_then(|(hours, minutes)| {
        let is_pair = |digits: &str| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let (hours, minutes) = (is_pair(hours).then_some(hours)?, is_pair(minutes).then_some(minutes)?);
        let minutes = minutes.parse::<u16>().ok().filter(|minutes| *minutes < 60)?;
        Some(hours.parse::<u16>().ok()? * 60 + minutes).filter(|time| *time <= latest)
    });
    minutes.or_else(|| value.refuse(format!("{} must be a time like \"16:00\", not {text:?}", value.name())))
}

fn date_time(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    match freeze::civil(text) {
        Some(_) if text.contains('T') => Some(text.to_owned()),
        Some(_) | None => {
            value.refuse(format!("{} must be a date and time like \"2026-12-24T00:00\", not {text:?}", value.name()))
        }
    }
}
