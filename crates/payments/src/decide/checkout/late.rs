//! Money that comes when nobody waits for it any more.

use super::KIND;
use super::follow::session_of;
use crate::decide::{Draft, Stored, load};
use crate::decision::{Context, Decision, Gathered, ObjectKind};
use crate::object::attempt::Attempt;
use crate::object::checkout_session::{CheckoutSession, LatePayment};
use crate::object::json;
use crate::object::payment_intent::PaymentIntent;
use crate::rejection::Rejection;
use crate::state::attempt::AttemptStatus;
use crate::state::checkout_session::{SessionEvent, next};

/// Notes on the session of an attempt that money came which is not wanted any more, so that the page can say that it goes
/// back; `returned` when the channel has said that it did. Payments without a session have no page to say it on.
///
/// # Errors
/// [`Rejection::AttemptState`] when the money of the attempt is wanted.
pub fn decide_late_payment(
    attempt: &str,
    returned: bool,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let stored: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, attempt, "attempt")?;
    let unpaid = match stored.value.status {
        AttemptStatus::Declined | AttemptStatus::Voided | AttemptStatus::Expired => true,
        AttemptStatus::AwaitingCustomer => !stored.value.is_wanted(),
        AttemptStatus::Created
        | AttemptStatus::Sent
        | AttemptStatus::Authorized
        | AttemptStatus::Captured
        | AttemptStatus::Unknown => false,
    };
    if !unpaid {
        let status = stored.value.status.word();
        return Err(Rejection::AttemptState { id: attempt.to_owned(), status, event: "paid_late" });
    }
    let id = &stored.value.payment_intent;
    let intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, id, "intent")?;
    let mut draft = Draft::new(ctx);
    let body = json(&intent.value);
    let Some(session) = session_of(&body) else {
        return Ok(draft.answer(ObjectKind::PaymentIntent, &body));
    };
    let mut session: Stored<CheckoutSession> = load(gathered, ctx, KIND, &session, "session")?;
    let before = session.value.late_payment.clone();
    session.value.status = next(session.value.status, SessionEvent::PaidLate)?;
    let now = ctx.now.seconds();
    let known = before.clone().filter(|late| late.attempt == attempt);
    let mut late = known.unwrap_or_else(|| LatePayment {
        attempt: attempt.to_owned(),
        amount: stored.value.amount,
        received_at: now,
        returned_at: None,
    });
    if returned {
        late.returned_at.get_or_insert(now);
    }
    session.value.late_payment = Some(late);
    if session.value.late_payment != before {
        draft.write(KIND, &session.value.id.clone(), &session);
    }
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}
