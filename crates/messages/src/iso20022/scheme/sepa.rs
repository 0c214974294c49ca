//! SEPA credit transfers.
//!
//! Sources: European Payments Council, rule books EPC125-05 (credit transfer) and EPC004-16 (instant), and
//! their implementation guidelines EPC115-06, EPC132-08 (customer to bank) and EPC122-16; characters by
//! EPC217-08. Elements that the guidelines want and that messages of other projects leave out (`SvcLvl`,
//! `TxId`) are asked only to be right where they are there.

use super::{Message, Rules, is_set_x, numbered, outside, payments};
use crate::iso20022::detail::{PaymentKind, Remittance};
use crate::iso20022::initiation::{Order, OrderBatch};
use crate::iso20022::party::{Account, Agent, Party};
use rust_decimal::Decimal;

/// EPC217-08: the Latin set that every bank takes.
pub(super) fn characters(_: &[&'static str], text: &str) -> Option<String> {
    outside(text, is_set_x)
}

/// EPC115-06, AT-04: the largest amount.
const AMOUNT_MAX: Decimal = Decimal::from_parts(1_215_752_191, 23, 0, false, 2);

pub(super) fn check(message: &Message, rules: &mut Rules) {
    for payment in payments(message) {
        let (element, Some(amount)) = payment.amount else { continue };
        let path = format!("{}/{element}", payment.path);
        // Rule book, section 1.3: the scheme is for euro.
        let euro = amount.currency.code() == "EUR";
        rules.ask("sepa.currency", euro, &path, || format!("is not in EUR: {amount}"));
        // EPC115-06, AT-04: 0.01 to 999,999,999.99.
        let range = amount.value >= Decimal::new(1, 2) && amount.value <= AMOUNT_MAX;
        rules.ask("sepa.amount", range, &path, || format!("is not from 0.01 to {AMOUNT_MAX}: {amount}"));
    }
    match message {
        Message::CreditTransfer(transfer) => {
            let group = transfer.group.as_ref();
            let method = group
                .and_then(|group| group.settlement.as_ref())
                .and_then(|settlement| settlement.method.as_deref());
            rules.ask("sepa.settlement", method != Some("COVE"), "GrpHdr/SttlmInf/SttlmMtd", || {
                "is COVE, and there are no cover payments in SEPA".to_owned()
            });
            for (at, one) in transfer.transactions.iter().enumerate() {
                let path = numbered("CdtTrfTxInf", at, transfer.transactions.len());
                let bearer = one.charge_bearer.as_deref();
                // Rule book, section 4.2.3: shared, each side by its own service level.
                rules.ask("sepa.bearer", bearer == Some("SLEV"), &format!("{path}/ChrgBr"), || {
                    format!("is not SLEV: {}", bearer.unwrap_or("not there"))
                });
                let side = |name| Side { name, path: &path };
                ask_side(&side("Dbtr"), one.debtor.as_deref(), one.debtor_account.as_deref(), rules);
                ask_side(&side("Cdtr"), one.creditor.as_deref(), one.creditor_account.as_deref(), rules);
                ask_agent(&side("DbtrAgt"), one.debtor_agent.as_deref(), rules);
                ask_agent(&side("CdtrAgt"), one.creditor_agent.as_deref(), rules);
                ask_remittance(one.remittance.as_deref(), &path, rules);
                let kind = one.kind.as_deref().or_else(|| group.and_then(|group| group.kind.as_deref()));
                ask_kind(kind, &path, rules);
                let instant = is_instant(kind);
                // EPC122-16: an instant message has one transaction, and the time from which seconds count.
                rules.ask("sepa.instant", !instant || transfer.transactions.len() == 1, &path, || {
                    "is one of several instant transfers".to_owned()
                });
                let accepted = !instant || one.accepted.is_some();
                rules.ask("sepa.instant", accepted, &format!("{path}/AccptncDtTm"), || {
                    "is not there, and the transfer is instant".to_owned()
                });
            }
        }
        Message::Initiation(initiation) => {
            for (at, batch) in initiation.payments.iter().enumerate() {
                let path = numbered("PmtInf", at, initiation.payments.len());
                ask_batch(batch, &path, rules);
            }
        }
        _ => {}
    }
}

fn is_instant(kind: Option<&PaymentKind>) -> bool {
    kind.and_then(|kind| kind.local_instrument.as_ref()).is_some_and(|own| own.text() == "INST")
}

/// A side of a payment, for the path.
struct Side<'p> {
    name: &'static str,
    path: &'p str,
}

