//! A wallet as Alipay's open platform speaks it: calls as signed forms, answers as signed JSON, notifications as signed
//! forms (the public documents of `alipay.trade.precreate`, `pay`, `query`, `cancel`, `refund` and their notifications).
//!
//! A customer pays in one of two ways. Either a code is shown and the customer scans it (`precreate`): the trade exists
//! only when that was done. Or the customer shows a code of digits and it is scanned (`pay`). Both may wait for the
//! customer and are asked about (`query`). Calling a trade off (`cancel`) gives back what was paid, so it is never done to
//! find out, only when the caller has decided to (`Void`). A trade that does not exist cannot be called off: a code that
//! was shown can still be scanned until its own time is over, so only then it is said to be ended.

mod answer;
mod call;
mod notification;

use crate::{
    CardInput, Channel, ChannelAnswer, Notification, NotificationError, Request, TokenizedCard, VaultError,
};
use call::Method;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_money::{Currency, Timestamp};

/// What is known about the shop at the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The channel's name, which stands in account paths.
    pub name: String,
    /// The application that calls, as the wallet numbers it.
    pub app_id: String,
    /// What the customer sees as the subject of the order.
    pub subject: String,
    /// Where notifications go; none are sent without it.
    pub notify_url: Option<String>,
    /// For how long a code that is shown can be paid.
    pub qr_seconds: i64,
    /// For how long a customer whose code was scanned may take to agree.
    pub code_seconds: i64,
}

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} of a wallet must be {rule}, and is `{found}`")]
pub struct SettingsError {
    what: &'static str,
    rule: &'static str,
    found: String,
}

/// The currency of all trades.
const CURRENCY: &str = "CNY";
/// After how long a request cannot be on its way any more.
const ON_ITS_WAY_SECONDS: i64 = 120;
/// How much longer than told a code may be good: the clocks of both sides differ.
const CLOCKS_SECONDS: i64 = 60;

/// A wallet.
pub struct Alipay {
    settings: Settings,
    /// Signs what is sent.
    own: RsaPrivateKey,
    /// Verifies what comes.
    theirs: RsaPublicKey,
    currency: Currency,
}

impl Alipay {
    /// Makes a channel.
    ///
    /// # Errors
    /// [`SettingsError`] names what cannot be.
    pub fn new(
        settings: Settings,
        own: RsaPrivateKey,
        theirs: RsaPublicKey,
    ) -> Result<Alipay, SettingsError> {
        let wrong = |what, rule, found: &dyn ToString| SettingsError { what, rule, found: found.to_string() };
        let Settings { name, app_id, subject, notify_url, qr_seconds, code_seconds } = &settings;
        if !(1..=32).contains(&app_id.len()) || !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(wrong("app_id", "1 to 32 letters and digits", app_id));
        }
        // It is a part of the address of notifications.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(wrong("name", "1 to 40 letters, digits and underscores", name));
        }
        if !(1..=128).contains(&subject.chars().count()) || subject.contains(['/', '=', '&']) {
            return Err(wrong("subject", "1 to 128 characters, none of them /, = or &", subject));
        }
        if let Some(url) = notify_url.as_ref().filter(|url| !url.starts_with("http") || url.len() > 256) {
            return Err(wrong("notify_url", "an address of up to 256 characters", url));
        }
        if !(60..=7_200).contains(qr_seconds) || qr_seconds % 60 != 0 {
            return Err(wrong("qr_seconds", "whole minutes, 60 to 7200", qr_seconds));
        }
        if !(30..=600).contains(code_seconds) {
            return Err(wrong("code_seconds", "30 to 600", code_seconds));
        }
        let currency = Currency::parse(CURRENCY).expect("ISO 4217 has it");
        Ok(Alipay { settings, own, theirs, currency })
    }

    /// The moment when a request was made.
    fn born(request: &Request) -> Timestamp {
        Timestamp::from_micros(request.trace.0)
    }

    /// Until when the customer is waited for.
    fn expires_at(&self, request: &Request) -> i64 {
        let seconds =
            if request.token.is_some() { self.settings.code_seconds } else { self.settings.qr_seconds };
        Alipay::born(request).plus_seconds(seconds).seconds()
    }
}

impl Channel for Alipay {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn build(&self, request: &Request) -> Option<Vec<u8>> {
        let method = Method::of(self, request)?;
        call::form(self, method, request)
    }

    fn read(&self, request: &Request, answer: &[u8]) -> ChannelAnswer {
        match Method::of(self, request) {
            Some(method) => answer::read(self, method, request, answer),
            None => ChannelAnswer::Unknown { why: "this was never asked".to_owned() },
        }
    }

    fn tokenize(
        &self,
        _card: &CardInput,
        _key: &[u8; 32],
        _now: Timestamp,
    ) -> Result<TokenizedCard, VaultError> {
        Err(VaultError::NoCards)
    }

    fn notification(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        notification::read(self, body)
    }
}
