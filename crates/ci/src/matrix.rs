//! The combinations of a matrix, by GitHub's rules.

use crate::data::Data;
use crate::expression::{Contexts, EvaluationError};
use crate::model::Matrix;
use crate::value::Value;

/// Jobs that one matrix may make: GitHub's own limit.
pub const MOST_COMBINATIONS: usize = 256;

/// Combinations before some are excluded.
const MOST_CANDIDATES: usize = 10_000;

/// Mappings of `include` or `exclude`; each is compared with every combination.
const MOST_FILTERS: usize = 1000;

/// Why a matrix makes no jobs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// An expression in it has no value, or none yet.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// It is not built as a matrix must be.
    #[error("the matrix can't be used: {0}")]
    Shape(String),
    /// It makes too many.
    #[error("the matrix makes more than {MOST_COMBINATIONS} jobs")]
    TooMany,
}

/// Values by name: what `matrix` is in one job.
type Combination = Vec<(String, Value)>;

/// A matrix without expressions.
struct Evaluated {
    vectors: Vec<(String, Vec<Value>)>,
    include: Vec<Combination>,
    exclude: Vec<Combination>,
}

impl Matrix {
    /// The values of each job, as objects. The first vector varies slowest; what `include` adds alone comes last.
    ///
    /// # Errors
    ///
    /// When an expression has no value, or the result is no matrix, is empty, or has too many combinations.
    pub fn combinations(&self, contexts: &Contexts<'_>) -> Result<Vec<Value>, MatrixError> {
        let Evaluated { vectors, include, exclude } = self.evaluate(contexts)?;
        let names: Vec<&str> = vectors.iter().map(|(name, _)| name.as_str()).collect();
        for filter in &exclude {
            if let Some((key, _)) = filter.iter().find(|(key, _)| !names.contains(&key.as_str())) {
                return Err(MatrixError::Shape(format!("`exclude` names `{key}`, which is no list of the matrix")));
            }
        }
        let mut originals = product(&vectors)?;
        originals.retain(|combination| !exclude.iter().any(|filter| is_part(filter, combination)));
        let mut extended = originals.clone();
        let mut added: Vec<Combination> = Vec::new();
        for extra in include {
            let filter: Combination = extra.iter().filter(|(key, _)| names.contains(&key.as_str())).cloned().collect();
            let mut fits = false;
            for (original, combination) in originals.iter().zip(&mut extended) {
                if is_part(&filter, original) {
                    fits = true;
                    extra
                        .iter()
                        .filter(|(key, _)| !names.contains(&key.as_str()))
                        .for_each(|entry| put(combination, entry));
                }
            }
            if !fits {
                added.push(extra);
            }
        }
        extended.append(&mut added);
        match extended.len() {
            0 => Err(MatrixError::Shape("everything in it is excluded".to_owned())),
            count if count > MOST_COMBINATIONS => Err(MatrixError::TooMany),
            _ => Ok(extended.into_iter().map(Value::Object).collect()),
        }
    }

    fn evaluate(&self, contexts: &Contexts<'_>) -> Result<Evaluated, MatrixError> {
        let evaluated = |data: &Option<Data>| match data {
            Some(data) => data.evaluate(contexts).map(Some),
            None => Ok(None),
        };
        let (values, include, exclude) = match self {
            Self::Written { vectors, include, exclude } => {
                let vector = |(name, data): (&str, &Data)| Ok((name.to_owned(), data.evaluate(contexts)?));
                let vectors: Combination = vectors.iter().map(vector).collect::<Result<_, EvaluationError>>()?;
                (vectors, evaluated(include)?, evaluated(exclude)?)
            }
            Self::Expression(expression) => {
                let Value::Object(mut entries) = expression.evaluate(contexts)? else {
                    return Err(MatrixError::Shape("its expression does not give a mapping".to_owned()));
                };
                let mut take = |name: &str| {
                    let index = entries.iter().position(|(key, _)| key == name)?;
                    Some(entries.remove(index).1)
                };
                let (include, exclude) = (take("include"), take("exclude"));
                (entries, include, exclude)
            }
        };
        let vectors = values.into_iter().map(vector).collect::<Result<_, _>>()?;
        Ok(Evaluated { vectors, include: filters("include", include)?, exclude: filters("exclude", exclude)? })
    }
}

fn vector((name, value): (String, Value)) -> Result<(String, Vec<Value>), MatrixError> {
    match value {
        Value::Array(items) if !items.is_empty() => Ok((name, items)),
        Value::Array(_) => Err(MatrixError::Shape(format!("the list `{name}` is empty"))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(MatrixError::Shape(format!("`{name}` is no list")))
        }
    }
}

fn filters(what: &str, value: Option<Value>) -> Result<Vec<Combination>, MatrixError> {
    let refuse = || MatrixError::Shape(format!("`{what}` is no list of mappings"));
    let items = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(refuse());
        }
    };
    let mapping = |item| match item {
        Value::Object(entries) => Ok(entries),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(refuse()),
    };
    if items.len() > MOST_FILTERS {
        return Err(MatrixError::Shape(format!("`{what}` has more than {MOST_FILTERS} mappings")));
    }
    items.into_iter().map(mapping).collect()
}

/// Every combination of the vectors; none where there are no vectors.
fn product(vectors: &[(String, Vec<Value>)]) -> Result<Vec<Combination>, MatrixError> {
    if vectors.is_empty() {
        return Ok(Vec::new());
    }
    let mut combinations: Vec<Combination> = vec![Vec::new()];
    for (name, values) in vectors {
        if combinations.len().saturating_mul(values.len()) > MOST_CANDIDATES {
            return Err(MatrixError::TooMany);
        }
        let longer = |combination: &Combination| {
            let combination = combination.clone();
            values.iter().map(move |value| [combination.clone(), vec![(name.clone(), value.clone())]].concat())
        };
        combinations = combinations.iter().flat_map(longer).collect();
    }
    Ok(combinations)
}

/// Whether everything in `filter` is in `combination`.
fn is_part(filter: &[(String, Value)], combination: &[(String, Value)]) -> bool {
    filter.iter().all(|(key, wanted)| {
        combination.iter().find(|(name, _)| name == key).is_some_and(|(_, value)| agrees(wanted, value))
    })
}

fn agrees(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => is_part(wanted, value),
        (Value::Array(wanted), Value::Array(value)) => {
            wanted.len() == value.len() && wanted.iter().zip(value).all(|(wanted, value)| agrees(wanted, value))
        }
        (wanted, value) => wanted.loosely_equals(value),
    }
}

fn put(combination: &mut Combination, (key, value): &(String, Value)) {
    match combination.iter_mut().find(|(name, _)| name == key) {
        Some(entry) => entry.1 = value.clone(),
        None => combination.push((key.clone(), value.clone())),
    }
}

/// The values of a combination as the names of jobs show them: `linux, 20`.
pub(crate) fn shown(combination: &Value) -> Vec<String> {
    match combination {
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = combination.to_string();
            if text.is_empty() { Vec::new() } else { vec![text] }
        }
        Value::Array(items) => items.iter().flat_map(shown).collect(),
        Value::Object(entries) => entries.iter().flat_map(|(_, value)| shown(value)).collect(),
    }
}
