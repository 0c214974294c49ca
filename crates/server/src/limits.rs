//! All limits on what comes from outside, each with its reason.

use std::time::Duration;

/// A body of most requests: the largest form that a merchant sends is some kilobytes; 1 MiB leaves room for
/// 50 keys of metadata and many lines of an order.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// A body of `ledger/entries`: 8,192 entries of about 400 bytes of JSON, twice over.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// The part of the address after `?`: lists take few parameters, and proxies cut at 8 KiB as well.
pub const QUERY_BYTES_MAX: usize = 8 << 10;

/// Parameters in a form or a query, counted by `name=value` pairs and by JSON values. A search for a name
/// among its siblings is linear, so that this also bounds the time.
pub const PARAMETERS_MAX: usize = 1_000;

/// JSON values in a batch of the ledger: 8,192 entries with some twenty values each, and more for entries of
/// many postings.
pub const BATCH_VALUES_MAX: usize = 1 << 19;

/// How deep maps and lists may stand in one another. The deepest documented parameter has six levels.
pub const DEPTH_MAX: usize = 10;

/// The name of one parameter on its level.
pub const NAME_BYTES_MAX: usize = 128;

/// `Idempotency-Key`, as at Stripe.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// An id in a path or parameter: ours have about 30 characters.
pub const ID_BYTES_MAX: usize = 64;

/// Objects on one page of a list.
pub const PAGE_MAX: u32 = 100;

/// Objects on a page when nothing is said.
pub const PAGE_DEFAULT: u32 = 10;

/// Paths to expand in one request, each at most [`EXPAND_DEPTH_MAX`] deep: every one costs reads.
pub const EXPAND_MAX: usize = 10;

/// How many objects may be followed from one expanded path.
pub const EXPAND_DEPTH_MAX: usize = 4;

/// The first line and headers of a request together; must hold the longest query.
pub const HEAD_BYTES_MAX: usize = 32 << 10;

/// Headers of a request.
pub const HEADERS_MAX: usize = 64;

/// From the first byte of a request, or from the end of the one before on the same connection, to the end of
/// its headers. Who sends slower holds a connection for nothing (slow loris).
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(15);

/// From the headers to the end of the body.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(30);

/// Bytes of bodies in memory at once, of all requests together. What is made of them takes some four times as much
/// for a moment; a request that finds no room is told to come again.
pub const BODIES_BYTES_MAX: usize = 256 << 20;

/// The body of the form on the page of test mode: a secret and a word.
pub const FORM_BYTES_MAX: usize = 4 << 10;

/// A notification of a channel: some thousand bytes, more with lists of vouchers.
pub const NOTIFICATION_BYTES_MAX: usize = 64 << 10;

/// Connections open at once: each costs some 40 KiB, so that all cost about 160 MiB.
pub const CONNECTIONS_MAX: usize = 4_096;

/// Connections open at once from one address, or network of IPv6: a quarter of all. Enough for a proxy with all its
/// clients behind it; `suanpan serve --connections-per-address` sets another number.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_024;

/// How long a client may take nothing at all of an answer that is ready. Buffers of the system hold the usual answer,
/// so that only who reads nothing is meant.
pub const WRITE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long requests in flight may take to end once the process has been told to stop.
pub const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(20);

/// Pages that listen to what becomes of their payment, at once: three quarters of all connections, so that there are
/// always some for everything else.
#[must_use]
pub const fn streams_max(connections: usize) -> usize {
    connections / 4 * 3
}

/// How long nothing may stand on such a connection: what is in between ends connections that are quiet for a minute.
pub const STREAM_QUIET_MAX: Duration = Duration::from_secs(20);

/// How long such a connection lasts. Browsers make another; those who are gone take no place for ever.
pub const STREAM_TIME_MAX: Duration = Duration::from_secs(30 * 60);

/// Requests per second of one key, when its account has no other limit.
pub const REQUESTS_PER_SECOND: u32 = 10_000;

/// Refused keys per minute and address: enough for a client that was set up wrongly, useless for guessing.
pub const REFUSED_KEYS_PER_MINUTE: u32 = 60;

/// Keys kept in memory. More are read from the store when they come.
pub const KEYS_CACHED_MAX: usize = 100_000;

/// How long a key read from the store is believed, so that one revoked by another process ends soon.
pub const KEY_CACHE_TIME: Duration = Duration::from_secs(5);
