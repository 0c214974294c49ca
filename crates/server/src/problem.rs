//! The one map from everything that goes wrong to a status and a body.
//!
//! A body serves both worlds: Stripe's `error` beside the members of RFC 9457. A [`Problem`] travels as an
//! extension of an empty response; [`render`] writes its body when the id of the request is known.

mod from;

use crate::parameters::ParameterError;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// The media type of RFC 9457.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, to be told to the client. It never holds what the client must not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    status: StatusCode,
    kind: &'static str,
    code: Cow<'static, str>,
    message: String,
    param: Option<String>,
    pointer: Option<String>,
    decline_code: Option<Cow<'static, str>>,
    retryable: bool,
    retry_after: Option<u64>,
}

/// Stripe's words for the type of an error.
pub mod kind {
    /// The request is at fault.
    pub const INVALID_REQUEST: &str = "invalid_request_error";
    /// The card is at fault.
    pub const CARD: &str = "card_error";
    /// The key of idempotency is at fault.
    pub const IDEMPOTENCY: &str = "idempotency_error";
    /// The API key is at fault.
    pub const AUTHENTICATION: &str = "authentication_error";
    /// Too much at once.
    pub const RATE_LIMIT: &str = "rate_limit_error";
    /// We are at fault.
    pub const API: &str = "api_error";
}

impl Problem {
    /// Returns a problem of the request, with a stable code and a text for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Problem {
        let kind = match status {
            StatusCode::UNAUTHORIZED => kind::AUTHENTICATION,
            StatusCode::TOO_MANY_REQUESTS => kind::RATE_LIMIT,
            status if status.is_server_error() => kind::API,
            _ => kind::INVALID_REQUEST,
        };
        let retryable = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
        Problem(Box::new(Inner {
            status,
            kind,
            code: Cow::Borrowed(code),
            message: message.into(),
            param: None,
            pointer: None,
            decline_code: None,
            retryable,
            retry_after: None,
        }))
    }

    /// Returns 400 for a value of a parameter that is not in a typed request.
    #[must_use]
    pub fn invalid(param: &str, reason: impl std::fmt::Display) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "parameter_invalid", format!("Invalid {param}: {reason}"))
            .at(param)
    }

    /// Returns 400 for a parameter that must be given.
    #[must_use]
    pub fn missing_parameter(param: &str) -> Problem {
        let message = format!("Missing required param: {param}.");
        Problem::new(StatusCode::BAD_REQUEST, "parameter_missing", message).at(param)
    }

    /// Returns 404 for an object that is not there, or is somebody else's: the two must look the same.
    #[must_use]
    pub fn missing(kind: &str, id: &str) -> Problem {
        let id: String = id.chars().take(60).collect();
        Problem::new(StatusCode::NOT_FOUND, "resource_missing", format!("No such {kind}: '{id}'")).at("id")
    }

    /// Returns 500 without a word about the cause, which goes to the log.
    #[must_use]
    pub fn fault(cause: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%cause, "a request failed by our fault");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed on our side.")
    }

    /// Returns 503: nothing was done, and the same may be sent again.
    #[must_use]
    pub fn unavailable(message: &str, retry_after_seconds: u64) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).retry_after(retry_after_seconds)
    }

    /// Returns 500: whether it was done is not known, and only the same under the same key of idempotency tells.
    #[must_use]
    pub fn outcome_unknown() -> Problem {
        let message = "Whether this was done is not known yet. Repeat it under the same idempotency key.";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "outcome_unknown", message).retryable()
    }

    /// Returns 429: nothing was done, and the same may be sent again.
    #[must_use]
    pub fn too_many(code: &'static str, message: impl Into<String>, retry_after_seconds: u64) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(retry_after_seconds)
    }

    /// Says which parameter is at fault, as in a form: `metadata[order]`.
    #[must_use]
    pub fn at(mut self, param: &str) -> Problem {
        self.0.pointer = Some(pointer(param));
        self.0.param = Some(param.to_owned());
        self
    }

    /// Sets the type of the error.
    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Problem {
        self.0.kind = kind;
        self
    }

    /// Says that the same request may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Problem {
        self.0.retryable = true;
        self
    }

    /// Sets `Retry-After`, in seconds, at least 1.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.0.retry_after = Some(seconds.max(1));
        self.0.retryable = true;
        self
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }
}

