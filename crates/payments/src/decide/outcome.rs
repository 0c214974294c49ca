//! Answers of channels: the second of the two commits around a request.
//!
//! An answer is taken in once: it must name the request that is pending. A definite answer ends it; an
//! unknown one leaves everything as it is and plans an inquiry.

mod approved;
mod charge;

pub(crate) use approved::{expiry_job, write_movement};

use super::confirm::{EXPIRED, call_off, channel_job};
use super::routing::{go_on, next_channel};
use super::{Draft, Stored, combined, load};
use crate::decision::{
    ChannelAsk, ChannelOutcome, Context, Decision, Gathered, JobBody, ObjectKind, Operation,
};
use crate::decline::DeclineCode;
use crate::limits;
use crate::object::attempt::Attempt;
use crate::object::charge::{Charge, Outcome};
use crate::object::payment_intent::{
    ConfirmInWallet, DisplayQrCode, NextAction, PaymentError, PaymentIntent, RedirectToUrl,
};
use crate::object::payment_method::PaymentMethod;
use crate::object::{api_view, json};
use crate::rejection::Rejection;
use crate::state::attempt::{self, AttemptEvent, AttemptStatus};
use crate::state::charge::ChargeState;
use crate::state::intent::{IntentEvent, IntentStatus, next};
use charge::{new_charge, write_new_charge};
use suanpan_money::Timestamp;

/// Takes in what a channel answered to a request, or to an inquiry about it.
///
/// # Errors
/// [`Rejection::AttemptState`] or [`Rejection::RefundState`] when the request is not pending (any more): the
/// answer came before, and this one changes nothing.
pub fn decide_outcome(
    ask: &ChannelAsk,
    outcome: &ChannelOutcome,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    match ask.operation {
        Operation::Refund => return super::refund::refund_outcome(ask, outcome, gathered, ctx),
        Operation::SignUp | Operation::ConfirmSignUp => {
            return super::bank_agreement::agreement_outcome(ask, outcome, gathered, ctx);
        }
        Operation::Authorize | Operation::Capture | Operation::Void => {}
    }
    let attempt: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, &ask.object, "attempt")?;
    let pending = attempt.value.pending.as_ref().filter(|pending| pending.reference == ask.reference);
    let Some(pending) = pending.cloned() else {
        let (status, event) = (attempt.value.status.word(), "outcome");
        return Err(Rejection::AttemptState { id: ask.object.clone(), status, event });
    };
    let id = attempt.value.payment_intent.clone();
    let intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, &id, "intent")?;
    let mut draft = Draft::new(ctx);
    let awaited = attempt.value.status == AttemptStatus::AwaitingCustomer;
    match (pending.operation, outcome) {
        (_, ChannelOutcome::Unknown { why }) => unknown(draft, intent, attempt, ask, why),
        (Operation::Authorize, ChannelOutcome::Awaiting { show, expires_at }) => {
            awaiting(draft, intent, attempt, ask, show.as_deref(), *expires_at)
        }
        (Operation::Void, ChannelOutcome::Approved { .. }) if awaited => {
            let method = method_of(gathered, ctx, &attempt.value)?;
            called_off(draft, intent, attempt, &method.value, pending.reason)
        }
        (Operation::Void, ChannelOutcome::Declined { code }) if awaited => {
            unknown(draft, intent, attempt, ask, &format!("the channel does not call it off: {code}"))
        }
        (Operation::Authorize, ChannelOutcome::Approved { channel_id, authorization_code, issuer_data }) => {
            let method = method_of(gathered, ctx, &attempt.value)?;
            let answer = approved::Approval {
                channel_id,
                authorization_code: authorization_code.as_deref(),
                issuer_data: issuer_data.as_deref(),
            };
            approved::authorized(draft, intent, attempt, method, &answer)
        }
        (Operation::Authorize, ChannelOutcome::Declined { code }) => {
            let method = method_of(gathered, ctx, &attempt.value)?;
            let code = DeclineCode::parse(code);
            draft.job_done(channel_job(&ask.object));
            match next_channel(&mut draft, &intent.value, &attempt.value, &method.value, code) {
                Some(route) => go_on(draft, intent, attempt, &method.value, code, route),
                None => decline(draft, intent, attempt, &method.value, code),
            }
        }
        (Operation::Authorize, ChannelOutcome::ActionRequired) => {
            draft.job_done(channel_job(&ask.object));
            if attempt.value.off_session || attempt.value.refuse_action {
                let method = method_of(gathered, ctx, &attempt.value)?;
                return decline(draft, intent, attempt, &method.value, DeclineCode::AuthenticationRequired);
            }
            action_required(draft, intent, attempt)
        }
        (Operation::Capture, ChannelOutcome::Approved { .. }) => {
            let charge = charge_of(gathered, ctx, &attempt.value)?;
            approved::captured(draft, intent, attempt, charge, pending.amount)
        }
        (Operation::Void, ChannelOutcome::Approved { .. }) => {
            let charge = charge_of(gathered, ctx, &attempt.value)?;
            approved::voided(draft, intent, attempt, charge, pending.reason)
        }
        (Operation::Capture | Operation::Void, ChannelOutcome::Declined { code }) => {
            refused(draft, intent, attempt, pending.operation, DeclineCode::parse(code))
        }
        (
            Operation::Capture
            | Operation::Void
            | Operation::Refund
            | Operation::SignUp
            | Operation::ConfirmSignUp,
            ChannelOutcome::ActionRequired | ChannelOutcome::Awaiting { .. },
        ) => {
            // Not an answer to what was asked, so it tells nothing.
            unknown(draft, intent, attempt, ask, "the channel asked for an action where there is none")
        }
        // Attempts have none of these pending.
        (
            Operation::Refund | Operation::SignUp | Operation::ConfirmSignUp,
            ChannelOutcome::Approved { .. } | ChannelOutcome::Declined { .. },
        ) => {
            let (status, event) = (attempt.value.status.word(), "refund");
            Err(Rejection::AttemptState { id: ask.object.clone(), status, event })
        }
    }
}

