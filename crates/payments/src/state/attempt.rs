//! The states of an attempt: one try to take money over one channel.

use crate::decision::Operation;
use crate::rejection::Rejection;
use crate::state::words;

words! {
    /// Where an attempt stands.
    AttemptStatus {
        /// Nothing is at the channel: not sent yet, or it waits for the customer.
        Created = "created",
        /// An authorization was sent.
        Sent = "sent",
        /// The channel waits for the customer, and takes the money as soon as the customer agrees.
        AwaitingCustomer = "awaiting_customer",
        /// Money is set aside.
        Authorized = "authorized",
        /// Money was taken.
        Captured = "captured",
        /// The channel said no.
        Declined = "declined",
        /// It was given up, and whatever was set aside is released.
        Voided = "voided",
        /// What was set aside was released because nobody took it in time.
        Expired = "expired",
        /// Something was sent and its end is not known; which operation it is stands beside.
        Unknown = "unknown",
    }
}

words! {
    /// What happens to an attempt.
    AttemptEvent {
        /// The authorization is sent.
        Sent = "sent",
        /// The channel wants something of the customer first.
        ActionRequired = "action_required",
        /// The channel waits for the customer.
        Awaiting = "awaiting",
        /// Money is set aside.
        Authorized = "authorized",
        /// Money was taken.
        Captured = "captured",
        /// The authorization was declined.
        Declined = "declined",
        /// The channel refused a capture or a void: the money is still set aside.
        Refused = "refused",
        /// The end of the operation is not known.
        Lost = "lost",
        /// It is released.
        Voided = "voided",
        /// It is released because its time is over.
        Expired = "expired",
    }
}

/// Returns the state after an event. `pending` is the operation that is at the channel.
///
/// # Errors
/// [`Rejection::AttemptState`] when the event cannot happen.
pub fn next(
    id: &str,
    status: AttemptStatus,
    pending: Option<Operation>,
    event: AttemptEvent,
) -> Result<AttemptStatus, Rejection> {
    use AttemptEvent as E;
    use AttemptStatus as S;
    use Operation as O;
    let after = match (event, status, pending) {
        (E::Sent, S::Created, None) => Some(S::Sent),
        (E::ActionRequired, S::Sent | S::Unknown, Some(O::Authorize)) => Some(S::Created),
        (E::Authorized, S::Sent | S::Unknown, Some(O::Authorize)) => Some(S::Authorized),
        (E::Captured, S::Sent | S::Unknown | S::AwaitingCustomer, Some(O::Authorize)) => Some(S::Captured),
        (E::Awaiting, S::Sent | S::Unknown | S::AwaitingCustomer, Some(O::Authorize)) => {
            Some(S::AwaitingCustomer)
        }
        (E::Captured, S::Authorized | S::Unknown, Some(O::Capture)) => Some(S::Captured),
        (E::Declined, S::Sent | S::Unknown | S::AwaitingCustomer, Some(O::Authorize)) => Some(S::Declined),
        // Called off because its time was over.
        (E::Declined, S::AwaitingCustomer, Some(O::Void)) => Some(S::Declined),
        // A customer who fails to prove to be the holder: nothing is at the channel then.
        (E::Declined, S::Created, None) => Some(S::Declined),
        (E::Refused, S::Authorized | S::Unknown, Some(O::Capture | O::Void)) => Some(S::Authorized),
        (E::Lost, S::Sent | S::Unknown, Some(O::Authorize)) => Some(S::Unknown),
        (E::Lost, S::Authorized | S::Unknown, Some(O::Capture | O::Void)) => Some(S::Unknown),
        // Not to know for a while whether the customer has agreed is what waiting means.
        (E::Lost, S::AwaitingCustomer, Some(O::Authorize | O::Void)) => Some(S::AwaitingCustomer),
        (E::Voided, S::Authorized | S::Unknown | S::AwaitingCustomer, Some(O::Void)) => Some(S::Voided),
        (E::Voided, S::Created, None) => Some(S::Voided),
        (E::Expired, S::Authorized | S::Unknown, Some(O::Void)) => Some(S::Expired),
        (
            E::Sent
            | E::ActionRequired
            | E::Awaiting
            | E::Authorized
            | E::Captured
            | E::Declined
            | E::Refused
            | E::Lost
            | E::Voided
            | E::Expired,
            S::Created
            | S::Sent
            | S::AwaitingCustomer
            | S::Authorized
            | S::Captured
            | S::Declined
            | S::Voided
            | S::Expired
            | S::Unknown,
            None | Some(O::Authorize | O::Capture | O::Void | O::Refund | O::SignUp | O::ConfirmSignUp),
        ) => None,
    };
    after.ok_or_else(|| Rejection::AttemptState {
        id: id.to_owned(),
        status: status.word(),
        event: event.word(),
    })
}
