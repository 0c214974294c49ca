//! What the issuer answered, given to the card: EXTERNAL AUTHENTICATE, then the commands of scripts. A card that wants it
//! says so in its transaction qualifiers, and stays in the field or comes back.

use std::collections::VecDeque;
use suanpan_messages::emv::answer::{Response, Status};
use suanpan_messages::emv::apdu::Command;
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::script::Script;
use suanpan_messages::tlv::Tag;

/// Commands of all scripts together; issuers send a few.
const COMMANDS_MAX: usize = 32;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// The card has taken the issuer's answer, and so many commands of scripts; the rest it refused.
    Taken {
        /// Commands that were done.
        done: usize,
        /// Commands that were not.
        left: usize,
    },
    /// The card does not believe that it is its issuer's answer, or does not know the application any more.
    Refused(Status),
    /// What it said is no answer.
    Garbled,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum CompletionStep {
    /// Send this, and bring the answer.
    Send(Command),
    /// It is over.
    Done(Completed),
}

/// See the head of this file.
#[derive(Debug)]
pub struct Completion {
    /// What is still to be sent: first what proves the issuer, then the scripts.
    commands: VecDeque<Command>,
    /// Commands of scripts that were done.
    done: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Selecting,
    Authenticating,
    Scripts,
}

impl Completion {
    /// Begins: returns the first command. None where the issuer answered nothing that a card takes.
    #[must_use]
    pub fn begin(application: &[u8], issuer: &ChipData) -> Option<(Completion, Command)> {
        let proof = Command::external_authenticate(issuer.get(Tag(0x91))?).ok()?;
        let scripts: Vec<Script> = issuer.scripts().ok()?;
        let (after, before): (Vec<Script>, Vec<Script>) =
            scripts.into_iter().partition(|script| script.after);
        let of_scripts = before.into_iter().chain(after).flat_map(|script| script.commands);
        let mut commands = VecDeque::from([proof]);
        commands.extend(of_scripts.take(COMMANDS_MAX));
        let first = Command::select(application).ok()?;
        Some((Completion { commands, done: 0, state: State::Selecting }, first))
    }

    /// Takes the card's answer to the last command.
    pub fn take(&mut self, answer: &[u8]) -> CompletionStep {
        let Ok(response) = Response::decode(answer) else { return CompletionStep::Done(Completed::Garbled) };
        let done = response.status.is_done();
        match self.state {
            State::Selecting | State::Authenticating if !done => {
                return CompletionStep::Done(Completed::Refused(response.status));
            }
            State::Selecting => self.state = State::Authenticating,
            State::Authenticating => {
                self.commands.pop_front();
                self.state = State::Scripts;
            }
            State::Scripts if done => {
                self.commands.pop_front();
                self.done += 1;
            }
            // A script ends with the first command that fails.
            State::Scripts => return self.over(),
        }
        match self.commands.front() {
            Some(command) => CompletionStep::Send(command.clone()),
            None => self.over(),
        }
    }

    fn over(&self) -> CompletionStep {
        CompletionStep::Done(Completed::Taken { done: self.done, left: self.commands.len() })
    }
}
