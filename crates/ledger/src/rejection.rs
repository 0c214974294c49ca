//! Why the ledger says no.

/// Why an entry or a change of an account is refused.
///
/// Listed in order of precedence: of several reasons the first is answered, whichever posting it is about.
/// The golden file `tests/golden/rejections.txt` shows the whole table; codes never change their meaning, and
/// retired ones are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// Another entry of the same chain is refused.
    LinkedEntryFailed,
    /// The entry is there already, but others of its chain are not.
    LinkedEntryExists,
    /// The last entry of the batch is linked to a next one that is not there.
    LinkedChainOpen,
    /// The id is 0.
    IdZero,
    /// The id is the highest number.
    IdMax,
    /// The id is taken by an entry that does something else.
    ExistsWithDifferentAction,
    /// The id is taken by an entry about another hold or another reversed entry.
    ExistsWithDifferentTarget,
    /// The id is taken by a hold that expires at another time.
    ExistsWithDifferentExpiry,
    /// The id is taken by an entry that was booked now or imported, at another time than this.
    ExistsWithDifferentBookedAt,
    /// The id is taken by an entry with another code.
    ExistsWithDifferentCode,
    /// The id is taken by an entry with other postings.
    ExistsWithDifferentPostings,
    /// The account exists as another kind.
    ExistsWithDifferentKind,
    /// The account was opened with other limits.
    ExistsWithDifferentLimits,
    /// Only plain posts can be imported.
    ImportNotAPost,
    /// What is imported would be later than now.
    ImportInFuture,
    /// There is no posting.
    PostingsMissing,
    /// A void or a reversal has postings of its own.
    PostingsNotAllowed,
    /// An amount is zero (of a capture: all of them).
    AmountZero,
    /// The account debited is the one credited.
    AccountsSame,
    /// The hold would expire at once.
    ExpiryNotInFuture,
    /// There is no entry with the id of the hold.
    HoldNotFound,
    /// What is named as the hold is another kind of entry.
    NotAHold,
    /// The hold was captured.
    AlreadyCaptured,
    /// The hold was voided.
    AlreadyVoided,
    /// The time of the hold has passed.
    HoldExpired,
    /// The postings of the capture are on other accounts than those of the hold, or not as many.
    CapturePostingsDiffer,
    /// A line of the capture is larger than that of the hold.
    ExceedsHold,
    /// There is no entry with the id that is to be reversed.
    ReversedEntryNotFound,
    /// Only what posted by itself can be reversed: posts and captures.
    NotReversible,
    /// The entry was reversed.
    AlreadyReversed,
    /// There is no such account.
    AccountNotFound,
    /// The accounts have different currencies.
    CurrenciesDiffer,
    /// The account is closed.
    AccountClosed,
    /// The account refuses debits.
    DebitsFrozen,
    /// The account refuses credits.
    CreditsFrozen,
    /// The account has postings later than those that are imported.
    AccountHasLaterPostings,
    /// The path is not words of `a-z`, `0-9`, `_`, `-`, `.` joined by `/`, or it is too long.
    PathInvalid,
    /// The floor is above the ceiling.
    LimitsCrossed,
    /// The book has as many accounts as it may have.
    TooManyAccounts,
    /// The balance, with what is held, is outside the limits that are asked for.
    BalanceOutsideLimits,
    /// The balance is not zero.
    BalanceNotZero,
    /// Holds are open on the account.
    HoldsOpen,
    /// The record under construction is full. Nothing is wrong with the request.
    RecordFull,
    /// The sum of all debits or of all credits of the account would leave 64 bits.
    SumOverflow,
    /// The balance would fall below the floor of the account.
    ExceedsFloor,
    /// The balance would rise above the ceiling of the account.
    ExceedsCeiling,
}

impl Rejection {
    /// All reasons, in order of precedence.
    pub const ALL: [Rejection; 46] = [
        Rejection::LinkedEntryFailed,
        Rejection::LinkedEntryExists,
        Rejection::LinkedChainOpen,
        Rejection::IdZero,
        Rejection::IdMax,
        Rejection::ExistsWithDifferentAction,
        Rejection::ExistsWithDifferentTarget,
        Rejection::ExistsWithDifferentExpiry,
        Rejection::ExistsWithDifferentBookedAt,
        Rejection::ExistsWithDifferentCode,
        Rejection::ExistsWithDifferentPostings,
        Rejection::ExistsWithDifferentKind,
        Rejection::ExistsWithDifferentLimits,
        Rejection::ImportNotAPost,
        Rejection::ImportInFuture,
        Rejection::PostingsMissing,
        Rejection::PostingsNotAllowed,
        Rejection::AmountZero,
        Rejection::AccountsSame,
        Rejection::ExpiryNotInFuture,
        Rejection::HoldNotFound,
        Rejection::NotAHold,
        Rejection::AlreadyCaptured,
        Rejection::AlreadyVoided,
        Rejection::HoldExpired,
        Rejection::CapturePostingsDiffer,
        Rejection::ExceedsHold,
        Rejection::ReversedEntryNotFound,
        Rejection::NotReversible,
        Rejection::AlreadyReversed,
        Rejection::AccountNotFound,
        Rejection::CurrenciesDiffer,
        Rejection::AccountClosed,
        Rejection::DebitsFrozen,
        Rejection::CreditsFrozen,
        Rejection::AccountHasLaterPostings,
        Rejection::PathInvalid,
        Rejection::LimitsCrossed,
        Rejection::TooManyAccounts,
        Rejection::BalanceOutsideLimits,
        Rejection::BalanceNotZero,
        Rejection::HoldsOpen,
        Rejection::RecordFull,
        Rejection::SumOverflow,
        Rejection::ExceedsFloor,
        Rejection::ExceedsCeiling,
    ];

