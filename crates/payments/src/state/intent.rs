//! The states of a payment intent.

use crate::rejection::Rejection;
use crate::state::words;

words! {
    /// Where an intent stands.
    IntentStatus {
        /// It waits for a payment method, at first or after a decline.
        RequiresPaymentMethod = "requires_payment_method",
        /// It waits for the merchant to confirm it.
        RequiresConfirmation = "requires_confirmation",
        /// It waits for the customer.
        RequiresAction = "requires_action",
        /// Something was sent to a channel and is not answered, or its answer is not known.
        Processing = "processing",
        /// Money is set aside and waits for the merchant to take it.
        RequiresCapture = "requires_capture",
        /// Money was taken.
        Succeeded = "succeeded",
        /// It ended without money taken.
        Canceled = "canceled",
    }
}

words! {
    /// What happens to an intent.
    IntentEvent {
        /// A payment method is given.
        MethodGiven = "method_given",
        /// The amount or other particulars of the payment are changed.
        Changed = "changed",
        /// An attempt is sent to a channel.
        Confirmed = "confirmed",
        /// The customer has done what was asked, and the attempt is sent again.
        ActionDone = "action_done",
        /// The channel wants something of the customer.
        ActionRequired = "action_required",
        /// The channel declined, or the customer failed to prove to be the holder.
        Declined = "declined",
        /// Money is set aside.
        Authorized = "authorized",
        /// Money was taken.
        Captured = "captured",
        /// A capture is sent.
        CaptureSent = "capture_sent",
        /// A cancellation of what is set aside is sent.
        VoidSent = "void_sent",
        /// The channel refused a capture or a cancellation: the money is still set aside.
        StillAuthorized = "still_authorized",
        /// It is canceled while nothing is set aside.
        Canceled = "canceled",
        /// What was set aside is released.
        Voided = "voided",
    }
}

/// Returns the state after an event.
///
/// # Errors
/// [`Rejection::IntentState`] when the event cannot happen in the state.
pub fn next(id: &str, status: IntentStatus, event: IntentEvent) -> Result<IntentStatus, Rejection> {
    use IntentEvent as E;
    use IntentStatus as S;
    let after = match (event, status) {
        (E::MethodGiven, S::RequiresPaymentMethod | S::RequiresConfirmation | S::RequiresAction) => {
            S::RequiresConfirmation
        }
        (E::Changed, S::RequiresPaymentMethod) => S::RequiresPaymentMethod,
        (E::Changed, S::RequiresConfirmation | S::RequiresAction) => S::RequiresConfirmation,
        (E::Confirmed, S::RequiresPaymentMethod | S::RequiresConfirmation | S::RequiresAction) => {
            S::Processing
        }
        (E::ActionDone, S::RequiresAction) => S::Processing,
        (E::ActionRequired, S::Processing) => S::RequiresAction,
        (E::Declined, S::Processing | S::RequiresAction) => S::RequiresPaymentMethod,
        (E::Authorized | E::StillAuthorized, S::Processing) => S::RequiresCapture,
        (E::Captured, S::Processing) => S::Succeeded,
        // The customer has agreed, where the channel waited for that.
        (E::Captured, S::RequiresAction) => S::Succeeded,
        (E::CaptureSent | E::VoidSent, S::RequiresCapture) => S::Processing,
        (E::VoidSent, S::RequiresAction) => S::Processing,
        (E::Canceled, S::RequiresPaymentMethod | S::RequiresConfirmation | S::RequiresAction) => S::Canceled,
        (E::Voided, S::Processing) => S::Canceled,
        (
            E::MethodGiven | E::Changed | E::Confirmed | E::Canceled,
            S::Processing | S::RequiresCapture | S::Succeeded | S::Canceled,
        )
        | (
            E::ActionDone,
            S::RequiresPaymentMethod
            | S::RequiresConfirmation
            | S::Processing
            | S::RequiresCapture
            | S::Succeeded
            | S::Canceled,
        )
        | (
            E::Declined,
            S::RequiresPaymentMethod
            | S::RequiresConfirmation
            | S::RequiresCapture
            | S::Succeeded
            | S::Canceled,
        )
        | (
            E::CaptureSent,
            S::RequiresPaymentMethod
            | S::RequiresConfirmation
            | S::RequiresAction
            | S::Processing
            | S::Succeeded
            | S::Canceled,
        )
        | (
            E::VoidSent,
            S::RequiresPaymentMethod | S::RequiresConfirmation | S::Processing | S::Succeeded | S::Canceled,
        )
        | (
            E::Captured,
            S::RequiresPaymentMethod
            | S::RequiresConfirmation
            | S::RequiresCapture
            | S::Succeeded
            | S::Canceled,
        )
        | (
            E::ActionRequired | E::Authorized | E::StillAuthorized | E::Voided,
            S::RequiresPaymentMethod
            | S::RequiresConfirmation
            | S::RequiresAction
            | S::RequiresCapture
            | S::Succeeded
            | S::Canceled,
        ) => {
            return Err(Rejection::IntentState {
                id: id.to_owned(),
                verb: verb(event),
                status: status.word(),
            });
        }
    };
    Ok(after)
}

const fn verb(event: IntentEvent) -> &'static str {
    match event {
        IntentEvent::MethodGiven | IntentEvent::Changed => "updated",
        IntentEvent::Confirmed => "confirmed",
        IntentEvent::ActionDone => "authenticated",
        IntentEvent::ActionRequired => "sent to the customer",
        IntentEvent::Declined => "declined",
        IntentEvent::Authorized | IntentEvent::StillAuthorized => "authorized",
        IntentEvent::Captured | IntentEvent::CaptureSent => "captured",
        IntentEvent::VoidSent | IntentEvent::Canceled | IntentEvent::Voided => "canceled",
    }
}
