//! What a reconciliation says of each record: the vocabulary, and breaks with their evidence.

use crate::record::{RecordId, Side};

/// The closed vocabulary of outcomes. `A` is the left side (our books), `B` the right.
///
/// The declared order is the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Code {
    /// One record of each side, equal in every compared field.
    Matched,
    /// Equal but for an amount within the rule's tolerance; the delta is stored.
    MatchedTolerance,
    /// Several records of one or both sides whose sums agree.
    MatchedAggregate,
    /// An open item of an earlier run that found its counterpart.
    MatchedLate,
    /// Records of one side that cancel one another (authorisation and reversal).
    NettedWithinSide,
    /// Only one side has it, and it may still arrive: inside the rule's cut-off window.
    PendingTiming,
    /// A has it, B does not.
    MissingInB,
    /// B has it, A does not.
    MissingInA,
    /// Same key, type and currency; other amount.
    AmountMismatch,
    /// Equal but for the fee.
    FeeMismatch,
    /// Equal but for the status.
    StatusMismatch,
    /// Same key and type; other currency.
    CurrencyMismatch,
    /// Same key, currency and amount; other type.
    TypeMismatch,
    /// A further copy in A of a key and type that was already matched.
    DuplicateInA,
    /// A further copy in B of a key and type that was already matched.
    DuplicateInB,
    /// The lines of a batch do not sum to its total.
    BatchTotalMismatch,
    /// Candidates exist, none was chosen.
    Ambiguous,
    /// No usable key, and no later pass found a counterpart.
    Unkeyed,
    /// An invalid row: counted and quarantined.
    Rejected,
}

impl Code {
    /// Every code, in report order.
    pub const ALL: [Code; 19] = [
        Code::Matched,
        Code::MatchedTolerance,
        Code::MatchedAggregate,
        Code::MatchedLate,
        Code::NettedWithinSide,
        Code::PendingTiming,
        Code::MissingInB,
        Code::MissingInA,
        Code::AmountMismatch,
        Code::FeeMismatch,
        Code::StatusMismatch,
        Code::CurrencyMismatch,
        Code::TypeMismatch,
        Code::DuplicateInA,
        Code::DuplicateInB,
        Code::BatchTotalMismatch,
        Code::Ambiguous,
        Code::Unkeyed,
        Code::Rejected,
    ];

    /// Returns the code as it is written in files: `MISSING_IN_B`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Code::Matched => "MATCHED",
            Code::MatchedTolerance => "MATCHED_TOLERANCE",
            Code::MatchedAggregate => "MATCHED_AGGREGATE",
            Code::MatchedLate => "MATCHED_LATE",
            Code::NettedWithinSide => "NETTED_WITHIN_SIDE",
            Code::PendingTiming => "PENDING_TIMING",
            Code::MissingInB => "MISSING_IN_B",
            Code::MissingInA => "MISSING_IN_A",
            Code::AmountMismatch => "AMOUNT_MISMATCH",
            Code::FeeMismatch => "FEE_MISMATCH",
            Code::StatusMismatch => "STATUS_MISMATCH",
            Code::CurrencyMismatch => "CURRENCY_MISMATCH",
            Code::TypeMismatch => "TYPE_MISMATCH",
            Code::DuplicateInA => "DUPLICATE_IN_A",
            Code::DuplicateInB => "DUPLICATE_IN_B",
            Code::BatchTotalMismatch => "BATCH_TOTAL_MISMATCH",
            Code::Ambiguous => "AMBIGUOUS",
            Code::Unkeyed => "UNKEYED",
            Code::Rejected => "REJECTED",
        }
    }

    /// Reads a code as written in files.
    #[must_use]
    pub fn parse(name: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Says whether the outcome needs nobody's attention.
    #[must_use]
    pub const fn is_clean(self) -> bool {
        matches!(
            self,
            Code::Matched
                | Code::MatchedTolerance
                | Code::MatchedAggregate
                | Code::MatchedLate
                | Code::NettedWithinSide
        )
    }

    /// Says whether the outcome is a difference (neither clean nor merely pending).
    #[must_use]
    pub const fn is_difference(self) -> bool {
        !self.is_clean() && !matches!(self, Code::PendingTiming)
    }

    /// Returns the missing-code for a record that only `side` has.
    #[must_use]
    pub const fn missing_from_other(side: Side) -> Code {
        match side {
            Side::Left => Code::MissingInB,
            Side::Right => Code::MissingInA,
        }
    }

    /// Returns the duplicate-code for a surplus copy on `side`.
    #[must_use]
    pub const fn duplicate_in(side: Side) -> Code {
        match side {
            Side::Left => Code::DuplicateInA,
            Side::Right => Code::DuplicateInB,
        }
    }
}

/// One decision of the cascade over a set of records: a match, a break, or a suggestion's note.
///
/// Every record of a run is in exactly one verdict (invariant I1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub code: Code,
    /// The pass that decided, as an index into the rule's list; `None` for the close.
    pub pass: Option<u16>,
    /// Records of the left side, in order of location.
    pub left: Vec<RecordId>,
    /// Records of the right side, in order of location.
    pub right: Vec<RecordId>,
    /// Why, in a few words for people; static text, so that millions cost nothing.
    pub why: &'static str,
    /// For suggestions and ambiguous outcomes: the other candidates, best first, at most a few.
    pub candidates: Vec<RecordId>,
    /// Both sides hold the same number (more than one) of identical copies.
    pub duplicated_on_both_sides: bool,
}
