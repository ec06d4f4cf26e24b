//! What a single value of `davit.toml` may be: paths, durations, globs, references to secrets, ….

use super::SecretRef;
use super::branches::glob;
use super::reader::{Value, closest};
use crate::ids::InvalidId;
use crate::variables;
use ignore::gitignore::GitignoreBuilder;
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A name, key or id.
pub(super) fn id<T: FromStr<Err = InvalidId>>(value: &Value<'_>) -> Option<T> {
    value.text()?.parse().map_or_else(|error: InvalidId| value.refuse(error.to_string()), Some)
}

/// Text on one line, not empty.
pub(super) fn line(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if text.trim().is_empty() {
        return value.refuse(format!("{} must not be empty", value.name()));
    }
    if text.chars().any(char::is_control) {
        return value.refuse(format!("{} must be one line without control characters", value.name()));
    }
    Some(text.to_owned())
}

/// A shell script.
pub(super) fn script(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if text.contains('\0') {
        return value.refuse(format!("{} must not contain a NUL character", value.name()));
    }
    Some(text.to_owned())
}

/// A list without repetitions.
pub(super) fn list<'a, T: PartialEq>(
    value: &Value<'a>,
    mut read: impl FnMut(&Value<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let items = value.items()?;
    let mut list: Vec<T> = Vec::with_capacity(items.len());
    let mut good = true;
    for item in &items {
        match read(item) {
            Some(read) if list.contains(&read) => {
                good = false;
                item.refuse::<()>(format!("{} has {} twice", value.name(), item.source()));
            }
            Some(read) => list.push(read),
            None => good = false,
        }
    }
    good.then_some(list)
}

/// A list with at least one item.
pub(super) fn filled_list<'a, T: PartialEq>(
    value: &Value<'a>,
    read: impl FnMut(&Value<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let list = list(value, read)?;
    if list.is_empty() { value.refuse(format!("{} must not be empty", value.name())) } else { Some(list) }
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(value: &Value<'_>, words: &[(&str, T)]) -> Option<T> {
    let text = value.text()?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*meaning);
    }
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let hint = closest(text, &words).map(|word| format!(": did you mean {word:?}?")).unwrap_or_default();
    let all: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    value.refuse(format!("{} must be one of {}, not {text:?}{hint}", value.name(), all.join(", ")))
}

/// `30m`, `10s`, `1h30m`, as seconds.
pub(super) fn duration(value: &Value<'_>) -> Option<u64> {
    let Some(text) = value.as_text() else {
        return value.wrong_type("a duration like \"10s\", \"30m\" or \"1h30m\"");
    };
    seconds(text).or_else(|| {
        value.refuse(format!("{} must be a duration like \"10s\", \"30m\" or \"1h30m\", not {text:?}", value.name()))
    })
}

/// `90d`, up to a hundred years.
pub(super) fn days(value: &Value<'_>) -> Option<u32> {
    let Some(text) = value.as_text() else {
        return value.wrong_type("a number of days like \"90d\"");
    };
    let days = text.strip_suffix('d').filter(|digits| is_digits(digits)).and_then(|digits| digits.parse().ok());
    days.filter(|days| (1..=36_500).contains(days))
        .or_else(|| value.refuse(format!("{} must be a number of days like \"90d\", not {text:?}", value.name())))
}

/// `512MiB`, as bytes.
pub(super) fn bytes(value: &Value<'_>, range: RangeInclusive<u64>) -> Option<u64> {
    let Some(text) = value.as_text() else {
        return value.wrong_type("a size like \"512MiB\" or \"2GiB\"");
    };
    let Some(bytes) = size(text) else {
        return value.refuse(format!("{} must be a size like \"512MiB\" or \"2GiB\", not {text:?}", value.name()));
    };
    if range.contains(&bytes) {
        return Some(bytes);
    }
    let (least, most) = (in_units(*range.start()), in_units(*range.end()));
    value.refuse(format!("{} must be between {least} and {most}, not {text}", value.name()))
}

fn size(text: &str) -> Option<u64> {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];
    let (digits, shift) =
        units.into_iter().find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits.trim_end(), shift)))?;
    if !is_digits(digits) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// For people: the largest unit of which it is a whole number.
pub(super) fn in_units(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fits = units.into_iter().find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    let (unit, shift) = fits.unwrap_or(("B", 0));
    format!("{}{unit}", bytes >> shift)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number like `2` or `0.5`, as thousandths.
pub(super) fn thousandths(value: &Value<'_>, range: RangeInclusive<u32>) -> Option<u32> {
    let Some(digits) = value.as_number() else {
        return value.wrong_type("a number like 2 or 0.5");
    };
    in_thousandths(digits).filter(|number| range.contains(number)).or_else(|| {
        let [least, most] = [range.start(), range.end()].map(|number| f64::from(*number) / 1_000.0);
        value.refuse(format!(
            "{} must be between {least} and {most} with up to three decimals, not {digits}",
            value.name()
        ))
    })
}

fn in_thousandths(digits: &str) -> Option<u32> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let fraction = fraction.trim_end_matches('0');
    if !is_digits(whole) || fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    whole.parse::<u32>().ok()?.checked_mul(1_000)?.checked_add(format!("{fraction:0<3}").parse().ok()?)
}

