//! What the page of a session shows: a pure function of session, payment and time.

use crate::object::checkout_session::CheckoutSession;
use crate::object::payment_intent::PaymentIntent;
use crate::state::checkout_session::SessionStatus;
use crate::state::intent::IntentStatus;
use crate::state::words;

words! {
    /// Where a customer stands.
    Shown {
        /// Chooses how to pay.
        Choose = "choose",
        /// Chooses again: the last attempt failed.
        Failed = "failed",
        /// Scans a code.
        Scan = "scan",
        /// The code that was shown is good no more; a new one can be had.
        ScanOver = "scan_over",
        /// Agrees in the wallet, which asks by itself.
        Wallet = "wallet",
        /// Proves to be the holder of the card on another page.
        Prove = "prove",
        /// Waits: something was sent and is not answered, or its answer is not known.
        Confirming = "confirming",
        /// Has paid.
        Paid = "paid",
        /// Can pay no more: the time is over.
        Expired = "expired",
        /// Can pay no more: the merchant closed it.
        Closed = "closed",
        /// Has paid too late: the money goes back.
        Late = "late",
    }
}

/// Says where the customer of a session stands, at a moment in seconds.
#[must_use]
pub fn shown(session: &CheckoutSession, intent: &PaymentIntent, now: i64) -> Shown {
    match session.status {
        SessionStatus::Complete => Shown::Paid,
        SessionStatus::Expired if session.late_payment.is_some() => Shown::Late,
        SessionStatus::Expired if now < session.expires_at => Shown::Closed,
        SessionStatus::Expired => Shown::Expired,
        SessionStatus::Open => open(session, intent, now),
    }
}

fn open(session: &CheckoutSession, intent: &PaymentIntent, now: i64) -> Shown {
    let over = now >= session.expires_at;
    match intent.status {
        IntentStatus::Succeeded | IntentStatus::RequiresCapture => Shown::Paid,
        IntentStatus::Processing => Shown::Confirming,
        IntentStatus::Canceled => Shown::Closed,
        // The job that ends it is on its way.
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
            if over =>
        {
            Shown::Expired
        }
        IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation => {
            if intent.last_payment_error.is_some() { Shown::Failed } else { Shown::Choose }
        }
        IntentStatus::RequiresAction => asked(intent, now),
    }
}

/// What the customer was asked for.
fn asked(intent: &PaymentIntent, now: i64) -> Shown {
    let Some(action) = &intent.next_action else { return Shown::Confirming };
    match (&action.display_qr_code, &action.confirm_in_wallet, &action.redirect_to_url) {
        (Some(code), _, _) if now < code.expires_at => Shown::Scan,
        (Some(_), _, _) => Shown::ScanOver,
        (None, Some(_), _) => Shown::Wallet,
        (None, None, Some(_)) => Shown::Prove,
        (None, None, None) => Shown::Confirming,
    }
}
