//! How much of everything: each limit with its reason.

/// Characters of a URL: what servers and proxies commonly take.
pub const URL_CHARS: usize = 2_048;
/// Bytes of an event: far more than any object of the API has with what it contains.
pub const EVENT_BYTES: usize = 1 << 20;
/// Secrets that sign one message: the new one and those that are being phased out.
pub const SECRETS: usize = 8;
/// Bytes of an answer that are read and kept: enough for an error message, too little to hurt.
pub const ANSWER_BYTES: usize = 4 << 10;
/// Bytes of the head of an answer, in all: what servers commonly take as the head of a request.
pub const HEAD_BYTES: usize = 64 << 10;
/// Headers of an answer.
pub const HEADERS: usize = 100;
/// Seconds to find the address, connect and agree on keys. A server that needs longer is not there.
pub const CONNECT_SECONDS: u64 = 5;
/// Seconds from the start to the head of the answer. A receiver notes the event and works later.
pub const TOTAL_SECONDS: u64 = 15;
/// Seconds to wait for an answer's body, whose head has already said everything that counts.
pub const BODY_SECONDS: u64 = 2;
/// Addresses of a name that are looked at: more are no service but an attack on the loop over them.
pub const ADDRESSES: usize = 32;
/// Attempts after which a delivery no longer makes the next ones of its endpoint wait: with the waits of the
/// schedule that is after about three minutes, longer than a restart of the receiver takes.
pub const ORDERED_ATTEMPTS: u32 = 4;
/// Seconds after an event from which on a failed attempt is the last one: three days, so that a receiver which is
/// down over a weekend still gets it.
pub const GIVE_UP_SECONDS: i64 = 72 * 3_600;
/// Seconds that an event waits for its first attempt, behind others of its endpoint: a receiver that takes less than
/// it is sent for a week will not catch up.
pub const UNTRIED_SECONDS_MAX: i64 = 7 * 86_400;
/// Seconds for which an endpoint may fail, with nothing delivered, before it is disabled: as long as an event is
/// tried.
pub const FAILING_SECONDS_MAX: i64 = GIVE_UP_SECONDS;
/// Entries of the list of private networks that may be reached.
pub const NETWORKS: usize = 64;
