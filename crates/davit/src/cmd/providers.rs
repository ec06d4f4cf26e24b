//! `davit providers`: where people may sign in beside davit itself.

use super::{ListFormat, examples};
use crate::client::Client;
use crate::client::account::Provider;
use crate::failure::{Exit, Outcome};
use crate::output::{Cell, Output, Tone};
use clap::Args;

/// List the identity providers
#[derive(Debug, Args)]
#[command(after_help = examples::PROVIDERS)]
pub(crate) struct ProvidersArgs {
    #[command(flatten)]
    list: ListFormat,
}

/// Needs no login, as the login page does not.
pub(super) async fn run(args: ProvidersArgs) -> Outcome {
    let output = Output::detect();
    let client = Client::from_environment()?;
    let mut providers = client.providers().await?;
    providers.items.truncate(args.list.limit);
    if args.list.format.json {
        output.json(&providers)?;
        return Ok(Exit::Done);
    }
    let row = |provider: &Provider| {
        let how = match provider.kind.as_str() {
            "ldap" => "davit login, with the password there".to_owned(),
            _ => client.root_url(&["auth", "oidc", &provider.id, "start"]).to_string(),
        };
        vec![
            Cell::toned(Tone::Name, &provider.id),
            Cell::from(&provider.kind),
            Cell::from(&provider.name),
            Cell::from(how),
        ]
    };
    let rows: Vec<_> = providers.items.iter().map(row).collect();
    let empty = "There is none: people sign in with a password of davit's. [[identity]] in davit.toml declares one";
    output.table(&["id", "kind", "name", "sign in"], &rows, empty)?;
    Ok(Exit::Done)
}
