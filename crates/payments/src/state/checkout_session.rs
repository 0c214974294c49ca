//! The states of a checkout session: a page on which a customer pays, once.

use crate::rejection::Rejection;
use crate::state::words;

words! {
    /// Where a session stands.
    SessionStatus {
        /// It can be paid.
        Open = "open",
        /// It is paid.
        Complete = "complete",
        /// It ended unpaid: by time, or because the merchant closed it.
        Expired = "expired",
    }
}

words! {
    /// Whether a session is paid.
    SessionPaymentStatus {
        /// The money was taken.
        Paid = "paid",
        /// It was not.
        Unpaid = "unpaid",
    }
}

words! {
    /// What happens to a session.
    SessionEvent {
        /// The customer chose a method, and an attempt begins.
        MethodChosen = "method_chosen",
        /// The money was taken.
        Paid = "paid",
        /// Its time is over, and nothing is at a channel that could still take the money.
        TimeOver = "time_over",
        /// The merchant closes it.
        Closed = "closed",
        /// Money came to an attempt that was over or called off, and goes back.
        PaidLate = "paid_late",
    }
}

/// Returns the state after an event.
///
/// # Errors
/// [`Rejection::SessionState`] when the event cannot happen in the state.
pub fn next(status: SessionStatus, event: SessionEvent) -> Result<SessionStatus, Rejection> {
    use SessionEvent as E;
    use SessionStatus as S;
    match (event, status) {
        (E::MethodChosen, S::Open) => Ok(S::Open),
        (E::Paid, S::Open) => Ok(S::Complete),
        (E::TimeOver | E::Closed, S::Open) => Ok(S::Expired),
        // What comes late changes nothing: it goes back.
        (E::PaidLate, S::Open | S::Complete | S::Expired) => Ok(status),
        (E::MethodChosen | E::Paid | E::TimeOver | E::Closed, S::Complete | S::Expired) => {
            Err(Rejection::SessionState { verb: verb(event), status: status.word() })
        }
    }
}

const fn verb(event: SessionEvent) -> &'static str {
    match event {
        SessionEvent::MethodChosen | SessionEvent::Paid | SessionEvent::PaidLate => "paid",
        SessionEvent::TimeOver | SessionEvent::Closed => "expired",
    }
}
