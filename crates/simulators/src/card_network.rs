//! A simulator of a card network: it takes what [`suanpan_channels::card_network`] sends, on a TCP port.
//!
//! How a card behaves stands in the two digits before its check digit: `00` approves, and any other two digits are the
//! response code that its issuer gives, such as `51` for too little money. [`card_number`] makes such numbers. A card with
//! a chip is looked at by its [`Issuer`] first: cryptogram, counter, PIN.

mod host;
mod issuer;
mod session;

pub use host::{Audit, Host, HostSettings, Truth};
pub use issuer::{ChipTruth, Issuer, PIN_TRIES, Refused};

use session::Session;
use std::io;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

/// Connections at once; the network of a test has a few.
const CONNECTIONS_MAX: usize = 64;

/// Takes connections until it is dropped.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: TcpListener, host: Arc<Host>) -> io::Result<()> {
    let room = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let (stream, from) = listener.accept().await?;
        let Ok(place) = room.clone().try_acquire_owned() else {
            tracing::warn!(%from, "too many connections; this one is closed");
            continue;
        };
        let host = host.clone();
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection(stream, host).await {
                tracing::info!(%from, %error, "a connection ended");
            }
        });
    }
}

async fn connection(stream: TcpStream, host: Arc<Host>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    Session::new(host).run(stream).await
}

/// Makes a card number whose issuer answers with a response code of two digits. `account` tells cards apart.
///
/// # Panics
/// When the code is not two digits.
#[must_use]
pub fn card_number(account: u32, code: &str) -> String {
    assert!(code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_digit()), "a code has two digits");
    let body = format!("6225{account:09}{code}");
    let check = (0..10)
        .map(|digit| format!("{body}{digit}"))
        .find(|number| suanpan_messages::identifier::luhn_is_valid(number));
    check.expect("one of ten digits is the check digit")
}
