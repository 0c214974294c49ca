//! Ways to the outside that take and give money, and their simulators.
//!
//! A channel is pure. A [`Channel`] makes the bytes of a request out of values, and values out of the bytes of an
//! answer. A [`Wire`] carries bytes and may lose them. [`judge`] says what came of it. An [`HttpChannel`] says which call
//! comes next, given the answers so far. What is lost, late or garbled is [`ChannelAnswer::Unknown`], never a decline:
//! only the channel itself may say that nothing was done.
//!
//! [`card_network`] is a real protocol: ISO 8583 as UnionPay's host speaks it, and so are [`alipay`] and [`wechat`],
//! wallets over HTTP. [`clearing`] takes money from bank accounts by agreement, EPCC-style. [`card_sim`] is a simulator of a card channel, in process. It keeps its own truth, so that tests can
//! compare the books with it.

pub mod alipay;
pub mod card_network;
pub mod card_sim;
pub mod clearing;
pub mod faults;
mod http;
pub mod limits;
mod notification;
mod request;
mod vault;
pub mod wallet;
pub mod wechat;

pub use http::{HttpChannel, Step};
pub use notification::{Notification, NotificationError};
pub use request::{Call, ChannelAnswer, Request, Trace};
pub use vault::{AccountInput, BRANDS, CardInput, CardNumber, ChipInput, TokenizedCard, VaultError};

use std::time::Duration;
use suanpan_money::Timestamp;

/// A way to the outside whose messages are bytes: which of them mean what.
pub trait Channel: Send + Sync {
    /// Returns its name, which stands in account paths.
    fn name(&self) -> &str;

    /// Makes the bytes of a request. None when that cannot be, such as of a card that this vault cannot open: then
    /// nothing may be sent.
    fn build(&self, request: &Request) -> Option<Vec<u8>>;

    /// Reads the answer to a request. Bytes that are no answer to it are [`ChannelAnswer::Unknown`].
    fn read(&self, request: &Request, answer: &[u8]) -> ChannelAnswer;

    /// Takes a card into the vault, and returns what may be known of it. `key` makes fingerprints that nobody
    /// without it can compute from numbers.
    ///
    /// # Errors
    /// [`VaultError`] says what is wrong with the card.
    fn tokenize(&self, card: &CardInput, key: &[u8; 32], now: Timestamp)
    -> Result<TokenizedCard, VaultError>;
}

/// What carries bytes to a channel and back.
pub trait Wire: Send + Sync {
    /// Sends bytes and returns what came back.
    fn exchange(&self, request: &[u8]) -> Exchange;
}

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The bytes that came back, or why none did.
    pub answer: Result<Vec<u8>, Lost>,
    /// How long it took, or is to be taken to have taken: a simulator does not wait itself.
    pub latency: Duration,
}

/// Why nothing came back. Whether the request arrived is not known, but when it was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// There was no line, or nothing to be sent: it was certainly not sent.
    #[error("it could not be sent")]
    NotSent,
    /// It was not tried, for a reason of our own: it cannot be made, is too old, or there is no room for it.
    #[error("it was not sent")]
    Untried,
    /// The connection ended.
    #[error("the connection ended before an answer came")]
    Connection,
    /// Time was over.
    #[error("no answer came in time")]
    TimeOut,
}

/// Says what came of sending a request.
pub fn judge(channel: &dyn Channel, request: &Request, came: Result<Vec<u8>, Lost>) -> ChannelAnswer {
    match came {
        Ok(bytes) if bytes.len() > limits::ANSWER_BYTES => too_long(),
        Ok(bytes) => channel.read(request, &bytes),
        Err(lost) => unanswered(request, lost),
    }
}

/// Says what an answer that did not come tells. What was never sent was not done; of an inquiry that says nothing.
#[must_use]
pub fn unanswered(request: &Request, lost: Lost) -> ChannelAnswer {
    match lost {
        Lost::NotSent | Lost::Untried if request.call != Call::Inquire => {
            ChannelAnswer::Declined { code: "processing_error".to_owned(), retryable: true }
        }
        lost => ChannelAnswer::Unknown { why: lost.to_string() },
    }
}

/// Says what an answer tells that is longer than any.
#[must_use]
pub fn too_long() -> ChannelAnswer {
    ChannelAnswer::Unknown { why: "the answer is too long to be one".to_owned() }
}
