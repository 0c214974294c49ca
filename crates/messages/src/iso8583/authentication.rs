//! Authentication codes of UnionPay's messages: what they are computed over, and where they stand.
//!
//! The host's field 128 covers some fields as text; a terminal's field 64 the message as it stands. What follows
//! for the host is as two public programs have it; no public message comes with its key.

use super::{Class, Dialect, EncodeError, Message, MessageType, View};
use crate::keys::{Block, DoubleKey, SingleKey, agrees};
use crate::mac::{Padding, left_half_as_text, unionpay_terminal, x9_9, x9_19};

/// The key of the host's codes.
#[derive(Debug, Clone)]
pub enum HostKey {
    /// Of eight bytes: ANSI X9.9.
    Single(SingleKey),
    /// Of sixteen bytes: ANSI X9.19.
    Double(DoubleKey),
}

/// Why a message has no authentication code, or not the right one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// UnionPay's rules name no fields for messages of this type.
    #[error("messages of type {0} have no authentication code")]
    Type(MessageType),
    /// The field of the code is not there, or not the last one.
    #[error("field {0}, the authentication code, is not there or not the last")]
    Missing(u8),
    /// The code is not the one that was computed. Which that is, is not told.
    #[error("field {0}: the authentication code is wrong")]
    Wrong(u8),
    /// The message cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// The fields of transactions and reversals.
const TRANSACTION: &[u8] = &[2, 3, 4, 7, 11, 18, 25, 28, 32, 33, 38, 39, 41, 42, 90, 102, 103];
/// The fields of reconciliation.
const RECONCILIATION: &[u8] = &[7, 11, 66, 82, 84, 86, 87, 88, 89, 97];
/// The fields of network management.
const NETWORK: &[u8] = &[7, 11, 39, 53, 70, 100];
/// Of the original data (90) only type, trace number and time count.
const ORIGINAL_LEN: usize = 20;

/// Returns the text that the host's code is computed over: the message type and the fields that count, each cleaned,
/// joined by spaces.
///
/// # Errors
/// [`AuthenticationError::Type`] for types without code.
pub fn host_text(view: &View<'_>) -> Result<Vec<u8>, AuthenticationError> {
    // A header alone has no type and no code.
    let Some(message_type) = view.message_type() else { return Err(AuthenticationError::Missing(128)) };
    let numbers = match message_type.class() {
        Class::Authorisation | Class::Financial | Class::Reversal => TRANSACTION,
        Class::Reconciliation => RECONCILIATION,
        Class::Network => NETWORK,
        _ => return Err(AuthenticationError::Type(message_type)),
    };
    let mut text = message_type.digits().to_vec();
    for value in numbers.iter().filter_map(|number| view.get(*number)) {
        let characters = value.characters();
        let len =
            if value.spec().number == 90 { ORIGINAL_LEN.min(characters.len()) } else { characters.len() };
        append_cleaned(&characters[..len], &mut text);
    }
    Ok(text)
}

/// Appends a space and the digits, letters in upper case, commas and dots of a field; spaces between them as one.
/// A field of which nothing is left is left out.
fn append_cleaned(field: &[u8], text: &mut Vec<u8>) {
    let mut space = true;
    for byte in field {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b',' | b'.' => {
                if space {
                    text.push(b' ');
                    space = false;
                }
                text.push(byte.to_ascii_uppercase());
            }
            b' ' => space = true,
            _ => {}
        }
    }
}

/// Computes the host's code, eight characters.
///
/// # Errors
/// As [`host_text`].
pub fn host_code(view: &View<'_>, key: &HostKey) -> Result<[u8; 8], AuthenticationError> {
    let text = host_text(view)?;
    Ok(left_half_as_text(match key {
        HostKey::Single(key) => x9_9(key, &text, Padding::Zeros),
        HostKey::Double(key) => x9_19(key, &text, Padding::Zeros),
    }))
}

/// Verifies field 128.
///
/// # Errors
/// [`AuthenticationError`].
pub fn verify_host(view: &View<'_>, key: &HostKey) -> Result<(), AuthenticationError> {
    verify(view, 128, host_code(view, key)?)
}

/// Returns what a terminal's code is computed over: the message from its type to the field before 64, as it stands.
///
/// # Errors
/// [`AuthenticationError::Missing`] without field 64 at the end.
pub fn terminal_block<'b>(view: &View<'b>) -> Result<&'b [u8], AuthenticationError> {
    let missing = AuthenticationError::Missing(64);
    let field = view.get(64).ok_or(missing.clone())?;
    if field.at() + field.raw().len() != view.bytes().len() {
        return Err(missing);
    }
    view.bytes().get(view.header().len()..field.at()).ok_or(missing)
}

/// Computes a terminal's code, eight characters, with an encryption of one's own: single or triple DES, as the
/// acquirer has it.
///
/// # Errors
/// As [`terminal_block`].
pub fn terminal_code(
    view: &View<'_>,
    encrypt: impl Fn(Block) -> Block,
) -> Result<[u8; 8], AuthenticationError> {
    Ok(unionpay_terminal(encrypt, terminal_block(view)?))
}

/// Verifies field 64 of a terminal.
///
/// # Errors
/// [`AuthenticationError`].
pub fn verify_terminal(view: &View<'_>, encrypt: impl Fn(Block) -> Block) -> Result<(), AuthenticationError> {
    verify(view, 64, terminal_code(view, encrypt)?)
}

fn verify(view: &View<'_>, number: u8, code: [u8; 8]) -> Result<(), AuthenticationError> {
    let field = view.get(number).ok_or(AuthenticationError::Missing(number))?;
    if agrees(&code, field.raw()) { Ok(()) } else { Err(AuthenticationError::Wrong(number)) }
}

/// Writes a message with its code: `compute` gets the message with zeros in `number`, 64 or 128, and returns the
/// code.
///
/// # Errors
/// [`AuthenticationError`].
pub fn seal(
    dialect: &Dialect,
    message: &mut Message,
    number: u8,
    compute: impl FnOnce(&View<'_>) -> Result<[u8; 8], AuthenticationError>,
) -> Result<Vec<u8>, AuthenticationError> {
    message.set(number, [b'0'; 8]);
    let mut bytes = dialect.encode(message)?;
    let missing = AuthenticationError::Missing(number);
    // What was written is read; a code that is not the last field would be computed over itself.
    let view = dialect.view(&bytes).map_err(|_| missing.clone())?;
    let at = view.get(number).ok_or(missing.clone())?.at();
    let code = compute(&view)?;
    let place = bytes.get_mut(at..).filter(|rest| rest.len() == code.len()).ok_or(missing)?;
    place.copy_from_slice(&code);
    message.set(number, code);
    Ok(bytes)
}
