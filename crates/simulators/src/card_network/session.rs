//! One connection of an institution.

use super::host::Host;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::Trace;
use suanpan_channels::card_network::{Management, PIN_KEY, Stamp, header_between, sealed, wrapped};
use suanpan_channels::faults::Fault;
use suanpan_messages::iso8583::authentication::{HostKey, verify_host};
use suanpan_messages::iso8583::{Framing, Message, MessageType, UNIONPAY_HOST, View};
use suanpan_messages::keys::DoubleKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// The key of authentication codes, of double length (field 53).
const MAC_KEY: &str = "2600000000000000";

/// See the head of this file.
pub(super) struct Session {
    host: Arc<Host>,
    /// The key of authentication codes, once it was given.
    key: Option<HostKey>,
    /// The key of PIN blocks, once it was given.
    pin_key: Option<DoubleKey>,
    signed_on: bool,
}

/// What is to be sent, and when.
enum Out {
    Frame(Vec<u8>, Duration),
    HangUp,
}

impl Session {
    pub(super) fn new(host: Arc<Host>) -> Session {
        Session { host, key: None, pin_key: None, signed_on: false }
    }

    /// Reads and answers until either side has enough. Answers wait their time beside one another, so they go out in
    /// another order than their requests came.
    pub(super) async fn run(mut self, stream: TcpStream) -> io::Result<()> {
        let (mut from, mut to) = stream.into_split();
        let (send, mut sent) = unbounded_channel::<Vec<u8>>();
        let writer = tokio::spawn(async move {
            while let Some(frame) = sent.recv().await {
                if to.write_all(&frame).await.is_err() {
                    return;
                }
            }
            let _ = to.shutdown().await;
        });
        let mut come = Vec::new();
        let mut buffer = vec![0; READ_BYTES];
        'open: loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                break;
            }
            come.extend_from_slice(&buffer[..count]);
            let mut done = 0;
            loop {
                let split = Framing::HOST.split(&come[done..]);
                let Some((message, behind)) = split.map_err(io::Error::other)? else { break };
                let outs = self.message(message);
                done = come.len() - behind.len();
                for out in outs {
                    match out {
                        Out::Frame(frame, after) => send_after(&send, frame, after),
                        Out::HangUp => break 'open,
                    }
                }
            }
            come.drain(..done);
        }
        drop(send);
        writer.abort();
        Ok(())
    }

    fn message(&mut self, bytes: &[u8]) -> Vec<Out> {
        let Ok(view) = UNIONPAY_HOST.view(bytes) else { return Vec::new() };
        match view.message_type().map(|message_type| *message_type.digits()) {
            Some([_, b'8', ..]) => self.managed(&view),
            Some(_) => self.money(&view),
            None => Vec::new(),
        }
    }

    fn managed(&mut self, view: &View<'_>) -> Vec<Out> {
        let field = |number| view.get(number).map(|value| value.characters().into_owned());
        let Some(mut answer) = Message::answer(view, &[7, 11, 33, 53, 70, 100]) else { return Vec::new() };
        let institution = field(33).map(|it| String::from_utf8_lossy(&it).into_owned()).unwrap_or_default();
        let network = self.host.settings.network.clone();
        answer.header = header_between(&institution, &network);
        answer.set(39, "00");
        let mut outs: Vec<Out> = frame(&mut answer, None).into_iter().collect();
        match Management::parse(&field(70).unwrap_or_default()) {
            Some(Management::SignOn) => self.signed_on = true,
            Some(Management::SignOff) => self.signed_on = false,
            Some(Management::KeyChange) if self.signed_on => {
                // The field says which: 1 is that of PIN blocks, 2 that of authentication codes.
                let of_pins = field(53).is_some_and(|kind| kind.first() == Some(&b'1'));
                let key = self.new_key();
                let sealed_key = wrapped(&self.host.settings.transport_key, &key);
                let stamp = Stamp::of(Trace(now_micros()));
                let mut message = Message::new(MessageType::new(*b"0800").expect("four digits"));
                message.header = header_between(&institution, &network);
                message.set(7, stamp.sent_at);
                message.set(11, stamp.number);
                message.set(48, sealed_key);
                message.set(53, if of_pins { PIN_KEY } else { MAC_KEY });
                message.set(70, Management::KeyChange.code());
                message.set(100, &network);
                // It proves itself, whatever it is for.
                let own = HostKey::Double(key.clone());
                outs.extend(frame(&mut message, Some(&own)));
                if of_pins {
                    self.pin_key = Some(key);
                } else {
                    self.key = Some(own);
                }
            }
            _ => {}
        }
        outs
    }

    /// A key of this connection, which follows from the seed, so that a run can be had again.
    fn new_key(&self) -> DoubleKey {
        let mut hasher = blake3::Hasher::new_derive_key("suanpan 2026-11 simulated keys of a card network");
        hasher.update(&self.host.settings.faults.seed.to_le_bytes());
        hasher.update(&self.host.next_session().to_le_bytes());
        let hash = hasher.finalize();
        DoubleKey::new(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes")).with_odd_parity()
    }

    fn money(&mut self, view: &View<'_>) -> Vec<Out> {
        // Without sign-on, key and code nobody is served.
        let Some(key) = self.key.as_ref().filter(|_| self.signed_on) else { return vec![Out::HangUp] };
        if verify_host(view, key).is_err() {
            return match Message::answer(view, &[2, 3, 4, 7, 11, 32, 33, 37, 41, 42, 49]) {
                Some(mut answer) => {
                    answer.set(39, "A0");
                    frame(&mut answer, Some(key)).into_iter().collect()
                }
                None => Vec::new(),
            };
        }
        let name = name(view);
        let came_before = self.host.came(name.clone());
        let (fault, latency) = self.host.faults().draw(&name, came_before);
        match fault {
            Fault::LostBefore => return Vec::new(),
            Fault::HangUp { done: false } => return vec![Out::HangUp],
            _ => {}
        }
        let Some(mut answer) = self.host.apply(view, self.pin_key.as_ref()) else { return Vec::new() };
        let network = &self.host.settings.network;
        let institution = view.get(33).map(|it| it.characters().into_owned()).unwrap_or_default();
        answer.header = header_between(&String::from_utf8_lossy(&institution), network);
        let Some(Out::Frame(bytes, _)) = frame(&mut answer, Some(key)) else { return Vec::new() };
        match fault {
            Fault::LostAfter => Vec::new(),
            Fault::HangUp { .. } => vec![Out::HangUp],
            // Half of its fields are other bytes: the frame is whole, the message is not.
            Fault::Garbled => {
                let mut bytes = bytes;
                let from = bytes.len() / 2;
                bytes[from..].iter_mut().for_each(|byte| *byte ^= 0x15);
                vec![Out::Frame(bytes, latency)]
            }
            Fault::Twice => vec![Out::Frame(bytes.clone(), latency), Out::Frame(bytes, latency)],
            Fault::None | Fault::Late | Fault::LostBefore => vec![Out::Frame(bytes, latency)],
        }
    }
}

/// What tells a message from all others: its type and its stamp.
fn name(view: &View<'_>) -> Vec<u8> {
    let field = |number| view.get(number).map(|value| value.characters().into_owned()).unwrap_or_default();
    let message_type = view.message_type().map(|it| it.digits().to_vec()).unwrap_or_default();
    [message_type, field(7), field(11)].concat()
}

fn frame(message: &mut Message, key: Option<&HostKey>) -> Option<Out> {
    let bytes = sealed(message, key)?;
    let mut frame = Vec::with_capacity(bytes.len() + 4);
    Framing::HOST.append(&bytes, &mut frame).ok()?;
    Some(Out::Frame(frame, Duration::ZERO))
}

fn send_after(send: &UnboundedSender<Vec<u8>>, frame: Vec<u8>, after: Duration) {
    if after.is_zero() {
        let _ = send.send(frame);
        return;
    }
    let send = send.downgrade();
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        // The connection may be gone by then.
        if let Some(send) = send.upgrade() {
            let _ = send.send(frame);
        }
    });
}

fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
