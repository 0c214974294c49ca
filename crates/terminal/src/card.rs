//! The card behind a trait, and the two conversations with it.

use crate::completion::{Completed, Completion, CompletionStep};
use crate::kernel::{Kernel, Step};
use crate::outcome::Outcome;
use crate::request::{Payment, TerminalSettings};
use suanpan_messages::emv::apdu::Command;
use suanpan_messages::emv::data::ChipData;

/// The card is not there any more, or says nothing that is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the card is gone: {why}")]
pub struct CardGone {
    /// What happened.
    pub why: String,
}

impl CardGone {
    /// Says what happened.
    #[must_use]
    pub fn new(why: impl std::fmt::Display) -> CardGone {
        CardGone { why: why.to_string() }
    }
}

/// What takes commands and gives answers.
pub trait Card {
    /// Sends a command and waits for its answer: data and two bytes of status.
    ///
    /// # Errors
    /// [`CardGone`] when none comes. Whether the card has done the command is not known then.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardGone>;
}

/// Has a card make a payment, up to its cryptogram. Each command is told before it is sent.
///
/// # Errors
/// [`CardGone`] when it went before all was said. Nobody was asked for anything then.
pub fn present(
    settings: &TerminalSettings,
    payment: &Payment,
    card: &mut dyn Card,
    mut told: impl FnMut(&Command),
) -> Result<Outcome, CardGone> {
    let (mut kernel, mut command) = Kernel::begin(settings.clone(), *payment);
    loop {
        told(&command);
        let answer = card.transmit(&command.encode())?;
        match kernel.take(&answer) {
            Step::Send(next) => command = next,
            Step::Done(outcome) => return Ok(*outcome),
        }
    }
}

/// Gives a card what its issuer answered. None when there is nothing to give.
///
/// # Errors
/// [`CardGone`] when it went before. Whether it has taken it is not known then.
pub fn complete(
    application: &[u8],
    issuer: &ChipData,
    card: &mut dyn Card,
    mut told: impl FnMut(&Command),
) -> Result<Option<Completed>, CardGone> {
    let Some((mut completion, mut command)) = Completion::begin(application, issuer) else { return Ok(None) };
    loop {
        told(&command);
        let answer = card.transmit(&command.encode())?;
        match completion.take(&answer) {
            CompletionStep::Send(next) => command = next,
            CompletionStep::Done(completed) => return Ok(Some(completed)),
        }
    }
}
