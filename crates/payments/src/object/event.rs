//! `evt_…`: something that happened.

use crate::decision::EventDraft;
use crate::object::{Tag, json};
use serde::Serialize;
use serde_json::value::RawValue;
use suanpan_money::Timestamp;

/// The version of the API whose shapes events have. Stripe's libraries compare it with the one they were
/// made for only where they are told to.
pub const API_VERSION: &str = "2025-03-31.basil";

/// All types of events that rules make.
pub const EVENT_TYPES: [&str; 34] = [
    "account.updated",
    "bank_agreement.active",
    "bank_agreement.failed",
    "bank_agreement.requires_confirmation",
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "customer_cash_balance_transaction.created",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "ping",
];

#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    object: Tag,
    api_version: &'a str,
    created: i64,
    data: Data<'a>,
    livemode: bool,
    pending_webhooks: u32,
    request: RequestOf<'a>,
    #[serde(rename = "type")]
    kind: &'a str,
}

#[derive(Serialize)]
struct Data<'a> {
    object: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_attributes: Option<&'a RawValue>,
}

/// The request that made something happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RequestOf<'a> {
    /// Its id; none when the platform did it by itself.
    pub id: Option<&'a str>,
    /// Its key of idempotency.
    pub idempotency_key: Option<&'a str>,
}

/// What surrounds an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFrame<'a> {
    /// When it happened.
    pub now: Timestamp,
    /// Whether in live mode.
    pub live: bool,
    /// How many endpoints are to be told.
    pub pending_webhooks: u32,
    /// Who made it happen.
    pub request: RequestOf<'a>,
}

/// Returns where the object that an event is about begins in the JSON that [`event_body`] made of it.
#[must_use]
pub fn object_begin(body: &str) -> Option<usize> {
    const BEFORE: &str = r#""data":{"object":"#;
    body.find(BEFORE).map(|at| at + BEFORE.len())
}

/// Makes the stored object of an event.
///
/// # Panics
/// When the former values are no JSON, and in debug builds when the object is none; the rules of this crate make neither.
#[must_use]
pub fn event_body(draft: &EventDraft, frame: &EventFrame<'_>) -> String {
    let raw = |text| serde_json::from_str::<&RawValue>(text).expect("drafts hold JSON");
    debug_assert!(serde_json::from_str::<&RawValue>(&draft.snapshot).is_ok(), "snapshots hold JSON");
    let mut body = json(&Event {
        id: &draft.id,
        object: "event".into(),
        api_version: API_VERSION,
        created: frame.now.seconds(),
        data: Data { object: RawValue::NULL, previous_attributes: draft.previous.as_deref().map(raw) },
        livemode: frame.live,
        pending_webhooks: frame.pending_webhooks,
        request: frame.request,
        kind: draft.kind,
    });
    // The object is not read once more to be written as it is.
    let null = object_begin(&body).expect("events have an object");
    body.replace_range(null..null + RawValue::NULL.get().len(), &draft.snapshot);
    body
}
