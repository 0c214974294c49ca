//! The states of a refund.

use crate::rejection::Rejection;
use crate::state::words;

words! {
    /// Where a refund stands.
    RefundStatus {
        /// It was sent to the channel and is not answered, or its answer is not known.
        Pending = "pending",
        /// The money is on its way back.
        Succeeded = "succeeded",
        /// The channel refused it; the money stays where it was.
        Failed = "failed",
    }
}

words! {
    /// What happens to a refund.
    RefundEvent {
        /// The channel did it.
        Done = "done",
        /// The channel refused it.
        Refused = "refused",
        /// Its end is not known.
        Lost = "lost",
    }
}

/// Returns the state after an event.
///
/// # Errors
/// [`Rejection::RefundState`] when the refund has ended.
pub fn next(id: &str, status: RefundStatus, event: RefundEvent) -> Result<RefundStatus, Rejection> {
    match (event, status) {
        (RefundEvent::Done, RefundStatus::Pending) => Ok(RefundStatus::Succeeded),
        (RefundEvent::Refused, RefundStatus::Pending) => Ok(RefundStatus::Failed),
        (RefundEvent::Lost, RefundStatus::Pending) => Ok(RefundStatus::Pending),
        (
            RefundEvent::Done | RefundEvent::Refused | RefundEvent::Lost,
            RefundStatus::Succeeded | RefundStatus::Failed,
        ) => Err(Rejection::RefundState { id: id.to_owned(), status: status.word(), event: event.word() }),
    }
}
