//! The flow of one payment, up to the card's cryptogram.
//!
//! SELECT `2PAY.SYS.DDF01` → SELECT the application → GET PROCESSING OPTIONS with what the PDOL names → READ RECORD for
//! what the file locator names. The cryptogram comes with the processing options, so that a card may go as soon as its
//! records are read.

use crate::candidates::candidates;
use crate::outcome::{OnlineRequest, Outcome, Refusal, Verification};
use crate::request::{Payment, TerminalSettings};
use crate::restrictions;
use std::collections::VecDeque;
use suanpan_messages::emv::answer::{AnswerError, Application, Place, Response, Status};
use suanpan_messages::emv::apdu::{Command, CryptogramKind};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::dol::Dol;
use suanpan_messages::tlv::{Object, Tag, find};

/// The directory of applications for payments without contact.
const DIRECTORY: &[u8] = b"2PAY.SYS.DDF01";
/// A payment takes six or seven commands; a card that answers in parts takes twice that.
const COMMANDS_MAX: u32 = 64;
/// The most bytes of an answer that comes in parts.
const PARTS_BYTES_MAX: usize = 1024;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, and bring the answer.
    Send(Command),
    /// It is over.
    Done(Box<Outcome>),
}

/// See the head of this file.
#[derive(Debug)]
pub struct Kernel {
    settings: TerminalSettings,
    payment: Payment,
    state: State,
    /// What is still to be tried.
    candidates: VecDeque<Application>,
    /// How the last candidate refused.
    refused: Option<Status>,
    chosen: Option<Application>,
    /// What the card gave, in its order.
    given: Vec<Object>,
    /// What was sent last.
    sent: Command,
    /// What came of an answer in parts.
    parts: Vec<u8>,
    commands: u32,
}

#[derive(Debug)]
enum State {
    Directory,
    Selecting,
    Options,
    Records(VecDeque<Place>),
}

impl Kernel {
    /// Begins a payment: returns the kernel and the first command.
    ///
    /// # Panics
    /// Never: the name of the directory fits a command.
    #[must_use]
    pub fn begin(settings: TerminalSettings, payment: Payment) -> (Kernel, Command) {
        let first = Command::select(DIRECTORY).expect("fourteen bytes fit");
        let kernel = Kernel {
            settings,
            payment,
            state: State::Directory,
            candidates: VecDeque::new(),
            refused: None,
            chosen: None,
            given: Vec::new(),
            sent: first.clone(),
            parts: Vec::new(),
            commands: 1,
        };
        (kernel, first)
    }

    /// Takes the card's answer to the last command.
    pub fn take(&mut self, answer: &[u8]) -> Step {
        let next = self.next(answer).unwrap_or_else(|refusal| Err(Outcome::Refused(refusal)));
        match next {
            Ok(_) if self.commands >= COMMANDS_MAX => {
                Step::Done(Box::new(Outcome::Refused(Refusal::Endless)))
            }
            Ok(command) => {
                self.commands += 1;
                self.sent = command.clone();
                Step::Send(command)
            }
            Err(outcome) => Step::Done(Box::new(outcome)),
        }
    }

    /// The next command, or how it ends.
    fn next(&mut self, answer: &[u8]) -> Result<Result<Command, Outcome>, Refusal> {
        let mut response = Response::decode(answer)?;
        // Readers of contacts hand these two through; over the air they do not come.
        if let Some(length) = response.status.other_length() {
            return Ok(Ok(self.sent.clone().expecting(length)));
        }
        if !self.parts.is_empty() || response.status.more().is_some() {
            self.parts.extend(&response.data);
            if self.parts.len() > PARTS_BYTES_MAX {
                return Err(Refusal::Endless);
            }
            if let Some(more) = response.status.more() {
                return Ok(Ok(Command::get_response(more)));
            }
            response.data = std::mem::take(&mut self.parts);
        }
        match &mut self.state {
            State::Directory => self.directory(&response).map(Ok),
            State::Selecting => self.selected(&response).map(Ok),
            State::Options => self.options(&response),
            State::Records(places) => {
                places.pop_front();
                self.given.extend(response.record()?);
                self.go_on()
            }
        }
    }

    fn directory(&mut self, response: &Response) -> Result<Command, Refusal> {
        let applications = response.applications().map_err(|error| match error {
            AnswerError::Status(status) => Refusal::NoDirectory(status),
            other => Refusal::Answer(other),
        })?;
        self.candidates = candidates(applications);
        self.select()
    }

    /// Selects the next candidate.
    fn select(&mut self) -> Result<Command, Refusal> {
        let Some(next) = self.candidates.pop_front() else {
            return Err(self.refused.map_or(Refusal::NoApplication, Refusal::CardRefuses));
        };
        let command = Command::select(&next.name).map_err(|_| Refusal::NoApplication)?;
        self.chosen = Some(next);
        self.given.clear();
        self.state = State::Selecting;
        Ok(command)
    }

