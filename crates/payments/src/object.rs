//! The objects of the API: stored as they are shown, but for a member `internal` that is never shown.

pub mod account;
pub mod api_key;
pub mod attempt;
pub mod balance;
pub mod balance_transaction;
pub mod bank_agreement;
pub mod card_present;
pub mod cash_balance;
pub mod charge;
pub mod checkout_session;
pub mod customer;
pub mod event;
pub mod expand;
pub mod list;
pub mod payment_intent;
pub mod payment_method;
pub mod refund;
pub mod source;
pub mod webhook_endpoint;

use crate::decision::ObjectKind;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Metadata of an object.
pub type Metadata = BTreeMap<String, String>;

/// The word that stands in the member `object`.
pub type Tag = Cow<'static, str>;

/// Returns an object as the API shows it, from its stored JSON. Only kinds that keep something for
/// themselves are read for that; the others are returned as they are.
#[must_use]
pub fn api_view(kind: ObjectKind, stored: &str) -> Cow<'_, str> {
    match kind {
        ObjectKind::Attempt
        | ObjectKind::BankAgreement
        | ObjectKind::PaymentMethod
        | ObjectKind::WebhookEndpoint
        | ObjectKind::ApiKey => {
            match serde_json::from_str::<Map<String, Value>>(stored) {
                Ok(mut members) => {
                    members.shift_remove("internal");
                    Cow::Owned(json(&members))
                }
                // What cannot be read cannot be shown without what it keeps for itself.
                Err(_) => Cow::Borrowed("{}"),
            }
        }
        ObjectKind::PaymentIntent
        | ObjectKind::CheckoutSession
        | ObjectKind::Charge
        | ObjectKind::Refund
        | ObjectKind::Customer
        | ObjectKind::BalanceTransaction
        | ObjectKind::Event
        | ObjectKind::Account => Cow::Borrowed(stored),
    }
}

/// Returns the former values of the members that changed from one JSON object to another, for
/// `previous_attributes`. Objects inside are compared member by member.
#[must_use]
pub fn changed_members(before: &Value, after: &Value) -> Map<String, Value> {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Map::new();
    };
    let mut changed = Map::new();
    for (key, now) in after {
        let old = before.get(key).unwrap_or(&Value::Null);
        match (old, now) {
            _ if old == now => {}
            (Value::Object(_), Value::Object(_)) => {
                changed.insert(key.clone(), changed_members(old, now).into());
            }
            _ => {
                changed.insert(key.clone(), old.clone());
            }
        }
    }
    for (key, old) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        changed.insert(key.clone(), old.clone());
    }
    changed
}

/// Writes a value as JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("values of this crate have text keys and no floats")
}
