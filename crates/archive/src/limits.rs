//! All limits of archives, each with its reason.

/// Lines of a group of rows: they wait in memory, some 200 bytes each.
pub const GROUP_LINES: usize = 65_536;

/// Bytes of records in a group of rows: a record may have 64 MiB by itself.
pub const GROUP_BYTES: usize = 16 << 20;

/// Entries of a stretch, about: a pair of files of some hundred MB can be copied and opened anywhere.
pub const STRETCH_ENTRIES: u64 = 4_000_000;

/// Bytes of `archive.json`: a stretch takes 600, so this is enough for a hundred thousand of them.
pub const MANIFEST_BYTES: u64 = 64 << 20;

/// Rows that are taken from a column at once while checking.
pub(crate) const ROWS_AT_ONCE: usize = 8_192;