    fn selected(&mut self, response: &Response) -> Result<Command, Refusal> {
        if !response.status.is_done() {
            self.refused = Some(response.status);
            return self.select();
        }
        let objects = response.objects()?;
        let list = match find(&objects, Tag(0x9F38))? {
            Some(list) => Dol::decode(&list.value)?,
            None => Dol::decode(&[])?,
        };
        // Without this the card cannot tell what kind of terminal it talks to, and is none for this flow.
        if !list.entries().any(|(tag, _)| tag == Tag(0x9F66)) {
            self.refused = Some(response.status);
            return Err(Refusal::Missing(Tag(0x9F66)));
        }
        let values = list.values(|tag| self.payment.value(&self.settings, tag));
        self.state = State::Options;
        // A list asks for at most 252 bytes, which fit with their tag and length.
        Command::processing_options(&values).map_err(|_| Refusal::Contradiction("what it asks for"))
    }

    fn options(&mut self, response: &Response) -> Result<Result<Command, Outcome>, Refusal> {
        // Conditions of use not satisfied: this application does not pay like this, another one may.
        if !response.status.is_done() {
            self.refused = Some(response.status);
            return self.select().map(Ok);
        }
        let options = response.options()?;
        self.state = State::Records(options.locator.places().collect());
        self.given.extend(options.objects);
        self.go_on()
    }

    /// Reads the next record, or ends.
    fn go_on(&mut self) -> Result<Result<Command, Outcome>, Refusal> {
        if let State::Records(places) = &self.state
            && let Some(place) = places.front()
        {
            let command = place.command().map_err(|_| Refusal::Contradiction("where its records are"))?;
            return Ok(Ok(command));
        }
        self.judge().map(|online| Err(Outcome::Online(online)))
    }

    /// All was said: may the issuer be asked?
    fn judge(&mut self) -> Result<OnlineRequest, Refusal> {
        let card = ChipData::new(std::mem::take(&mut self.given))?;
        let needed = |tag: u32| card.get(Tag(tag)).ok_or(Refusal::Missing(Tag(tag)));
        for tag in [0x82, 0x9F10, 0x9F26, 0x9F36, 0x57] {
            needed(tag)?;
        }
        if let Some(misfit) = card.misfits().next() {
            return Err(Refusal::Data(misfit));
        }
        let track_2 = card.track_2()?.ok_or(Refusal::Missing(Tag(0x57)))?;
        // The number stands in two places where the card gives both.
        if let Some(number) = card.get(Tag(0x5A)) {
            let digits: String = number.iter().map(|byte| format!("{byte:02X}")).collect();
            if digits.trim_end_matches('F') != track_2.expose_number() {
                return Err(Refusal::Contradiction("its number"));
            }
        }
        let kind = match card.get(Tag(0x9F27)) {
            Some(_) => card.information()?.map(|information| information.kind),
            None => card.issuer_data()?.and_then(|data| data.decisions().0),
        };
        match kind {
            Some(CryptogramKind::Online) => {}
            Some(CryptogramKind::Declined) => return Err(Refusal::CardDeclines),
            Some(CryptogramKind::Approved) => return Err(Refusal::Offline),
            None => return Err(Refusal::Unsaid),
        }
        restrictions::check(&self.settings, &self.payment, &card, &track_2)?;
        let verification = restrictions::verification(&self.settings, &self.payment, &card)?;
        let application = self.chosen.take().ok_or(Refusal::NoApplication)?;
        let chip_data = self.chip_data(&card, &application.name, verification)?;
        Ok(OnlineRequest {
            label: application.label.as_deref().and_then(shown),
            application: application.name,
            sequence: card.card_sequence()?.unwrap_or_default(),
            counter: card.counter()?.ok_or(Refusal::Missing(Tag(0x9F36)))?,
            wants_answer: restrictions::wants_answer(&card),
            track_2,
            chip_data,
            verification,
        })
    }

    /// Field 55, with the tags that real terminals of UnionPay send, in their order.
    fn chip_data(
        &self,
        card: &ChipData,
        application: &[u8],
        verification: Verification,
    ) -> Result<ChipData, Refusal> {
        const ONLINE: u8 = 0x80;
        const TAGS: [u32; 20] = [
            0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A, 0x9F03,
            0x9F33, 0x9F34, 0x9F35, 0x9F1E, 0x84, 0x9F09, 0x9F41,
        ];
        let value = |tag: u32| match tag {
            0x84 => Some(application.to_vec()),
            0x9F34 => Some(verification.results().to_vec()),
            0x9F27 => Some(card.get(Tag(tag)).map_or(vec![ONLINE], <[u8]>::to_vec)),
            // What the terminal said counts, not what the card says that it said.
            _ => self
                .payment
                .value(&self.settings, Tag(tag))
                .or_else(|| card.get(Tag(tag)).map(<[u8]>::to_vec)),
        };
        let objects = TAGS.iter().filter_map(|tag| Some(Object { tag: Tag(*tag), value: value(*tag)? }));
        Ok(ChipData::new(objects.collect())?)
    }
}

/// A label in letters that can be shown; none where it has others.
fn shown(label: &[u8]) -> Option<String> {
    label.iter().all(|byte| (b' '..=b'~').contains(byte)).then(|| String::from_utf8_lossy(label).into_owned())
}
