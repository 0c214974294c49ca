//! Why bytes are no message, and why a message cannot be written.

use super::MESSAGE_BYTES_MAX;

/// Why bytes are no message, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than a message may have.
    #[error("{len} bytes are more than the {MESSAGE_BYTES_MAX} of the longest message")]
    Long {
        /// How many.
        len: usize,
    },
    /// The bytes end early.
    #[error("the message ends at byte {at}, within {part}")]
    Short {
        /// How many bytes there are.
        at: usize,
        /// What they end in: `the header`, `the bitmap`, `a field`.
        part: &'static str,
    },
    /// A field that the dialect does not have.
    #[error("field {number} is not one of {dialect}")]
    Unknown {
        /// Its number.
        number: u8,
        /// The dialect.
        dialect: &'static str,
    },
    /// A field whose length or content is wrong.
    #[error("field {number} at byte {at}: {what}")]
    Field {
        /// Its number; 0 for the message type, 1 for the bitmap.
        number: u8,
        /// Bytes before it.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Bytes behind the last field.
    #[error("{count} bytes stand behind the last field, from byte {at}")]
    Trailing {
        /// Where they begin.
        at: usize,
        /// How many.
        count: usize,
    },
}

/// Why a message cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More bytes than a message may have.
    #[error("{len} bytes are more than the {MESSAGE_BYTES_MAX} of the longest message")]
    Long {
        /// How many it would have.
        len: usize,
    },
    /// A header that the dialect would not read as one.
    #[error("a header of {len} bytes is not one of {dialect}")]
    Header {
        /// How long it is.
        len: usize,
        /// The dialect.
        dialect: &'static str,
    },
    /// A field that the dialect does not have.
    #[error("field {number} is not one of {dialect}")]
    Unknown {
        /// Its number.
        number: u8,
        /// The dialect.
        dialect: &'static str,
    },
    /// A value that is too long, too short, or holds what its content cannot.
    #[error("field {number}: {what}")]
    Field {
        /// Its number.
        number: u8,
        /// What is wrong.
        what: &'static str,
    },
}
