//! What follows when a channel did what it was asked: entries in the books.

use super::{new_charge, write_new_charge};
use crate::books::{Accounts, Code, fee_entry, payment_entry, void_entry};
use crate::decide::card_present::note_issuer_data;
use crate::decide::combined;
use crate::decide::confirm::{channel_job, positive};
use crate::decide::payment_method::attach;
use crate::decide::{Draft, Stored};
use crate::decision::{Decision, JobBody, ObjectKind};
use crate::id::{entry_text, parse_entry};
use crate::limits;
use crate::link;
use crate::object::attempt::Attempt;
use crate::object::balance_transaction::{BalanceTransaction, FeeDetail};
use crate::object::charge::Charge;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::rejection::Rejection;
use crate::state::attempt::{self, AttemptEvent};
use crate::state::charge::{self, ChargeEvent, ChargeState};
use crate::state::intent::{IntentEvent, next};
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_money::Timestamp;

/// What the channel said with its approval.
pub(super) struct Approval<'a> {
    pub(super) channel_id: &'a str,
    pub(super) authorization_code: Option<&'a str>,
    /// What the issuer says to the card's chip.
    pub(super) issuer_data: Option<&'a str>,
}

/// An authorization was approved: money is taken at once, or set aside.
pub(super) fn authorized(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    method: Stored<PaymentMethod>,
    approval: &Approval<'_>,
) -> Result<Decision, Rejection> {
    let attempt = &mut stored.value;
    let event = if attempt.capture { AttemptEvent::Captured } else { AttemptEvent::Authorized };
    settle(attempt, event)?;
    attempt.channel_id = Some(approval.channel_id.to_owned());
    attempt.authorization_code = approval.authorization_code.map(str::to_owned);
    attempt.forget_code(&method.value);
    draft.job_done(channel_job(&attempt.id));
    let mut charge = new_charge(&mut draft, &intent.value, attempt, &method.value);
    note_issuer_data(&mut charge, approval.issuer_data);
    attempt.charge = Some(charge.id.clone());
    let id = intent.value.id.clone();
    intent.value.latest_charge = Some(charge.id.clone());
    if attempt.capture {
        let taken = attempt.amount;
        let amount = take(&mut draft, attempt, &mut charge, Action::Post, taken)?;
        charge.set_state(ChargeState::Captured);
        intent.value.status = next(&id, intent.value.status, IntentEvent::Captured)?;
        intent.value.amount_received = amount;
        intent.value.next_action = None;
    } else {
        set_aside(&mut draft, attempt);
        charge.set_state(ChargeState::Uncaptured);
        intent.value.status = next(&id, intent.value.status, IntentEvent::Authorized)?;
        intent.value.amount_capturable = attempt.total();
    }
    let captured = attempt.capture;
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    keep_method(&mut draft, &intent.value, method);
    let (charge_id, charge_body) = write_new_charge(&mut draft, charge);
    draft.event("charge.succeeded", ObjectKind::Charge, &charge_id, &charge_body);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    let told = if captured { "payment_intent.succeeded" } else { "payment_intent.amount_capturable_updated" };
    draft.event(told, ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// A capture was done: what was set aside is taken, all or part, and the rest released.
pub(super) fn captured(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    mut charge: Stored<Charge>,
    amount: i64,
) -> Result<Decision, Rejection> {
    let attempt = &mut stored.value;
    settle(attempt, AttemptEvent::Captured)?;
    draft.job_done(channel_job(&attempt.id));
    draft.job_done(expiry_job(&attempt.id));
    let hold = hold_of(attempt)?;
    let amount = take(&mut draft, attempt, &mut charge.value, Action::Capture { hold }, amount)?;
    let state = charge::next(&charge.value.id, charge.value.state, ChargeEvent::Captured)?;
    charge.value.set_state(state);
    let id = intent.value.id.clone();
    intent.value.status = next(&id, intent.value.status, IntentEvent::Captured)?;
    intent.value.amount_received = amount;
    intent.value.amount_capturable = 0;
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    let charge_body = draft.write(ObjectKind::Charge, &charge.value.id, &charge);
    draft.event("charge.captured", ObjectKind::Charge, &charge.value.id, &charge_body);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    draft.event("payment_intent.succeeded", ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// A void was done: what was set aside is released.
pub(super) fn voided(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    mut charge: Stored<Charge>,
    reason: Option<String>,
) -> Result<Decision, Rejection> {
    let expired = reason.as_deref() == Some(super::super::cancel::AUTOMATIC);
    let attempt = &mut stored.value;
    settle(attempt, if expired { AttemptEvent::Expired } else { AttemptEvent::Voided })?;
    draft.job_done(channel_job(&attempt.id));
    draft.job_done(expiry_job(&attempt.id));
    let (entry, hold) = (draft.ids.next_entry(), hold_of(attempt)?);
    draft.entry(void_entry(entry, hold, Code::Payment));
    combined::release(&mut draft, attempt)?;
    let state = charge::next(&charge.value.id, charge.value.state, ChargeEvent::Released)?;
    charge.value.set_state(state);
    let id = intent.value.id.clone();
    intent.value.status = next(&id, intent.value.status, IntentEvent::Voided)?;
    intent.value.amount_capturable = 0;
    intent.value.canceled_at = Some(draft.ctx.now.seconds());
    intent.value.cancellation_reason = reason;
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    let charge_body = draft.write(ObjectKind::Charge, &charge.value.id, &charge);
    let told = if expired { "charge.expired" } else { "charge.updated" };
    draft.event(told, ObjectKind::Charge, &charge.value.id, &charge_body);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    draft.event("payment_intent.canceled", ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// Returns the id of the job that gives an authorization back in the end.
pub(crate) fn expiry_job(attempt: &str) -> String {
    format!("expire/{attempt}")
}

/// Plans to give an authorization back.
pub(super) fn plan_expiry(draft: &mut Draft<'_>, payment_intent: &str, attempt: &str, due: Timestamp) {
    let (payment_intent, name) = (payment_intent.to_owned(), attempt.to_owned());
    let (merchant, live) = (draft.ctx.merchant.to_owned(), draft.ctx.live);
    let body = JobBody::ExpireAuthorization { merchant, live, payment_intent, attempt: name };
    draft.job(expiry_job(attempt), due, body);
}

/// Ends what an attempt has pending.
fn settle(attempt: &mut Attempt, event: AttemptEvent) -> Result<(), Rejection> {
    let operation = attempt.pending.take().map(|pending| pending.operation);
    attempt.status = attempt::next(&attempt.id, attempt.status, operation, event)?;
    attempt.unknown_reason = None;
    Ok(())
}

fn hold_of(attempt: &Attempt) -> Result<EntryId, Rejection> {
    let hold = attempt.hold.as_deref().and_then(parse_entry);
    hold.ok_or_else(|| Rejection::Unreadable { id: attempt.id.clone() })
}

/// Sets the money of an attempt aside. The hold in the books never ends by itself: it ends with what the
/// channel says, so that the books cannot disagree with a capture that is on its way.
fn set_aside(draft: &mut Draft<'_>, attempt: &mut Attempt) {
    let ctx = draft.ctx;
    let entry = draft.ids.next_entry();
    let accounts = Accounts::of(ctx.live, ctx.merchant, &attempt.channel, attempt.currency);
    let hold = Action::Hold { expires_at: None };
    draft.entry(payment_entry(entry, hold, &accounts, positive(attempt.amount)));
    attempt.hold = Some(entry_text(entry));
    let due = ctx.now.plus_seconds(limits::AUTHORIZATION_SECONDS);
    attempt.expires_at = Some(due.seconds());
    plan_expiry(draft, &attempt.payment_intent, &attempt.id, due);
}

/// Books what the channel took with what other sources give, and the fee of all of it, and shows that as one movement of
/// the merchant's money. Returns how much it is.
fn take(
    draft: &mut Draft<'_>,
    attempt: &mut Attempt,
    charge: &mut Charge,
    action: Action,
    taken: i64,
) -> Result<i64, Rejection> {
    let ctx = draft.ctx;
    let accounts = Accounts::of(ctx.live, ctx.merchant, &attempt.channel, attempt.currency);
    let entry = draft.ids.next_entry();
    draft.entry(payment_entry(entry, action, &accounts, positive(taken)));
    let amount = taken + combined::take(draft, attempt)?;
    let fee_minor = ctx.settings.fee.fee(positive(amount));
    let fee_id = draft.ids.next_entry();
    if let Some(fee) = fee_entry(fee_id, &accounts, fee_minor) {
        draft.entry(fee);
    }
    let fee = i64::try_from(fee_minor).expect("a fee is at most the payment, which fits");
    attempt.amount_captured = taken;
    charge.amount_captured = amount;
    charge.fee = fee;
    let movement = BalanceTransaction {
        id: draft.new_id(ObjectKind::BalanceTransaction),
        object: ObjectKind::BalanceTransaction.name().into(),
        amount,
        available_on: ctx.now.plus_seconds(ctx.settings.available_after_seconds).seconds(),
        created: ctx.now.seconds(),
        currency: attempt.currency,
        description: charge.description.clone(),
        exchange_rate: None,
        fee,
        fee_details: vec![FeeDetail {
            amount: fee,
            application: None,
            currency: attempt.currency,
            description: "Processing fee".to_owned(),
            kind: "platform_fee".to_owned(),
        }],
        livemode: ctx.live,
        net: amount - fee,
        reporting_category: "charge".to_owned(),
        source: charge.id.clone(),
        status: "pending".to_owned(),
        kind: "charge".to_owned(),
        entry: entry_text(entry),
    };
    charge.balance_transaction = Some(write_movement(draft, movement));
    Ok(amount)
}

/// Writes a movement and returns its id.
pub(crate) fn write_movement(draft: &mut Draft<'_>, movement: BalanceTransaction) -> String {
    let id = movement.id.clone();
    draft.link(link::TRANSACTION_SOURCE, &movement.source, &id);
    let stored = Stored::new(movement, draft.ctx);
    draft.write(ObjectKind::BalanceTransaction, &id, &stored);
    id
}

/// Keeps the method for later payments of the customer, where the merchant asked for that.
fn keep_method(draft: &mut Draft<'_>, intent: &PaymentIntent, mut method: Stored<PaymentMethod>) {
    let (Some(customer), true) = (&intent.customer, intent.setup_future_usage.is_some()) else { return };
    if method.value.customer.is_some() || attach(draft, &mut method, customer).is_err() {
        return;
    }
    let id = method.value.id.clone();
    let body = draft.write(ObjectKind::PaymentMethod, &id, &method);
    draft.event("payment_method.attached", ObjectKind::PaymentMethod, &id, &body);
}
