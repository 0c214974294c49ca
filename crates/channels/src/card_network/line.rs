//! One connection to the network, without its IO: bytes and moments go in, bytes and events come out.
//!
//! It signs on, asks for the key of authentication codes and, where there are terminals, for that of PIN blocks, and is
//! ready when it has proven to have them. Many requests may
//! be under way; answers come in any order and are told apart by class, time and trace number.

use super::Settings;
use super::message::{HEADER_BYTES, Stamp, header, set_length};
use crate::Trace;
use std::collections::HashMap;
use suanpan_messages::iso8583::authentication::{HostKey, host_code, seal, verify_host};
use suanpan_messages::iso8583::{Framing, Message, MessageType, UNIONPAY_HOST, View};
use suanpan_messages::keys::DoubleKey;
use suanpan_money::Timestamp;

/// What stands in front of a key in field 48: a new key of sixteen bytes.
const NEW_KEY: &[u8] = b"NK";
/// The MAC key, of double length (field 53).
const MAC_KEY: &str = "2600000000000000";
/// The PIN key, of double length.
pub const PIN_KEY: &str = "1600000000000000";

/// What is asked about the line itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Management {
    /// May we send?
    SignOn,
    /// We send no more.
    SignOff,
    /// A key for authentication codes.
    KeyChange,
    /// Are you there?
    Echo,
}

impl Management {
    const ALL: [Management; 4] =
        [Management::SignOn, Management::SignOff, Management::KeyChange, Management::Echo];

    /// Its code (field 70).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Management::SignOn => "001",
            Management::SignOff => "002",
            Management::KeyChange => "101",
            Management::Echo => "301",
        }
    }

    /// Reads a code; none for those that nobody here knows.
    #[must_use]
    pub fn parse(code: &[u8]) -> Option<Management> {
        Management::ALL.into_iter().find(|it| it.code().as_bytes() == code)
    }
}

impl std::fmt::Display for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Management::SignOn => "the sign-on",
            Management::SignOff => "the sign-off",
            Management::KeyChange => "the request for a key",
            Management::Echo => "an echo test",
        })
    }
}

/// What a line works with.
#[derive(Debug, Clone)]
pub struct LineSettings {
    /// Who we are.
    pub network: Settings,
    /// The key that other keys come under, agreed by people.
    pub transport_key: DoubleKey,
    /// The key under which terminals seal PINs. Without one, none that has a PIN can be sent.
    pub terminal_pin_key: Option<DoubleKey>,
    /// After how long without a word the line is tried.
    pub echo_seconds: i64,
    /// How long the network may take to answer to anything about the line itself.
    pub patience_seconds: i64,
}

/// Names a request on a line, for whoever waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Correlation(pub u64);

/// What has come about.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// Requests can be sent from now on.
    Ready,
    /// The answer to a request.
    Answer(Correlation, Vec<u8>),
    /// An answer that nobody waits for any more. What it says is undone, or found out, by an inquiry.
    Late,
    /// A message that was left alone, and why.
    Ignored(String),
}

impl std::fmt::Debug for Event {
    /// Without messages: they hold card numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Event::Ready => f.write_str("Ready"),
            Event::Answer(Correlation(number), bytes) => write!(f, "Answer({number}, {} bytes)", bytes.len()),
            Event::Late => f.write_str("Late"),
            Event::Ignored(why) => write!(f, "Ignored({why})"),
        }
    }
}

/// Why a line is at its end. It must be closed, and a new one made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Nothing came for too long.
    #[error("the network does not answer to {0}")]
    Silent(Management),
    /// The network does not want us.
    #[error("the network refuses {0}: response code {1}")]
    Refused(Management, String),
    /// What comes is no message.
    #[error("the line is out of step: {0}")]
    OutOfStep(String),
    /// The key is not under the agreed one, or the network has another.
    #[error("the network's key is not sealed by the agreed transport key: compare its check value")]
    Key,
    /// The network signed off.
    #[error("the network has signed off")]
    SignedOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    SigningOn,
    AwaitingKey,
    AwaitingPinKey,
    Ready,
}

/// What tells requests of one class apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Name {
    class: u8,
    stamp: Stamp,
}

