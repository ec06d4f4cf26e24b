//! The templates of the pages, read once.

use super::markdown;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, Value};
use serde::Serialize;
use std::sync::LazyLock;

/// What stands around every page.
pub(super) const LAYOUT: &str = "layout.html";
/// All groups of operations.
pub(super) const LIST: &str = "reference.html";
/// The operations of a group.
pub(super) const GROUP: &str = "operations.html";
/// All shapes.
pub(super) const SCHEMAS: &str = "schemas.html";

static TEMPLATES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(read);

/// A template, filled. One that is wrong is seen by every test of a page.
pub(super) fn fill(name: &str, data: &impl Serialize) -> String {
    let filled = TEMPLATES.as_ref().map_err(ToString::to_string).and_then(|templates| {
        let template = templates.get_template(name);
        template.and_then(|template| template.render(Serde(data))).map_err(|error| error.to_string())
    });
    filled.unwrap_or_else(|error| {
        tracing::error!(%error, name, "a template of the documentation can't be filled");
        String::new()
    })
}

fn read() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // The engine's own escaping writes every slash of an address as a number.
    environment.set_formatter(|out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value| {
        if value.is_undefined() || value.is_none() {
            return Ok(());
        }
        let text = value.to_string();
        out.write_str(&if value.is_safe() { text } else { markdown::escaped(&text) })
            .map_err(|_| Error::from(ErrorKind::WriteFailure))
    });
    environment.add_template(LAYOUT, include_str!("layout.html"))?;
    environment.add_template(LIST, include_str!("reference.html"))?;
    environment.add_template(GROUP, include_str!("operations.html"))?;
    environment.add_template(SCHEMAS, include_str!("schemas.html"))?;
    Ok(environment)
}
