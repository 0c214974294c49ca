//! Channels over HTTP: calls and answers with method, path, headers and status.

use crate::{AccountInput, ChannelAnswer, Notification, NotificationError, Request};
use http::HeaderMap;
use std::fmt;
use suanpan_money::Timestamp;

/// A way to the outside over HTTP. One request may take several calls, such as to look before something is done: each
/// follows from the answers so far. Every call may be lost and made again, so none may do anything twice.
pub trait HttpChannel: Send + Sync {
    /// Returns its name, which stands in account paths.
    fn name(&self) -> &str;

    /// Says what comes next for a request, given the answers to the calls made for it so far, oldest first. Of an answer
    /// nothing is believed that does not certainly come from the channel. After [`crate::limits::CALLS_MAX`] calls nobody
    /// asks any more.
    fn next(&self, request: &Request, heard: &[http::Response<Vec<u8>>]) -> Step;

    /// Seals an account that an agreement is to be about, and returns what may be stored of it; none where the channel
    /// makes no agreements.
    fn seal_account(&self, account: &AccountInput) -> Option<String> {
        let _ = account;
        None
    }

    /// Reads what the channel tells by itself. Whether it is the channel's and meant for us is checked, and its age where it
    /// says one; that it was not told before, and that the amount is the one that was asked for, is for the caller to check.
    ///
    /// # Errors
    /// [`NotificationError`]; nothing is to be believed then.
    fn notification(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notification, NotificationError>;
}

/// What comes next.
pub enum Step {
    /// A call. Its address is a path with its query, below that of the channel's host.
    Send(http::Request<Vec<u8>>),
    /// The answer to the request: there is nothing more to call.
    Is(ChannelAnswer),
}

/// Bodies are not shown: they may hold codes that are as good as money.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Send(call) => {
                write!(f, "Send({} {}, {} bytes)", call.method(), call.uri(), call.body().len())
            }
            Step::Is(answer) => f.debug_tuple("Is").field(answer).finish(),
        }
    }
}