fn method_of(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    attempt: &Attempt,
) -> Result<Stored<PaymentMethod>, Rejection> {
    load(gathered, ctx, ObjectKind::PaymentMethod, &attempt.payment_method, "payment_method")
}

fn charge_of(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    attempt: &Attempt,
) -> Result<Stored<Charge>, Rejection> {
    load(gathered, ctx, ObjectKind::Charge, attempt.charge.as_deref().unwrap_or_default(), "charge")
}

/// Returns when to ask the next time: the wait doubles with each inquiry.
pub(crate) fn inquiry_due(now: Timestamp, inquiries: u32) -> Timestamp {
    let seconds = limits::INQUIRY_SECONDS_FIRST.saturating_mul(1_i64 << inquiries.min(30));
    now.plus_seconds(seconds.min(limits::INQUIRY_SECONDS_MAX))
}

fn unknown(
    mut draft: Draft<'_>,
    intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    ask: &ChannelAsk,
    why: &str,
) -> Result<Decision, Rejection> {
    let attempt = &mut stored.value;
    let operation = attempt.pending.as_ref().map(|pending| pending.operation);
    let first = !matches!(attempt.status, AttemptStatus::Unknown | AttemptStatus::AwaitingCustomer);
    attempt.status = attempt::next(&attempt.id, attempt.status, operation, AttemptEvent::Lost)?;
    attempt.unknown_reason = Some(why.chars().take(limits::METADATA_VALUE_CHARS).collect());
    plan_inquiry(&mut draft, attempt, ask);
    let id = intent.value.id.clone();
    draft.write(ObjectKind::Attempt, &ask.object, &stored);
    let body = json(&intent.value);
    if first {
        draft.event("payment_intent.processing", ObjectKind::PaymentIntent, &id, &body);
    }
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// Plans to ask what became of a request: of one that awaits a customer often, because somebody stands and waits, and
/// certainly when its time is over. Of one that is called off, certainly when it can be paid no more.
fn plan_inquiry(draft: &mut Draft<'_>, attempt: &mut Attempt, ask: &ChannelAsk) {
    let now = draft.ctx.now;
    let mut due = inquiry_due(now, attempt.inquiries);
    let mut inquiries = attempt.inquiries.saturating_add(1);
    let awaiting_until = attempt.awaiting_until();
    if let Some(until) = awaiting_until.map(Timestamp::from_seconds) {
        let wanted = attempt.is_wanted();
        let end = if wanted { until } else { until.plus_seconds(limits::CALL_OFF_AFTER_SECONDS) };
        if now < end {
            due = due.min(end);
        }
        if now < end && wanted {
            due = due.min(now.plus_seconds(limits::AWAITED_SECONDS_MAX));
            // When nothing is known at the end, the pauses begin to double from here.
            inquiries = inquiries.min(limits::AWAITED_INQUIRIES);
        }
    }
    attempt.inquiries = inquiries;
    let ask = ChannelAsk { awaiting_until, ..ask.clone() };
    draft.job(channel_job(&ask.object), due, JobBody::Inquire(ask));
}

/// The channel waits for the customer: the intent shows what the customer must do.
fn awaiting(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    ask: &ChannelAsk,
    show: Option<&str>,
    expires_at: i64,
) -> Result<Decision, Rejection> {
    let before = stored.value.clone();
    let attempt = &mut stored.value;
    let operation = attempt.pending.as_ref().map(|pending| pending.operation);
    attempt.status = attempt::next(&attempt.id, attempt.status, operation, AttemptEvent::Awaiting)?;
    attempt.unknown_reason = None;
    attempt.expires_at = Some(expires_at);
    if draft.ctx.now.seconds() < expires_at {
        plan_inquiry(&mut draft, attempt, ask);
    } else {
        // Written down before the channel is asked: from now on a payment that is told of is one that goes back.
        let ask = call_off(&mut draft, attempt, Some(EXPIRED.to_owned()))?;
        draft.job(channel_job(&ask.object), draft.ctx.now, JobBody::Inquire(ask));
    }
    if stored.value != before {
        draft.write(ObjectKind::Attempt, &ask.object, &stored);
    }
    let id = intent.value.id.clone();
    // An inquiry that finds it as it was changes nothing for the customer.
    if intent.value.status == IntentStatus::RequiresAction {
        return Ok(draft.answer(ObjectKind::PaymentIntent, &json(&intent.value)));
    }
    intent.value.status = next(&id, intent.value.status, IntentEvent::ActionRequired)?;
    let base = &draft.ctx.settings.public_url;
    let image_url_svg = format!("{base}/qr/{}?client_secret={}", ask.object, intent.value.client_secret);
    let show = show.map(|data| DisplayQrCode { data: data.to_owned(), image_url_svg, expires_at });
    let kind = if show.is_some() { "display_qr_code" } else { "confirm_in_wallet" };
    intent.value.next_action = Some(NextAction {
        kind: kind.to_owned(),
        redirect_to_url: None,
        confirm_in_wallet: show.is_none().then_some(ConfirmInWallet { expires_at }),
        display_qr_code: show,
    });
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    draft.event("payment_intent.requires_action", ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// What a channel awaited is called off, and what the customer may have paid meanwhile went back by that. An intent that
/// was canceled ends; one whose customer did not come in time waits for another method; one that goes on with another
/// attempt is left alone.
fn called_off(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    method: &PaymentMethod,
    reason: Option<String>,
) -> Result<Decision, Rejection> {
    stored.value.note_returned(draft.ctx.now.seconds());
    let latest = intent.value.latest_attempt.as_deref() == Some(stored.value.id.as_str());
    let waiting = latest && intent.value.status == IntentStatus::RequiresAction;
    if waiting && reason.as_deref() == Some(EXPIRED) {
        draft.job_done(channel_job(&stored.value.id));
        return decline(draft, intent, stored, method, DeclineCode::AttemptExpired);
    }
    let attempt = &mut stored.value;
    attempt.internal.token.clear();
    let operation = attempt.pending.take().map(|pending| pending.operation);
    attempt.status = attempt::next(&attempt.id, attempt.status, operation, AttemptEvent::Voided)?;
    attempt.unknown_reason = None;
    let id = intent.value.id.clone();
    draft.job_done(channel_job(&attempt.id));
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    if !latest || intent.value.status != IntentStatus::Processing {
        return Ok(draft.answer(ObjectKind::PaymentIntent, &json(&intent.value)));
    }
    intent.value.status = next(&id, intent.value.status, IntentEvent::Voided)?;
    intent.value.canceled_at = Some(draft.ctx.now.seconds());
    intent.value.cancellation_reason = reason;
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    draft.event("payment_intent.canceled", ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

fn action_required(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
) -> Result<Decision, Rejection> {
    let attempt = &mut stored.value;
    let operation = attempt.pending.take().map(|pending| pending.operation);
    attempt.status = attempt::next(&attempt.id, attempt.status, operation, AttemptEvent::ActionRequired)?;
    let id = intent.value.id.clone();
    intent.value.status = next(&id, intent.value.status, IntentEvent::ActionRequired)?;
    let base = &draft.ctx.settings.public_url;
    let url = format!("{base}/authenticate/{}?client_secret={}", attempt.id, intent.value.client_secret);
    intent.value.next_action = Some(NextAction {
        kind: "redirect_to_url".to_owned(),
        redirect_to_url: Some(RedirectToUrl { url, return_url: attempt.return_url.clone() }),
        display_qr_code: None,
        confirm_in_wallet: None,
    });
    if !attempt.legs.is_empty() {
        // Nothing is at the channel, so nothing but time gives free what is set aside beside it.
        let due = draft.ctx.now.plus_seconds(limits::ACTION_SECONDS);
        approved::plan_expiry(&mut draft, &id, &attempt.id.clone(), due);
    }
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    draft.event("payment_intent.requires_action", ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// Ends an attempt that was declined: the intent waits for another method.
pub(crate) fn decline(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    method: &PaymentMethod,
    code: DeclineCode,
) -> Result<Decision, Rejection> {
    let attempt = &mut stored.value;
    let operation = attempt.pending.take().map(|pending| pending.operation);
    attempt.status = attempt::next(&attempt.id, attempt.status, operation, AttemptEvent::Declined)?;
    attempt.decline_code = Some(code.word().to_owned());
    attempt.forget_code(method);
    combined::release(&mut draft, attempt)?;
    let mut charge = new_charge(&mut draft, &intent.value, attempt, method);
    charge.set_state(ChargeState::Failed);
    charge.failure_code = Some(code.error_code().to_owned());
    charge.failure_message = Some(code.message().to_owned());
    charge.outcome = Outcome {
        network_status: "declined_by_network".to_owned(),
        reason: Some(code.word().to_owned()),
        seller_message: code.message().to_owned(),
        kind: "issuer_declined".to_owned(),
    };
    attempt.charge = Some(charge.id.clone());
    let rejection = Rejection::Card { code, charge: Some(charge.id.clone()) };
    let shown = serde_json::from_str(&api_view(ObjectKind::PaymentMethod, &json(method))).unwrap_or_default();
    let id = intent.value.id.clone();
    intent.value.status = next(&id, intent.value.status, IntentEvent::Declined)?;
    intent.value.latest_charge = Some(charge.id.clone());
    intent.value.payment_method = None;
    intent.value.next_action = None;
    intent.value.last_payment_error = Some(PaymentError {
        kind: rejection.error_type().word().to_owned(),
        code: code.error_code().to_owned(),
        decline_code: Some(code.word().to_owned()),
        message: code.message().to_owned(),
        param: code.param().map(str::to_owned),
        charge: Some(charge.id.clone()),
        payment_method: shown,
    });
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    let failed = write_new_charge(&mut draft, charge);
    draft.event("charge.failed", ObjectKind::Charge, &failed.0, &failed.1);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    draft.event("payment_intent.payment_failed", ObjectKind::PaymentIntent, &id, &body);
    Ok(draft.refuse(&rejection, Some(&body)))
}

/// Takes in that a channel refused to capture or void: the money is set aside as before.
fn refused(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    operation: Operation,
    code: DeclineCode,
) -> Result<Decision, Rejection> {
    let attempt = &mut stored.value;
    attempt.pending = None;
    attempt.status = attempt::next(&attempt.id, attempt.status, Some(operation), AttemptEvent::Refused)?;
    attempt.unknown_reason = None;
    let id = intent.value.id.clone();
    intent.value.status = next(&id, intent.value.status, IntentEvent::StillAuthorized)?;
    intent.value.amount_capturable = intent.value.amount;
    let expiry = (attempt.id.clone(), attempt.expires_at.unwrap_or_default());
    draft.job_done(channel_job(&attempt.id));
    draft.write(ObjectKind::Attempt, &expiry.0, &stored);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    // A refused void at the end of the seven days must be tried again; this moves the job that may have been
    // done for it.
    let due = Timestamp::from_seconds(expiry.1).max(draft.ctx.now.plus_seconds(limits::INQUIRY_SECONDS_MAX));
    approved::plan_expiry(&mut draft, &id, &expiry.0, due);
    draft.event("payment_intent.amount_capturable_updated", ObjectKind::PaymentIntent, &id, &body);
    let rejection = Rejection::Card { code, charge: intent.value.latest_charge.clone() };
    Ok(draft.refuse(&rejection, Some(&body)))
}
