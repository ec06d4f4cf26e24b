//! `davit account second-factor …`: codes of an authenticator app.

use super::account::own_session;
use super::asking::Asking;
use super::{Format, examples};
use crate::client::Client;
use crate::client::account::{Enrolment, RecoveryCodes, SecondFactor};
use crate::client::session::OwnSession;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};
use clap::{Args, Subcommand};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Where all of it is at the server.
const PATH: [&str; 2] = ["session", "second-factor"];

/// Have logging in ask for a code of one's phone
#[derive(Debug, Subcommand)]
#[command(after_help = examples::SECOND_FACTOR)]
pub(crate) enum SecondFactorCommand {
    /// Show whether it is on, and how many recovery codes are left
    Show(Format),
    /// Turn it on: shows what the app needs, asks for a code of it, prints the recovery codes
    ///
    /// With --json two objects: what the app needs, then the recovery codes. With --stdin the last line is the code.
    Enable(ProofArgs),
    /// Print new recovery codes; the old ones are worth nothing any more
    RecoveryCodes(ProofArgs),
    /// Turn it off
    Disable(Asking),
}

/// Who it is, and how what comes of it is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ProofArgs {
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    format: Format,
}

pub(super) async fn run(client: &Client, command: SecondFactorCommand) -> Outcome {
    let output = Output::detect();
    match command {
        SecondFactorCommand::Show(format) => {
            let factor = client.second_factor().await?;
            if format.json { output.json(&factor)? } else { print(output, &factor)? }
        }
        SecondFactorCommand::Enable(args) => {
            let factor = client.second_factor().await?;
            let (mut session, password) = own_session(client, args.asking).await?;
            let enabled = enable(&mut session, &factor, &password, args).await;
            session.close().await;
            print_codes(output, args.format, &enabled?)?;
        }
        SecondFactorCommand::RecoveryCodes(args) => {
            let renewed =
                as_owner(client, args.asking, Method::POST, &[&PATH[..], &["recovery-codes"]].concat()).await?;
            let codes: RecoveryCodes = serde_json::from_value(renewed)
                .map_err(|error| Failure::failed(format!("the server's answer has no recovery codes: {error}")))?;
            print_codes(output, args.format, &codes)?;
        }
        SecondFactorCommand::Disable(asking) => {
            as_owner(client, asking, Method::DELETE, &PATH).await?;
            output.line("The second factor is off")?;
        }
    }
    Ok(Exit::Done)
}

/// Whether it is on.
pub(super) fn print(output: Output, factor: &SecondFactor) -> Result<(), Failure> {
    let left = factor.recovery_codes_left;
    if factor.enabled {
        let on = output.paint(Tone::Good, "on");
        return output.line(format!("second factor: {on}, with {left} recovery codes left"));
    }
    output.line(format!("second factor: {}", output.paint(Tone::Faint, "off")))
}

async fn enable(
    session: &mut OwnSession<'_>,
    factor: &SecondFactor,
    password: &SecretString,
    args: ProofArgs,
) -> Result<RecoveryCodes, Failure> {
    let output = Output::detect();
    let body = if factor.asks_password { json!({ "password": password.expose_secret() }) } else { json!({}) };
    let enrolment: Enrolment = session.call(Method::POST, &PATH, &body).await?;
    if args.format.json {
        output.json(&enrolment)?;
    } else {
        if output.is_terminal() {
            output.note(picture(&enrolment.otpauth_url)?);
            output.note("Scan this with an authenticator app, or type the secret into it.");
        }
        output.line(&enrolment.otpauth_url)?;
        output.note(format!("Secret: {}", enrolment.secret));
    }
    loop {
        let code = args.asking.secret("Code that the app shows now: ").await?;
        let body = json!({ "code": code.expose_secret() });
        match session.call(Method::POST, &[&PATH[..], &["confirm"]].concat(), &body).await {
            Err(failure) if failure.exit == Exit::Usage && !args.asking.stdin => output.note(&failure.message),
            confirmed => return confirmed,
        }
    }
}

/// Does what only the owner may: with the password, or a code where davit keeps none.
async fn as_owner(client: &Client, asking: Asking, method: Method, path: &[&str]) -> Result<Value, Failure> {
    let factor = client.second_factor().await?;
    let (mut session, password) = own_session(client, asking).await?;
    let proof = if factor.asks_password {
        Ok(json!({ "password": password.expose_secret() }))
    } else {
        let code = asking.secret("One more code, or a recovery code: ").await;
        code.map(|code| json!({ "code": code.expose_secret() }))
    };
    let done = match proof {
        Ok(proof) => session.send(method, path, &proof).await,
        Err(failure) => Err(failure),
    };
    session.close().await;
    // What is answered with nothing is nothing.
    Ok(done?.json().await.unwrap_or(Value::Null))
}

fn print_codes(output: Output, format: Format, codes: &RecoveryCodes) -> Result<(), Failure> {
    if format.json {
        return output.json(codes);
    }
    output.note("Each of these lets you in once, should the phone be lost. They are shown this once:");
    codes.recovery_codes.iter().try_for_each(|code| output.line(code))
}

/// Dark on light, whatever the terminal's colours are: apps read nothing else.
fn picture(text: &str) -> Result<String, Failure> {
    let code = QrCode::new(text).map_err(|error| Failure::failed(format!("it can't be drawn: {error}")))?;
    let drawn = code.render::<Dense1x2>().build();
    Ok(drawn.lines().map(|line| format!("\u{1b}[38;5;16;48;5;231m{line}\u{1b}[0m\n")).collect())
}
