//! The wallet's host: signed JSON in and out, and sealed notifications.

use super::host::{Host, Said};
use crate::wallet::Wallet;
use crate::wallet::http::{CALL_BYTES, Dialect, Gateway, scan, to_shop};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, request};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::Full;
use serde_json::json;
use std::io;
use std::sync::Arc;
use suanpan_messages::signing::wechat::{Authorization, Received, Request as Signable, TOLERANCE_SECONDS};
use tokio::net::TcpListener;

/// Serves until it is dropped. Below `/v3` are the calls; `POST /scan` with the text of a code is a customer who scans it
/// and pays.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: TcpListener, host: Arc<Host>) -> io::Result<()> {
    let router = Router::new()
        .route("/scan", post(scan::<Host>))
        .fallback(call)
        .layer(DefaultBodyLimit::max(CALL_BYTES))
        .with_state(Gateway::new(host));
    axum::serve(listener, router).await
}

impl Dialect for Host {
    fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    fn scan(&self, code: &str) -> Option<String> {
        Host::scan(self, code)
    }

    fn notice(&self, order: &str, garbled: bool) -> Option<Request<Full<Bytes>>> {
        let url = self.wallet.lock().get(order)?.notify_url.clone()?;
        to_shop(url, self.notification(order, garbled)?)
    }

    fn is_taken(&self, status: StatusCode, _body: &[u8]) -> bool {
        matches!(status.as_u16(), 200 | 204)
    }
}

impl Host {
    /// Makes the notification that an order was paid: its headers and its body, with one that was changed on its way where
    /// that is wanted. None when it was never paid.
    #[must_use]
    pub fn notification(&self, order: &str, garbled: bool) -> Option<Request<Vec<u8>>> {
        let (said, number) = {
            let mut trades = self.wallet.lock();
            let trade = trades.get(order).filter(|trade| trade.paid)?;
            // What is told is that it was paid, whatever became of it since.
            let mut said = self.shown(order, trade);
            said["trade_state"] = json!("SUCCESS");
            (said, trades.number())
        };
        let nonce = format!("{number:012}");
        let sealed =
            self.resource_key.seal(nonce.as_bytes(), b"transaction", said.to_string().as_bytes()).ok()?;
        let body = json!({
            "id": format!("EV-{number}"),
            "create_time": "2026-11-28T10:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": sealed,
                "associated_data": "transaction",
                "nonce": nonce,
            },
        });
        let (headers, body) = self.signed(body.to_string(), garbled)?;
        let mut request = Request::new(body);
        *request.headers_mut() = headers;
        Some(request)
    }

    /// Signs a body. What is garbled is whole JSON still, and something else than what was signed.
    pub(super) fn signed(&self, body: String, garbled: bool) -> Option<(HeaderMap, Vec<u8>)> {
        let now = u64::try_from(self.wallet.now()).ok()?;
        let nonce = format!("{:032x}", self.wallet.lock().number());
        let received = Received { timestamp: now, nonce: &nonce, signature: "", body: body.as_bytes() };
        let signature = self.own_key.sign_base64(&received.text().ok()?).ok()?;
        let mut headers = HeaderMap::new();
        headers.insert("wechatpay-timestamp", now.into());
        headers.insert("wechatpay-nonce", nonce.parse().ok()?);
        headers.insert("wechatpay-signature", signature.parse().ok()?);
        headers.insert("wechatpay-serial", self.own_serial.parse().ok()?);
        headers.insert("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".parse().ok()?);
        headers.insert(CONTENT_TYPE, "application/json; charset=utf-8".parse().ok()?);
        let mut body = body.into_bytes();
        if garbled {
            body.push(b' ');
        }
        Some((headers, body))
    }

    /// Whether a call is signed by our merchant, and not long ago.
    fn is_signed(&self, head: &request::Parts, target: &str, body: &[u8]) -> bool {
        let Some(header) = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Ok(authorization) = Authorization::parse(header) else { return false };
        let signable = Signable {
            method: head.method.as_str(),
            target,
            timestamp: authorization.timestamp,
            nonce: &authorization.nonce,
            body,
        };
        let now = u64::try_from(self.wallet.now()).unwrap_or_default();
        authorization.merchant == self.merchant
            && authorization.serial == self.merchant_serial
            && authorization.timestamp.abs_diff(now) <= TOLERANCE_SECONDS
            && signable
                .text()
                .is_ok_and(|text| self.merchant_key.verify_base64(&text, &authorization.signature).is_ok())
    }
}

async fn call(State(gateway): State<Gateway<Host>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, CALL_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let host = &gateway.host;
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    if !host.is_signed(&head, &target, &body) {
        // The wallet does not sign this one.
        let wrong = json!({"code": "SIGN_ERROR", "message": "签名错误"}).to_string();
        return (StatusCode::UNAUTHORIZED, [(CONTENT_TYPE, "application/json")], wrong).into_response();
    }
    let apply = || host.apply(head.method.as_str(), &target, &body);
    gateway
        .call(name_of(&head.method, &head.uri, &body), apply, |said, garbled| answer(host, said, garbled))
        .await
}

/// The name of a message is what it says, whenever it is said.
fn name_of(method: &Method, uri: &Uri, body: &[u8]) -> Vec<u8> {
    [method.as_str().as_bytes(), uri.path().as_bytes(), body].concat()
}

fn answer(host: &Host, (status, body): Said, garbled: bool) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    // Without a body there is only the signature to be garbled.
    let lost = garbled && body.is_empty();
    match host.signed(body, garbled && !lost) {
        Some((mut headers, body)) => {
            if lost {
                headers.remove("wechatpay-serial");
            }
            (status, headers, body).into_response()
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
