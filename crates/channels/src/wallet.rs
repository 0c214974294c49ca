//! What all wallets share: what their settings must be like, how long things take, and words for answers.

use crate::{ChannelAnswer, Request};
use suanpan_money::Timestamp;

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} of a wallet must be {rule}, and is `{found}`")]
pub struct SettingsError {
    what: &'static str,
    rule: &'static str,
    found: String,
}

impl SettingsError {
    pub(crate) fn new(what: &'static str, rule: &'static str, found: impl ToString) -> SettingsError {
        SettingsError { what, rule, found: found.to_string() }
    }
}

/// What the settings of all wallets have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// The channel's name, which stands in account paths.
    pub name: String,
    /// Where notifications go; none are sent without it.
    pub notify_url: Option<String>,
    /// For how long a code that is shown can be paid.
    pub qr_seconds: i64,
    /// For how long a customer whose code was scanned may take to agree.
    pub code_seconds: i64,
}

impl Common {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let Common { name, notify_url, qr_seconds, code_seconds } = self;
        // It is a part of the address of notifications.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(SettingsError::new("name", "1 to 40 letters, digits and underscores", name));
        }
        if let Some(url) = notify_url.as_ref().filter(|url| !url.starts_with("http") || url.len() > 255) {
            return Err(SettingsError::new("notify_url", "an address of up to 255 characters", url));
        }
        if !(60..=7_200).contains(qr_seconds) || qr_seconds % 60 != 0 {
            return Err(SettingsError::new("qr_seconds", "whole minutes, 60 to 7200", qr_seconds));
        }
        if !(30..=600).contains(code_seconds) {
            return Err(SettingsError::new("code_seconds", "30 to 600", code_seconds));
        }
        Ok(())
    }

    /// Until when the customer is waited for.
    pub(crate) fn expires_at(&self, request: &Request) -> i64 {
        let seconds = if request.token.is_some() { self.code_seconds } else { self.qr_seconds };
        born(request).plus_seconds(seconds).seconds()
    }
}

/// The currency of all trades of both wallets.
pub(crate) const CURRENCY: &str = "CNY";
/// After how long a request cannot be on its way any more.
const ON_ITS_WAY_SECONDS: i64 = 120;
/// How much longer than told a code may be good: the clocks of both sides differ.
const CLOCKS_SECONDS: i64 = 60;
/// The zone of the times of all calls: China has no summer time.
pub(crate) const CHINA_SECONDS: i32 = 8 * 3_600;
/// Characters of the text of a code; they have some forty.
const CODE_CHARS_MAX: usize = 512;

/// The moment when a request was made.
pub(crate) const fn born(request: &Request) -> Timestamp {
    Timestamp::from_micros(request.trace.0)
}

/// Whether the first call for a request may still arrive.
pub(crate) fn is_on_its_way(request: &Request) -> bool {
    request.now.seconds() < born(request).plus_seconds(ON_ITS_WAY_SECONDS).seconds()
}

/// Whether a code that is shown, or a call with a code that was scanned, may still make a trade of what is not there.
pub(crate) fn may_still_come(request: &Request) -> bool {
    request.awaiting_until.is_some_and(|until| request.now.seconds() < until.saturating_add(CLOCKS_SECONDS))
}

/// The order at the wallet that a request is about: the authorization under its own name.
pub(crate) fn order(request: &Request) -> &str {
    request.original.as_deref().unwrap_or(&request.reference)
}

/// Whether a text can be shown as a code.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=CODE_CHARS_MAX).contains(&text.len()) && text.chars().all(|char| char.is_ascii_graphic())
}

/// Words of the wallet, short and without what a log cannot take.
pub(crate) fn shown(word: &str) -> String {
    word.chars().filter(|char| char.is_ascii_graphic()).take(60).collect()
}

pub(crate) fn unknown(why: impl Into<String>) -> ChannelAnswer {
    ChannelAnswer::Unknown { why: why.into() }
}

pub(crate) fn declined(code: &str) -> ChannelAnswer {
    ChannelAnswer::Declined { code: code.to_owned(), retryable: false }
}

pub(crate) fn approved(channel_id: Option<String>, otherwise: &str) -> ChannelAnswer {
    let channel_id = channel_id.unwrap_or_else(|| otherwise.to_owned());
    ChannelAnswer::Approved { channel_id, authorization_code: None, issuer_data: None }
}
