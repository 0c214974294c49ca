//! Money that comes when nobody waits for it any more.

use super::KIND;
use super::follow::session_of;
use crate::decide::{Draft, Stored, load};
use crate::decision::{Context, Decision, Gathered, ObjectKind};
use crate::object::attempt::{Attempt, Late};
use crate::object::checkout_session::{CheckoutSession, LatePayment};
use crate::object::json;
use crate::object::payment_intent::PaymentIntent;
use crate::rejection::Rejection;
use crate::state::attempt::AttemptStatus;
use crate::state::checkout_session::{SessionEvent, next};

/// Notes that money came for an attempt which is not wanted any more; `returned` when the channel has said that it went
/// back. It stands with the attempt, and with its session, so that the page can say it.
///
/// # Errors
/// [`Rejection::AttemptState`] when the money of the attempt is wanted.
pub fn decide_late_payment(
    attempt: &str,
    returned: bool,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut stored: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, attempt, "attempt")?;
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
    let now = ctx.now.seconds();
    let known = stored.value.late_payment.clone();
    stored.value.late_payment.get_or_insert(Late { received_at: now, returned_at: None });
    if returned {
        stored.value.note_returned(now);
    }
    if stored.value.late_payment != known {
        draft.write(ObjectKind::Attempt, attempt, &stored);
    }
    let Some(session) = session_of(&body) else {
        return Ok(draft.answer(ObjectKind::PaymentIntent, &body));
    };
    let mut session: Stored<CheckoutSession> = load(gathered, ctx, KIND, &session, "session")?;
    let before = session.value.late_payment.clone();
    session.value.status = next(session.value.status, SessionEvent::PaidLate)?;
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
