//! The states of a charge: what an answered attempt has come to.

use crate::rejection::Rejection;
use crate::state::words;

words! {
    /// Where a charge stands. The API shows it as `status`, `captured` and `refunded`.
    ChargeState {
        /// The channel declined.
        Failed = "failed",
        /// Money is set aside.
        Uncaptured = "uncaptured",
        /// Money was taken.
        Captured = "captured",
        /// Some of it was given back, or is on its way back.
        PartiallyRefunded = "partially_refunded",
        /// All of it was given back, or is on its way back.
        Refunded = "refunded",
        /// What was set aside was released.
        Released = "released",
    }
}

words! {
    /// What happens to a charge.
    ChargeEvent {
        /// Money is taken.
        Captured = "captured",
        /// What was set aside is released.
        Released = "released",
        /// Some is given back, and some is left.
        RefundedPart = "refunded_part",
        /// The rest is given back.
        RefundedRest = "refunded_rest",
        /// A refund failed: some of what was taken stands again, less than all.
        RefundFailedPart = "refund_failed_part",
        /// A refund failed: all of what was taken stands again.
        RefundFailedAll = "refund_failed_all",
    }
}

/// Returns the state after an event.
///
/// # Errors
/// [`Rejection::ChargeRefunded`] or [`Rejection::ChargeNotRefundable`] when the event cannot happen.
pub fn next(id: &str, state: ChargeState, event: ChargeEvent) -> Result<ChargeState, Rejection> {
    use ChargeEvent as E;
    use ChargeState as S;
    let not = |why| Err(Rejection::ChargeNotRefundable { id: id.to_owned(), why });
    match (event, state) {
        (E::Captured, S::Uncaptured) => Ok(S::Captured),
        (E::Released, S::Uncaptured) => Ok(S::Released),
        (E::RefundedPart, S::Captured | S::PartiallyRefunded) => Ok(S::PartiallyRefunded),
        (E::RefundedRest, S::Captured | S::PartiallyRefunded) => Ok(S::Refunded),
        (E::RefundFailedPart, S::PartiallyRefunded | S::Refunded) => Ok(S::PartiallyRefunded),
        (E::RefundFailedAll, S::PartiallyRefunded | S::Refunded) => Ok(S::Captured),
        (E::RefundedPart | E::RefundedRest, S::Refunded) => {
            Err(Rejection::ChargeRefunded { id: id.to_owned() })
        }
        (
            E::Captured
            | E::Released
            | E::RefundedPart
            | E::RefundedRest
            | E::RefundFailedPart
            | E::RefundFailedAll,
            S::Failed,
        ) => not("it failed"),
        (E::RefundedPart | E::RefundedRest | E::RefundFailedPart | E::RefundFailedAll, S::Uncaptured) => {
            not("it is not captured; cancel its PaymentIntent instead")
        }
        (
            E::Captured
            | E::Released
            | E::RefundedPart
            | E::RefundedRest
            | E::RefundFailedPart
            | E::RefundFailedAll,
            S::Released,
        ) => not("it was released"),
        (E::Captured | E::Released, S::Captured | S::PartiallyRefunded | S::Refunded) => {
            not("it is captured already")
        }
        (E::RefundFailedPart | E::RefundFailedAll, S::Captured) => not("nothing of it was refunded"),
    }
}
