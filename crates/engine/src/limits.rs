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