impl From<Box<ParameterError>> for Problem {
    fn from(error: Box<ParameterError>) -> Problem {
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, error.code(), error.to_string());
        if let Some(param) = error.parameter() {
            problem.0.param = Some(param);
            problem.0.pointer = Some(error.pointer());
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of every answer with status 4xx or 5xx.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody<'a> {
    /// The error as Stripe's clients read it.
    pub error: StripeError<'a>,
    /// A name of the kind of problem (RFC 9457).
    #[serde(rename = "type")]
    #[schema(example = "urn:suanpan:problem:parameter_missing")]
    pub problem_type: String,
    /// The kind of problem in words; the same for all problems of a status.
    pub title: &'a str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// This problem in words.
    pub detail: &'a str,
    /// Names this answer.
    #[schema(example = "urn:suanpan:request:req_0123456789abcdef")]
    pub instance: String,
    /// The stable code of the problem.
    pub code: &'a str,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The places at fault, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<[ErrorPlace<'a>; 1]>,
}

/// The error as Stripe's clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StripeError<'a> {
    /// `invalid_request_error`, `card_error`, `idempotency_error`, `authentication_error`, `rate_limit_error` or
    /// `api_error`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The stable code of the problem.
    pub code: &'a str,
    /// The problem in words.
    pub message: &'a str,
    /// The parameter at fault, as in a form: `metadata[order]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a str>,
    /// Why the issuer said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<&'a str>,
}

/// One place at fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorPlace<'a> {
    /// The place as a JSON pointer (RFC 6901).
    pub pointer: &'a str,
    /// The stable code of what is wrong there.
    pub code: &'a str,
    /// What is wrong there, in words.
    pub detail: &'a str,
}

/// Writes the body of a problem into its response. Headers that are there already stay.
pub fn render(problem: &Problem, request_id: &str, response: &mut Response) {
    let inner = &problem.0;
    let errors = inner
        .pointer
        .as_deref()
        .map(|pointer| [ErrorPlace { pointer, code: &inner.code, detail: &inner.message }]);
    let body = ErrorBody {
        error: StripeError {
            kind: inner.kind,
            code: &inner.code,
            message: &inner.message,
            param: inner.param.as_deref(),
            decline_code: inner.decline_code.as_deref(),
        },
        problem_type: format!("urn:suanpan:problem:{}", inner.code),
        title: title(inner.status),
        status: inner.status.as_u16(),
        detail: &inner.message,
        instance: format!("urn:suanpan:request:{request_id}"),
        code: &inner.code,
        retryable: inner.retryable,
        errors,
    };
    // Texts and numbers always have a JSON form.
    let text = serde_json::to_vec(&body).expect("a problem is texts and numbers");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(seconds) = inner.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if inner.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"suanpan\""));
    }
    headers.remove(axum::http::header::CONTENT_LENGTH);
    *response.status_mut() = inner.status;
    *response.body_mut() = axum::body::Body::from(text);
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The request is invalid",
        401 => "The API key is missing or not valid",
        402 => "The payment was declined",
        403 => "The API key may not do this",
        404 => "Not found",
        405 => "The method is not allowed here",
        408 => "The request came too slowly",
        409 => "The request contradicts what is there or is being done",
        413 => "The body is too large",
        414 => "The address is too long",
        415 => "The body has a type that is not taken",
        422 => "The idempotency key was used for another request",
        429 => "Too many requests",
        503 => "Not available now",
        _ => "Something failed on our side",
    }
}

/// Turns the writing of forms into a JSON pointer: `card[number]` into `/card/number`.
fn pointer(param: &str) -> String {
    let mut text = String::from("/");
    for letter in param.chars() {
        match letter {
            '[' => text.push('/'),
            ']' => {}
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            other => text.push(other),
        }
    }
    text
}
