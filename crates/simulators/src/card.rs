//! A software card: a simulator of a QuickPass card (qPBOC), with a key and a counter of its own, behind a socket.
//!
//! It is put into the field of a reader by connecting to it. The protocol of the socket is that between the virtual reader
//! and the virtual card of the Virtual Smart Card Architecture: two bytes of length, high byte first, then that many bytes;
//! one byte alone is about power. So a terminal may connect to it, and it may connect to a virtual reader of PC/SC
//! ([`join`]).

mod software;

pub use software::{CardSettings, SoftwareCard};

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The longest command: 261 bytes.
const COMMAND_BYTES_MAX: usize = 261;
/// The answer to reset of a card that says nothing of itself: T=1 can be spoken, and there are no historical bytes.
const ANSWER_TO_RESET: [u8; 4] = [0x3B, 0x80, 0x80, 0x01];

/// Keeps the counter of a card. What it could not keep, the card does not give away.
pub type Keep = dyn Fn(u16) -> io::Result<()> + Send + Sync;

/// A card with what keeps its counter.
#[derive(Clone)]
pub struct Kept {
    card: Arc<Mutex<SoftwareCard>>,
    keep: Arc<Keep>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(..)")
    }
}

impl Kept {
    /// Takes a card, and what keeps its counter.
    pub fn new(card: SoftwareCard, keep: impl Fn(u16) -> io::Result<()> + Send + Sync + 'static) -> Kept {
        Kept { card: Arc::new(Mutex::new(card)), keep: Arc::new(keep) }
    }

    /// Returns how many payments the card has made.
    #[must_use]
    pub fn counter(&self) -> u16 {
        self.card.lock().unwrap_or_else(PoisonError::into_inner).counter()
    }

    /// What the card answers. Its counter is kept before the answer is given away.
    fn answer(&self, command: &[u8]) -> io::Result<Vec<u8>> {
        let mut card = self.card.lock().unwrap_or_else(PoisonError::into_inner);
        let before = card.counter();
        let answer = card.answer(command);
        if card.counter() != before {
            (self.keep)(card.counter())?;
        }
        Ok(answer)
    }

    fn reset(&self) {
        self.card.lock().unwrap_or_else(PoisonError::into_inner).reset();
    }

    fn removed_after(&self) -> Option<u32> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner).removed_after()
    }
}

/// Lies ready until it is dropped: each connection is one time in the field. One at a time, as a card is.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: TcpListener, card: Kept) -> io::Result<()> {
    loop {
        let (stream, from) = listener.accept().await?;
        if let Err(error) = field(stream, &card).await {
            tracing::info!(%from, %error, "the card left the field");
        }
    }
}

/// Joins a virtual reader, and stays in its field until that ends.
///
/// # Errors
/// When there is no reader, or the connection breaks.
pub async fn join(reader: &str, card: Kept) -> io::Result<()> {
    field(TcpStream::connect(reader).await?, &card).await
}

/// One time in the field.
async fn field(mut stream: TcpStream, card: &Kept) -> io::Result<()> {
    stream.set_nodelay(true)?;
    card.reset();
    let removed_after = card.removed_after();
    let mut commands = 0;
    let mut length = [0; 2];
    loop {
        match stream.read_exact(&mut length).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        let length = usize::from(u16::from_be_bytes(length));
        if length > COMMAND_BYTES_MAX {
            return Err(io::Error::other(format!("a command of {length} bytes is longer than any")));
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await?;
        let answer = match message[..] {
            [0x00..=0x02] => {
                card.reset();
                continue;
            }
            [0x04] => ANSWER_TO_RESET.to_vec(),
            _ if removed_after == Some(commands) => return Ok(()),
            _ => {
                commands += 1;
                card.answer(&message)?
            }
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await?;
    }
}
