//! Rules that a scheme asks of a message beyond its schema.
//!
//! Each rule names its source. Where a rule book is for members only, the rule is one that its public
//! excerpts and the samples of public projects show; what they do not show is not asked. So a message that
//! passes is not thereby one that the scheme accepts, but one that breaks a rule here is refused there.

mod cbpr;
mod fednow;
mod sepa;

use super::part::{Check, TextRule};
use super::totals::totals;
use super::value::Amount;
use super::{Message, Violation, limits};

/// A scheme whose rules are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Cross-border payments and reporting over SWIFT (CBPR+).
    CbprPlus,
    /// SEPA credit transfers, instant ones where the message says so.
    Sepa,
    /// FedNow.
    FedNow,
}

impl Scheme {
    /// All schemes.
    pub const ALL: [Scheme; 3] = [Scheme::CbprPlus, Scheme::Sepa, Scheme::FedNow];

    /// Returns its name in commands: `cbpr`, `sepa`, `fednow`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::CbprPlus => "cbpr",
            Scheme::Sepa => "sepa",
            Scheme::FedNow => "fednow",
        }
    }

    /// Finds a scheme by its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name() == name)
    }
}

/// Tells where a message breaks its schema, its own totals, or the rules of a scheme. At most
/// [`limits::VIOLATIONS_MAX`] are told of each kind.
#[must_use]
pub fn check(scheme: Scheme, message: &Message) -> Vec<Violation> {
    let (rule, test): (_, TextRule) = match scheme {
        Scheme::CbprPlus => ("cbpr.characters", cbpr::characters),
        Scheme::Sepa => ("sepa.characters", sepa::characters),
        Scheme::FedNow => ("fednow.characters", fednow::characters),
    };
    let mut check = Check::of_texts(rule, test);
    message.check_part(&mut check);
    let mut found = check.found;
    // Every scheme refuses a message whose own totals are wrong.
    for total in totals(message).into_iter().filter(|total| !total.agrees()) {
        let computed = total.computed.map_or_else(|| "nothing".to_owned(), |figure| figure.to_string());
        let what = format!("says {}, and the transactions give {computed}", total.declared);
        found.push(Violation { rule: "totals", path: format!("{}/{}", message.element(), total.path), what });
    }
    let mut rules = Rules { root: message.element(), found: Vec::new() };
    match scheme {
        Scheme::CbprPlus => cbpr::check(message, &mut rules),
        Scheme::Sepa => sepa::check(message, &mut rules),
        Scheme::FedNow => fednow::check(message, &mut rules),
    }
    found.extend(rules.found);
    found
}

/// Gathers what the rules of a scheme find.
struct Rules {
    root: &'static str,
    found: Vec<Violation>,
}

impl Rules {
    /// Asks that something holds at a path within the message.
    fn ask(&mut self, rule: &'static str, holds: bool, path: &str, what: impl FnOnce() -> String) {
        if !holds && self.found.len() < limits::VIOLATIONS_MAX {
            self.found.push(Violation { rule, path: format!("{}/{path}", self.root), what: what() });
        }
    }
}

/// What every kind of message says of one payment.
struct Payment<'m> {
    path: String,
    /// The element of its UETR, and that.
    uetr: (&'static str, Option<&'m str>),
    /// The element of its amount, and that.
    amount: (&'static str, Option<Amount>),
}

/// Names one of several elements.
fn numbered(name: &str, at: usize, of: usize) -> String {
    if of > 1 { format!("{name}[{}]", at + 1) } else { name.to_owned() }
}

