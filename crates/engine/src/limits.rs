//! Every limit of the engine, with its reason.

use std::time::Duration;

/// Entries of the largest command for the books.
const BULK_WEIGHT: usize = 8_192;

/// What a call counts for: to decide and commit a payment takes as long as some 80 entries.
pub(crate) const CALL_WEIGHT: usize = 80;

/// Weight of one batch, in entries: the largest batch of entries, and some calls beside it. A record of the ledger holds
/// six times as many, so even calls that make many entries fit.
pub(crate) const BATCH_WEIGHT: usize = BULK_WEIGHT + 2_048;

/// Weight of a batch that is committed as soon as that is possible, whatever waits behind it: a dozen calls, whose commit
/// takes about as long as its fixed part, and within which the next dozens are decided.
pub(crate) const BATCH_ENOUGH: usize = 12 * CALL_WEIGHT;

/// How long more is decided into a batch while the one before is being committed, since all of it has the same time.
pub(crate) const BATCH_MORE_TIME: Duration = Duration::from_millis(50);

/// Weight of what may wait: some seconds of work. A quarter is kept for what ends something: some 800 calls.
pub(crate) const QUEUE_WEIGHT: usize = 32 * BULK_WEIGHT;

/// Batches in a row to which a lane of the queue may have added nothing, because those before it filled them: then
/// its first item goes first.
pub(crate) const PASSED_MAX: u32 = 3;

/// Rows of one table after which no more is decided for the same commit: the rest has a commit of its own. One more
/// command adds some events for each of a hundred endpoints at most, so half of what a commit takes is far enough
/// from its end.
pub(crate) const ROWS_DECIDED_MAX: usize = suanpan_store::ROWS_PER_COMMIT / 2;

/// Holds that are released at the beginning of one batch, so that a flood of them does not delay it for long.
pub(crate) const EXPIRE_MAX: usize = 4_096;

/// Rounds of reading before a batch is decided: an intent leads to its charge, a charge to its transaction.
pub(crate) const GATHER_ROUNDS: usize = 6;

/// How long an idle writer rests at most before it looks after its lease, answers to be forgotten, and the file with
/// the newest acknowledgement; a tenth of the lease where that is shorter.
pub(crate) const TICK_MAX: Duration = Duration::from_millis(250);

/// Entries after which a checkpoint is written, so that a restart replays at most so many: some 100 ms.
pub(crate) const CHECKPOINT_ENTRIES: u64 = 400_000;

/// Pages of balances that changed, some 80 MB, after which a checkpoint is written, however few entries there were:
/// in a book of many millions of accounts each entry changes pages of its own.
pub(crate) const CHECKPOINT_PAGES: usize = 32_768;

/// Answers that are forgotten at once, between two batches: some milliseconds.
pub(crate) const FORGET_MAX: u32 = 500;

/// Blocks of events that are forgotten at once, between two batches: some milliseconds.
pub(crate) const FORGET_BLOCKS_MAX: u32 = 32;

/// Seconds after which whoever waits for a channel is answered with what is known. A channel has 20 s; clients and
/// what stands between commonly give up after 30.
pub(crate) const ANSWER_SECONDS: i64 = 25;

/// Endpoints of one merchant and mode at a time: each event is looked at for each of them. Stripe allows 16.
pub(crate) const ENDPOINTS_MAX: usize = 100;
/// The same with those deleted, whose objects stay: all of them are read after a start.
pub(crate) const ENDPOINTS_EVER: usize = 10_000;

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
/// After how long a request to a channel is not sent any more, microseconds: another process may have taken over meanwhile,
/// and have undone it.
pub(crate) const STALE_MICROS: i64 = 10_000_000;
