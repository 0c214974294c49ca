//! A wallet as WeChat Pay speaks it in version 3 of its API: JSON over HTTP, both sides sign, notifications are sealed.
//!
//! A customer pays in one of two ways. Either a code is shown and the customer scans it (`native`): the order is there at
//! once, and unpaid. Or the customer shows a code of digits and it is scanned (`codepay`). Both may wait for the customer
//! and are asked about (`out-trade-no`). To call off is to look first, as the wallet asks for: an unpaid order is closed
//! and can certainly not be paid any more; one of a scanned code is reversed, whatever became of it; and what was paid to a
//! code that was shown goes back as a refund. It is never done to find out, only when the caller has decided to (`Void`).
//!
//! A refund needs the whole amount of its order, so the order is looked at first. It is done once under its name, is
//! `PROCESSING` for minutes or days, and is asked about until it is done; one that never arrived is sent again as it was.
//!
//! Where this comes from: the public pages of pay.weixin.qq.com on
//! [native](https://pay.weixin.qq.com/doc/v3/merchant/4012791877),
//! [codepay](https://pay.weixin.qq.com/docs/merchant/apis/code-payment-v3/direct/code-pay.html) and
//! [reverse](https://pay.weixin.qq.com/docs/merchant/apis/code-payment-v3/direct/reverse.html),
//! [query](https://pay.weixin.qq.com/doc/v3/merchant/4012556352) (which lists the states of orders, and says to ask before
//! closing or reversing), [close](https://pay.weixin.qq.com/doc/v3/merchant/4013070360),
//! [refunds](https://pay.weixin.qq.com/doc/v3/partner/4012709253) and
//! [their query](https://pay.weixin.qq.com/doc/v3/merchant/4013071041), and
//! [signatures of answers](https://pay.weixin.qq.com/docs/merchant/development/interface-rules/build-verify-sign-src.html).
//!
//! What could not be confirmed, because the tables of errors of those pages were not at hand: which errors `codepay` gives
//! in version 3 (those of version 2 are known, and are read in both spellings; whatever else comes is asked about); what
//! `reverse` answers (any success is taken, but one that wants to be called again); which members `scene_info` of `codepay`
//! needs. That a request with a bad signature is answered 401 without a signature, and not done, is said by the pages on
//! signatures and seen in published answers: it is the one answer that is believed unsigned, and only of a first call.
//! Payments by `codepay` are told of by no notification: the page has no address for them.

mod answer;
mod call;
mod notification;
mod verdict;

use crate::wallet::{self, Common, SettingsError, order};
use crate::{
    Call, ChannelAnswer, HttpChannel, Lost, Notification, NotificationError, Request, Step, unanswered,
};
use answer::Heard;
use call::Method;
use http::HeaderMap;
use std::collections::BTreeMap;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::ResourceKey;
use suanpan_money::{Currency, Timestamp};

/// What is known about the shop at the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What all wallets have.
    pub common: Common,
    /// The application that the merchant is bound to (`appid`).
    pub app_id: String,
    /// The merchant, as the wallet numbers it (`mchid`).
    pub merchant: String,
    /// The serial number of the certificate that the shop's key belongs to.
    pub serial: String,
    /// What the customer sees as the description of the order.
    pub description: String,
    /// The shop where codes are scanned, by our own number.
    pub store: String,
}

/// The keys of a shop and of its wallet.
pub struct Keys {
    /// Signs what is sent.
    pub own: RsaPrivateKey,
    /// Verify what comes, by what `Wechatpay-Serial` says: several while the wallet changes its key.
    pub theirs: BTreeMap<String, RsaPublicKey>,
    /// Opens notifications.
    pub resource: ResourceKey,
}

/// A wallet.
pub struct Wechat {
    settings: Settings,
    keys: Keys,
    /// Makes nonces that nobody else can know before.
    nonce_key: [u8; 32],
    currency: Currency,
}

