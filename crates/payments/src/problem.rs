//! The body of an error: Stripe's `error` beside the members of RFC 9457.

use crate::rejection::Rejection;
use serde_json::{Map, Value, json};

/// Makes the body of an error. `payment_intent` is the intent as it is now, for declines; `instance` names
/// the request.
#[must_use]
pub fn error_body(rejection: &Rejection, payment_intent: Option<Value>, instance: Option<&str>) -> Value {
    let message = rejection.to_string();
    let mut error = Map::new();
    error.insert("type".into(), rejection.error_type().word().into());
    error.insert("code".into(), rejection.code().into());
    error.insert("message".into(), message.clone().into());
    if let Some(param) = rejection.param() {
        error.insert("param".into(), param.into());
    }
    if let Some(code) = rejection.decline_code() {
        error.insert("decline_code".into(), code.into());
    }
    if let Rejection::Card { charge: Some(charge), .. } = rejection {
        error.insert("charge".into(), charge.as_str().into());
    }
    if let Some(intent) = payment_intent {
        error.insert("payment_intent".into(), intent);
    }
    let mut body = Map::new();
    body.insert("error".into(), error.into());
    body.insert("type".into(), format!("urn:suanpan:problem:{}", rejection.code()).into());
    body.insert("title".into(), title(rejection.status()).into());
    body.insert("status".into(), rejection.status().into());
    body.insert("detail".into(), message.clone().into());
    if let Some(instance) = instance {
        body.insert("instance".into(), instance.into());
    }
    body.insert("code".into(), rejection.code().into());
    body.insert("retryable".into(), rejection.retryable().into());
    if let Some(param) = rejection.param() {
        let at = json!({"pointer": pointer(param), "code": rejection.code(), "detail": message});
        body.insert("errors".into(), vec![at].into());
    }
    body.into()
}

/// Turns the writing of forms into a JSON pointer: `card[number]` into `/card/number`.
fn pointer(param: &str) -> String {
    let mut text = String::from("/");
    for char in param.chars() {
        match char {
            '[' => text.push('/'),
            ']' => {}
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            other => text.push(other),
        }
    }
    text
}

const fn title(status: u16) -> &'static str {
    match status {
        402 => "The payment was declined",
        403 => "Not allowed",
        404 => "Not found",
        409 => "Conflict",
        500 => "Fault of the server",
        _ => "Invalid request",
    }
}
