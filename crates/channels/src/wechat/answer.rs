//! Answers as they come: whose they are, and their members.

use super::Wechat;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use suanpan_messages::signing::wechat::{Received, WechatError};
use suanpan_money::Timestamp;

/// What was heard; or why it tells nothing.
pub(super) type Heard = Result<Answer, String>;

/// An answer that is the wallet's.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether the call was done, or at least taken.
    pub(super) fine: bool,
    /// Its status.
    pub(super) status: u16,
    /// What it says.
    pub(super) said: Said,
}

impl Answer {
    /// Whether the wallet says that there is no such thing.
    pub(super) fn is_missing(&self) -> bool {
        // Both spellings of an order that is not there are published.
        let word = matches!(
            self.said.code.as_deref(),
            Some("ORDER_NOT_EXIST" | "ORDERNOTEXIST" | "RESOURCE_NOT_EXISTS")
        );
        self.status == 404 && word
    }

    /// The word of an error.
    pub(super) fn code(&self) -> &str {
        self.said.code.as_deref().unwrap_or_default()
    }
}

/// The members of answers and notifications that are read. Which are there depends on the call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) code: Option<String>,
    pub(super) code_url: Option<String>,
    pub(super) appid: Option<String>,
    pub(super) mchid: Option<String>,
    pub(super) out_trade_no: Option<String>,
    pub(super) transaction_id: Option<String>,
    pub(super) trade_type: Option<String>,
    pub(super) trade_state: Option<String>,
    pub(super) amount: Option<Amount>,
    pub(super) out_refund_no: Option<String>,
    pub(super) refund_id: Option<String>,
    /// Of a refund.
    pub(super) status: Option<String>,
    /// `Y` where a reversal must be called again, as version 2 says.
    pub(super) recall: Option<String>,
}

/// Amounts, in minor units.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Amount {
    pub(super) total: Option<u64>,
    pub(super) refund: Option<u64>,
    pub(super) currency: Option<String>,
}

impl Said {
    /// Whether this is about an order of ours. Only what says nothing of us may leave us out.
    pub(super) fn is_ours(&self, wallet: &Wechat, order: &str) -> bool {
        self.mchid.as_deref() == Some(&wallet.settings.merchant)
            && self.appid.as_deref().is_none_or(|app| app == wallet.settings.app_id)
            && self.out_trade_no.as_deref() == Some(order)
    }

    /// Whether an amount is in our currency. The wallet may leave it out, and has no other for shops of the mainland.
    pub(super) fn is_in_currency(&self, wallet: &Wechat) -> bool {
        let currency = self.amount.as_ref().and_then(|amount| amount.currency.as_deref());
        currency.is_none_or(|code| code == wallet.currency.code())
    }

    /// The whole amount of an order, in minor units.
    pub(super) fn total(&self, wallet: &Wechat) -> Option<u64> {
        self.amount.as_ref().and_then(|amount| amount.total).filter(|_| self.is_in_currency(wallet))
    }
}

/// Reads an answer that must be signed, but for the one that says that our own signature was wrong.
pub(super) fn read(wallet: &Wechat, answer: &http::Response<Vec<u8>>, now: Timestamp) -> Heard {
    let status = answer.status();
    let (headers, body) = (answer.headers(), answer.body());
    if status == http::StatusCode::UNAUTHORIZED && !headers.contains_key(SIGNATURE) {
        let said: Said = members(body)?;
        if said.code.as_deref() == Some(SIGN_ERROR) {
            return Ok(Answer { fine: false, status: status.as_u16(), said });
        }
    }
    verify(wallet, headers, body, now).map_err(|error| format!("the answer is not the wallet's: {error}"))?;
    let said = if body.is_empty() { Said::default() } else { members(body)? };
    Ok(Answer { fine: status.is_success(), status: status.as_u16(), said })
}

/// That our own signature is wrong.
pub(super) const SIGN_ERROR: &str = "SIGN_ERROR";
const SIGNATURE: &str = "wechatpay-signature";

/// Why something is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untrue {
    /// A header is missing, twice, or no text.
    #[error("it has no header {0}, or no readable one")]
    Header(&'static str),
    /// No key of that name is known.
    #[error("it is signed by a key that is not known")]
    Serial,
    /// It was not signed so, or long ago.
    #[error(transparent)]
    Signature(#[from] WechatError),
}

/// Verifies what the wallet signed: by a key that we know, and within five minutes of our own time.
pub(super) fn verify(
    wallet: &Wechat,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Untrue> {
    let one = |name: &'static str| {
        let mut all = headers.get_all(name).iter();
        match (all.next().and_then(|value| value.to_str().ok()), all.next()) {
            (Some(text), None) => Ok(text),
            _ => Err(Untrue::Header(name)),
        }
    };
    let timestamp = one("wechatpay-timestamp")?;
    let timestamp = timestamp.parse().map_err(|_| Untrue::Header("wechatpay-timestamp"))?;
    let received = Received { timestamp, nonce: one("wechatpay-nonce")?, signature: one(SIGNATURE)?, body };
    let key = wallet.keys.theirs.get(one("wechatpay-serial")?).ok_or(Untrue::Serial)?;
    Ok(received.verify(key, u64::try_from(now.seconds()).unwrap_or_default())?)
}

/// Reads the members of a JSON object.
pub(super) fn members<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|_| "it cannot be read".to_owned())
}
