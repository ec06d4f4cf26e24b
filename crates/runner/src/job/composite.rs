//! Composite actions of the repository: steps inside of a step.

use super::contexts::Scope;
use super::fault::Fault;
use super::running::Running;
use super::steps::Outputs;
use super::variables::Variables;
use crate::services::Services;
use davit_ci::{CompositeAction, Value, read_action};
use std::future::Future;
use std::pin::Pin;

/// Actions inside of actions: GitHub's limit.
const DEEPEST: usize = 10;
/// Bytes of an `action.yml`.
const MOST_BYTES: u64 = 1 << 20;

impl<S: Services> Running<'_, S> {
    /// Runs the action in a directory of the workspace. Actions may use actions, so that this is one call in another.
    pub(crate) fn composite<'f>(
        &'f mut self,
        directory: &'f str,
        with: Outputs,
        scope: &'f Scope,
        env: &'f Variables,
    ) -> Pin<Box<dyn Future<Output = Result<Outputs, Fault>> + Send + 'f>> {
        Box::pin(async move {
            if scope.depth >= DEEPEST {
                return Err(Fault::failed(format!("`./{directory}` is more than {DEEPEST} actions deep")));
            }
            let action = self.action(directory).await?;
            let inputs = self.action_inputs(&action, directory, with, scope, env).await?;
            let mut inner = Scope {
                env: only_of_step(env, &self.env),
                action_path: Some(format!("{}/{directory}", self.roots.workspace)),
                depth: scope.depth + 1,
                ..Scope::of_job(inputs)
            };
            let summed = self.inner_steps(&action.steps, &mut inner).await;
            if let Some(fault) = summed.last {
                return Err(fault);
            }
            if let Some(failure) = summed.failure {
                let ended = self.ends.now().is_some() || self.ends.step_is_late();
                return Err(if ended { Fault::Ended } else { Fault::failed(failure) });
            }
            let env = self.env.with(&inner.env);
            let mut outputs = Vec::new();
            for (name, value) in action.outputs.iter() {
                let value = self.evaluate(&inner, &env, |contexts| value.render(contexts)).await?;
                outputs.push((name.to_owned(), value));
            }
            Ok(outputs)
        })
    }

    /// Reads the action out of the workspace.
    async fn action(&mut self, directory: &str) -> Result<CompositeAction, Fault> {
        for name in ["action.yml", "action.yaml"] {
            let path = format!("{}/{directory}/{name}", self.roots.workspace);
            let Some(bytes) = self.place.read_file(&path, MOST_BYTES).await? else { continue };
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| Fault::failed(format!("{directory}/{name} is not UTF-8")))?;
            let action = read_action(&format!("{directory}/{name}"), &text);
            return action.map_err(|mistakes| Fault::failed(mistakes.to_string()));
        }
        Err(Fault::failed(format!(
            "`./{directory}` has neither `action.yml` nor `action.yaml`; is there an `actions/checkout` before this step?"
        )))
    }

    /// The context `inputs` of an action: what it declares, from `with` or by default.
    async fn action_inputs(
        &mut self,
        action: &CompositeAction,
        directory: &str,
        with: Outputs,
        scope: &Scope,
        env: &Variables,
    ) -> Result<Value, Fault> {
        let declared = |name: &str| action.inputs.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        for (name, _) in with.iter().filter(|(name, _)| !declared(name)) {
            self.log.warn(&format!("`./{directory}` has no input `{name}`")).await;
        }
        let mut values = Vec::new();
        for (name, input) in action.inputs.iter() {
            let given = with.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value);
            let value = match (given, &input.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => self.evaluate(scope, env, |contexts| default.render(contexts)).await?,
                (None, None) if input.required => {
                    return Err(Fault::failed(format!("`./{directory}` needs `{name}` in `with`")));
                }
                (None, None) => String::new(),
            };
            values.push((name.to_owned(), Value::from(value)));
        }
        Ok(Value::Object(values))
    }
}

/// What the step that uses the action set itself: the rest may still change while the action runs.
fn only_of_step(env: &Variables, of_job: &Variables) -> Variables {
    let own = env.iter().filter(|(name, value)| of_job.get(name) != Some(value));
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