impl Name {
    /// None without fields 7 and 11 of their lengths.
    fn of(message_type: Option<MessageType>, sent_at: Option<&[u8]>, number: Option<&[u8]>) -> Option<Name> {
        let stamp = Stamp { sent_at: sent_at?.try_into().ok()?, number: number?.try_into().ok()? };
        Some(Name { class: message_type?.digits()[1], stamp })
    }

    fn of_view(view: &View<'_>) -> Option<Name> {
        let field = |number| view.get(number).map(|value| value.characters());
        Name::of(view.message_type(), field(7).as_deref(), field(11).as_deref())
    }
}

/// Answers one after the other that cannot be proven, after which another key is asked for.
const UNPROVEN_MAX: u32 = 3;

/// See the head of this file.
pub struct Line {
    settings: LineSettings,
    state: State,
    /// Keys of authentication codes: the newest first, then the one before, under which answers may still come.
    keys: Vec<HostKey>,
    /// The key of PIN blocks.
    pin_key: Option<DoubleKey>,
    waiting: HashMap<Name, Correlation>,
    /// Bytes that came and are no whole message yet.
    come: Vec<u8>,
    /// Bytes to be sent.
    out: Vec<u8>,
    heard: Timestamp,
    /// Something about the line itself was asked: what, and when.
    asked: Option<(Management, Timestamp)>,
    last_trace: i64,
    /// Answers that could not be proven since the last one that could.
    unproven: u32,
}

impl std::fmt::Debug for Line {
    /// Without bytes: they hold card numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("state", &self.state)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Line {
    /// Begins a line on a connection that was just made.
    #[must_use]
    pub fn open(settings: LineSettings, now: Timestamp) -> Line {
        let mut line = Line {
            settings,
            state: State::SigningOn,
            keys: Vec::new(),
            pin_key: None,
            waiting: HashMap::new(),
            come: Vec::new(),
            out: Vec::new(),
            heard: now,
            asked: None,
            last_trace: 0,
            unproven: 0,
        };
        line.manage(Management::SignOn, now);
        line
    }

    /// Whether requests can be sent.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// How many requests wait for their answers.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the bytes to be sent.
    pub fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Sends a request, with its code. False when that cannot be: then nothing was sent.
    pub fn send(&mut self, correlation: Correlation, message: &[u8]) -> bool {
        let Some(key) = self.keys.first().filter(|_| self.is_ready()) else { return false };
        let Ok(mut request) = UNIONPAY_HOST.decode(message) else { return false };
        let name = Name::of(request.message_type, request.get(7), request.get(11));
        let Some(name) = name else { return false };
        if !self.seal_pin(&mut request) {
            return false;
        }
        let Some(bytes) = sealed(&mut request, Some(key)) else { return false };
        if Framing::HOST.append(&bytes, &mut self.out).is_err() {
            return false;
        }
        self.waiting.insert(name, correlation);
        true
    }

    /// Seals the PIN block of a request, where it has one, under the key of the day. False when that cannot be. The block
    /// has the card number in it, so that it is the same block under either key.
    fn seal_pin(&self, request: &mut Message) -> bool {
        let Some(block) = request.get(52) else { return true };
        let block = <[u8; 8]>::try_from(block);
        let keys = self.settings.terminal_pin_key.as_ref().zip(self.pin_key.as_ref());
        let (Ok(block), Some((from, to))) = (block, keys) else { return false };
        request.set(52, to.encrypt(from.decrypt(block)));
        true
    }

    /// Stops waiting for the answers that are not wanted any more.
    pub fn keep_waiting(&mut self, mut wanted: impl FnMut(Correlation) -> bool) {
        self.waiting.retain(|_, waits| wanted(*waits));
    }

    /// Says goodbye, as the last thing that is sent.
    pub fn sign_off(&mut self, now: Timestamp) {
        self.manage(Management::SignOff, now);
    }

