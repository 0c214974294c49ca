//! Rules of payments: intents, captures, refunds and their API shapes.
//!
//! Every write of the API is a [`command::Command`]. It says what must be looked up
//! ([`command::Command::needs`]) and then decides, as a pure function, what is to be written
//! ([`decision::Decision`]) or why not ([`rejection::Rejection`]). Nothing here reads a clock, draws a random
//! number or does IO.
//!
//! Money goes to and from channels between two commits: the first decision records what will be sent, with
//! the attempt or refund pending; the second, [`command::Command::Outcome`], what was answered. An answer that
//! is not known leaves everything pending and plans an inquiry.
//!
//! - [`object`]: what is stored and shown; [`state`]: lifecycles; [`request`]: what clients ask for.
//! - [`books`]: accounts, entries and fees; [`link`]: names under which objects are found.
//! - [`search`]: queries over intents and events.

pub mod books;
pub mod checkout;
pub mod command;
pub mod decide;
pub mod decision;
pub mod decline;
pub mod id;
pub mod limits;
pub mod link;
pub mod object;
pub mod problem;
pub mod rejection;
pub mod request;
pub mod routing;
pub mod search;
pub mod settings;
pub mod state;
pub mod wire;
