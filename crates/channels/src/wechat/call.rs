//! Calls, and their signatures.

use super::{Wechat, call_off_refund};
use crate::Request;
use crate::wallet::{CHINA_SECONDS, order};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};
use suanpan_messages::signing::wechat::{Authorization, Request as Signable};
use suanpan_money::Timestamp;

/// What is asked of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    /// A code to be shown.
    Native,
    /// Take the money of whoever showed a code.
    CodePay,
    /// What became of an order?
    Query,
    /// End an order that is not paid.
    Close,
    /// End the order of a scanned code, and give back what was paid.
    Reverse,
    /// Give back a part of an order, or all of it.
    Refund {
        /// What the refund is called.
        name: String,
        /// The whole amount of the order, in minor units.
        total: u64,
    },
    /// What became of a refund?
    RefundQuery {
        /// What the refund is called.
        name: String,
    },
}

impl Method {
    /// The refund of all that was paid to an order that is called off.
    pub(super) fn refund_all(request: &Request) -> Method {
        Method::Refund { name: call_off_refund(request), total: request.amount_minor }
    }

    /// Path and query, and the body; a call without one only asks.
    fn parts(&self, wallet: &Wechat, request: &Request) -> Option<(String, Option<Value>)> {
        let settings = &wallet.settings;
        let (app_id, merchant) = (&settings.app_id, &settings.merchant);
        let at_order = |what: &str| format!("/v3/pay/transactions/out-trade-no/{}{what}", order(request));
        Some(match self {
            Method::Native => {
                let expires = wallet.settings.common.expires_at(request);
                let mut body = json!({
                    "appid": app_id,
                    "mchid": merchant,
                    "description": settings.description,
                    "out_trade_no": request.reference,
                    "time_expire": china_time(Timestamp::from_seconds(expires))?,
                    "amount": {"total": request.amount_minor, "currency": wallet.currency.code()},
                });
                if let Some(url) = &settings.common.notify_url {
                    body["notify_url"] = json!(url);
                }
                ("/v3/pay/transactions/native".to_owned(), Some(body))
            }
            Method::CodePay => {
                let body = json!({
                    "appid": app_id,
                    "mchid": merchant,
                    "description": settings.description,
                    "out_trade_no": request.reference,
                    "payer": {"auth_code": request.token.as_ref()?},
                    "amount": {"total": request.amount_minor, "currency": wallet.currency.code()},
                    "scene_info": {"store_info": {"out_id": settings.store}},
                });
                ("/v3/pay/transactions/codepay".to_owned(), Some(body))
            }
            Method::Query => (at_order(&format!("?mchid={merchant}")), None),
            Method::Close => (at_order("/close"), Some(json!({"mchid": merchant}))),
            Method::Reverse => (at_order("/reverse"), Some(json!({"appid": app_id, "mchid": merchant}))),
            Method::Refund { name, total } => {
                let body = json!({
                    "out_trade_no": order(request),
                    "out_refund_no": name,
                    "amount": {
                        "refund": request.amount_minor,
                        "total": total,
                        "currency": wallet.currency.code(),
                    },
                });
                ("/v3/refund/domestic/refunds".to_owned(), Some(body))
            }
            Method::RefundQuery { name } => (format!("/v3/refund/domestic/refunds/{name}"), None),
        })
    }
}

/// Whether a text can be the name of an order: 6 to 32 digits, letters and some signs. Nothing in it ends a path.
pub(super) fn is_order(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-*".contains(&byte);
    (6..=32).contains(&name.len()) && name.bytes().all(good)
}

/// Makes a call with its signature; none when it cannot be signed.
pub(super) fn signed(wallet: &Wechat, request: &Request, method: Method) -> Option<http::Request<Vec<u8>>> {
    let (target, body) = method.parts(wallet, request)?;
    let verb = if body.is_some() { http::Method::POST } else { http::Method::GET };
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let nonce = nonce(wallet, request.now, &target, &body);
    let signable = Signable {
        method: verb.as_str(),
        target: &target,
        timestamp: u64::try_from(request.now.seconds()).ok()?,
        nonce: &nonce,
        body: &body,
    };
    let settings = &wallet.settings;
    let signature =
        Authorization::sign(&wallet.keys.own, &settings.merchant, &settings.serial, &signable).ok()?;
    let call = http::Request::builder()
        .method(verb)
        .uri(&target)
        .header(AUTHORIZATION, signature.to_string())
        .header(ACCEPT, "application/json")
        // A call without a name of its program is refused.
        .header(USER_AGENT, "suanpan");
    let call = if body.is_empty() { call } else { call.header(CONTENT_TYPE, "application/json") };
    call.body(body).ok()
}

/// A text for each call that was never used before, and that nobody without our key can tell. The same call at the same
/// moment has the same: what it would do is done once anyway.
fn nonce(wallet: &Wechat, now: Timestamp, target: &str, body: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_keyed(&wallet.nonce_key);
    hasher.update(&now.micros().to_le_bytes()).update(target.as_bytes()).update(b"\n").update(body);
    hex::encode(&hasher.finalize().as_bytes()[..16])
}

/// A moment as RFC 3339 in the zone of China.
fn china_time(moment: Timestamp) -> Option<String> {
    let zone = TimeZone::fixed(Offset::from_seconds(CHINA_SECONDS).ok()?);
    let moment = jiff::Timestamp::from_second(moment.seconds()).ok()?.to_zoned(zone);
    Some(moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}
