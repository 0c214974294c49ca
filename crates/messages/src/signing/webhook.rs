//! Webhooks signed by the rules of Standard Webhooks (version 1, HMAC-SHA256).
//!
//! A message has three headers: `webhook-id`, `webhook-timestamp`, `webhook-signature`. That a message is
//! genuine does not say that it is the first of its id: keep the ids for as long as the tolerance.
//!
//! [`stripe`] has the same by the older scheme of one header, from the same secret.

pub mod stripe;

use ring::hmac;
use std::fmt;
use zeroize::Zeroizing;

/// Secrets begin with this.
const PREFIX: &str = "whsec_";
/// Secrets have 24 to 64 bytes.
const SECRET: std::ops::RangeInclusive<usize> = 24..=64;
/// Signatures of this version are looked at, others passed over.
const VERSION: &str = "v1";
/// The most signatures of one message that are looked at.
const SIGNATURES_MAX: usize = 32;
/// How far the time of a message usually may lie from that of the receiver.
pub const TOLERANCE_SECONDS: u64 = 300;

/// A secret that both sides know. Never shown, overwritten when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// A secret is `whsec_` and Base64 of 24 to 64 bytes, or the Base64 alone.
    #[error("a secret is {PREFIX} and Base64 of 24 to 64 bytes")]
    Secret,
    /// An id is empty, or has a full stop, which separates it from the time.
    #[error("webhook-id is empty or has a full stop")]
    Id,
    /// The time is no number.
    #[error("the time of the message is not a number of seconds")]
    Timestamp,
    /// The message is older than the tolerance.
    #[error("the message is {0} seconds old")]
    Old(u64),
    /// The message comes from further ahead than the tolerance.
    #[error("the message is {0} seconds ahead")]
    Early(u64),
    /// No signature of this version.
    #[error("the message has no {VERSION} signature")]
    Unsigned,
    /// More signatures than anybody needs.
    #[error("the message has more than {SIGNATURES_MAX} signatures")]
    TooMany,
    /// None of the signatures fits any of the secrets.
    #[error("no signature belongs to the message and a secret")]
    Signature,
}

/// A message with its headers as they came. Its body is not shown.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`: signatures with their versions, blanks in between.
    pub signatures: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({:?} {:?}, {} bytes)", self.id, self.timestamp, self.body.len())
    }
}

impl Secret {
    /// Reads a secret.
    ///
    /// # Errors
    /// When it is not Base64, or has another length.
    pub fn parse(text: &str) -> Result<Secret, WebhookError> {
        let bytes = super::base64(text.strip_prefix(PREFIX).unwrap_or(text)).map(Zeroizing::new);
        bytes.filter(|bytes| SECRET.contains(&bytes.len())).map(Secret).ok_or(WebhookError::Secret)
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }

    /// Signs a message: the value of `webhook-signature`.
    ///
    /// # Errors
    /// When the id is empty or has a full stop.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> Result<String, WebhookError> {
        let tag = hmac::sign(&self.key(), &signed(id, timestamp, body)?);
        Ok(format!("{VERSION},{}", super::to_base64(tag.as_ref())))
    }
}

/// Verifies a message by any of several secrets, the newest first: while a secret is exchanged there are two.
///
/// # Errors
/// [`WebhookError`].
pub fn verify(
    secrets: &[Secret],
    message: &Message<'_>,
    now: u64,
    tolerance_seconds: u64,
) -> Result<(), WebhookError> {
    let timestamp = timely(message.timestamp, now, tolerance_seconds)?;
    let text = signed(message.id, timestamp, message.body)?;
    let mut tags = Vec::new();
    for (place, item) in message.signatures.split(' ').enumerate() {
        if place == SIGNATURES_MAX {
            return Err(WebhookError::TooMany);
        }
        if let Some((VERSION, code)) = item.split_once(',') {
            // What is not Base64 is empty, and fits nothing.
            tags.push(super::base64(code).unwrap_or_default());
        }
    }
    if tags.is_empty() {
        return Err(WebhookError::Unsigned);
    }
    // `hmac::verify` takes the same time wherever codes differ.
    let fits = |secret: &Secret| {
        let key = secret.key();
        tags.iter().any(|tag| hmac::verify(&key, &text, tag).is_ok())
    };
    if secrets.iter().any(fits) { Ok(()) } else { Err(WebhookError::Signature) }
}

/// Reads the time of a message, and refuses one that is further from now than the tolerance.
fn timely(text: &str, now: u64, tolerance_seconds: u64) -> Result<u64, WebhookError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let timestamp: u64 = text.parse().ok().filter(|_| digits).ok_or(WebhookError::Timestamp)?;
    match now.checked_sub(timestamp) {
        Some(old) if old > tolerance_seconds => Err(WebhookError::Old(old)),
        None if timestamp - now > tolerance_seconds => Err(WebhookError::Early(timestamp - now)),
        _ => Ok(timestamp),
    }
}

fn signed(id: &str, timestamp: u64, body: &[u8]) -> Result<Vec<u8>, WebhookError> {
    if id.is_empty() || id.contains('.') {
        return Err(WebhookError::Id);
    }
    Ok([format!("{id}.{timestamp}.").as_bytes(), body].concat())
}