/// `500ms` or a [`duration`], as milliseconds.
pub(super) fn interval(value: &Value<'_>) -> Option<u64> {
    let millis = value.as_text().and_then(|text| text.strip_suffix("ms")).and_then(|digits| digits.parse::<u64>().ok());
    match millis {
        Some(millis) if (1..=86_400_000).contains(&millis) => Some(millis),
        Some(_) | None => duration(value)?.checked_mul(1_000),
    }
}

fn seconds(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text;
    for (unit, length) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((digits, after)) = rest.split_once(unit) else {
            continue;
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(length)?)?;
        rest = after;
    }
    // Some 31,000 years: so that no sum of a time and a duration overflows.
    (rest.is_empty() && total > 0 && total < 1_000_000_000_000).then_some(total)
}

/// `#rrggbb`.
pub(super) fn color(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    value.refuse(format!("{} must look like \"#3366ff\", not {text:?}", value.name()))
}

/// A glob over branches or tags.
pub(super) fn branch_glob(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    match glob(&text) {
        Ok(_) => Some(text),
        Err(error) => value.refuse(format!("{text:?} is not a valid glob: {error}")),
    }
}

/// A glob over contexts of checks.
pub(super) fn context_glob(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    match crate::merge::context_glob(&text) {
        Ok(_) => Some(text),
        Err(error) => value.refuse(format!("{text:?} is not a valid glob: {error}")),
    }
}

/// One gitignore pattern.
pub(super) fn ignore_pattern(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    match GitignoreBuilder::new("").add_line(None, &text) {
        Ok(_) => Some(text),
        Err(error) => value.refuse(format!("{text:?} is not a valid gitignore pattern: {error}")),
    }
}

/// An absolute path, in its shortest spelling, not `/` itself.
pub(super) fn absolute_path(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let Some(relative) = text.strip_prefix('/') else {
        return value.refuse(format!("{} must be an absolute path, not {text:?}", value.name()));
    };
    let relative = relative.strip_suffix('/').unwrap_or(relative);
    if !is_plain(relative) {
        return value.refuse(format!(
            "{} must be a plain path below /, without \"..\", \".\" or \"//\", not {text:?}",
            value.name()
        ));
    }
    Some(format!("/{relative}"))
}

/// A path inside the checkout, in its shortest spelling. `.` is the checkout itself.
pub(super) fn relative_path(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let relative = text.strip_prefix("./").unwrap_or(&text);
    let relative = relative.strip_suffix('/').unwrap_or(relative);
    if text == "." || text == "./" {
        return Some(".".to_owned());
    }
    if !is_plain(relative) {
        return value.refuse(format!(
            "{} must be a relative path inside the checkout, without \"..\", \".\" or \"//\", not {text:?}",
            value.name()
        ));
    }
    Some(relative.to_owned())
}

