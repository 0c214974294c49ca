//! Golden tables: every state with every event, and every refusal. `UPDATE_GOLDEN=1 cargo test` writes them.

use crate::expect::Expect;
use std::fmt::Write;
use std::path::Path;
use suanpan_payments::decision::Operation;
use suanpan_payments::decline::DeclineCode;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::state::attempt::{self, AttemptEvent, AttemptStatus};
use suanpan_payments::state::bank_agreement::{self, BankAgreementEvent, BankAgreementStatus};
use suanpan_payments::state::charge::{self, ChargeEvent, ChargeState};
use suanpan_payments::state::checkout_session::{self, SessionEvent, SessionStatus};
use suanpan_payments::state::intent::{self, IntentEvent, IntentStatus};
use suanpan_payments::state::refund::{self, RefundEvent, RefundStatus};

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).must("the golden file can be written");
    }
    let stored = std::fs::read_to_string(&path).must("the golden file is there");
    assert!(stored == text, "{name} differs; if that is meant, run with UPDATE_GOLDEN=1 and read the change");
}

fn table<S: Copy, E: Copy>(
    states: &[S],
    events: &[E],
    word: impl Fn(S) -> String,
    event_word: impl Fn(E) -> &'static str,
    next: impl Fn(S, E) -> Result<S, Rejection>,
) -> String {
    let mut text = String::new();
    for &event in events {
        for &state in states {
            let after = match next(state, event) {
                Ok(after) => word(after),
                Err(rejection) => format!("! {}", rejection.code()),
            };
            writeln!(text, "{:<24} {:<20} {after}", word(state), event_word(event)).must("a text takes all");
        }
        text.push('\n');
    }
    text
}

#[test]
fn every_state_and_event_of_intents() {
    let word = |state: IntentStatus| state.word().to_owned();
    let next = |state, event| intent::next("pi_1", state, event);
    golden("intent.txt", &table(IntentStatus::ALL, IntentEvent::ALL, word, IntentEvent::word, next));
}

#[test]
fn every_state_and_event_of_attempts() {
    let pendings = [
        None,
        Some(Operation::Authorize),
        Some(Operation::Capture),
        Some(Operation::Void),
        Some(Operation::Refund),
        Some(Operation::SignUp),
        Some(Operation::ConfirmSignUp),
    ];
    let mut text = String::new();
    for pending in pendings {
        writeln!(text, "# pending: {pending:?}").must("a text takes all");
        let word = |state: AttemptStatus| state.word().to_owned();
        let next = |state, event| attempt::next("att_1", state, pending, event);
        text.push_str(&table(AttemptStatus::ALL, AttemptEvent::ALL, word, AttemptEvent::word, next));
    }
    golden("attempt.txt", &text);
}

#[test]
fn every_state_and_event_of_charges_and_refunds() {
    let word = |state: ChargeState| state.word().to_owned();
    let next = |state, event| charge::next("ch_1", state, event);
    golden("charge.txt", &table(ChargeState::ALL, ChargeEvent::ALL, word, ChargeEvent::word, next));
    let word = |state: RefundStatus| state.word().to_owned();
    let next = |state, event| refund::next("re_1", state, event);
    golden("refund.txt", &table(RefundStatus::ALL, RefundEvent::ALL, word, RefundEvent::word, next));
}

#[test]
fn every_state_and_event_of_checkout_sessions() {
    let word = |state: SessionStatus| state.word().to_owned();
    let next = checkout_session::next;
    golden(
        "checkout_session.txt",
        &table(SessionStatus::ALL, SessionEvent::ALL, word, SessionEvent::word, next),
    );
}

#[test]
fn every_state_and_event_of_bank_agreements() {
    let word = |state: BankAgreementStatus| state.word().to_owned();
    let next = |state, event| bank_agreement::next("bagr_1", state, event);
    let (states, events) = (BankAgreementStatus::ALL, BankAgreementEvent::ALL);
    golden("bank_agreement.txt", &table(states, events, word, BankAgreementEvent::word, next));
}

