//! CBPR+: the usage guidelines of SWIFT for cross-border payments.
//!
//! Sources: SWIFT, "CBPR+ User Handbook" and the usage guidelines of pacs.008.001.08, pacs.002.001.10,
//! pacs.004.001.09, camt.056.001.08 (release 2023 and later), as far as they are public: one transaction a
//! message, the UETR, the institutions, the characters (`CBPR_RestrictedFINXMax…Text` and its extended form)
//! and the amount (`CBPR_Amount`).

use super::{Message, Payment, Rules, ask_one, ask_uetr, is_set_x, numbered, outside, payments};
use crate::iso20022::credit_transfer::{CreditTransfer, Transfer};
use crate::iso20022::party::{Agent, Party, PartyId};

/// Elements whose texts may have the extended set: names, addresses, what a payment is for, instructions.
const EXTENDED: &[&str] =
    &["Nm", "PstlAdr", "Ustrd", "AddtlRmtInf", "InstrInf", "AddtlInf", "CtctDtls", "Prxy", "InstrForDbtrAgt"];

/// `CBPR_RestrictedFINXMax…Text`: the set X; names and free texts (`…_Extended`) also take the other
/// characters of ASCII that can be printed.
pub(super) fn characters(path: &[&'static str], text: &str) -> Option<String> {
    let extended = path.iter().any(|name| EXTENDED.contains(name));
    outside(text, |character| is_set_x(character) || (extended && matches!(character, ' '..='~')))
}

pub(super) fn check(message: &Message, rules: &mut Rules) {
    let payments = payments(message);
    // Every message of CBPR+ has one transaction (maxOccurs of the usage guidelines).
    ask_one("cbpr.one", &payments, rules);
    // "UETR is mandatory" (User Handbook, section on the UETR).
    ask_uetr("cbpr.uetr", &payments, rules);
    for payment in &payments {
        ask_amount(payment, rules);
    }
    if let Message::CreditTransfer(transfer) = message {
        ask_group(transfer, rules);
        for (at, one) in transfer.transactions.iter().enumerate() {
            let path = numbered("CdtTrfTxInf", at, transfer.transactions.len());
            ask_transfer(transfer, one, &path, rules);
        }
    }
}

/// `CBPR_Amount`: at most fourteen digits, and not zero.
fn ask_amount(payment: &Payment<'_>, rules: &mut Rules) {
    let (element, Some(amount)) = payment.amount else { return };
    let path = format!("{}/{element}", payment.path);
    let digits = amount.value.mantissa().unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    rules.ask("cbpr.amount", digits <= 14, &path, || format!("has more than fourteen digits: {amount}"));
}

fn ask_group(transfer: &CreditTransfer, rules: &mut Rules) {
    let Some(group) = &transfer.group else { return };
    if let Some(created) = group.created {
        // `CBPR_DateTime`: with its distance from UTC.
        rules.ask("cbpr.offset", created.offset.is_some(), "GrpHdr/CreDtTm", || {
            format!("does not tell its distance from UTC: {created}")
        });
    }
    // Settled by a correspondent or by cover: payments that clear go by the rules of their market.
    let method = group.settlement.as_ref().and_then(|own| own.method.as_deref());
    let known = method.is_none_or(|method| matches!(method, "INDA" | "INGA" | "COVE"));
    rules
        .ask("cbpr.settlement", known, "GrpHdr/SttlmInf/SttlmMtd", || "is not INDA, INGA or COVE".to_owned());
}

fn ask_transfer(message: &CreditTransfer, transfer: &Transfer, path: &str, rules: &mut Rules) {
    let group = message.group.as_ref();
    // The sender and the receiver are told by their BIC. The guideline has them in the transaction; messages
    // that have them in the group are met too.
    for (name, own, of_group) in [
        ("InstgAgt", &transfer.sender, group.and_then(|group| group.sender.as_ref())),
        ("InstdAgt", &transfer.receiver, group.and_then(|group| group.receiver.as_ref())),
    ] {
        let (path, agent) = match (own, of_group) {
            (None, Some(agent)) => (format!("GrpHdr/{name}"), Some(agent)),
            (own, _) => (format!("{path}/{name}"), own.as_ref()),
        };
        let told = agent.is_some_and(|agent| !agent.bic().is_empty());
        rules.ask("cbpr.bic", told, &format!("{path}/FinInstnId/BICFI"), || "is not there".to_owned());
    }
    // "InterbankSettlementDate is mandatory".
    let settled = transfer.settled_on.or_else(|| group.and_then(|group| group.settled_on)).is_some();
    rules.ask("cbpr.day", settled, &format!("{path}/IntrBkSttlmDt"), || "is not there".to_owned());
    // SLEV is not a code of CBPR+: there is no service level that says who bears which charges.
    let bearer = transfer.charge_bearer.as_deref();
    rules.ask("cbpr.bearer", bearer != Some("SLEV"), &format!("{path}/ChrgBr"), || {
        "is SLEV, which is for clearing systems".to_owned()
    });
    // `CBPR_CRED_FormalRule`, as field 71F with 71A BEN in MT 103.
    let told = bearer != Some("CRED") || !transfer.charges.is_empty();
    rules.ask("cbpr.charges", told, &format!("{path}/ChrgsInf"), || "is not there, with CRED".to_owned());
    ask_conversion(transfer, path, rules);
    for (name, party) in [("Dbtr", &transfer.debtor), ("Cdtr", &transfer.creditor)] {
        if let Some(party) = party {
            rules.ask("cbpr.party", is_told(party), &format!("{path}/{name}/Nm"), || {
                "is not there, nor a BIC in its stead".to_owned()
            });
        }
    }
    for (name, agent) in [("DbtrAgt", &transfer.debtor_agent), ("CdtrAgt", &transfer.creditor_agent)] {
        if let Some(agent) = agent {
            rules.ask("cbpr.agent", is_agent_told(agent), &format!("{path}/{name}/FinInstnId"), || {
                "is told neither by a BIC nor by a clearing number nor by a name with an address".to_owned()
            });
        }
    }
}

/// An amount that was ordered in another currency has its rate (ISO 20022, rules of pacs.008:
/// InstructedAmountAndExchangeRate).
fn ask_conversion(transfer: &Transfer, path: &str, rules: &mut Rules) {
    if let (Some(instructed), Some(settled)) = (transfer.instructed, transfer.settled) {
        let other = instructed.currency != settled.currency;
        rules.ask("cbpr.rate", other == transfer.rate.is_some(), &format!("{path}/XchgRate"), || {
            if other { "is not there, between two currencies" } else { "is there, within one currency" }
                .to_owned()
        });
    }
}

/// A party is told by its name, or by its BIC (usage guideline: "Name or AnyBIC").
fn is_told(party: &Party) -> bool {
    let bic = matches!(&party.id, Some(PartyId::Organisation(id)) if id.bic.is_some());
    party.name.is_some() || bic
}

/// An institution is told by its BIC, its number in a clearing system, or its name and address.
fn is_agent_told(agent: &Agent) -> bool {
    let Some(own) = &agent.institution else { return false };
    own.bic.is_some() || own.member.is_some() || (own.name.is_some() && own.address.is_some())
}
