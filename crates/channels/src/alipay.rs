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

use crate::wallet::{self, Common, SettingsError};
use crate::{HttpChannel, Lost, Notification, NotificationError, Request, Step, unanswered};
use call::Method;
use http::HeaderMap;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_money::{Currency, Timestamp};

/// What is known about the shop at the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What all wallets have.
    pub common: Common,
    /// The application that calls, as the wallet numbers it.
    pub app_id: String,
    /// What the customer sees as the subject of the order.
    pub subject: String,
}

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
        let Settings { common, app_id, subject } = &settings;
        common.check()?;
        if !(1..=32).contains(&app_id.len()) || !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(SettingsError::new("app_id", "1 to 32 letters and digits", app_id));
        }
        if !(1..=128).contains(&subject.chars().count()) || subject.contains(['/', '=', '&']) {
            return Err(SettingsError::new(
                "subject",
                "1 to 128 characters, none of them /, = or &",
                subject,
            ));
        }
        let currency = Currency::parse(wallet::CURRENCY).expect("ISO 4217 has it");
        Ok(Alipay { settings, own, theirs, currency })
    }

    fn send(&self, method: Method, request: &Request) -> Step {
        match call::signed(self, method, request) {
            Some(call) => Step::Send(call),
            None => Step::Is(unanswered(request, Lost::NotSent)),
        }
    }
}

impl HttpChannel for Alipay {
    fn name(&self) -> &str {
        &self.settings.common.name
    }

    fn next(&self, request: &Request, heard: &[http::Response<Vec<u8>>]) -> Step {
        let Some(method) = Method::of(self, request) else {
            return Step::Is(unanswered(request, Lost::NotSent));
        };
        match heard {
            [] => self.send(method, request),
            // A refund that is not found may not have arrived: it is sent again as it was, which does it once at most.
            [found]
                if method == Method::RefundQuery && answer::is_lost_refund(self, request, found.body()) =>
            {
                self.send(Method::Refund, request)
            }
            [found] => Step::Is(answer::read(self, method, request, found.body())),
            [_, .., again] => Step::Is(answer::read(self, Method::Refund, request, again.body())),
        }
    }

    fn notification(
        &self,
        _headers: &HeaderMap,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        notification::read(self, body)
    }
}
