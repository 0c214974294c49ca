//! Use cases of the platform: gather what is needed, decide by pure rules, commit once.
//!
//! [`Engine`] is the handle. Behind it one thread writes: it takes what waits, reads what that needs in sets, lets
//! the rules of `payments` and `ledger` decide over state in memory, writes everything in one commit, and answers.
//! Nothing is answered that is not durable. See decision 0014.

mod acknowledged;
mod admission;
mod channels;
mod checkout;
mod clock;
mod command;
mod deliveries;
mod endpoints;
mod engine;
mod entries;
mod gateway;
mod health;
mod history;
mod jobs;
mod limits;

mod line;
mod notified;
mod queue;
mod renewal;
mod seal;
#[doc(hidden)]
pub mod simulation;
mod watch;
mod world;
mod writer;

pub use acknowledged::Fork;
pub use channels::{Channels, Way};
pub use clock::Clock;
pub use command::{
    Answered, Asker, BooksAnswer, BooksCommand, Call, Caller, IdempotencyKey, NamedEntry, Receipt, Refused,
};
pub use deliveries::{
    DELIVERY_LOG, EngineDeliveries, LOG_OF_ENDPOINT, LOG_OF_EVENT, count_pending, find_event,
};
pub use engine::{BooksPromise, Config, Engine, Role};
pub use gateway::{Gateway, GatewayError};
pub use history::{HistoryIndex, HistoryReadError};
pub use limits::IDEMPOTENCY_KEY_BYTES;
pub use line::CardLine;
pub use notified::Untaken;
pub use queue::NotQueued;
pub use watch::Watch;
