//! Permissions that a forge does not list are tried: what may not be read may not be written either.

use crate::error::ApiError;

/// Whether a permission is granted, after something was read that needs it or a smaller one of its kind. `write`: it is
/// the greater one that is asked for, of which a success says nothing.
pub(crate) fn granted(write: bool, read: Result<(), ApiError>) -> Result<Option<bool>, ApiError> {
    match read {
        Ok(()) => Ok((!write).then_some(true)),
        Err(ApiError::Permanent { status: Some(401 | 403 | 404), .. }) => Ok(Some(false)),
        // Such as a repository without a commit, which has nothing to read in it.
        Err(ApiError::Permanent { .. }) => Ok(None),
        Err(retry @ ApiError::Retry { .. }) => Err(retry),
    }
}

/// The parts of an address, with the default branch in its place.
pub(crate) fn parts<'a>(sample: &[&'a str], branch: &'a str) -> Vec<&'a str> {
    sample.iter().map(|part| if *part == "{branch}" { branch } else { part }).collect()
}