#[test]
fn words_are_read_back() {
    for &status in IntentStatus::ALL {
        assert_eq!(IntentStatus::parse(status.word()), Some(status));
        assert_eq!(serde_json::to_string(&status).must("a word"), format!("\"{}\"", status.word()));
    }
    assert_eq!(IntentStatus::parse("Succeeded"), None);
    for code in DeclineCode::ALL {
        assert_eq!(DeclineCode::parse(code.word()), code);
    }
    assert_eq!(DeclineCode::parse("no such word"), DeclineCode::GenericDecline);
}

/// One of each, in the order in which they take precedence.
fn all_rejections() -> Vec<Rejection> {
    let param = || "p[q]".to_owned();
    let text = || "x".to_owned();
    let mut all = vec![
        Rejection::BodyUnreadable { why: text() },
        Rejection::ParameterUnknown { param: param() },
        Rejection::ParameterMissing { param: param() },
        Rejection::ParameterEmpty { param: param() },
        Rejection::IntegerInvalid { param: param(), value: text() },
        Rejection::BooleanInvalid { param: param(), value: text() },
        Rejection::ParameterInvalid { param: param(), why: text() },
        Rejection::ParameterTooLong { param: param(), limit: 3, unit: "characters" },
        Rejection::ParametersExclude { param: param(), other: text() },
        Rejection::EmailInvalid { param: param(), value: text() },
        Rejection::UrlInvalid { param: param(), why: text() },
        Rejection::CurrencyInvalid { value: text() },
        Rejection::AmountTooSmall { param: param(), least: 1 },
        Rejection::AmountTooLarge { param: param(), most: 2 },
        Rejection::QueryInvalid { at: 1, why: text() },
        Rejection::ResourceMissing { kind: "charge", id: text(), param: "charge" },
        Rejection::ScopeMissing { scope: "payments:write" },
        Rejection::AccountRestricted { account: text(), why: "it is closed" },
        Rejection::MerchantOrderTaken { order: text(), payment_intent: text() },
        Rejection::InProgress { id: text(), operation: "a capture" },
        Rejection::IntentState { id: text(), verb: "confirmed", status: "canceled" },
        Rejection::SessionState { verb: "paid", status: "expired" },
        Rejection::SessionChanged,
        Rejection::IntentOfSession { id: text() },
        Rejection::AttemptState { id: text(), status: "declined", event: "sent" },
        Rejection::TooManyAttempts { id: text(), limit: 100 },
        Rejection::ChargeNotRefundable { id: text(), why: "it failed" },
        Rejection::ChargeRefunded { id: text() },
        Rejection::RefundTooLarge { asked: 2, left: 1 },
        Rejection::RefundState { id: text(), status: "failed", event: "done" },
        Rejection::BankAgreementState { id: text(), status: "failed", event: "confirmed" },
        Rejection::PaymentMethodState { id: text(), why: "it is gone" },
        Rejection::CustomerBalance { id: text() },
        Rejection::ChannelMissing { why: "no channel takes alipay in this mode".to_owned() },
        Rejection::ChannelsResting { why: "unionpay: circuit_open".to_owned() },
    ];
    all.extend(DeclineCode::ALL.map(|code| Rejection::Card { code, charge: None }));
    all.push(Rejection::Unreadable { id: text() });
    all
}

#[test]
fn every_refusal() {
    let mut text = String::new();
    for rejection in all_rejections() {
        writeln!(
            text,
            "{} | {} | {} | {} | {} | {} | {rejection}",
            rejection.status(),
            rejection.error_type().word(),
            rejection.code(),
            rejection.decline_code().unwrap_or("-"),
            rejection.param().unwrap_or("-"),
            if rejection.retryable() { "retryable" } else { "final" },
        )
        .must("a text takes all");
    }
    golden("rejections.txt", &text);
}
