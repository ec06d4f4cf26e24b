//! What a person gives along with a request: values of the release config's inputs, and the uploaded files that its
//! transfers take. Both are pinned with the request, so that what is approved is what is used.

use super::release_config;
use crate::{Engine, EngineError};
use davit_domain::config::{ActionKind, App, Configuration, Input, Mode, ReleaseConfig, TransferSource};
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_store::requests::Inputs;
use std::collections::BTreeMap;

/// Bytes of one value.
const LONGEST_VALUE: usize = 4096;

impl Engine {
    /// What a request has that nobody filled in anything for.
    pub(crate) async fn default_inputs(
        &self,
        configuration: &Configuration,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<Inputs, EngineError> {
        let (app, config) = release_config(configuration, app, environment)?;
        self.inputs(app, config, BTreeMap::new()).await
    }

    /// What was given, with the defaults of what was not, and the newest upload of each file that is transferred.
    pub(super) async fn inputs(
        &self,
        app: &App,
        config: &ReleaseConfig,
        given: BTreeMap<String, String>,
    ) -> Result<Inputs, EngineError> {
        let values = complete(&config.inputs, given).map_err(EngineError::Invalid)?;
        let mut uploads = BTreeMap::new();
        for name in transferred(&config.mode) {
            let upload = self.store().newest_upload(&app.key, name).await?.ok_or_else(|| {
                EngineError::Invalid(format!(
                    "the file {name} that {} transfers has not been uploaded yet: davit uploads {} upload FILE --name {name}",
                    app.key, app.key
                ))
            })?;
            uploads.insert(name.to_owned(), upload.digest);
        }
        Ok(Inputs { values, uploads })
    }
}

fn complete(inputs: &[Input], mut given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for input in inputs {
        let name = &input.name;
        let value = given.remove(name).or_else(|| input.default.clone()).unwrap_or_default();
        if value.is_empty() {
            if input.required {
                return Err(format!("{} is missing: give it as the input {name}", input.label));
            }
            continue;
        }
        if !input.choices.is_empty() && !input.choices.contains(&value) {
            return Err(format!(
                "{value:?} is not a choice of the input {name}: it is one of {}",
                input.choices.join(", ")
            ));
        }
        if value.len() > LONGEST_VALUE || value.contains('\0') {
            return Err(format!("the input {name} is too long or not a text: it has at most {LONGEST_VALUE} bytes"));
        }
        values.insert(name.clone(), value);
    }
    match given.into_keys().next() {
        None => Ok(values),
        Some(unknown) if inputs.is_empty() => Err(format!("there is no input {unknown}: nothing is filled in here")),
        Some(unknown) => {
            let known: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
            Err(format!("there is no input {unknown}: there are {}", known.join(", ")))
        }
    }
}

/// The names of the uploads that the actions take.
fn transferred(mode: &Mode) -> impl Iterator<Item = &str> {
    let actions = match mode {
        Mode::Regular => &[][..],
        Mode::Custom(custom) => &custom.actions,
    };
    actions.iter().filter_map(|action| match &action.what {
        ActionKind::Transfer { from: TransferSource::Upload(name), .. } => Some(name.as_str()),
        ActionKind::Transfer { from: TransferSource::Build(_), .. }
        | ActionKind::Server { .. }
        | ActionKind::Host { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, default: Option<&str>, required: bool, choices: &[&str]) -> Input {
        Input {
            name: name.into(),
            label: format!("the {name}"),
            default: default.map(Into::into),
            required,
            choices: choices.iter().map(ToString::to_string).collect(),
        }
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn defaults_are_pinned_and_mistakes_are_named() {
        let inputs = [
            input("VERSION", None, true, &[]),
            input("MODE", Some("slow"), false, &["slow", "fast"]),
            input("X", None, false, &[]),
        ];
        let complete = |pairs: &[(&str, &str)]| complete(&inputs, given(pairs));
        assert_eq!(complete(&[("VERSION", "7")]), Ok(given(&[("VERSION", "7"), ("MODE", "slow")])));
        for (pairs, sentence) in [
            (&[][..], "the VERSION is missing"),
            (&[("VERSION", "")], "the VERSION is missing"),
            (&[("VERSION", "7"), ("MODE", "odd")], "one of slow, fast"),
            (&[("VERSION", "7"), ("Y", "")], "there is no input Y: there are VERSION, MODE, X"),
            (&[("VERSION", "a\0b")], "not a text"),
        ] {
            let said = complete(pairs).expect_err(sentence);
            assert!(said.contains(sentence), "{said}");
        }
    }
}
