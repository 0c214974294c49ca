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

/// Seconds after which whoever waits for a channel is answered with what is known. A channel has 20 s; clients and
/// what stands between commonly give up after 30.
pub(crate) const ANSWER_SECONDS: i64 = 25;

/// Endpoints of one merchant and mode at a time: each event is looked at for each of them. Stripe allows 16.
pub(crate) const ENDPOINTS_MAX: usize = 100;
/// The same with those deleted, whose objects stay: all of them are read after a start.
pub(crate) const ENDPOINTS_EVER: usize = 10_000;

/// Length of an idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
