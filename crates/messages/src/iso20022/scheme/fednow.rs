//! FedNow.
//!
//! Sources: Federal Reserve Banks, Operating Circular 8 and the public pages of the FedNow Service: dollars,
//! one transfer a message, settled by the service itself, at most ten million dollars since November 2025.
//! The message specification is for participants only. It tells institutions by their routing numbers; the
//! samples of public projects tell them by a BIC, so a BIC is taken too, and a routing number has to be right.

use super::{Message, Rules, ask_one, ask_uetr, numbered, payments};
use crate::identifier;
use crate::iso20022::credit_transfer::Transfer;
use crate::iso20022::party::{Agent, Choice};
use rust_decimal::Decimal;

/// The most that one transfer may be, in dollars: the network limit of the service.
const AMOUNT_MAX: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);

/// Characters are those of the schema: no public document of the service names a narrower set.
pub(super) fn characters(_: &[&'static str], _: &str) -> Option<String> {
    None
}

pub(super) fn check(message: &Message, rules: &mut Rules) {
    let payments = payments(message);
    ask_one("fednow.one", &payments, rules);
    ask_uetr("fednow.uetr", &payments, rules);
    for payment in &payments {
        let (element, Some(amount)) = payment.amount else { continue };
        let path = format!("{}/{element}", payment.path);
        let dollars = amount.currency.code() == "USD";
        rules.ask("fednow.currency", dollars, &path, || format!("is not in USD: {amount}"));
        let range = amount.value > Decimal::ZERO && amount.value <= AMOUNT_MAX;
        rules
            .ask("fednow.amount", range, &path, || format!("is not over 0 and up to {AMOUNT_MAX}: {amount}"));
    }
    let Message::CreditTransfer(transfer) = message else { return };
    let group = transfer.group.as_ref();
    let method =
        group.and_then(|group| group.settlement.as_ref()).and_then(|settlement| settlement.method.as_deref());
    rules.ask(
        "fednow.settlement",
        method.is_none_or(|own| own == "CLRG"),
        "GrpHdr/SttlmInf/SttlmMtd",
        || "is not CLRG".to_owned(),
    );
    for (name, agent) in [
        ("GrpHdr/InstgAgt", group.and_then(|group| group.sender.as_deref())),
        ("GrpHdr/InstdAgt", group.and_then(|group| group.receiver.as_deref())),
    ] {
        if let Some(agent) = agent {
            ask_agent(agent, name, rules);
        }
    }
    for (at, one) in transfer.transactions.iter().enumerate() {
        ask_transfer(one, &numbered("CdtTrfTxInf", at, transfer.transactions.len()), rules);
    }
}

fn ask_transfer(transfer: &Transfer, path: &str, rules: &mut Rules) {
    let bearer = transfer.charge_bearer.as_deref();
    rules.ask("fednow.bearer", bearer.is_none_or(|own| own == "SLEV"), &format!("{path}/ChrgBr"), || {
        format!("is not SLEV: {}", bearer.unwrap_or_default())
    });
    for (name, agent) in [
        ("InstgAgt", &transfer.sender),
        ("InstdAgt", &transfer.receiver),
        ("DbtrAgt", &transfer.debtor_agent),
        ("CdtrAgt", &transfer.creditor_agent),
    ] {
        if let Some(agent) = agent {
            ask_agent(agent, &format!("{path}/{name}"), rules);
        }
    }
}

/// An institution is told by its routing number (`USABA`), which has a check digit, or by its BIC.
fn ask_agent(agent: &Agent, path: &str, rules: &mut Rules) {
    let member = agent.institution.as_ref().and_then(|own| own.member.as_ref());
    let system = member.and_then(|member| member.system.as_ref()).map(Choice::text);
    let number = agent.member();
    let path = format!("{path}/FinInstnId");
    let told = !number.is_empty() || !agent.bic().is_empty();
    rules.ask("fednow.agent", told, &path, || "is told neither by a routing number nor by a BIC".to_owned());
    let right = number.is_empty() || identifier::routing_number_is_valid(number);
    rules.ask("fednow.routing", right, &format!("{path}/ClrSysMmbId/MmbId"), || {
        format!("is not a routing number: `{}`", number.escape_debug())
    });
    let known = number.is_empty() || system.is_none_or(|system| system == "USABA");
    rules.ask("fednow.routing", known, &format!("{path}/ClrSysMmbId/ClrSysId"), || "is not USABA".to_owned());
}
