//! How much of everything: each limit with its reason.

/// Bytes of an answer that are read: answers have a few hundred.
pub const ANSWER_BYTES: usize = 64 * 1024;
/// Requests that the simulator remembers; the oldest are forgotten beyond that, so that a test under load for
/// days does not fill the memory. About 150 bytes each.
pub const REMEMBERED_REQUESTS: usize = 1_000_000;
/// Calls over HTTP that are made for one request: to find out, to look, and to do again what was lost, and one to spare.
pub const CALLS_MAX: usize = 4;
