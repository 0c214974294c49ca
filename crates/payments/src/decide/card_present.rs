//! Payments with cards that are held to a terminal.

use super::confirm::ConfirmOptions;
use crate::object::attempt::Attempt;
use crate::object::card_present::{CardPresent, Receipt};
use crate::object::charge::Charge;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::{ChipCard, PaymentMethod, VaultedCard};
use crate::rejection::Rejection;
use serde_json::{Value, json};
use suanpan_messages::tlv::Tag;

/// Makes what is kept of such a card.
pub(super) fn card_present(vaulted: &VaultedCard, chip: &ChipCard) -> Result<CardPresent, Rejection> {
    // It was there when the request was checked.
    let unreadable = || Rejection::ParameterMissing { param: "emv_data".to_owned() };
    let amount = chip.data.amount().ok().flatten().ok_or_else(unreadable)?;
    let hexadecimal = |tag: u32| chip.data.get(Tag(tag)).map(hex::encode_upper);
    // 9F34: the method in the lower six bits; 01 is a telephone's own.
    let method = chip.data.get(Tag(0x9F34)).and_then(|value| value.first()).map(|byte| byte & 0x3F);
    let verified = match (&chip.pin_block, method) {
        (Some(_), _) => "online_pin",
        (None, Some(0x01)) => "on_device",
        (None, _) => "none",
    };
    Ok(CardPresent {
        amount: amount.minor,
        brand: vaulted.brand.clone(),
        country: vaulted.country.clone(),
        currency: amount.currency,
        exp_month: vaulted.exp_month.into(),
        exp_year: vaulted.exp_year.into(),
        fingerprint: vaulted.fingerprint.clone(),
        funding: vaulted.funding.clone(),
        last4: vaulted.last4.clone(),
        read_method: "contactless_emv".to_owned(),
        receipt: Receipt {
            application_cryptogram: hexadecimal(0x9F26).unwrap_or_default(),
            application_cryptogram_type: "arqc".to_owned(),
            application_transaction_counter: chip.data.counter().ok().flatten().unwrap_or_default(),
            cardholder_verification_method: verified.to_owned(),
            dedicated_file_name: hexadecimal(0x84),
            terminal_verification_results: hexadecimal(0x95).unwrap_or_default(),
        },
    })
}

/// Refuses what a cryptogram is not good for: it stands for one payment, of which the card and its holder are there.
pub(super) fn check_card_present(
    intent: &PaymentIntent,
    method: &PaymentMethod,
    options: &ConfirmOptions,
) -> Result<(), Rejection> {
    let refuse = |why| Err(Rejection::PaymentMethodState { id: method.id.clone(), why });
    if options.off_session {
        return refuse("a card that is held to a terminal is there, and so is its holder");
    }
    if intent.setup_future_usage.is_some() {
        return refuse("its cryptogram is good for one payment: setup_future_usage must not be given");
    }
    if method.internal.token.is_empty() {
        return refuse("its cryptogram was used; hold the card to the terminal again");
    }
    let stands_for = method.card_present.as_ref().map(|card| (card.amount, card.currency));
    if stands_for != Some((intent.method_amount(), intent.currency)) {
        return refuse(
            "its cryptogram stands for another amount or currency; hold the card to the terminal again",
        );
    }
    Ok(())
}

/// What a charge shows of such a card.
pub(super) fn details(attempt: &Attempt, card: &CardPresent) -> Value {
    let mut shown = serde_json::to_value(card).unwrap_or_default();
    shown["amount_authorized"] = json!(attempt.amount);
    shown["authorization_code"] = json!(attempt.authorization_code);
    shown["emv_response"] = Value::Null;
    shown["network"] = json!(card.brand);
    json!({"card_present": shown, "type": "card_present"})
}

/// Notes what the issuer says to the chip, for the terminal to hand it on.
pub(super) fn note_issuer_data(charge: &mut Charge, issuer_data: Option<&str>) {
    if let (Some(card), Some(data)) = (charge.payment_method_details.get_mut("card_present"), issuer_data) {
        card["emv_response"] = json!(data);
    }
}
