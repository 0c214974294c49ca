//! The wallet's gateway: signed forms in, signed JSON out.

use super::host::Host;
use crate::wallet::Wallet;
use crate::wallet::http::{CALL_BYTES, Dialect, Gateway, scan};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::Full;
use std::io;
use std::sync::Arc;
use suanpan_messages::signing::alipay::request_text;
use suanpan_messages::signing::parameters::value;
use tokio::net::TcpListener;

/// Serves until it is dropped. `POST /gateway.do` is the gateway; `POST /scan` with the text of a code is a customer who
/// scans it and pays.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: TcpListener, host: Arc<Host>) -> io::Result<()> {
    let router = Router::new()
        .route("/gateway.do", post(call))
        .route("/scan", post(scan::<Host>))
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
        let form = self.notification(order, garbled)?;
        let request = Request::post(self.notify_url(order)?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
        request.body(Full::new(Bytes::from(form))).ok()
    }

    fn is_taken(&self, status: StatusCode, body: &[u8]) -> bool {
        status.is_success() && body == b"success"
    }
}

async fn call(State(gateway): State<Gateway<Host>>, body: Bytes) -> Response {
    let owned: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().take(64).collect();
    let parameters: Vec<(&str, &str)> =
        owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (host, method) = (&gateway.host, value(&parameters, "method").unwrap_or_default());
    if !is_signed(host, &parameters) {
        let wrong = serde_json::json!({"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-signature"});
        return answer(host, method, &wrong.to_string(), false);
    }
    let content = value(&parameters, "biz_content").unwrap_or_default();
    let notify_url = value(&parameters, "notify_url");
    // The name of a message is what it says, whenever it is said.
    let name = [method.as_bytes(), content.as_bytes()].concat();
    let apply = || host.apply(method, content, notify_url);
    gateway.call(name, apply, |said, garbled| answer(host, method, &said.to_string(), garbled)).await
}

fn is_signed(host: &Host, parameters: &[(&str, &str)]) -> bool {
    let right =
        value(parameters, "app_id") == Some(&host.app_id) && value(parameters, "sign_type") == Some("RSA2");
    let signature = value(parameters, "sign").unwrap_or_default();
    right
        && request_text(parameters)
            .is_ok_and(|text| host.app_key.verify_base64(text.as_bytes(), signature).is_ok())
}

fn answer(host: &Host, method: &str, answer: &str, garbled: bool) -> Response {
    let Ok(signature) = host.own_key.sign_base64(answer.as_bytes()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let member = format!("{}_response", method.replace('.', "_"));
    // What is garbled is whole JSON, and something else than what was signed.
    let answer = if garbled { answer.replacen("code", "Code", 1) } else { answer.to_owned() };
    let body = format!("{{\"{member}\":{answer},\"sign\":\"{signature}\"}}");
    ([(CONTENT_TYPE, "text/html;charset=utf-8")], body).into_response()
}
