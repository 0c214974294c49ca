//! Cancellations: at once while nothing is set aside, else by a void at the channel.

use super::capture::send;
use super::confirm::{call_off, give_up_latest, plan, refuse_in_progress};
use super::outcome::{decline, expiry_job};
use super::{Draft, Stored, load};
use crate::decision::{ChannelAsk, Context, Decision, Gathered, ObjectKind, Operation};
use crate::decline::DeclineCode;
use crate::object::attempt::Attempt;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::rejection::Rejection;
use crate::request::given;
use crate::request::payment_intent::CancelPaymentIntent;
use crate::state::attempt::AttemptStatus;
use crate::state::intent::{IntentEvent, IntentStatus, next};

/// The reason of a cancellation because nobody captured in time.
pub(crate) const AUTOMATIC: &str = "automatic";

/// Cancels an intent.
///
/// # Errors
/// [`Rejection`].
pub fn decide_cancel(
    id: &str,
    request: &CancelPaymentIntent,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, id, "intent")?;
    refuse_in_progress(gathered, ctx, &intent.value)?;
    let reason = given(request.cancellation_reason.as_ref());
    let mut draft = Draft::new(ctx);
    if intent.value.status == IntentStatus::RequiresCapture {
        begin_void(&mut draft, gathered, &mut intent, reason)?;
        let body = draft.write(ObjectKind::PaymentIntent, id, &intent);
        return Ok(draft.answer(ObjectKind::PaymentIntent, &body));
    }
    let body = end_unpaid(&mut draft, gathered, &mut intent, reason, plan)?;
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// Ends an intent of which nothing is set aside: at once, or where a channel waits for the customer as soon as that is
/// called off, by a request that `plan` plans. Writes the intent and returns its JSON.
pub(crate) fn end_unpaid(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &mut Stored<PaymentIntent>,
    reason: Option<String>,
    plan: impl FnOnce(&mut Draft<'_>, ChannelAsk),
) -> Result<String, Rejection> {
    let (ctx, id) = (draft.ctx, intent.value.id.clone());
    if let Some(mut attempt) = awaited(gathered, ctx, &intent.value)? {
        intent.value.status = next(&id, intent.value.status, IntentEvent::VoidSent)?;
        intent.value.next_action = None;
        let ask = call_off(draft, &mut attempt.value, reason)?;
        plan(draft, ask);
        draft.write(ObjectKind::Attempt, &attempt.value.id.clone(), &attempt);
        return Ok(draft.write(ObjectKind::PaymentIntent, &id, intent));
    }
    intent.value.status = next(&id, intent.value.status, IntentEvent::Canceled)?;
    intent.value.canceled_at = Some(ctx.now.seconds());
    intent.value.cancellation_reason = reason;
    intent.value.next_action = None;
    give_up_latest(draft, gathered, &intent.value)?;
    let body = draft.write(ObjectKind::PaymentIntent, &id, intent);
    draft.event("payment_intent.canceled", ObjectKind::PaymentIntent, &id, &body);
    Ok(body)
}

/// Returns the newest attempt where a channel waits for its customer.
fn awaited(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    intent: &PaymentIntent,
) -> Result<Option<Stored<Attempt>>, Rejection> {
    let (IntentStatus::RequiresAction, Some(latest)) = (intent.status, &intent.latest_attempt) else {
        return Ok(None);
    };
    let attempt: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, latest, "intent")?;
    Ok(Some(attempt).filter(|attempt| attempt.value.status == AttemptStatus::AwaitingCustomer))
}

fn begin_void(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &mut Stored<PaymentIntent>,
    reason: Option<String>,
) -> Result<(), Rejection> {
    let id = intent.value.id.clone();
    intent.value.status = next(&id, intent.value.status, IntentEvent::VoidSent)?;
    let amount = intent.value.amount;
    send(draft, gathered, &intent.value, Operation::Void, amount, reason)
}

/// Gives an authorization back that nobody captured in time, or ends an attempt whose customer never proved to be the holder
/// of the card. Where that is not (any more) so, only the job is
/// done with.
///
/// # Errors
/// [`Rejection`], among them [`Rejection::InProgress`] when a capture is at the channel: the job must stay then.
pub fn decide_expire(
    id: &str,
    attempt: &str,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, id, "intent")?;
    refuse_in_progress(gathered, ctx, &intent.value)?;
    let stored: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, attempt, "attempt")?;
    let mut draft = Draft::new(ctx);
    draft.job_done(expiry_job(attempt));
    let latest = intent.value.latest_attempt.as_deref() == Some(attempt);
    let waits = intent.value.status == IntentStatus::RequiresAction;
    let waits = waits && !stored.value.legs.is_empty();
    if latest && waits && stored.value.status == AttemptStatus::Created {
        let name = stored.value.payment_method.clone();
        let method: Stored<PaymentMethod> =
            load(gathered, ctx, ObjectKind::PaymentMethod, &name, "payment_method")?;
        return decline(draft, intent, stored, &method.value, DeclineCode::AttemptExpired);
    }
    if !latest || stored.value.status != AttemptStatus::Authorized {
        let body = crate::object::json(&intent.value);
        return Ok(draft.answer(ObjectKind::PaymentIntent, &body));
    }
    begin_void(&mut draft, gathered, &mut intent, Some(AUTOMATIC.to_owned()))?;
    let body = draft.write(ObjectKind::PaymentIntent, id, &intent);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}
