//! Which call a request becomes, and its form.

use super::{Alipay, ON_ITS_WAY_SECONDS};
use crate::{Call, Request};
use form_urlencoded::Serializer;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use suanpan_messages::signing::alipay::sign_request;
use suanpan_money::{Timestamp, format_minor};

/// The times of all calls are those of China, which has no summer time.
const CHINA_SECONDS: i32 = 8 * 3_600;
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
            (Call::Inquire, Call::Refund) => Some(Method::of_lost_refund(request)),
            (Call::Capture, _) | (Call::Inquire, Call::Capture | Call::Inquire) => None,
        }
    }

    /// A refund that is not found may not have arrived: then it must be sent again as it was, which does it once at most.
    /// Pauses between inquiries double up to an hour, so that from the third minute on it is sent again and asked about by
    /// turns.
    fn of_lost_refund(request: &Request) -> Method {
        let age = request.now.seconds() - Alipay::born(request).seconds();
        let turn = if age < 7_200 { i64::from(age.max(1).ilog2()) } else { age / 3_600 };
        let again = age >= ON_ITS_WAY_SECONDS && turn % 2 == 1;
        if again { Method::Refund } else { Method::RefundQuery }
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

/// The order at the wallet that a request is about: the authorization under its own name.
pub(super) fn order(request: &Request) -> &str {
    request.original.as_deref().unwrap_or(&request.reference)
}

/// An amount in yuan, as the wallet writes it.
pub(super) fn yuan(request: &Request) -> Option<String> {
    Some(format_minor(i64::try_from(request.amount_minor).ok()?, request.currency.exponent()))
}

/// Makes the signed form of a call; none when it cannot be signed.
pub(super) fn form(wallet: &Alipay, method: Method, request: &Request) -> Option<Vec<u8>> {
    let content = content(wallet, method, request)?.to_string();
    let moment = china_time(request.now)?;
    let notify = wallet.settings.notify_url.as_deref().filter(|_| {
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
    Some(Serializer::new(String::new()).extend_pairs(parameters).finish().into_bytes())
}

fn content(wallet: &Alipay, method: Method, request: &Request) -> Option<Value> {
    let settings = &wallet.settings;
    Some(match method {
        Method::Precreate => {
            let minutes = format!("{}m", settings.qr_seconds / 60);
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
            "timeout_express": format!("{}m", (settings.code_seconds + 59) / 60),
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