    /// Returns the stable name of the reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Rejection::LinkedEntryFailed => "linked_entry_failed",
            Rejection::LinkedEntryExists => "linked_entry_exists",
            Rejection::LinkedChainOpen => "linked_chain_open",
            Rejection::IdZero => "id_zero",
            Rejection::IdMax => "id_max",
            Rejection::ExistsWithDifferentAction => "exists_with_different_action",
            Rejection::ExistsWithDifferentTarget => "exists_with_different_target",
            Rejection::ExistsWithDifferentExpiry => "exists_with_different_expiry",
            Rejection::ExistsWithDifferentBookedAt => "exists_with_different_booked_at",
            Rejection::ExistsWithDifferentCode => "exists_with_different_code",
            Rejection::ExistsWithDifferentPostings => "exists_with_different_postings",
            Rejection::ExistsWithDifferentKind => "exists_with_different_kind",
            Rejection::ExistsWithDifferentLimits => "exists_with_different_limits",
            Rejection::ImportNotAPost => "import_not_a_post",
            Rejection::ImportInFuture => "import_in_future",
            Rejection::PostingsMissing => "postings_missing",
            Rejection::PostingsNotAllowed => "postings_not_allowed",
            Rejection::AmountZero => "amount_zero",
            Rejection::AccountsSame => "accounts_same",
            Rejection::ExpiryNotInFuture => "expiry_not_in_future",
            Rejection::HoldNotFound => "hold_not_found",
            Rejection::NotAHold => "not_a_hold",
            Rejection::AlreadyCaptured => "already_captured",
            Rejection::AlreadyVoided => "already_voided",
            Rejection::HoldExpired => "hold_expired",
            Rejection::CapturePostingsDiffer => "capture_postings_differ",
            Rejection::ExceedsHold => "exceeds_hold",
            Rejection::ReversedEntryNotFound => "reversed_entry_not_found",
            Rejection::NotReversible => "not_reversible",
            Rejection::AlreadyReversed => "already_reversed",
            Rejection::AccountNotFound => "account_not_found",
            Rejection::CurrenciesDiffer => "currencies_differ",
            Rejection::AccountClosed => "account_closed",
            Rejection::DebitsFrozen => "debits_frozen",
            Rejection::CreditsFrozen => "credits_frozen",
            Rejection::AccountHasLaterPostings => "account_has_later_postings",
            Rejection::PathInvalid => "path_invalid",
            Rejection::LimitsCrossed => "limits_crossed",
            Rejection::TooManyAccounts => "too_many_accounts",
            Rejection::BalanceOutsideLimits => "balance_outside_limits",
            Rejection::BalanceNotZero => "balance_not_zero",
            Rejection::HoldsOpen => "holds_open",
            Rejection::RecordFull => "record_full",
            Rejection::SumOverflow => "sum_overflow",
            Rejection::ExceedsFloor => "exceeds_floor",
            Rejection::ExceedsCeiling => "exceeds_ceiling",
        }
    }

    /// Returns whether the same request may succeed later, when the book has moved on.
    #[must_use]
    pub const fn retryable(self) -> bool {
        match self {
            Rejection::RecordFull
            | Rejection::LinkedEntryFailed
            | Rejection::ImportInFuture
            | Rejection::HoldNotFound
            | Rejection::ReversedEntryNotFound
            | Rejection::AccountNotFound
            | Rejection::DebitsFrozen
            | Rejection::CreditsFrozen
            | Rejection::ExceedsFloor
            | Rejection::ExceedsCeiling
            | Rejection::BalanceOutsideLimits
            | Rejection::BalanceNotZero
            | Rejection::HoldsOpen => true,
            Rejection::LinkedEntryExists
            | Rejection::LinkedChainOpen
            | Rejection::IdZero
            | Rejection::IdMax
            | Rejection::ExistsWithDifferentAction
            | Rejection::ExistsWithDifferentTarget
            | Rejection::ExistsWithDifferentExpiry
            | Rejection::ExistsWithDifferentBookedAt
            | Rejection::ExistsWithDifferentCode
            | Rejection::ExistsWithDifferentPostings
            | Rejection::ImportNotAPost
            | Rejection::PostingsMissing
            | Rejection::PostingsNotAllowed
            | Rejection::AmountZero
            | Rejection::AccountsSame
            | Rejection::ExpiryNotInFuture
            | Rejection::NotAHold
            | Rejection::AlreadyCaptured
            | Rejection::AlreadyVoided
            | Rejection::HoldExpired
            | Rejection::CapturePostingsDiffer
            | Rejection::ExceedsHold
            | Rejection::NotReversible
            | Rejection::AlreadyReversed
            | Rejection::CurrenciesDiffer
            | Rejection::AccountClosed
            | Rejection::AccountHasLaterPostings
            | Rejection::SumOverflow
            | Rejection::PathInvalid
            | Rejection::LimitsCrossed
            | Rejection::ExistsWithDifferentKind
            | Rejection::ExistsWithDifferentLimits
            | Rejection::TooManyAccounts => false,
        }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
