//! What channels tell by themselves: believed when it is signed, about an attempt of that channel, and of its amount; taken
//! in once, as the answer to what is pending; answered only after the commit.

use crate::channels::outcome_of;
use crate::command::{Call, Caller, Refused};
use crate::engine::Engine;
use http::HeaderMap;
use std::time::Duration;
use suanpan_channels::{ChannelAnswer, Notification, NotificationError};
use suanpan_payments::command::Command;
use suanpan_payments::decide::confirm::pending_ask;
use suanpan_payments::decision::{ChannelAsk, ChannelOutcome, ObjectKind, Operation};
use suanpan_payments::object::attempt::Attempt;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::state::attempt::AttemptStatus;
use suanpan_store::commit::Object;

/// How long a channel that tells of a late payment waits until it is called off.
const GIVE_BACK_PATIENCE: Duration = Duration::from_secs(4);

/// Why a notification was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Untaken {
    /// It is not to be believed.
    #[error(transparent)]
    Notification(#[from] NotificationError),
    /// Nothing here is what it is about.
    #[error("{0} is no attempt over this channel")]
    NoSuchAttempt(String),
    /// It says that something else was paid than was asked for.
    #[error("attempt {0} asked for another amount or currency")]
    OtherAmount(String),
    /// It could not be written now.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Untaken {
    /// Returns a word for it, for whoever counts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Untaken::Notification(NotificationError::Forged) => "forged",
            Untaken::Notification(NotificationError::Stale(_)) => "stale",
            Untaken::Notification(_) => "not_for_us",
            Untaken::NoSuchAttempt(_) => "unknown",
            Untaken::OtherAmount(_) => "other_amount",
            Untaken::Refused(_) => "busy",
        }
    }
}

impl Engine {
    /// Takes in what a channel tells by itself, and returns what to answer. What came before changes nothing and is
    /// answered in the same way.
    ///
    /// # Errors
    /// [`Untaken`]; the channel is to tell it again.
    pub async fn notified(
        &self,
        channel: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<&'static str, Untaken> {
        let told = self.channels().notification(channel, headers, body, self.clock().now())?;
        let taken = told.taken;
        // The second request of an attempt goes under its id with a number behind.
        let id = told.reference.split('-').next().unwrap_or_default().to_owned();
        let missing = || Untaken::NoSuchAttempt(told.reference.clone());
        let attempt = self.stored(id).await?.filter(|object| object.kind == ObjectKind::Attempt.name());
        let stored = attempt.ok_or_else(missing)?;
        let attempt: Attempt = serde_json::from_str(&stored.body).map_err(|_| missing())?;
        if attempt.channel != channel {
            return Err(missing());
        }
        check_amount(&told, &attempt)?;
        let paid = matches!(told.answer, Some(ChannelAnswer::Approved { .. }));
        if paid && is_over_unpaid(&attempt) {
            self.note_late(&attempt, &stored, false).await?;
            self.give_back(&told, &attempt, &stored).await?;
            return self.note_late(&attempt, &stored, true).await.map(|()| taken);
        }
        if paid && !attempt.is_wanted() {
            // It goes back by the calling off that is on its way.
            return self.note_late(&attempt, &stored, false).await.map(|()| taken);
        }
        let Some((ask, outcome)) = answers(&told, &attempt, &stored).zip(told.answer) else {
            return Ok(taken);
        };
        let call = Call {
            caller: Caller { merchant: ask.merchant.clone(), live: ask.live },
            idempotency: None,
            request_id: None,
            command: Command::Outcome { ask, outcome: outcome_of(outcome) },
        };
        match self.call(call).await {
            // The outcome was known already, or is called off: then what was paid goes back by that.
            Ok(_) | Err(Refused::Rule(Rejection::AttemptState { .. })) => Ok(taken),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Writes down with the attempt, and on the page of its payment where there is one, that money came too late.
    async fn note_late(&self, attempt: &Attempt, stored: &Object, returned: bool) -> Result<(), Untaken> {
        let call = Call {
            caller: Caller { merchant: stored.merchant.clone(), live: stored.live },
            idempotency: None,
            request_id: None,
            command: Command::LatePayment { attempt: attempt.id.clone(), returned },
        };
        match self.call(call).await {
            // Something else came of the attempt meanwhile, which is written where that is.
            Ok(_) | Err(Refused::Rule(_)) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Has the channel call off what it says was paid to an attempt that is over. Mostly it has: the notification is late.
    /// Until it says so the notification is not taken, and comes again.
    async fn give_back(
        &self,
        told: &Notification,
        attempt: &Attempt,
        stored: &Object,
    ) -> Result<(), Untaken> {
        let channel = attempt.channel.clone();
        tracing::warn!(attempt = attempt.id, channel, "paid after the attempt was over; it is called off");
        metrics::counter!("suanpan_late_successes_total", "channel" => channel).increment(1);
        let ask = ChannelAsk {
            channel: attempt.channel.clone(),
            operation: Operation::Void,
            merchant: stored.merchant.clone(),
            live: stored.live,
            object: attempt.id.clone(),
            reference: format!("{}-late", attempt.id),
            original: Some(told.reference.clone()),
            original_id: None,
            authorization_code: None,
            trace: 0,
            token: None,
            amount_minor: told.amount_minor,
            currency: told.currency,
            capture: false,
            authenticated: false,
            off_session: false,
            awaiting_until: attempt.expires_at,
        };
        // Whoever tells waits for some seconds only, and tells again.
        let asked = self.channels().inquire(&ask, self.clock());
        let outcome = tokio::time::timeout(GIVE_BACK_PATIENCE, asked).await;
        let outcome = outcome.unwrap_or_else(|_| ChannelOutcome::Unknown { why: "no answer yet".to_owned() });
        match outcome {
            ChannelOutcome::Approved { .. } => Ok(()),
            other => Err(Refused::Unavailable(format!("{} is not called off: {other:?}", attempt.id)).into()),
        }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn stored(&self, id: String) -> Result<Option<Object>, Refused> {
        let reader = self.reader().clone();
        let found = tokio::task::spawn_blocking(move || reader.objects(&[id.as_str()])).await;
        let unavailable = |why: &dyn ToString| Refused::Unavailable(why.to_string());
        let found = found.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))?;
        Ok(found.into_iter().next().flatten())
    }
}

/// Whether an attempt ended without money taken.
const fn is_over_unpaid(attempt: &Attempt) -> bool {
    matches!(attempt.status, AttemptStatus::Declined | AttemptStatus::Voided | AttemptStatus::Expired)
}

fn check_amount(told: &Notification, attempt: &Attempt) -> Result<(), Untaken> {
    let same = u64::try_from(attempt.amount) == Ok(told.amount_minor) && attempt.currency == told.currency;
    if same { Ok(()) } else { Err(Untaken::OtherAmount(attempt.id.clone())) }
}

/// Returns the request that a notification answers; none when that is not pending any more.
fn answers(told: &Notification, attempt: &Attempt, stored: &Object) -> Option<ChannelAsk> {
    let ask = pending_ask(attempt, &stored.merchant, stored.live)?;
    (ask.operation == Operation::Authorize && ask.reference == told.reference).then_some(ask)
}
