//! Shapes of answers that have no type of their own, for the documentation.
#![allow(dead_code, reason = "only their documentation is used")]

use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct ListOf<T> {
    /// Always `list`.
    #[schema(pattern = "^list$")]
    object: String,
    /// The objects.
    data: Vec<T>,
    /// Whether there are more in the direction of the page.
    has_more: bool,
    /// The path that was asked.
    url: String,
}

/// A page of what a search found.
#[derive(Serialize, ToSchema)]
pub struct SearchOf<T> {
    /// Always `search_result`.
    #[schema(pattern = "^search_result$")]
    object: String,
    /// The objects.
    data: Vec<T>,
    /// Whether there may be more.
    has_more: bool,
    /// The path that was asked.
    url: String,
    /// What to give as `page` for the next ones.
    next_page: Option<String>,
}

/// What remains of an object that was deleted.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Its id.
    id: String,
    /// Its kind.
    object: String,
    /// Always true.
    deleted: bool,
}

/// An object together with the secret that is shown only once.
#[derive(Serialize, ToSchema)]
pub struct WithSecret<T> {
    /// The object.
    #[serde(flatten)]
    object: T,
    /// The secret.
    secret: String,
}

/// An attempt to deliver an event to an endpoint.
#[derive(Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// `wd_…`
    id: String,
    /// Always `webhook_delivery`.
    object: String,
    /// Which attempt it was, from 1.
    attempt: u32,
    /// When it began, seconds.
    created: i64,
    /// How long it took, milliseconds.
    duration_ms: u64,
    /// The endpoint.
    endpoint: String,
    /// Why there was no answer.
    error: Option<serde_json::Value>,
    /// The event.
    event: String,
    /// Whether in live mode.
    livemode: bool,
    /// When it is tried again, seconds.
    next_attempt: Option<i64>,
    /// What was sent, signatures cut.
    request_headers: serde_json::Value,
    /// The beginning of the answer.
    response: Option<String>,
    /// The status of the answer.
    response_status: Option<u16>,
    /// `delivered`, `retry`, `exhausted` or `disable`.
    result: String,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventSchema {
    /// `evt_…`
    id: String,
    /// Always `event`.
    object: String,
    /// The version of the shapes.
    api_version: String,
    /// When it happened, seconds.
    created: i64,
    /// What it is about.
    data: EventData,
    /// Whether in live mode.
    livemode: bool,
    /// How many endpoints are still to be told.
    pending_webhooks: u32,
    /// Who made it happen.
    request: EventRequest,
    /// Its type, such as `payment_intent.succeeded`.
    #[serde(rename = "type")]
    kind: String,
}

/// What an event is about.
#[derive(Serialize, ToSchema)]
pub struct EventData {
    /// The object as it was then.
    object: serde_json::Map<String, serde_json::Value>,
    /// Former values of the members that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_attributes: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The request that made something happen.
#[derive(Serialize, ToSchema)]
pub struct EventRequest {
    /// Its id; none when the platform did it by itself.
    id: Option<String>,
    /// Its key of idempotency.
    idempotency_key: Option<String>,
}
