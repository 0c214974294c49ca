//! Which call a request becomes, and its form.

use super::Alipay;
use crate::wallet::{CHINA_SECONDS, order};
use crate::{Call, Request};
use form_urlencoded::Serializer;
use http::header::CONTENT_TYPE;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use suanpan_messages::signing::alipay::sign_request;
use suanpan_money::{Timestamp, format_minor};

/// Where all calls go at the wallet's host.
const GATEWAY: &str = "/gateway.do";

/// What is asked of the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// A code to be shown.
    Precreate,
    /// Take the money of whoever showed a code.
    Pay,
    /// What became of a trade?
    Query,
    /// End a trade, and give back what was paid.
    Cancel,
    /// Give back a part of a trade.
    Refund,
    /// What became of a refund?
    RefundQuery,
}

impl Method {
    /// Says what a request becomes; none when a wallet cannot do it.
    pub(super) fn of(wallet: &Alipay, request: &Request) -> Option<Method> {
        let scanned = request.token.is_some();
        match (request.call, request.about) {
            (Call::Authorize, _) if request.currency != wallet.currency || !request.capture => None,
            (Call::Authorize, _) => Some(if scanned { Method::Pay } else { Method::Precreate }),
            (Call::Void, _) | (Call::Inquire, Call::Void) => Some(Method::Cancel),
            (Call::Refund, _) => Some(Method::Refund),
            (Call::Inquire, Call::Authorize) => Some(Method::Query),
            (Call::Inquire, Call::Refund) => Some(Method::RefundQuery),
            (Call::Capture | Call::Payout | Call::SignUp | Call::ConfirmSignUp, _)
            | (
                Call::Inquire,
                Call::Capture | Call::Inquire | Call::Payout | Call::SignUp | Call::ConfirmSignUp,
            ) => None,
        }
    }

    /// Its name, as the member of the answer says it too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Method::Precreate => "alipay.trade.precreate",
            Method::Pay => "alipay.trade.pay",
            Method::Query => "alipay.trade.query",
            Method::Cancel => "alipay.trade.cancel",
            Method::Refund => "alipay.trade.refund",
            Method::RefundQuery => "alipay.trade.fastpay.refund.query",
        }
    }
}

/// An amount in yuan, as the wallet writes it.
pub(super) fn yuan(request: &Request) -> Option<String> {
    Some(format_minor(i64::try_from(request.amount_minor).ok()?, request.currency.exponent()))
}

/// Makes a call with its signed form; none when it cannot be signed.
pub(super) fn signed(wallet: &Alipay, method: Method, request: &Request) -> Option<http::Request<Vec<u8>>> {
    let content = content(wallet, method, request)?.to_string();
    let moment = china_time(request.now)?;
    let notify = wallet.settings.common.notify_url.as_deref().filter(|_| {
        // Only what waits for somebody ends with a notification.
        matches!(method, Method::Precreate | Method::Pay)
    });
    let mut parameters = vec![
        ("app_id", wallet.settings.app_id.as_str()),
        ("method", method.name()),
        ("format", "JSON"),
        ("charset", "utf-8"),
        ("sign_type", "RSA2"),
        ("timestamp", moment.as_str()),
        ("version", "1.0"),
        ("biz_content", content.as_str()),
    ];
    parameters.extend(notify.map(|url| ("notify_url", url)));
    let signature = sign_request(&wallet.own, &parameters).ok()?;
    parameters.push(("sign", &signature));
    let form = Serializer::new(String::new()).extend_pairs(parameters).finish().into_bytes();
    let call = http::Request::post(GATEWAY);
    call.header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=utf-8").body(form).ok()
}

fn content(wallet: &Alipay, method: Method, request: &Request) -> Option<Value> {
    let settings = &wallet.settings;
    Some(match method {
        Method::Precreate => {
            let minutes = format!("{}m", settings.common.qr_seconds / 60);
            json!({
                "out_trade_no": request.reference,
                "total_amount": yuan(request)?,
                "subject": settings.subject,
                // The code dies with the order.
                "timeout_express": minutes,
                "qr_code_timeout_express": minutes,
            })
        }
        Method::Pay => json!({
            "out_trade_no": request.reference,
            "scene": "bar_code",
            "auth_code": request.token,
            "total_amount": yuan(request)?,
            "subject": settings.subject,
            "timeout_express": format!("{}m", (settings.common.code_seconds + 59) / 60),
        }),
        Method::Query | Method::Cancel => json!({"out_trade_no": order(request)}),
        Method::Refund => json!({
            "out_trade_no": order(request),
            "out_request_no": request.reference,
            "refund_amount": yuan(request)?,
        }),
        Method::RefundQuery => {
            json!({"out_trade_no": order(request), "out_request_no": request.reference})
        }
    })
}

fn china_time(now: Timestamp) -> Option<String> {
    let zone = TimeZone::fixed(jiff::tz::Offset::from_seconds(CHINA_SECONDS).ok()?);
    let moment = jiff::Timestamp::from_second(now.seconds()).ok()?.to_zoned(zone);
    Some(moment.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
