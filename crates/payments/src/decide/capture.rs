//! Captures of what is set aside.

use super::confirm::{ask_of, next_reference, plan, refuse_in_progress};
use super::{Draft, Stored, combined, load};
use crate::decision::{Context, Decision, Gathered, ObjectKind, Operation};
use crate::object::attempt::{Attempt, Pending};
use crate::object::payment_intent::PaymentIntent;
use crate::rejection::Rejection;
use crate::request::payment_intent::CapturePaymentIntent;
use crate::request::{patch_metadata, set};
use crate::state::intent::{IntentEvent, next};

/// Takes what is set aside, all or part: plans the request to the channel.
///
/// # Errors
/// [`Rejection`].
pub fn decide_capture_begin(
    id: &str,
    request: &CapturePaymentIntent,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, id, "intent")?;
    refuse_in_progress(gathered, ctx, &intent.value)?;
    let after = next(id, intent.value.status, IntentEvent::CaptureSent)?;
    let amount = request.amount_to_capture.unwrap_or(intent.value.amount_capturable);
    if amount > intent.value.amount_capturable {
        let most = intent.value.amount_capturable;
        return Err(Rejection::AmountTooLarge { param: "amount_to_capture".to_owned(), most });
    }
    set(&mut intent.value.statement_descriptor, request.statement_descriptor.as_ref());
    set(&mut intent.value.statement_descriptor_suffix, request.statement_descriptor_suffix.as_ref());
    patch_metadata(&mut intent.value.metadata, request.metadata.as_ref())?;
    let mut draft = Draft::new(ctx);
    intent.value.status = after;
    send(&mut draft, gathered, &intent.value, Operation::Capture, amount, None)?;
    let body = draft.write(ObjectKind::PaymentIntent, id, &intent);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// Plans a request about what is set aside, and writes the attempt.
pub(crate) fn send(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &PaymentIntent,
    operation: Operation,
    amount: i64,
    reason: Option<String>,
) -> Result<(), Rejection> {
    let latest = intent.latest_attempt.as_deref().unwrap_or_default();
    let mut stored: Stored<Attempt> = load(gathered, draft.ctx, ObjectKind::Attempt, latest, "intent")?;
    let reference = next_reference(&mut stored.value);
    if operation == Operation::Capture {
        combined::check_capture(&stored.value, amount)?;
    }
    // Of several sources only this one is asked; it was agreed how much of the payment it is.
    let amount = if stored.value.legs.is_empty() { amount } else { stored.value.amount };
    stored.value.pending = Some(Pending { operation, amount, reference, reason });
    stored.value.inquiries = 0;
    let ask = ask_of(draft.ctx, &stored.value);
    plan(draft, ask);
    draft.write(ObjectKind::Attempt, latest, &stored);
    Ok(())
}
