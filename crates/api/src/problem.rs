//! Errors as `application/problem+json` (RFC 9457) with a stable `code`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use davit_domain::config::ConfigError;
use davit_engine::EngineError;
use davit_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the code says it all.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// For machines; never changes.
    code: &'static str,
    /// For people: what happened and what to do.
    detail: String,
    /// Mistakes in a document, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

/// One mistake in a document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Mistake {
    /// 1-based.
    line: usize,
    /// 1-based.
    column: usize,
    /// What is wrong and what to write.
    message: String,
    /// Of a form instead of a document: the field, such as `input[0].name`; empty: the form as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

impl From<ConfigError> for Mistake {
    fn from(error: ConfigError) -> Self {
        let ConfigError { line, column, message, field } = error;
        Self { line, column, message, field }
    }
}

impl Problem {
    /// A problem.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "log in, or send a valid API token")
    }

    pub(crate) fn denied(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "denied", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Whether it says that there is nothing.
    pub(crate) const fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND.as_u16()
    }

    /// The same, but when it says that there is nothing, in the words for what was asked for.
    pub(crate) fn or_missing(self, missing: impl FnOnce() -> Self) -> Self {
        if self.is_not_found() { missing() } else { self }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }
}

impl Problem {
    /// Its status and what it says, for where the answer is a page.
    pub(crate) fn into_parts(self) -> (StatusCode, String) {
        (StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::not_found(detail),
            EngineError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            EngineError::Changed(_) => Self::new(StatusCode::CONFLICT, "changed", detail),
            EngineError::Denied(_) => Self::denied(detail),
            EngineError::Invalid(_) => Self::invalid(detail),
            EngineError::InvalidConfig(mistakes) => {
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_config", detail);
                problem.errors = mistakes.into_iter().map(Mistake::from).collect();
                problem
            }
            // Not a 5xx: those say that davit itself is at fault.
            EngineError::Upstream(_) => Self::new(StatusCode::FAILED_DEPENDENCY, "upstream", detail),
            EngineError::Unavailable(_) => {
                tracing::error!(detail, "a request failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<davit_domain::ids::InvalidId> for Problem {
    fn from(error: davit_domain::ids::InvalidId) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "invalid", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "invalid", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::not_found(rejection.body_text())
    }
}

/// The answer below `/api` where nothing is.
pub(crate) async fn no_such_route() -> Problem {
    Problem::not_found("there is nothing at this address: see /api/v1/openapi.json")
}

/// `axum`'s extractors with our errors; a text with a NUL, which PostgreSQL can't hold, comes through none of them.
pub(crate) struct Body<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Body<T>
where
    T: serde::de::DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = json_bytes(Request::from_parts(parts.clone(), body), state).await?;
        // Again as a request: `Json` looks at the type that it says to be of, too.
        let request = Request::from_parts(parts, bytes.into());
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// As [`Body`], for the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

/// As [`Body`], for the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// As [`Body`], where nothing at all means the default.
pub(crate) struct MaybeBody<T>(pub(crate) T);

impl<T, S> FromRequest<S> for MaybeBody<T>
where
    T: serde::de::DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = json_bytes(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let Json(body) = Json::from_bytes(&bytes)?;
        Ok(Self(body))
    }
}

/// What was sent, when no text in it has a NUL.
async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let too_large = |rejection: BytesRejection| Problem::new(rejection.status(), "invalid", rejection.body_text());
    let bytes = Bytes::from_request(request, state).await.map_err(too_large)?;
    if json_has_nul(&bytes) { Err(has_nul()) } else { Ok(bytes) }
}

/// Refuses an address with a NUL in what it names or asks for, whatever route it leads to.
pub(crate) async fn refuse_nul(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.query().is_some_and(|query| query.contains("%00")) {
        return has_nul().into_response();
    }
    if uri.path().contains("%00") {
        return Problem::not_found("nothing has a name with a NUL (U+0000)").into_response();
    }
    next.run(request).await
}

fn has_nul() -> Problem {
    Problem::invalid("a text may not hold a NUL (U+0000): leave it out")
}

/// Whether a document writes a NUL, for which JSON has this one form.
fn json_has_nul(document: &[u8]) -> bool {
    let mut rest = document;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escaped = &rest[at + 1..];
        if escaped.starts_with(b"u0000") {
            return true;
        }
        // What a backslash stands before may be another one.
        rest = escaped.get(1..).unwrap_or_default();
    }
    false
}
