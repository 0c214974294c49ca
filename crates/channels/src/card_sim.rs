//! A simulator of a card channel, in process: [`CardSim`] is the channel, [`Host`] what it talks to.
//!
//! It is not a bank. Cards are told by their numbers ([`cards::CARDS`]), which are the usual ones for tests
//! and some of our own that lose answers; any other number with a good check digit is approved. Tokens of its
//! vault say how a card behaves and not its number, so that nothing must be kept.

pub mod cards;
mod host;
mod message;
mod tokens;

pub use host::{Host, HostSettings, Totals, Truth};

use crate::{CardInput, Channel, ChannelAnswer, Request, TokenizedCard, VaultError};
use suanpan_money::Timestamp;

/// The name of the channel.
pub const NAME: &str = "card_sim";

/// The channel side of the simulator.
#[derive(Debug, Clone, Copy, Default)]
pub struct CardSim;

impl Channel for CardSim {
    fn name(&self) -> &str {
        NAME
    }

    fn build(&self, request: &Request) -> Option<Vec<u8>> {
        Some(message::write_request(request))
    }

    fn read(&self, request: &Request, answer: &[u8]) -> ChannelAnswer {
        message::read_answer(request, answer)
    }

    fn tokenize(
        &self,
        card: &CardInput,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<TokenizedCard, VaultError> {
        tokens::tokenize(card, key, now)
    }
}
