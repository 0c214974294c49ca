//! Refunds: money is set aside in the books first, then asked for at the channel.

use super::combined::divide_refund;
use super::confirm::{channel_job, plan, positive};
use super::outcome::{inquiry_due, write_movement};
use super::payment_method::existing_customer;
use super::{Draft, Stored, load};
use crate::books::{Accounts, Code, Source, refund_entry, void_entry};
use crate::decision::{
    ChannelAsk, ChannelOutcome, Context, Decision, Gathered, JobBody, ObjectKind, Operation,
};
use crate::decline::DeclineCode;
use crate::id::{entry_text, parse_entry};
use crate::limits;
use crate::link;
use crate::object::attempt::Attempt;
use crate::object::balance_transaction::BalanceTransaction;
use crate::object::charge::Charge;
use crate::object::payment_intent::PaymentIntent;
use crate::object::refund::Refund;
use crate::object::source::{RefundAllocation, RefundPolicy, RefundSource, SourceType};
use crate::object::{Metadata, json};
use crate::rejection::Rejection;
use crate::request::refund::{CreateRefund, UpdateRefund};
use crate::request::{given, patch_metadata};
use crate::state::charge::{self, ChargeEvent, ChargeState};
use crate::state::refund::{RefundEvent, RefundStatus, next};
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_money::Currency;

const KIND: ObjectKind = ObjectKind::Refund;

/// Gives back what was taken, all or part: sets it aside and plans the request to the channel. Our fee is
/// kept.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_refund(
    request: &CreateRefund,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut charge = charge_to_refund(request, gathered, ctx)?;
    let amount = refund_amount(request, &mut charge.value)?;
    let attempt: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, &charge.value.attempt, "charge")?;
    let mut draft = Draft::new(ctx);
    let id = draft.new_id(KIND);
    let allocation = allocate(&mut draft, gathered, request, &mut charge.value, amount)?;
    let (channel, hold) = match &allocation {
        Some(allocation) => asked_source(allocation),
        None => {
            let channel = attempt.value.channel.clone();
            let hold = set_aside(&mut draft, &channel, charge.value.currency, amount);
            (channel, hold)
        }
    };
    let mut metadata = Metadata::new();
    patch_metadata(&mut metadata, request.metadata.as_ref())?;
    let refund = Refund {
        id: id.clone(),
        object: KIND.name().into(),
        allocation,
        amount,
        balance_transaction: None,
        channel,
        charge: charge.value.id.clone(),
        created: ctx.now.seconds(),
        currency: charge.value.currency,
        failure_reason: None,
        hold,
        inquiries: 0,
        livemode: ctx.live,
        metadata,
        original: attempt.value.reference.clone(),
        payment_intent: charge.value.payment_intent.clone(),
        reason: given(request.reason.as_ref()),
        receipt_number: None,
        status: RefundStatus::Pending,
    };
    plan(&mut draft, ask_of(ctx, &refund, &attempt.value));
    draft.link(link::REFUND_CHARGE, &refund.charge, &id);
    draft.link(link::REFUND_INTENT, &refund.payment_intent, &id);
    draft.write(ObjectKind::Charge, &charge.value.id, &charge);
    let body = draft.write(KIND, &id, &Stored::new(refund, ctx));
    draft.event("refund.created", KIND, &id, &body);
    Ok(draft.answer(KIND, &body))
}

/// Sets aside what goes back to one source, and returns the entry.
fn set_aside(draft: &mut Draft<'_>, source: &str, currency: Currency, amount: i64) -> String {
    let ctx = draft.ctx;
    let accounts = Accounts::of(ctx.live, ctx.merchant, source, currency);
    let hold = draft.ids.next_entry();
    draft.entry(refund_entry(hold, Action::Hold { expires_at: None }, &accounts, positive(amount)));
    entry_text(hold)
}

/// Divides a refund among the sources of a payment, and sets each part aside; none where there is one source.
fn allocate(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    request: &CreateRefund,
    charge: &mut Charge,
    amount: i64,
) -> Result<Option<RefundAllocation>, Rejection> {
    let asked = given(request.allocation.as_ref());
    if charge.sources.is_empty() {
        return match asked {
            Some(_) => {
                let why = "the payment has one source, which gets all of it".to_owned();
                Err(Rejection::ParameterInvalid { param: "allocation".to_owned(), why })
            }
            None => Ok(None),
        };
    }
    let policy = asked.and_then(|word| RefundPolicy::parse(&word)).unwrap_or(RefundPolicy::Reverse);
    let currency = charge.currency;
    let parts = divide_refund(charge, policy, amount);
    for part in &parts {
        if let Source::CustomerBalance(customer) = Source::of(&part.source) {
            // Nobody could name what came back to one who is deleted.
            existing_customer(gathered, draft.ctx, customer)?;
        }
    }
    let parts = parts.into_iter().map(|part| RefundSource {
        hold: set_aside(draft, &part.source, currency, part.amount),
        kind: part.kind,
        source: part.source,
        amount: part.amount,
    });
    Ok(Some(RefundAllocation { policy, sources: parts.collect() }))
}

