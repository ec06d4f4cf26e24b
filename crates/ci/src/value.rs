//! Values of expressions, and how GitHub turns one kind into another.

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;

/// A value as in JSON. An object keeps the order of its keys, which are looked up whatever their case.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing; also what a key that is not there is.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Any number; there is one kind.
    Number(f64),
    /// A text.
    String(String),
    /// Values in order.
    Array(Vec<Value>),
    /// Values by name, in order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// An object.
    pub fn object<K: Into<String>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// The value of a JSON text.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with its line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What an object has under `key`; [`None`] for everything else.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(entries) => {
                entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// Whether a condition holds with this value: all but false, zero, the empty text, null and not-a-number.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(value) => *value != 0.0 && !value.is_nan(),
            Self::String(value) => !value.is_empty(),
            Self::Array(_) | Self::Object(_) => true,
        }
    }

    /// The number that comparisons of different kinds use; not-a-number where there is none.
    pub fn to_number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(value) => *value,
            Self::String(value) => number_of(value.trim()),
            Self::Array(_) | Self::Object(_) => f64::NAN,
        }
    }

    /// Whether `==` holds: texts whatever their case, different kinds as numbers, arrays and objects never.
    pub fn loosely_equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(left), Self::String(right)) => fold(left) == fold(right),
            (Self::Array(_) | Self::Object(_), _) | (_, Self::Array(_) | Self::Object(_)) => false,
            (left, right) => left.to_number() == right.to_number(),
        }
    }

    /// The order that `<` and its like use; [`None`] where there is none.
    pub fn loosely_compares(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(left), Self::String(right)) => Some(fold(left).cmp(&fold(right))),
            (Self::Array(_) | Self::Object(_), _) | (_, Self::Array(_) | Self::Object(_)) => None,
            (left, right) => left.to_number().partial_cmp(&right.to_number()),
        }
    }

    /// Whether it is neither an array nor an object.
    pub fn is_primitive(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// As `toJSON` prints it: with lines, two blanks a level.
    pub fn to_json_text(&self) -> String {
        // Neither keys nor values of this type can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// As in a text: null is nothing, numbers have at most 15 digits, arrays and objects only say what they are.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Number(value) => formatter.write_str(&number_text(*value)),
            Self::String(value) => formatter.write_str(value),
            Self::Array(_) => formatter.write_str("Array"),
            Self::Object(_) => formatter.write_str("Object"),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

/// Texts are compared whatever their case.
pub(crate) fn fold(text: &str) -> String {
    text.to_uppercase()
}

/// Numbers up to this are written without a power of ten.
const EXACT_BELOW: f64 = 1e15;

/// A whole number as such, everything else with at most 15 digits.
fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == value.trunc() && value.abs() < EXACT_BELOW {
        return format!("{:.0}", if value == 0.0 { 0.0 } else { value });
    }
    let scientific = format!("{value:.14e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-5..15).contains(&exponent) {
        // The shortest form of the number with 15 digits has no power of ten in this range.
        return format!("{digits}e{exponent}").parse::<f64>().unwrap_or(value).to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}E{sign}{:02}", exponent.abs())
}

fn number_of(text: &str) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let radix = |digits: &str, radix| u32::from_str_radix(digits, radix).map_or(f64::NAN, f64::from);
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    match text {
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust reads words as numbers that GitHub does not.
        word if word.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => f64::NAN,
        number => number.parse().unwrap_or(f64::NAN),
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => number(*value, serializer),
            Self::String(value) => serializer.serialize_str(value),
            Self::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| sequence.serialize_element(item))?;
                sequence.end()
            }
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// Whole numbers without a point. JSON has no not-a-number: it becomes null.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers far below the limit of i64 are cast")]
fn number<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value == value.trunc() && value.abs() < EXACT_BELOW {
        serializer.serialize_i64(value as i64)
    } else {
        serializer.serialize_f64(value)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

#[expect(clippy::cast_precision_loss, reason = "expressions know no other numbers")]
impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            if entries.len() >= MOST_KEYS {
                return Err(A::Error::custom(format!("an object has at most {MOST_KEYS} keys")));
            }
            match entries.iter_mut().find(|(name, _)| *name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        Ok(Value::Object(entries))
    }
}

/// More keys than any event has; keys are looked up one by one.
const MOST_KEYS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_github_writes_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (1.1, "1.1"),
            (0.1 + 0.2, "0.3"),
            (1e14, "100000000000000"),
            (1e20, "1E+20"),
            (1.5e-7, "1.5E-07"),
            (0.00001, "0.00001"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (number, text) in cases {
            assert_eq!(Value::Number(number).to_string(), text);
        }
    }

    #[test]
    fn kinds_become_numbers() {
        let number = |text: &str| Value::from(text).to_number();
        assert_eq!(number(""), 0.0);
        assert_eq!(number(" 12 "), 12.0);
        assert_eq!(number("0xff"), 255.0);
        assert_eq!(number("0o10"), 8.0);
        assert_eq!(number("-1.5e3"), -1500.0);
        assert_eq!(number("Infinity"), f64::INFINITY);
        assert!(number("inf").is_nan() && number("nan").is_nan() && number("abc").is_nan() && number("1 2").is_nan());
        assert_eq!(Value::Null.to_number(), 0.0);
        assert_eq!(Value::Bool(true).to_number(), 1.0);
        assert!(Value::Array(Vec::new()).to_number().is_nan());
    }

    #[test]
    fn json_keeps_the_order_of_keys() {
        let text = "{\n  \"z\": 1,\n  \"a\": [\n    1.5,\n    null,\n    true\n  ]\n}";
        assert_eq!(Value::from_json(text).expect("JSON").to_json_text(), text);
    }
}
