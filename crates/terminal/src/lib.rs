//! A contactless terminal: what it says to a card, and what it makes of the answers (EMV contactless, books A and B;
//! qPBOC, which is what UnionPay's QuickPass cards speak).
//!
//! - [`Kernel`]: the flow up to the cryptogram, as a pure machine: the card's answer goes in, the next command or the
//!   [`Outcome`] comes out. It draws no number and reads no clock: [`Payment`] brings both.
//! - [`Completion`]: what the issuer answered, given to the card, where the card wants it.
//! - [`Card`]: whatever takes a command and gives an answer. [`socket::SocketCard`] is one behind a socket; `pcsc`, a
//!   feature, is a reader of this machine.
//!
//! It never approves anything itself: an outcome is a request to the issuer, or a refusal before anybody was asked.

mod candidates;
mod card;
mod completion;
mod kernel;
mod outcome;
#[cfg(feature = "pcsc")]
pub mod pcsc;
mod request;
mod restrictions;
pub mod socket;

pub use candidates::ACCEPTED;
pub use card::{Card, CardGone, complete, present};
pub use completion::{Completed, Completion, CompletionStep};
pub use kernel::{Kernel, Step};
pub use outcome::{OnlineRequest, Outcome, Refusal, Verification};
pub use request::{Payment, TerminalSettings};
