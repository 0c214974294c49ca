//! `bagr_…`: an agreement by which money may be taken from an account at a bank. The number of the account is never kept
//! in clear: while the agreement is made the channel's vault seals it, and afterwards there is only what the bank calls the
//! agreement.

use crate::decision::Operation;
use crate::object::payment_method::CardNumber;
use crate::object::{Metadata, Tag};
use crate::state::bank_agreement::BankAgreementStatus;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BankAgreement {
    /// `bagr_…`
    pub id: String,
    /// `bank_agreement`
    #[schema(value_type = String)]
    pub object: Tag,
    /// The bank, as the clearing network numbers it.
    pub bank: String,
    /// When it was made, seconds.
    pub created: i64,
    /// Whose it is, `cus_…`.
    pub customer: String,
    /// Until when the code of the bank is good, seconds; none when there is none.
    pub expires_at: Option<i64>,
    /// What went wrong last.
    pub last_error: Option<BankAgreementError>,
    /// The last four digits of the account.
    pub last4: String,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// With what its customer pays by it, `pm_…`; none until it is active.
    pub payment_method: Option<String>,
    /// Where it stands.
    pub status: BankAgreementStatus,
    /// What is not shown.
    #[schema(ignore)]
    pub internal: Internal,
}

/// Why an agreement came to nothing, or a code was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BankAgreementError {
    /// The reason, in the words of declines.
    pub code: String,
    /// The same in words.
    pub message: String,
}

/// What of an agreement is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Internal {
    /// The channel over which it is made.
    pub channel: String,
    /// The account, as the vault of the channel sealed it; empty when it is not needed any more.
    pub token: String,
    /// What is at the channel now.
    pub pending: Option<PendingSignUp>,
    /// Requests that were sent, to name the next one.
    pub operations: u32,
    /// How often the channel was asked what became of what is pending.
    pub inquiries: u32,
    /// Why that is not known.
    pub unknown_reason: Option<String>,
}

impl fmt::Debug for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Internal")
            .field("channel", &self.channel)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

/// What is at a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignUp {
    /// Which of both steps.
    pub operation: Operation,
    /// Its name at the channel.
    pub reference: String,
}

/// An account that the vault of a channel is to seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSource {
    /// The bank.
    pub bank: String,
    /// The number of the account.
    pub number: CardNumber,
    /// Whose it is.
    pub holder: CardNumber,
    /// The number of the holder's identity card.
    pub id_number: CardNumber,
    /// The holder's telephone.
    pub phone: CardNumber,
}

/// An account as the vault of a channel sealed it.
#[derive(Clone, PartialEq, Eq)]
pub struct VaultedAccount {
    /// The channel.
    pub channel: String,
    /// What the vault calls it.
    pub token: String,
}

impl fmt::Debug for VaultedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultedAccount").field("channel", &self.channel).finish_non_exhaustive()
    }
}
