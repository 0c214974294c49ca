//! Every limit of the engine, with its reason.

/// Weight of one batch, in entries: the largest batch of entries, and some calls beside it. A record of the
/// ledger holds eight times as many, so even calls that make many entries fit.
pub(crate) const BATCH_WEIGHT: usize = 8_192;

/// Weight of what may wait: some seconds of work at the lowest rate that was measured.
pub(crate) const QUEUE_WEIGHT: usize = 16 * BATCH_WEIGHT;

/// Holds that are released at the beginning of one batch, so that a flood of them does not delay it for long.
pub(crate) const EXPIRE_MAX: usize = 4_096;

/// Rounds of reading before a batch is decided: an intent leads to its charge, a charge to its transaction.
pub(crate) const GATHER_ROUNDS: usize = 6;

/// Entries after which a checkpoint is written, so that a restart replays at most so many: some 100 ms.
pub(crate) const CHECKPOINT_ENTRIES: u64 = 400_000;

/// Endpoints of one merchant and mode.
pub(crate) const ENDPOINTS_MAX: u32 = 100;

/// Length of an idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

/// Entries after which a tail of the history is sealed: some 35 MB of rows, and a fraction of a second to write.
pub(crate) const TAIL_ENTRIES: u64 = 262_144;

/// Rows of a tail for each of its entries, after which it is sealed early: most entries have two.
pub(crate) const TAIL_ROWS_PER_ENTRY: u64 = 4;

/// Records that may wait for the follower: at most some 30 MB of them.
pub(crate) const RECORDS_WAITING: usize = 64;

/// Full tails that may wait for the sealer, some 35 MB each.
pub(crate) const TAILS_WAITING: usize = 3;

/// Tails by which the history may be behind when a writer begins. If it is more, what is missing is sealed from the
/// journal before the books are loaded: the ids of these entries would all stay in memory, some 80 bytes each.
pub(crate) const CATCH_UP_TAILS: u64 = 8;

/// Bytes of filters for ids that are kept in memory: two for each id, so enough for 134 million. The newest runs come
/// first. In a run without them, looking for an id that is not there reads a page.
pub(crate) const ID_FILTER_BYTES: u64 = 256 << 20;

/// Pages of a run that are written in one transaction while runs are merged: some 4 MB.
pub(crate) const PAGES_AT_ONCE: usize = 64;
