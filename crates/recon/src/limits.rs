//! Every limit of the engine, with its reason.

/// The longest row of delimited text or line of NDJSON: longer ones are open quotes or other kinds of file.
pub const ROW_BYTES_MAX: usize = 16 << 20;

/// Bytes of a plain file that one worker takes at a time: large enough that a read call costs
/// nothing, small enough to stay in a core's cache.
pub const UNIT_BYTES: usize = 512 << 10;

/// The most columns of a file.
pub const COLUMNS_MAX: usize = 4096;

/// Row numbers are noted once in so many bytes, so that the number of any row is found by reading
/// no more than this.
pub(crate) const MARK_BYTES: usize = 8 << 10;
