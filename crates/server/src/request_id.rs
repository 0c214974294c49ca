//! Ids of requests: `Request-Id` on every answer, in every line of the log and every event.

use axum::http::HeaderValue;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The id of one request: `req_` and 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 36]);

impl RequestId {
    /// Makes the next id: 64 random bits of this process, then a count.
    #[must_use]
    pub fn next() -> RequestId {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(1);
        // Where the system has no randomness, the process's number still tells processes apart.
        let process =
            *PROCESS.get_or_init(|| getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id())));
        let value = u128::from(process) << 64 | u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
        let mut text = *b"req_00000000000000000000000000000000";
        for (place, digit) in text[4..].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(value >> (124 - place * 4) & 15) as usize];
        }
        RequestId(text)
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits")
    }

    /// Returns the id as the value of a header.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).expect("hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_have_one_length() {
        let (first, second) = (RequestId::next(), RequestId::next());
        assert_ne!(first, second);
        assert_eq!(first.as_str()[..20], second.as_str()[..20], "one process");
        assert!(first.as_str().starts_with("req_") && first.as_str().len() == 36);
        assert_eq!(first.header().to_str().unwrap(), first.as_str());
    }
}
