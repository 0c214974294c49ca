//! The limits of reading, each with its reason.

/// The largest text: messages of a hundred thousand payments have some 60 MiB.
pub const BYTES_MAX: usize = 64 << 20;

/// The deepest nesting of elements: messages have some 15, with envelopes 20.
pub const DEPTH_MAX: usize = 64;

/// The most elements of a text. An element without content takes up to a hundred bytes once it is read.
pub const ELEMENTS_MAX: u64 = 4_000_000;

/// The most transactions of a text: clearing systems end a file at 100,000.
pub const TRANSACTIONS_MAX: usize = 250_000;

/// Values that cannot be read after which reading ends.
pub const FAULTS_MAX: usize = 10_000;

/// The most paths of unknown elements that are told.
pub const UNKNOWN_MAX: usize = 1_000;

/// The most violations that one check tells.
pub const VIOLATIONS_MAX: usize = 1_000;