/// Whether a path consists of names alone.
fn is_plain(relative: &str) -> bool {
    relative.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

/// Whether `path` is `directory` or below it.
pub(super) fn is_inside(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// `http://…` or `https://…` without credentials and without a trailing slash.
pub(super) fn base_url(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let rest = after_scheme(&text);
    if authority(rest).contains('@') {
        return value.refuse(format!("{} must not contain a user or password: use `token`", value.name()));
    }
    if authority(rest).is_empty() || rest.contains(['?', '#']) || rest.contains(char::is_whitespace) {
        return value.refuse(format!("{} must be a base URL like \"https://git.example.com/api\"", value.name()));
    }
    Some(text.trim_end_matches('/').to_owned())
}

/// The issuer of an OpenID Connect provider. It is compared byte for byte, so a trailing slash stays.
pub(super) fn issuer_url(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let rest = after_scheme(&text);
    if authority(rest).is_empty() || rest.contains(['?', '#', '@']) || rest.contains(char::is_whitespace) {
        return value.refuse(format!(
            "{} must be the provider's issuer like \"https://id.example.com/realms/acme\", as it spells it",
            value.name()
        ));
    }
    Some(text)
}

/// `http://…` or `https://…` that a person opens.
pub(super) fn web_url(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let rest = after_scheme(&text);
    if authority(rest).contains('@') {
        return value.refuse(format!("{} must not contain a user or password: everybody sees it", value.name()));
    }
    if authority(rest).is_empty() || rest.contains(char::is_whitespace) {
        return value.refuse(format!("{} must be a URL like \"https://shop.example.com\"", value.name()));
    }
    Some(text)
}

/// `http://host:port` of a proxy.
pub(super) fn proxy_url(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let rest = after_scheme(&text).trim_end_matches('/');
    if rest.contains('@') {
        return value.refuse(format!(
            "{} must not contain a user or password, which is kept nowhere secret: set HTTPS_PROXY for the server instead",
            value.name()
        ));
    }
    if !is_host_and_port(rest) {
        return value.refuse(format!("{} must be a URL like \"http://proxy.example.com:3128\"", value.name()));
    }
    Some(text.trim_end_matches('/').to_owned())
}

/// What follows `http://` or `https://`; empty for anything else.
fn after_scheme(text: &str) -> &str {
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default()
}

fn authority(after_scheme: &str) -> &str {
    after_scheme.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A DNS name, an IPv4 address or an IPv6 address in brackets, with or without a port.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The name of an HTTP header.
pub(super) fn header_name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_token) {
        return Some(text.to_owned());
    }
    value.refuse(format!("{} must be the name of an HTTP header like \"X-Signature\", not {text:?}", value.name()))
}

/// A JSON Pointer (RFC 6901) to something inside of a document.
pub(super) fn json_pointer(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let escapes_are_known = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    if text.starts_with('/') && escapes_are_known && !text.chars().any(char::is_control) {
        return Some(text.to_owned());
    }
    value.refuse(format!(
        "{} must be a JSON Pointer like \"/repository/full_name\" (\"~\" is written ~0, \"/\" in a name ~1), not {text:?}",
        value.name()
    ))
}

/// Where a secret comes from. Its value is never accepted, and never part of the message.
pub(super) fn secret(value: &Value<'_>) -> Option<SecretRef> {
    let name = value.name();
    if value.as_text().is_some() {
        return value.refuse(format!(
            "{name} must not hold the secret itself: write {{ env = \"NAME\" }}, {{ file = \"path\" }} or {{ secret = \"name\" }}"
        ));
    }
    let mut fields = value.fields()?;
    let env = fields.optional("env", environment_name);
    let file = fields.optional("file", line);
    let stored = fields.optional("secret", secret_name);
    fields.finish();
    match (env?, file?, stored?) {
        (Some(name), None, None) => Some(SecretRef::Env(name)),
        (None, Some(path), None) => Some(SecretRef::File(path)),
        (None, None, Some(name)) => Some(SecretRef::Secret(name)),
        _ => value.refuse(format!("{name} needs exactly one of `env`, `file` and `secret`")),
    }
}

fn environment_name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if variables::is_name(text) {
        return Some(text.to_owned());
    }
    // The text is not repeated: it may be the secret itself, put in the wrong place.
    value.refuse(format!("{} must be the name of an environment variable: letters, digits and '_'", value.name()))
}

fn secret_name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let is_name = !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name {
        return Some(text.to_owned());
    }
    value.refuse(format!(
        "{} must be the name of a stored secret: up to 63 letters, digits, '-', '_' and '.'",
        value.name()
    ))
}

/// `KEY=VALUE` lines.
pub(super) fn variable_lines(value: &Value<'_>) -> Option<String> {
    let text = script(value)?;
    let Err(error) = variables::parse(&text) else {
        return Some(text);
    };
    value.report().error(line_offset(value, error.line), format!("{}: {}", value.name(), error.message));
    None
}

/// Where the `number`th line of a multi-line string starts in the file; the string's start where escapes make
/// lines of the file and lines of the text differ.
fn line_offset(value: &Value<'_>, number: usize) -> usize {
    let source = value.source();
    let is_literal = source.starts_with("'''");
    if !is_literal && (!source.starts_with("\"\"\"") || source.contains('\\')) {
        return value.at();
    }
    let body = &source[3..];
    let mut offset = value.at() + 3;
    let skipped = usize::from(body.starts_with('\n'));
    for line in body.split_inclusive('\n').take(number - 1 + skipped) {
        offset += line.len();
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_hours_minutes_seconds() {
        for (text, expected) in
            [("10s", 10), ("30m", 1800), ("1h30m", 5400), ("1h", 3600), ("1h0m5s", 3605), ("90m", 5400)]
        {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in
            ["", "0s", "10", "10ms", "m", "30m1h", "1h1h", "-1s", "1 h", "1.5h", "99999999999999999999h", "1d", "１s"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_have_a_unit_and_numbers_three_decimals() {
        for (text, expected) in [
            ("2GiB", Some(2 << 30)),
            ("512 MiB", Some(512 << 20)),
            ("64KiB", Some(64 << 10)),
            ("7B", Some(7)),
            ("1TiB", Some(1 << 40)),
            ("2GB", None),
            ("2", None),
            ("GiB", None),
            ("-1GiB", None),
            ("1.5GiB", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
        for (bytes, text) in [(0, "0B"), (1 << 30, "1GiB"), (1 << 30 | 1 << 20, "1025MiB"), (1023, "1023B")] {
            assert_eq!(in_units(bytes), text);
        }
        for (digits, expected) in [
            ("2", Some(2_000)),
            ("0.5", Some(500)),
            ("1.25", Some(1_250)),
            ("2.0", Some(2_000)),
            ("0.0001", None),
            ("1e3", None),
            ("-1", None),
            ("inf", None),
        ] {
            assert_eq!(in_thousandths(digits), expected, "{digits}");
        }
    }

    #[test]
    fn a_directory_holds_itself_and_what_is_below() {
        assert!(is_inside("/a/b", "/a"));
        assert!(is_inside("/a", "/a"));
        assert!(!is_inside("/ab", "/a"));
        assert!(!is_inside("/", "/a"));
    }
}
