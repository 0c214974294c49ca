//! A card behind a socket, in the way of the virtual reader of the Virtual Smart Card Architecture (vpcd): each message is
//! two bytes of its length, high byte first, and that many bytes. A message of one byte to the card is about its power:
//! 00 off, 01 on, 02 reset, 04 what is your answer to reset? Only the last is answered. All longer ones are commands.
//!
//! Source of the protocol: vsmartcard's documentation, "Virtual Smart Card", section on the protocol between vpcd and
//! vpicc.

use crate::card::{Card, CardGone};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Power goes off.
pub const POWER_OFF: u8 = 0x00;
/// Power comes on.
pub const POWER_ON: u8 = 0x01;
/// The card begins anew.
pub const RESET: u8 = 0x02;
/// What is your answer to reset?
pub const ANSWER_TO_RESET: u8 = 0x04;

/// The longest command and the longest answer of short lengths: 261 and 258 bytes.
pub const MESSAGE_BYTES_MAX: usize = 261;

/// How long a card may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A card behind a socket.
#[derive(Debug)]
pub struct SocketCard {
    stream: TcpStream,
}

impl SocketCard {
    /// Connects to a card and gives it power.
    ///
    /// # Errors
    /// [`CardGone`] when there is none.
    pub fn connect(address: &str) -> Result<SocketCard, CardGone> {
        let mut addresses = address.to_socket_addrs().map_err(CardGone::new)?;
        let address = addresses.next().ok_or_else(|| CardGone::new("the address is that of nobody"))?;
        let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(CardGone::new)?;
        let prepared = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_nodelay(true));
        prepared.map_err(CardGone::new)?;
        let mut card = SocketCard { stream };
        card.send(&[POWER_ON])?;
        card.send(&[ANSWER_TO_RESET])?;
        card.receive()?;
        Ok(card)
    }

    fn send(&mut self, message: &[u8]) -> Result<(), CardGone> {
        write_message(&mut self.stream, message).map_err(CardGone::new)
    }

    fn receive(&mut self) -> Result<Vec<u8>, CardGone> {
        read_message(&mut self.stream)
            .map_err(CardGone::new)?
            .ok_or_else(|| CardGone::new("it was taken away"))
    }
}

impl Drop for SocketCard {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.send(&[POWER_OFF]);
    }
}

impl Card for SocketCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardGone> {
        self.send(command)?;
        self.receive()
    }
}

/// Writes a message.
///
/// # Errors
/// When it is too long, or cannot be written.
pub fn write_message(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    to.write_all(&[&length.to_be_bytes()[..], message].concat())
}

/// Reads a message; none where the other side has closed before one.
///
/// # Errors
/// When it is longer than any, or ends within one.
pub fn read_message(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = usize::from(u16::from_be_bytes(length));
    if length > MESSAGE_BYTES_MAX {
        return Err(io::Error::other(format!("a message of {length} bytes is longer than any of a card")));
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}