/// Returns the source that must be asked for its part of a refund, and the entry that set that aside: the channel where
/// it gives anything. What goes back to a balance needs no asking.
fn asked_source(allocation: &RefundAllocation) -> (String, String) {
    let sources = &allocation.sources;
    let channel = sources.iter().find(|part| part.kind == SourceType::PaymentMethod);
    let part = channel.or_else(|| sources.first()).expect("a refund has an amount, so somebody gives it");
    (part.source.clone(), part.hold.clone())
}

fn charge_to_refund(
    request: &CreateRefund,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Stored<Charge>, Rejection> {
    let named = request.charge.as_deref();
    let Some(intent_id) = request.payment_intent.as_deref() else {
        return load(gathered, ctx, ObjectKind::Charge, named.unwrap_or_default(), "charge");
    };
    let intent: Stored<PaymentIntent> =
        load(gathered, ctx, ObjectKind::PaymentIntent, intent_id, "payment_intent")?;
    let Some(latest) = intent.value.latest_charge.as_deref() else {
        let why = "the PaymentIntent has no successful charge";
        return Err(Rejection::ChargeNotRefundable { id: intent_id.to_owned(), why });
    };
    if named.is_some_and(|named| named != latest) {
        let why = "it is not the charge of the PaymentIntent that is named beside it";
        return Err(Rejection::ChargeNotRefundable { id: named.unwrap_or_default().to_owned(), why });
    }
    load(gathered, ctx, ObjectKind::Charge, latest, "payment_intent")
}

/// Checks the amount and counts it as given back from now on, so that two refunds on their way can never be
/// more than what was taken.
fn refund_amount(request: &CreateRefund, charge: &mut Charge) -> Result<i64, Rejection> {
    let left = charge.refundable();
    let amount = request.amount.unwrap_or(left);
    let event = if amount == left { ChargeEvent::RefundedRest } else { ChargeEvent::RefundedPart };
    let state = charge::next(&charge.id, charge.state, event)?;
    if amount > left {
        return Err(Rejection::RefundTooLarge { asked: amount, left });
    }
    if charge.refunds_made >= limits::REFUNDS_OF_CHARGE {
        let why = "it has had the most refunds that a charge may have";
        return Err(Rejection::ChargeNotRefundable { id: charge.id.clone(), why });
    }
    charge.set_state(state);
    charge.amount_refunded += amount;
    charge.refunds_made += 1;
    Ok(amount)
}

fn ask_of(ctx: &Context<'_>, refund: &Refund, attempt: &Attempt) -> ChannelAsk {
    ChannelAsk {
        channel: refund.channel.clone(),
        operation: Operation::Refund,
        merchant: ctx.merchant.to_owned(),
        live: ctx.live,
        object: refund.id.clone(),
        reference: refund.id.clone(),
        original: Some(refund.original.clone()),
        original_id: attempt.channel_id.clone(),
        authorization_code: attempt.authorization_code.clone(),
        trace: 0,
        token: attempt.token(),
        amount_minor: positive(asked_amount(refund)),
        currency: refund.currency,
        capture: false,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    }
}

/// Returns what the channel of a refund is asked for, in minor units.
fn asked_amount(refund: &Refund) -> i64 {
    let allocation = refund.allocation.as_ref();
    let part = allocation.and_then(|it| it.sources.iter().find(|part| part.source == refund.channel));
    part.map_or(refund.amount, |part| part.amount)
}

/// Returns what a refund has set aside: of which source, how much, and the entry that holds it.
fn parts_of(refund: &Refund) -> Result<Vec<(String, i64, EntryId)>, Rejection> {
    let hold = |text: &str| parse_entry(text).ok_or_else(|| Rejection::Unreadable { id: refund.id.clone() });
    match &refund.allocation {
        None => Ok(vec![(refund.channel.clone(), refund.amount, hold(&refund.hold)?)]),
        Some(allocation) => {
            let part = |part: &RefundSource| Ok((part.source.clone(), part.amount, hold(&part.hold)?));
            allocation.sources.iter().map(part).collect()
        }
    }
}

/// Takes in what the channel answered to a refund.
pub(crate) fn refund_outcome(
    ask: &ChannelAsk,
    outcome: &ChannelOutcome,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut refund: Stored<Refund> = load(gathered, ctx, KIND, &ask.object, "refund")?;
    let id = refund.value.id.clone();
    let mut draft = Draft::new(ctx);
    let unknown = match outcome {
        ChannelOutcome::Approved { .. } => return refund_done(draft, refund, gathered),
        ChannelOutcome::Declined { code } => {
            return refund_refused(draft, refund, gathered, DeclineCode::parse(code));
        }
        ChannelOutcome::ActionRequired | ChannelOutcome::Awaiting { .. } | ChannelOutcome::Unknown { .. } => {
            RefundEvent::Lost
        }
    };
    refund.value.status = next(&id, refund.value.status, unknown)?;
    let due = inquiry_due(ctx.now, refund.value.inquiries);
    refund.value.inquiries = refund.value.inquiries.saturating_add(1);
    draft.job(channel_job(&id), due, JobBody::Inquire(ask.clone()));
    let body = draft.write(KIND, &id, &refund);
    Ok(draft.answer(KIND, &body))
}

fn refund_done(
    mut draft: Draft<'_>,
    mut refund: Stored<Refund>,
    gathered: &dyn Gathered,
) -> Result<Decision, Rejection> {
    let ctx = draft.ctx;
    let before = json(&refund.value);
    let id = refund.value.id.clone();
    refund.value.status = next(&id, refund.value.status, RefundEvent::Done)?;
    let charge: Stored<Charge> = load(gathered, ctx, ObjectKind::Charge, &refund.value.charge, "charge")?;
    let mut first_entry = None;
    for (source, amount, hold) in parts_of(&refund.value)? {
        let entry = draft.ids.next_entry();
        let accounts = Accounts::of(ctx.live, ctx.merchant, &source, refund.value.currency);
        draft.entry(refund_entry(entry, Action::Capture { hold }, &accounts, positive(amount)));
        first_entry.get_or_insert(entry);
    }
    let entry = first_entry.ok_or_else(|| Rejection::Unreadable { id: id.clone() })?;
    let movement = BalanceTransaction {
        id: draft.new_id(ObjectKind::BalanceTransaction),
        object: ObjectKind::BalanceTransaction.name().into(),
        amount: -refund.value.amount,
        available_on: ctx.now.seconds(),
        created: ctx.now.seconds(),
        currency: refund.value.currency,
        description: Some("REFUND FOR CHARGE".to_owned()),
        exchange_rate: None,
        fee: 0,
        fee_details: Vec::new(),
        livemode: ctx.live,
        net: -refund.value.amount,
        reporting_category: "refund".to_owned(),
        source: id.clone(),
        status: "pending".to_owned(),
        kind: "refund".to_owned(),
        entry: entry_text(entry),
    };
    refund.value.balance_transaction = Some(write_movement(&mut draft, movement));
    draft.job_done(channel_job(&id));
    let body = draft.write(KIND, &id, &refund);
    draft.updated("refund.updated", KIND, &id, &before, &body);
    draft.event("charge.refunded", ObjectKind::Charge, &charge.value.id, &json(&charge.value));
    Ok(draft.answer(KIND, &body))
}

fn refund_refused(
    mut draft: Draft<'_>,
    mut refund: Stored<Refund>,
    gathered: &dyn Gathered,
    code: DeclineCode,
) -> Result<Decision, Rejection> {
    let id = refund.value.id.clone();
    refund.value.status = next(&id, refund.value.status, RefundEvent::Refused)?;
    refund.value.failure_reason = Some(failure_reason(code).to_owned());
    let name = refund.value.charge.clone();
    let mut charge: Stored<Charge> = load(gathered, draft.ctx, ObjectKind::Charge, &name, "charge")?;
    let still = charge.value.amount_refunded - refund.value.amount;
    assert!(still >= 0, "{name} counts less given back than its refund {id}");
    let event = if still == 0 { ChargeEvent::RefundFailedAll } else { ChargeEvent::RefundFailedPart };
    let state: ChargeState = charge::next(&name, charge.value.state, event)?;
    charge.value.set_state(state);
    charge.value.amount_refunded = still;
    for (source, amount, hold) in parts_of(&refund.value)? {
        let entry = draft.ids.next_entry();
        draft.entry(void_entry(entry, hold, Code::Refund));
        if let Some(part) = charge.value.sources.iter_mut().find(|part| part.source == source) {
            part.amount_refunded -= amount;
        }
    }
    draft.job_done(channel_job(&id));
    draft.write(ObjectKind::Charge, &name, &charge);
    let body = draft.write(KIND, &id, &refund);
    draft.event("refund.failed", KIND, &id, &body);
    // Not an error of the request: the refund exists, and says itself that it failed.
    Ok(draft.answer(KIND, &body))
}

/// Says why a refund failed in the words of Stripe.
const fn failure_reason(code: DeclineCode) -> &'static str {
    match code {
        DeclineCode::LostCard | DeclineCode::StolenCard => "lost_or_stolen_card",
        DeclineCode::ExpiredCard => "expired_or_canceled_card",
        _ => "declined",
    }
}

/// Changes what stands beside a refund.
///
/// # Errors
/// [`Rejection`].
pub fn decide_update_refund(
    id: &str,
    request: &UpdateRefund,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut refund: Stored<Refund> = load(gathered, ctx, KIND, id, "refund")?;
    let before = json(&refund.value);
    patch_metadata(&mut refund.value.metadata, request.metadata.as_ref())?;
    let mut draft = Draft::new(ctx);
    let body = draft.write(KIND, id, &refund);
    draft.updated("refund.updated", KIND, id, &before, &body);
    Ok(draft.answer(KIND, &body))
}