/// Returns what a message says of each of its payments.
fn payments(message: &Message) -> Vec<Payment<'_>> {
    let mut all = Vec::new();
    let mut push = |path: String, uetr, amount| all.push(Payment { path, uetr, amount });
    match message {
        Message::CreditTransfer(own) => {
            for (at, one) in own.transactions.iter().enumerate() {
                let uetr = one.id.as_ref().and_then(|id| id.uetr.as_deref());
                let path = numbered("CdtTrfTxInf", at, own.transactions.len());
                push(path, ("PmtId/UETR", uetr), ("IntrBkSttlmAmt", one.settled));
            }
        }
        Message::Return(own) => {
            for (at, one) in own.transactions.iter().enumerate() {
                let path = numbered("TxInf", at, own.transactions.len());
                push(path, ("OrgnlUETR", one.uetr.as_deref()), ("RtrdIntrBkSttlmAmt", one.settled));
            }
        }
        Message::StatusReport(own) => {
            for (at, one) in own.transactions.iter().enumerate() {
                let path = numbered("TxInfAndSts", at, own.transactions.len());
                let amount = one.original.as_ref().and_then(|original| original.settled);
                push(path, ("OrgnlUETR", one.uetr.as_deref()), ("OrgnlTxRef/IntrBkSttlmAmt", amount));
            }
        }
        Message::Initiation(own) => {
            for (outer, batch) in own.payments.iter().enumerate() {
                let outer = numbered("PmtInf", outer, own.payments.len());
                for (at, one) in batch.transactions.iter().enumerate() {
                    let uetr = one.id.as_ref().and_then(|id| id.uetr.as_deref());
                    let amount = one.amount.as_ref().and_then(|amount| amount.amount());
                    let inner = numbered("CdtTrfTxInf", at, batch.transactions.len());
                    push(format!("{outer}/{inner}"), ("PmtId/UETR", uetr), ("Amt", amount));
                }
            }
        }
        Message::CustomerReport(own) => {
            for (outer, batch) in own.payments.iter().enumerate() {
                let outer = numbered("OrgnlPmtInfAndSts", outer, own.payments.len());
                for (at, one) in batch.transactions.iter().enumerate() {
                    let inner = numbered("TxInfAndSts", at, batch.transactions.len());
                    let amount = one.original.as_ref().and_then(|original| original.settled);
                    let uetr = ("OrgnlUETR", one.uetr.as_deref());
                    push(format!("{outer}/{inner}"), uetr, ("OrgnlTxRef/IntrBkSttlmAmt", amount));
                }
            }
        }
        Message::CancellationRequest(own) => {
            for (outer, underlying) in own.underlying.iter().enumerate() {
                let outer = numbered("Undrlyg", outer, own.underlying.len());
                for (at, one) in underlying.transactions.iter().enumerate() {
                    let inner = numbered("TxInf", at, underlying.transactions.len());
                    let uetr = ("OrgnlUETR", one.uetr.as_deref());
                    push(format!("{outer}/{inner}"), uetr, ("OrgnlIntrBkSttlmAmt", one.settled));
                }
            }
        }
        Message::Resolution(own) => {
            for (outer, detail) in own.details.iter().enumerate() {
                let outer = numbered("CxlDtls", outer, own.details.len());
                for (at, one) in detail.transactions.iter().enumerate() {
                    let inner = numbered("TxInfAndSts", at, detail.transactions.len());
                    let uetr = ("OrgnlUETR", one.uetr.as_deref());
                    push(format!("{outer}/{inner}"), uetr, ("OrgnlIntrBkSttlmAmt", one.settled));
                }
            }
        }
    }
    all
}

/// Asks that a message has one payment.
fn ask_one(rule: &'static str, payments: &[Payment<'_>], rules: &mut Rules) {
    if let [_, second, ..] = payments {
        rules.ask(rule, false, &second.path, || format!("is one of {} payments, of one", payments.len()));
    }
}

/// Asks that each payment has its UETR.
fn ask_uetr(rule: &'static str, payments: &[Payment<'_>], rules: &mut Rules) {
    for payment in payments {
        let (element, uetr) = payment.uetr;
        rules.ask(rule, uetr.is_some(), &format!("{}/{element}", payment.path), || "is not there".to_owned());
    }
}

/// Says whether a character is of the set X of SWIFT, which all schemes take: letters and digits of ASCII,
/// blank, and `/-?:().,'+`.
const fn is_set_x(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, ' ' | '/' | '-' | '?' | ':' | '(' | ')' | '.' | ',' | '\'' | '+')
}

/// Tells the first character that is not of a set.
fn outside(text: &str, set: impl Fn(char) -> bool) -> Option<String> {
    let wrong = text.chars().find(|character| !set(*character))?;
    Some(format!("has the character `{}`, which the scheme does not take", wrong.escape_debug()))
}
