//! Why a proof or a checkpoint is refused.

/// Why a proof or a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A part has not the form it should have.
    #[error("{field} has not the form that it should have")]
    Malformed {
        /// Which part.
        field: &'static str,
    },
    /// The checkpoint is not signed by the key.
    #[error("the checkpoint is not signed by this key")]
    NotSigned,
    /// The hashes do not lead from the entry to what was signed.
    #[error("{field} does not lead to what was signed")]
    NotIncluded {
        /// Where it was noticed. The cause may lie anywhere before.
        field: &'static str,
    },
}

impl ProofError {
    /// Returns the name of the error, which never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            ProofError::Malformed { .. } => "proof_malformed",
            ProofError::NotSigned => "proof_not_signed",
            ProofError::NotIncluded { .. } => "proof_not_included",
        }
    }
}