/// AT-02, AT-21: the name, of at most seventy characters; AT-01, AT-20: the IBAN.
fn ask_side(side: &Side<'_>, party: Option<&Party>, account: Option<&Account>, rules: &mut Rules) {
    let name = party.and_then(|party| party.name.as_deref());
    let path = format!("{}/{}", side.path, side.name);
    rules.ask("sepa.name", name.is_some(), &format!("{path}/Nm"), || "is not there".to_owned());
    let length = name.unwrap_or_default().chars().count();
    rules.ask("sepa.name", length <= 70, &format!("{path}/Nm"), || {
        format!("has {length} characters, of at most 70")
    });
    let iban = account.and_then(Account::iban).is_some();
    rules.ask("sepa.iban", iban, &format!("{path}Acct/Id/IBAN"), || "is not there".to_owned());
}

/// AT-06, AT-23: the BIC between banks.
fn ask_agent(side: &Side<'_>, agent: Option<&Agent>, rules: &mut Rules) {
    let told = agent.is_some_and(|agent| !agent.bic().is_empty());
    let path = format!("{}/{}/FinInstnId/BICFI", side.path, side.name);
    rules.ask("sepa.bic", told, &path, || "is not there".to_owned());
}

/// AT-05: words or a structure, once, of at most 140 characters.
fn ask_remittance(remittance: Option<&Remittance>, path: &str, rules: &mut Rules) {
    let Some(remittance) = remittance else { return };
    let count = remittance.text.len() + remittance.structured.len();
    rules.ask("sepa.remittance", count <= 1, &format!("{path}/RmtInf"), || {
        format!("has {count} parts, of one")
    });
}

/// EPC115-06: the service level is SEPA.
fn ask_kind(kind: Option<&PaymentKind>, path: &str, rules: &mut Rules) {
    for level in kind.iter().flat_map(|kind| &kind.service_levels) {
        rules.ask("sepa.level", level.text() == "SEPA", &format!("{path}/PmtTpInf/SvcLvl"), || {
            format!("is not SEPA: {}", level.text())
        });
    }
}

fn ask_batch(batch: &OrderBatch, path: &str, rules: &mut Rules) {
    let side = Side { name: "Dbtr", path };
    ask_side(&side, batch.debtor.as_deref(), batch.debtor_account.as_deref(), rules);
    ask_kind(batch.kind.as_deref(), path, rules);
    ask_bearer(batch.charge_bearer.as_deref(), path, rules);
    for (at, order) in batch.transactions.iter().enumerate() {
        let path = format!("{path}/{}", numbered("CdtTrfTxInf", at, batch.transactions.len()));
        ask_order(order, &path, rules);
    }
}

fn ask_order(order: &Order, path: &str, rules: &mut Rules) {
    let side = Side { name: "Cdtr", path };
    ask_side(&side, order.creditor.as_deref(), order.creditor_account.as_deref(), rules);
    ask_remittance(order.remittance.as_deref(), path, rules);
    ask_kind(order.kind.as_deref(), path, rules);
    ask_bearer(order.charge_bearer.as_deref(), path, rules);
}

/// EPC132-08: where it is there at all, it is SLEV.
fn ask_bearer(bearer: Option<&str>, path: &str, rules: &mut Rules) {
    rules.ask("sepa.bearer", bearer.is_none_or(|own| own == "SLEV"), &format!("{path}/ChrgBr"), || {
        format!("is not SLEV: {}", bearer.unwrap_or_default())
    });
}
