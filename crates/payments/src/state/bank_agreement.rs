//! The states of an agreement with a bank account.

use crate::rejection::Rejection;
use crate::state::words;

words! {
    /// Where an agreement stands.
    BankAgreementStatus {
        /// Something is at the bank, and its answer is not known.
        Processing = "processing",
        /// The bank has sent a code to the holder, and waits for it.
        RequiresConfirmation = "requires_confirmation",
        /// It is signed: its customer can pay by it.
        Active = "active",
        /// It came to nothing.
        Failed = "failed",
    }
}

words! {
    /// What happens to an agreement.
    BankAgreementEvent {
        /// The bank has sent a code to the holder.
        CodeSent = "code_sent",
        /// The merchant sends the code.
        Confirmed = "confirmed",
        /// The code was not the right one, or did not reach the bank: it may be sent again.
        NotConfirmed = "not_confirmed",
        /// It is not known what became of what was sent.
        Lost = "lost",
        /// It is signed.
        Signed = "signed",
        /// The bank says no, or its time is over.
        Refused = "refused",
    }
}

/// Returns the state after an event.
///
/// # Errors
/// [`Rejection::BankAgreementState`] when the event cannot happen in the state.
pub fn next(
    id: &str,
    status: BankAgreementStatus,
    event: BankAgreementEvent,
) -> Result<BankAgreementStatus, Rejection> {
    use BankAgreementEvent as E;
    use BankAgreementStatus as S;
    match (event, status) {
        (E::CodeSent, S::Processing | S::RequiresConfirmation) => Ok(S::RequiresConfirmation),
        (E::Confirmed, S::RequiresConfirmation) => Ok(S::Processing),
        (E::NotConfirmed, S::Processing) => Ok(S::RequiresConfirmation),
        // Of one that waits for its code nothing was asked but whether it still does.
        (E::Lost, S::Processing | S::RequiresConfirmation) => Ok(status),
        (E::Signed, S::Processing | S::RequiresConfirmation) => Ok(S::Active),
        (E::Refused, S::Processing | S::RequiresConfirmation) => Ok(S::Failed),
        (E::Confirmed, S::Processing)
        | (E::NotConfirmed, S::RequiresConfirmation)
        | (
            E::CodeSent | E::Confirmed | E::NotConfirmed | E::Lost | E::Signed | E::Refused,
            S::Active | S::Failed,
        ) => {
            let (status, event) = (status.word(), event.word());
            Err(Rejection::BankAgreementState { id: id.to_owned(), status, event })
        }
    }
}
