//! What channels tell by themselves.

use crate::ChannelAnswer;
use suanpan_money::Currency;

/// A notification of a channel, which is certainly the channel's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The reference of the request that it is about.
    pub reference: String,
    /// What it says was paid, in minor units.
    pub amount_minor: u64,
    /// The currency.
    pub currency: Currency,
    /// What became of the request; none when this tells nothing that an inquiry would not tell better.
    pub answer: Option<ChannelAnswer>,
    /// What to answer when it was taken in and needs no repeating.
    pub taken: &'static str,
}

/// Why a notification is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// This channel tells nothing by itself.
    #[error("this channel sends no notifications")]
    Untold,
    /// It is signed by somebody else, or was changed on its way.
    #[error("its signature is not the channel's")]
    Forged,
    /// It was signed long ago, or is to come.
    #[error("it is {0} seconds away from now")]
    Stale(u64),
    /// It is about somebody else.
    #[error("{0} names somebody else")]
    NotForUs(&'static str),
    /// It says nothing that can be read.
    #[error("{0}")]
    Unreadable(&'static str),
}