    /// Looks whether it is time to do something.
    ///
    /// # Errors
    /// [`Ended`] when the network is silent.
    pub fn tick(&mut self, now: Timestamp) -> Result<(), Ended> {
        let past = |since: Timestamp, seconds: i64| now.micros() - since.micros() >= seconds * 1_000_000;
        match self.asked {
            Some((what, since)) if past(since, self.settings.patience_seconds) => {
                return Err(Ended::Silent(what));
            }
            None if self.is_ready() && past(self.heard, self.settings.echo_seconds) => {
                self.manage(Management::Echo, now);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes bytes that came.
    ///
    /// # Errors
    /// [`Ended`]: the line must be closed.
    pub fn take(&mut self, bytes: &[u8], now: Timestamp) -> Result<Vec<Event>, Ended> {
        self.come.extend_from_slice(bytes);
        self.heard = now;
        let mut events = Vec::new();
        let come = std::mem::take(&mut self.come);
        let mut rest = &come[..];
        loop {
            match Framing::HOST.split(rest) {
                Ok(Some((message, behind))) => {
                    rest = behind;
                    // An empty message asks whether the line is there, and is answered by the next that is sent.
                    if !message.is_empty() {
                        self.message(message, now, &mut events)?;
                    }
                }
                Ok(None) => break,
                Err(error) => return Err(Ended::OutOfStep(error.to_string())),
            }
        }
        self.come = rest.to_vec();
        Ok(events)
    }

    fn message(&mut self, bytes: &[u8], now: Timestamp, events: &mut Vec<Event>) -> Result<(), Ended> {
        let view = match UNIONPAY_HOST.view(bytes) {
            Ok(view) => view,
            Err(error) => {
                events.push(Event::Ignored(format!("a message cannot be read: {error}")));
                return Ok(());
            }
        };
        match view.message_type().map(|message_type| *message_type.digits()) {
            Some([_, b'8', ..]) => self.managed(&view, now, events),
            Some(_) => {
                self.answered(&view, bytes, now, events);
                Ok(())
            }
            // A header alone, to ask whether the line is there.
            None => Ok(()),
        }
    }

    /// An answer to a request: its code must be right, or it may be anybody's.
    fn answered(&mut self, view: &View<'_>, bytes: &[u8], now: Timestamp, events: &mut Vec<Event>) {
        if !self.keys.iter().any(|key| verify_host(view, key).is_ok()) {
            self.unproven += 1;
            // The network may have another key by now.
            if self.unproven >= UNPROVEN_MAX && self.asked.is_none() {
                self.unproven = 0;
                self.manage(Management::KeyChange, now);
            }
            events.push(Event::Ignored("an answer has no right authentication code".to_owned()));
            return;
        }
        self.unproven = 0;
        events.push(match Name::of_view(view).and_then(|name| self.waiting.remove(&name)) {
            Some(correlation) => Event::Answer(correlation, bytes.to_vec()),
            None => Event::Late,
        });
    }

    /// A message about the line itself.
    fn managed(&mut self, view: &View<'_>, now: Timestamp, events: &mut Vec<Event>) -> Result<(), Ended> {
        let field = |number| view.get(number).map(|value| value.characters().into_owned());
        let code = field(70).unwrap_or_default();
        let ours = view.message_type().is_some_and(|it| matches!(it.digits(), b"0810" | b"0830"));
        if !ours {
            return self.asked_by_network(view, &code, now, events);
        }
        let Some((asked, _)) = self.asked.filter(|(asked, _)| asked.code().as_bytes() == code) else {
            return Ok(());
        };
        let said = field(39).unwrap_or_default();
        if said != b"00" {
            return Err(Ended::Refused(asked, String::from_utf8_lossy(&said).into_owned()));
        }
        match asked {
            Management::SignOn => {
                self.state = State::AwaitingKey;
                self.manage(Management::KeyChange, now);
            }
            // The key itself is still to come, and is waited for as long again.
            Management::KeyChange if matches!(self.state, State::AwaitingKey | State::AwaitingPinKey) => {
                self.asked = Some((asked, now));
            }
            Management::KeyChange | Management::Echo | Management::SignOff => self.asked = None,
        }
        Ok(())
    }

    fn asked_by_network(
        &mut self,
        view: &View<'_>,
        code: &[u8],
        now: Timestamp,
        events: &mut Vec<Event>,
    ) -> Result<(), Ended> {
        let Some(mut answer) = Message::answer(view, &[7, 11, 33, 53, 70, 100]) else { return Ok(()) };
        answer.header = header(&self.settings.network);
        answer.set(39, "00");
        match Management::parse(code) {
            Some(Management::KeyChange) => {
                let sent = view.get(48).map(|value| value.characters().into_owned()).unwrap_or_default();
                let key = sent.strip_prefix(NEW_KEY).and_then(|key| <[u8; 16]>::try_from(key).ok());
                let new = unwrapped(&self.settings.transport_key, key.ok_or(Ended::Key)?);
                // The key that comes proves itself, whatever it is for.
                let key = HostKey::Double(new.clone());
                verify_host(view, &key).map_err(|_| Ended::Key)?;
                self.reply(&mut answer, Some(&key));
                let of_pins = view.get(53).is_some_and(|it| it.characters().first() == Some(&b'1'));
                if of_pins {
                    self.pin_key = Some(new);
                } else {
                    self.keys.truncate(1);
                    self.keys.insert(0, key);
                }
                // The other one is still waited for, or the wait would never end.
                let awaited = match self.state {
                    State::AwaitingKey => !of_pins,
                    State::AwaitingPinKey => of_pins,
                    State::SigningOn | State::Ready => true,
                };
                self.asked = self.asked.filter(|(asked, _)| *asked != Management::KeyChange || !awaited);
                let wants_pin_key = self.settings.terminal_pin_key.is_some() && self.pin_key.is_none();
                match self.state {
                    State::AwaitingKey if !of_pins && wants_pin_key => {
                        self.state = State::AwaitingPinKey;
                        self.manage(Management::KeyChange, now);
                    }
                    State::AwaitingKey | State::AwaitingPinKey if !self.keys.is_empty() && !wants_pin_key => {
                        self.state = State::Ready;
                        events.push(Event::Ready);
                    }
                    State::SigningOn | State::AwaitingKey | State::AwaitingPinKey | State::Ready => {}
                }
                Ok(())
            }
            Some(Management::SignOff) => Err(Ended::SignedOff),
            _ => {
                self.reply(&mut answer, None);
                Ok(())
            }
        }
    }

    fn reply(&mut self, answer: &mut Message, key: Option<&HostKey>) {
        if let Some(bytes) = sealed(answer, key) {
            // Messages of this file are far shorter than what a frame takes.
            let _ = Framing::HOST.append(&bytes, &mut self.out);
        }
    }

    /// Asks something about the line itself.
    fn manage(&mut self, what: Management, now: Timestamp) {
        self.last_trace = now.micros().max(self.last_trace + 1);
        let stamp = Stamp::of(Trace(self.last_trace));
        let mut message = Message::new(MessageType::new(*b"0820").expect("four digits"));
        message.header = header(&self.settings.network);
        message.set(7, stamp.sent_at);
        message.set(11, stamp.number);
        message.set(33, &self.settings.network.forwarder);
        if what == Management::KeyChange {
            message.set(53, if self.state == State::AwaitingPinKey { PIN_KEY } else { MAC_KEY });
        }
        message.set(70, what.code());
        message.set(100, &self.settings.network.network);
        self.reply(&mut message, None);
        self.asked = Some((what, now));
    }
}

/// Writes a message with its length in the header, and with its code where there is a key. None when it does not fit
/// its fields.
#[must_use]
pub fn sealed(message: &mut Message, key: Option<&HostKey>) -> Option<Vec<u8>> {
    let mut bytes = match key {
        Some(key) => seal(&UNIONPAY_HOST, message, 128, |view| host_code(view, key)).ok()?,
        None => UNIONPAY_HOST.encode(message).ok()?,
    };
    debug_assert_eq!(bytes.first().copied().map(usize::from), Some(HEADER_BYTES));
    set_length(&mut bytes);
    Some(bytes)
}

/// Takes a key out from under the transport key.
fn unwrapped(transport: &DoubleKey, sealed: [u8; 16]) -> DoubleKey {
    DoubleKey::new(halves(sealed, |block| transport.decrypt(block)))
}

/// Writes a new key as field 48 has it, under the transport key.
#[must_use]
pub fn wrapped(transport: &DoubleKey, key: &DoubleKey) -> Vec<u8> {
    [NEW_KEY, &halves(*key.expose(), |block| transport.encrypt(block))].concat()
}

fn halves(bytes: [u8; 16], cipher: impl Fn([u8; 8]) -> [u8; 8]) -> [u8; 16] {
    let [mut left, mut right] = [[0; 8]; 2];
    left.copy_from_slice(&bytes[..8]);
    right.copy_from_slice(&bytes[8..]);
    let mut done = [0; 16];
    done[..8].copy_from_slice(&cipher(left));
    done[8..].copy_from_slice(&cipher(right));
    done
}
