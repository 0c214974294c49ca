//! The charge that an answered attempt comes to.

use crate::decide::{Draft, Stored, card_present, combined};
use crate::decision::ObjectKind;
use crate::object::attempt::Attempt;
use crate::object::charge::{Charge, Outcome};
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::state::charge::ChargeState;
use serde_json::{Value, json};

/// Makes the charge of an answered attempt; its state is for the caller to set.
pub(super) fn new_charge(
    draft: &mut Draft<'_>,
    intent: &PaymentIntent,
    attempt: &Attempt,
    method: &PaymentMethod,
) -> Charge {
    Charge {
        id: draft.new_id(ObjectKind::Charge),
        object: ObjectKind::Charge.name().into(),
        amount: attempt.total(),
        amount_captured: 0,
        amount_refunded: 0,
        attempt: attempt.id.clone(),
        balance_transaction: None,
        billing_details: serde_json::to_value(&method.billing_details).unwrap_or_default(),
        calculated_statement_descriptor: intent.statement_descriptor.clone(),
        captured: false,
        created: draft.ctx.now.seconds(),
        currency: attempt.currency,
        customer: intent.customer.clone(),
        description: intent.description.clone(),
        disputed: false,
        failure_code: None,
        failure_message: None,
        fee: 0,
        livemode: draft.ctx.live,
        metadata: intent.metadata.clone(),
        outcome: Outcome {
            network_status: "approved_by_network".to_owned(),
            reason: None,
            seller_message: "Payment complete.".to_owned(),
            kind: "authorized".to_owned(),
        },
        paid: true,
        payment_intent: intent.id.clone(),
        payment_method: method.id.clone(),
        payment_method_details: details(attempt, method),
        receipt_email: intent.receipt_email.clone(),
        refunded: false,
        refunds_made: 0,
        sources: combined::charge_sources(attempt),
        state: ChargeState::Uncaptured,
        status: "succeeded".to_owned(),
    }
}

/// What the charge says of the method, as it was then.
fn details(attempt: &Attempt, method: &PaymentMethod) -> Value {
    match &method.card {
        Some(card) => json!({
            "card": {
                "amount_authorized": attempt.amount,
                "authorization_code": attempt.authorization_code,
                "brand": card.brand,
                "checks": card.checks,
                "country": card.country,
                "exp_month": card.exp_month,
                "exp_year": card.exp_year,
                "fingerprint": card.fingerprint,
                "funding": card.funding,
                "last4": card.last4,
                "network": card.brand,
                "three_d_secure": attempt.authenticated.then(|| json!({"result": "authenticated"})),
                "wallet": null,
            },
            "type": "card",
        }),
        None => match (&method.payment_code, &method.bank_agreement, &method.card_present) {
            (_, _, Some(card)) => card_present::details(attempt, card),
            (_, Some(account), None) => {
                json!({"bank_agreement": account, "type": method.kind})
            }
            (Some(code), None, None) => {
                json!({"payment_code": {"wallet": code.wallet}, "type": method.kind})
            }
            (None, None, None) => json!({method.kind.as_str(): {}, "type": method.kind}),
        },
    }
}

/// Writes a new charge and its names; returns its id and JSON.
pub(super) fn write_new_charge(draft: &mut Draft<'_>, charge: Charge) -> (String, String) {
    let id = charge.id.clone();
    draft.link(crate::link::CHARGE_INTENT, &charge.payment_intent, &id);
    if let Some(customer) = charge.customer.clone() {
        draft.link(crate::link::CHARGE_CUSTOMER, &customer, &id);
    }
    let stored = Stored::new(charge, draft.ctx);
    let body = draft.write(ObjectKind::Charge, &id, &stored);
    (id, body)
}
