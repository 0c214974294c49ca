//! Requests to channels over HTTP: one client for each channel, with its connections kept open.

use crate::clock::Clock;
use crate::limits::STALE_MICROS;
use reqwest::{Client, Url, redirect};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::{Lost, Trace, limits};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// Connections that are kept open though nothing is on them.
const IDLE_CONNECTIONS: usize = 64;
/// How long a connection may take to be made. Nothing was sent until then.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// A place that takes signed forms.
#[derive(Debug, Clone)]
pub struct Gateway {
    client: Client,
    address: Url,
    clock: Clock,
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Not an address.
    #[error("{0} is no address of HTTP: {1}")]
    Address(String, String),
    /// No TLS, or no client.
    #[error("no connection over TLS can be made: {0}")]
    Tls(String),
}

impl Gateway {
    /// Prepares a gateway; an answer is waited for so long. Nothing is connected yet.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn new(address: &str, patience: Duration, clock: Clock) -> Result<Gateway, GatewayError> {
        let wrong = |why: String| GatewayError::Address(address.to_owned(), why);
        let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            // Codes are as good as money, and can be read by everybody on the way.
            "http" if !is_near(&url) => {
                return Err(wrong("without TLS only this machine may be called".to_owned()));
            }
            "http" => {}
            _ => return Err(wrong("it begins with neither http nor https".to_owned())),
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() && url.scheme() == "https" {
            return Err(GatewayError::Tls("this machine trusts no authority of certificates".to_owned()));
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| GatewayError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // A channel that sends elsewhere is not the one that was named.
            .redirect(redirect::Policy::none())
            // Asking again is for the rules to decide.
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_PATIENCE)
            .timeout(patience)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build()
            .map_err(|error| GatewayError::Tls(error.to_string()))?;
        Ok(Gateway { client, address: url, clock })
    }

    /// Sends a form and waits for its answer. One that was decided at a moment is not sent long after it.
    ///
    /// # Errors
    /// [`Lost`]; only [`Lost::NotSent`] says that nothing has happened.
    pub(crate) async fn exchange(&self, form: Vec<u8>, born: Option<Trace>) -> Result<Vec<u8>, Lost> {
        let now = self.clock.now().micros();
        if born.is_some_and(|born| now - born.0 > STALE_MICROS) {
            return Err(Lost::NotSent);
        }
        let request = self
            .client
            .post(self.address.clone())
            .header("content-type", "application/x-www-form-urlencoded;charset=utf-8")
            .body(form);
        let lost = |error: reqwest::Error| {
            if error.is_connect() {
                Lost::NotSent
            } else if error.is_timeout() {
                Lost::TimeOut
            } else {
                Lost::Connection
            }
        };
        let mut answer = request.send().await.map_err(lost)?;
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| {
            // It was sent, whatever is said now.
            if error.is_timeout() { Lost::TimeOut } else { Lost::Connection }
        })? {
            bytes.extend_from_slice(&part);
            // The rest would not be read.
            if bytes.len() > limits::ANSWER_BYTES {
                break;
            }
        }
        Ok(bytes)
    }
}

fn is_near(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || number.is_ok_and(|number| number.is_loopback())
}
