//! All limits of the store, each with its reason.

/// Bytes in a journal record: 8,192 entries need less than 1 MiB; PostgreSQL takes 1 GiB in one value.
pub const BYTES_PER_RECORD: usize = 64 << 20;

/// Bytes in an object, an answer, a job, a page: what a page of a list holds must fit in memory many times.
pub const BYTES_PER_BODY: usize = 16 << 20;

/// Bytes of lines after which a block of events is full: enough to be alike, few enough to unpack for one event.
pub(crate) const BYTES_PER_BLOCK: usize = 96 << 10;

/// Bytes that a block may have when it is unpacked: a full one with the largest event behind it.
pub(crate) const BLOCK_BYTES_MAX: usize = BYTES_PER_BLOCK + BYTES_PER_BODY + (1 << 16);

/// Blocks of events that are read at once while listing.
pub(crate) const BLOCKS_AT_ONCE: i64 = 8;

/// Bytes in an id, name, key, path or merchant: PostgreSQL takes at most about 2,700 bytes in an entry of an
/// index, and an entry has up to three of them.
pub const BYTES_PER_KEY: usize = 640;

/// Rows of one table in a commit: what a batch of 8,192 commands may change, eight times over.
pub const ROWS_PER_COMMIT: usize = 65_536;

/// Pages of balances in a commit: all that the largest book has, 2^27 accounts in pages of 64. The book cannot go on
/// without its checkpoint, so this is no place to refuse one; the engine keeps them far smaller.
pub const PAGES_PER_COMMIT: usize = 1 << 21;

/// Pages that one statement takes to PostgreSQL: some 20 MB. It takes 1 GiB at most, and counts the time in which a
/// statement arrives as time without work.
pub(crate) const PAGES_AT_ONCE: usize = 8_192;

/// Rows that one question may ask for.
pub const ROWS_PER_ANSWER: usize = 65_536;

/// Pages of a replaced run of the history that are deleted in one transaction: some 4 MB.
pub(crate) const PAGES_PER_SWEEP: u32 = 64;

/// Different kinds of objects and jobs: their names are kept in memory for ever.
pub(crate) const KINDS: usize = 4_096;

/// Read-only connections that are kept open while nobody uses them; more are opened when needed.
pub(crate) const IDLE_CONNECTIONS: usize = 8;

/// Connections that may be in use at once; a further reader waits. PostgreSQL allows 100 in all by default.
pub(crate) const BUSY_CONNECTIONS: usize = 32;

/// Records that are fetched at once while streaming, in number: 64 of 330 KB are 21 MB.
pub(crate) const RECORDS_AT_ONCE: i64 = 64;

/// How long one waits for a lock that another process holds.
pub(crate) const LOCK_MS: u32 = 10_000;

/// How long a transaction of a writer may stand still between two statements before PostgreSQL ends it. A process that
/// was paused within one holds the row of the cell, and nobody can take over until it is free. None stands still for
/// longer than it takes to send the next statement.
pub(crate) const IDLE_MS: u32 = 2_000;

/// How long a writer waits for a lock on PostgreSQL: until a paused transaction was ended, and a little more.
pub(crate) const WRITER_LOCK_MS: u32 = 3_000;
