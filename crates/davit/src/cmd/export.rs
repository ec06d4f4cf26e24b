//! `davit export`.

use crate::client::Client;
use crate::failure::{Exit, Outcome};
use crate::output::Output;

pub(super) async fn run() -> Outcome {
    let document = Client::from_environment()?.get_text(&["export"]).await?;
    Output::detect().text(&document)?;
    Ok(Exit::Done)
}
