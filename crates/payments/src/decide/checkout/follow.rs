//! A session goes where its payment goes, whatever moved that: an answer of a channel, an inquiry, a notification.

use super::{KIND, expiry_job, plan_expiry};
use crate::decide::{Draft, Stored, load};
use crate::decision::{Ahead, Context, Decision, Gathered, ObjectKind};
use crate::object::attempt::Attempt;
use crate::object::checkout_session::CheckoutSession;
use crate::object::payment_intent::PaymentIntent;
use crate::rejection::Rejection;
use crate::state::attempt::AttemptStatus;
use crate::state::checkout_session::{SessionEvent, SessionPaymentStatus, SessionStatus, next};
use crate::state::intent::IntentStatus;
use serde::Deserialize;

/// What stands in the JSON of every intent of a session, and of others by chance only.
const MARK: &str = "\"checkout_session\"";

/// Adds to a decision what follows for the session of the payment that it moves.
///
/// # Errors
/// When what is stored cannot be read.
pub(crate) fn follow(
    decision: Decision,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let ahead = Ahead { gathered, decision: &decision };
    let Some((intent, session)) = moved(&ahead) else { return Ok(decision) };
    let intent: Stored<PaymentIntent> = load(&ahead, ctx, ObjectKind::PaymentIntent, &intent, "intent")?;
    let mut session: Stored<CheckoutSession> = load(&ahead, ctx, KIND, &session, "session")?;
    let before = session.value.clone();
    // Ids of its own.
    let random = *blake3::keyed_hash(&ctx.random, b"checkout").as_bytes();
    let own = Context { random, ..*ctx };
    let mut draft = Draft::new(&own);
    let told = step(&mut draft, &mut session.value, &intent.value)?;
    note_return(&ahead, &mut session.value, ctx);
    if session.value != before {
        let id = session.value.id.clone();
        let body = draft.write(KIND, &id, &session);
        if let Some(kind) = told {
            draft.event(kind, KIND, &id, &body);
        }
    }
    let next = draft.finish(decision.answer.clone());
    Ok(decision.then(next))
}

/// Moves a session to where its payment stands, and returns what to tell.
fn step(
    draft: &mut Draft<'_>,
    session: &mut CheckoutSession,
    intent: &PaymentIntent,
) -> Result<Option<&'static str>, Rejection> {
    let over = draft.ctx.now.seconds() >= session.expires_at;
    match (session.status, intent.status) {
        (SessionStatus::Open, IntentStatus::Succeeded) => {
            session.status = next(session.status, SessionEvent::Paid)?;
            session.payment_status = SessionPaymentStatus::Paid;
            session.url = None;
            draft.job_done(expiry_job(&intent.id));
            Ok(Some("checkout.session.completed"))
        }
        (SessionStatus::Open, IntentStatus::Canceled) => {
            session.status = next(session.status, SessionEvent::Closed)?;
            session.url = None;
            draft.job_done(expiry_job(&intent.id));
            Ok(Some("checkout.session.expired"))
        }
        // Its time ran out while something was at a channel. That has ended now.
        (
            SessionStatus::Open,
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::RequiresCapture,
        ) if over => {
            plan_expiry(draft, session, draft.ctx.now);
            Ok(None)
        }
        (SessionStatus::Open | SessionStatus::Complete | SessionStatus::Expired, _) => Ok(None),
    }
}

/// Notes that the channel has given back what came late: the attempt ends unpaid by that.
fn note_return(ahead: &Ahead<'_>, session: &mut CheckoutSession, ctx: &Context<'_>) {
    let Some(late) = session.late_payment.as_mut().filter(|late| late.returned_at.is_none()) else { return };
    let written = ahead.decision.objects.iter().find(|write| write.id == late.attempt);
    let attempt: Option<Attempt> = written.and_then(|write| serde_json::from_str(&write.body).ok());
    let ended = |attempt: Attempt| {
        matches!(attempt.status, AttemptStatus::Voided | AttemptStatus::Declined | AttemptStatus::Expired)
    };
    if attempt.is_some_and(ended) {
        late.returned_at = Some(ctx.now.seconds());
    }
}

/// Returns the intent that a decision moves, itself or an attempt of it, with its session; none without one.
fn moved(ahead: &Ahead<'_>) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Of {
        payment_intent: String,
    }
    let find = |kind| ahead.decision.objects.iter().find(|write| write.kind == kind);
    if let Some(write) = find(ObjectKind::PaymentIntent) {
        return Some((write.id.clone(), session_of(&write.body)?));
    }
    let attempt: Of = serde_json::from_str(&find(ObjectKind::Attempt)?.body).ok()?;
    let session = session_of(ahead.object(&attempt.payment_intent)?.body)?;
    Some((attempt.payment_intent, session))
}

/// Returns the session of an intent, by its JSON. Of most intents this is found without reading them.
#[must_use]
pub fn session_of(intent: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Of {
        checkout_session: Option<String>,
    }
    if !intent.contains(MARK) {
        return None;
    }
    serde_json::from_str::<Of>(intent).ok()?.checkout_session
}

/// Refuses what the API asks of an intent that is paid on a page: what the page shows must not change under it.
///
/// # Errors
/// [`Rejection::IntentOfSession`].
pub(crate) fn refuse_own(id: &str, gathered: &dyn Gathered) -> Result<(), Rejection> {
    match gathered.object(id).and_then(|found| session_of(found.body)) {
        Some(_) => Err(Rejection::IntentOfSession { id: id.to_owned() }),
        None => Ok(()),
    }
}
