//! Every limit of the ledger, with its reason.

/// Entries of one batch: what the HTTP interface takes, and what one commit carries with ease.
pub const BATCH_ENTRIES_MAX: usize = 8_192;

/// Postings of one batch, and so of one entry: twice the entries, so that entries with a fee fit.
pub const BATCH_POSTINGS_MAX: usize = 16_384;

/// Entries of one record: several full batches in one commit.
pub const RECORD_ENTRIES_MAX: usize = 65_536;

/// Bytes of the entries, and of the account events, of one record: both databases store such a value without
/// ado, and a reader can hold it in memory.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Account events of one record.
pub const RECORD_EVENTS_MAX: usize = 65_536;

/// Bytes that an encoded entry has beside its lines, at most.
pub(crate) const ENTRY_HEAD_BYTES_MAX: usize = 64;

/// Bytes of one encoded line: two account numbers of 5 bytes, two amounts of 10.
pub(crate) const LINE_BYTES_MAX: usize = 30;

/// Accounts of one book: 64 bytes each in the hot table, some hundreds with path and index.
pub const ACCOUNTS_MAX: usize = 1 << 27;

/// Bytes of a path: what fits any index of a database.
pub const PATH_BYTES_MAX: usize = 255;

/// Words of a path.
pub const PATH_WORDS_MAX: usize = 16;

/// Accounts of one page of balances: pages of about 2.5 KB, small enough that a few hot accounts do not make
/// large checkpoints, large enough that a million accounts are few rows.
pub const PAGE_ACCOUNTS: usize = 64;
