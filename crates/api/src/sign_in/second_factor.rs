//! One's second factor: codes of an authenticator app, and recovery codes.

use super::own_session;
use crate::Api;
use crate::auth::Caller;
use crate::problem::{Body, MaybeBody, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_engine::sign_in::second_factor::Proof;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether one's account has a second factor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    enabled: bool,
    /// How many are unused.
    recovery_codes_left: i64,
    /// Whether starting one asks for the account's password. An account without one is asked for having signed in within
    /// ten minutes.
    asks_password: bool,
}

/// That the account is one's own: its password, where it has one.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct SecondFactorStart {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
}

/// What an authenticator app needs, shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSecondFactor {
    /// Base 32, for typing it in.
    secret: String,
    otpauth_url: String,
    /// The same as a picture: SVG.
    qr_svg: String,
}

/// A code that the authenticator app shows.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SecondFactorCode {
    #[schema(value_type = String)]
    code: SecretString,
}

/// Shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// That the account is one's own: one of both.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Ownership {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    /// Of the app, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Option<SecretString>,
}

impl Ownership {
    fn proof(&self) -> Result<Proof<'_>, Problem> {
        match (&self.password, &self.code) {
            (Some(password), _) => Ok(Proof::Password(password)),
            (None, Some(code)) => Ok(Proof::Code(code)),
            (None, None) => Err(Problem::invalid("send the account's password, or a code of its second factor")),
        }
    }
}

impl RecoveryCodes {
    fn new(codes: &[SecretString]) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose_secret().to_owned()).collect() }
    }
}

/// Whether one's account has a second factor.
#[utoipa::path(get, path = "/api/v1/session/second-factor", responses((status = 200, body = SecondFactor)))]
pub(crate) async fn show_second_factor(State(api): State<Api>, caller: Caller) -> Result<Json<SecondFactor>, Problem> {
    let enabled = api.engine.has_second_factor(caller.user.id).await?;
    let recovery_codes_left = api.engine.store().recovery_codes_left(caller.user.id).await?;
    let asks_password = api.engine.has_password(&caller.user).await?;
    Ok(Json(SecondFactor { enabled, recovery_codes_left, asks_password }))
}

/// Starts a second factor; it works once it is confirmed with a code.
///
/// A session alone is not enough: who stole one would shut its owner out.
#[utoipa::path(post, path = "/api/v1/session/second-factor", request_body = SecondFactorStart,
    responses((status = 200, body = NewSecondFactor), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn start_second_factor(
    State(api): State<Api>,
    caller: Caller,
    MaybeBody(body): MaybeBody<SecondFactorStart>,
) -> Result<Json<NewSecondFactor>, Problem> {
    let session = own_session(&caller)?;
    let new = api.engine.start_second_factor(&caller.user, body.password.as_ref(), session).await?;
    Ok(Json(NewSecondFactor {
        secret: new.secret.expose_secret().to_owned(),
        otpauth_url: new.otpauth_url.expose_secret().to_owned(),
        qr_svg: new.qr_svg.expose_secret().to_owned(),
    }))
}

/// Confirms the second factor with a code; from now on logging in needs one.
#[utoipa::path(post, path = "/api/v1/session/second-factor/confirm", request_body = SecondFactorCode,
    responses((status = 200, body = RecoveryCodes), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn confirm_second_factor(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<SecondFactorCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    own_session(&caller)?;
    let codes = api.engine.confirm_second_factor(&caller.user, &body.code).await?;
    Ok(Json(RecoveryCodes::new(&codes)))
}

/// Makes new recovery codes; the old ones are worth nothing any more.
#[utoipa::path(post, path = "/api/v1/session/second-factor/recovery-codes", request_body = Ownership,
    responses((status = 200, body = RecoveryCodes), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn renew_recovery_codes(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<Ownership>,
) -> Result<Json<RecoveryCodes>, Problem> {
    own_session(&caller)?;
    let codes = api.engine.renew_recovery_codes(&caller.user, body.proof()?).await?;
    Ok(Json(RecoveryCodes::new(&codes)))
}

/// Takes one's second factor away.
#[utoipa::path(delete, path = "/api/v1/session/second-factor", request_body = Ownership,
    responses((status = 204), (status = 403, body = Problem)))]
pub(crate) async fn drop_second_factor(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<Ownership>,
) -> Result<StatusCode, Problem> {
    own_session(&caller)?;
    api.engine.drop_own_second_factor(&caller.user, body.proof()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