impl Wechat {
    /// Makes a channel.
    ///
    /// # Errors
    /// [`SettingsError`] names what cannot be.
    pub fn new(settings: Settings, keys: Keys) -> Result<Wechat, SettingsError> {
        let Settings { common, app_id, merchant, serial, description, store } = &settings;
        common.check()?;
        let word =
            |text: &str| (1..=32).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric());
        for (what, text) in [("app_id", app_id), ("merchant", merchant), ("store", store)] {
            if !word(text) {
                return Err(SettingsError::new(what, "1 to 32 letters and digits", text));
            }
        }
        if !(8..=64).contains(&serial.len()) || !serial.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SettingsError::new("serial", "8 to 64 hexadecimal digits", serial));
        }
        if !(1..=127).contains(&description.len()) || description.chars().any(char::is_control) {
            return Err(SettingsError::new("description", "1 to 127 bytes of UTF-8", description));
        }
        if keys.theirs.is_empty() {
            return Err(SettingsError::new("wallet_public_keys", "one key at least", "none"));
        }
        // Signing is the same each time, and nobody else can do it.
        let seed = keys.own.sign(b"suanpan: nonces for WeChat Pay").unwrap_or_default();
        let nonce_key = blake3::derive_key("suanpan 2026-11-28 nonces for WeChat Pay", &seed);
        let currency = Currency::parse(wallet::CURRENCY).expect("ISO 4217 has it");
        Ok(Wechat { settings, keys, nonce_key, currency })
    }

    fn send(&self, request: &Request, method: Method) -> Step {
        match call::signed(self, request, method) {
            Some(call) => Step::Send(call),
            None => Step::Is(unanswered(request, Lost::NotSent)),
        }
    }

    /// Looks at the order, then ends it in the way that fits what became of it.
    fn call_off(&self, request: &Request, heard: &[Heard]) -> Step {
        let [found, rest @ ..] = heard else { return self.send(request, Method::Query) };
        let method = match verdict::to_call_off(self, request, found) {
            Ok(method) => method,
            Err(answer) => return Step::Is(answer),
        };
        match rest {
            [] => self.send(request, method),
            [done, ..] => Step::Is(verdict::called_off(self, request, method, done)),
        }
    }

    /// Looks at the order for its whole amount, then gives a part of it back.
    fn refund(&self, request: &Request, heard: &[Heard]) -> Step {
        let [found, rest @ ..] = heard else { return self.send(request, Method::Query) };
        let total = match verdict::total_to_refund(self, request, found) {
            Ok(total) => total,
            Err(answer) => return Step::Is(answer),
        };
        match rest {
            [] => self.send(request, Method::Refund { name: request.reference.clone(), total }),
            [done, ..] => Step::Is(verdict::refunded(self, request, &request.reference, done)),
        }
    }

    /// A refund that is not found may not have arrived: it is sent again as it was, which does it once at most.
    fn inquire_refund(&self, request: &Request, heard: &[Heard]) -> Step {
        let [found, rest @ ..] = heard else {
            return self.send(request, Method::RefundQuery { name: request.reference.clone() });
        };
        if verdict::is_lost_refund(request, found) {
            return self.refund(request, rest);
        }
        Step::Is(verdict::refunded(self, request, &request.reference, found))
    }
}

impl HttpChannel for Wechat {
    fn name(&self) -> &str {
        &self.settings.common.name
    }

    fn next(&self, request: &Request, heard: &[http::Response<Vec<u8>>]) -> Step {
        if request.currency != self.currency || !call::is_order(order(request)) {
            return Step::Is(unanswered(request, Lost::NotSent));
        }
        let heard: Vec<Heard> = heard.iter().map(|it| answer::read(self, it, request.now)).collect();
        match (request.call, request.about, heard.as_slice()) {
            (Call::Authorize, _, _) if !request.capture => Step::Is(unanswered(request, Lost::NotSent)),
            (Call::Authorize, _, []) => {
                let scanned = request.token.is_some();
                self.send(request, if scanned { Method::CodePay } else { Method::Native })
            }
            (Call::Authorize, _, [answer, ..]) if request.token.is_some() => {
                Step::Is(verdict::paid(self, request, answer))
            }
            (Call::Authorize, _, [answer, ..]) => Step::Is(verdict::placed(self, request, answer)),
            (Call::Inquire, Call::Authorize, []) => self.send(request, Method::Query),
            (Call::Inquire, Call::Authorize, [answer, ..]) => {
                Step::Is(verdict::queried(self, request, answer))
            }
            (Call::Void, _, heard) | (Call::Inquire, Call::Void, heard) => self.call_off(request, heard),
            (Call::Refund, _, heard) => self.refund(request, heard),
            (Call::Inquire, Call::Refund, heard) => self.inquire_refund(request, heard),
            (Call::Capture | Call::Payout | Call::SignUp | Call::ConfirmSignUp, _, _)
            | (
                Call::Inquire,
                Call::Capture | Call::Inquire | Call::Payout | Call::SignUp | Call::ConfirmSignUp,
                _,
            ) => Step::Is(unanswered(request, Lost::NotSent)),
        }
    }

    fn notification(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        notification::read(self, headers, body, now)
    }
}

/// The name of the refund by which a payment to a code that was shown goes back as a whole. It follows from the order,
/// so that it is the same whoever calls the order off.
fn call_off_refund(request: &Request) -> String {
    format!("{}-off", order(request))
}

fn unknown(why: impl Into<String>) -> ChannelAnswer {
    wallet::unknown(why)
}
