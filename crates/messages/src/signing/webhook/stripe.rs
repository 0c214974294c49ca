//! The header `Stripe-Signature`: `t=1700000000,v1=5257a8…`, HMAC-SHA256 of `1700000000.` and the body.
//!
//! The key is the whole text of the secret, `whsec_` included: the libraries that verify this header never
//! decode it. While a secret is exchanged the header has a `v1` for each.
//! <https://docs.stripe.com/webhooks#verify-manually>

use super::{SIGNATURES_MAX, WebhookError, timely};
use ring::hmac;
use std::fmt;
use zeroize::Zeroizing;

/// The name of the header.
pub const HEADER: &str = "Stripe-Signature";
/// Signatures of this version are looked at, others passed over.
const VERSION: &str = "v1";
/// A key shorter than this is no secret: 16 bytes are 128 bits at best.
const LENGTH_MIN: usize = 16;
/// Nobody issues longer ones.
const LENGTH_MAX: usize = 256;

/// A secret that both sides know. Never shown, overwritten when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Takes a secret as it was issued.
    ///
    /// # Errors
    /// [`WebhookError::Secret`] when it has fewer than 16 or more than 256 bytes.
    pub fn new(text: &str) -> Result<Secret, WebhookError> {
        let fits = (LENGTH_MIN..=LENGTH_MAX).contains(&text.len());
        fits.then(|| Secret(Zeroizing::new(text.as_bytes().to_vec()))).ok_or(WebhookError::Secret)
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// Signs a message by several secrets: the value of the header.
#[must_use]
pub fn header(secrets: &[Secret], timestamp: u64, body: &[u8]) -> String {
    let text = signed(timestamp, body);
    let mut value = format!("t={timestamp}");
    for secret in secrets {
        value.push_str(&format!(",{VERSION}="));
        for byte in hmac::sign(&secret.key(), &text).as_ref() {
            value.push_str(&format!("{byte:02x}"));
        }
    }
    value
}

/// Verifies a message by any of several secrets.
///
/// # Errors
/// [`WebhookError`]; of a header with two times too.
pub fn verify(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
    now: u64,
    tolerance_seconds: u64,
) -> Result<(), WebhookError> {
    let (mut time, mut tags) = (None, Vec::new());
    for item in header.split(',') {
        match item.trim().split_once('=') {
            Some(("t", text)) if time.replace(text).is_some() => return Err(WebhookError::Timestamp),
            Some((VERSION, _)) if tags.len() == SIGNATURES_MAX => return Err(WebhookError::TooMany),
            // What is no hexadecimal text is empty, and fits nothing.
            Some((VERSION, code)) => tags.push(bytes(code).unwrap_or_default()),
            _ => {}
        }
    }
    let timestamp = timely(time.ok_or(WebhookError::Timestamp)?, now, tolerance_seconds)?;
    if tags.is_empty() {
        return Err(WebhookError::Unsigned);
    }
    let text = signed(timestamp, body);
    // `hmac::verify` takes the same time wherever codes differ.
    let fits = |secret: &Secret| {
        let key = secret.key();
        tags.iter().any(|tag| hmac::verify(&key, &text, tag).is_ok())
    };
    if secrets.iter().any(fits) { Ok(()) } else { Err(WebhookError::Signature) }
}

fn signed(timestamp: u64, body: &[u8]) -> Vec<u8> {
    [format!("{timestamp}.").as_bytes(), body].concat()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if hex.len() != 64 {
        return None;
    }
    hex.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
