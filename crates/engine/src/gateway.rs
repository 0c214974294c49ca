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

#[cfg(test)]
mod tests {
    use super::*;
    use suanpan_money::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const NOW: i64 = 1_790_000_000;

    /// What comes of a form that is answered with these bytes; with none, the connection stays silent.
    async fn answered(bytes: Option<Vec<u8>>, born: Option<i64>) -> Result<Vec<u8>, Lost> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            match bytes {
                Some(bytes) => stream.write_all(&bytes).await.unwrap(),
                None => std::future::pending().await,
            }
        });
        let clock = Clock::manual(Timestamp::from_seconds(NOW));
        let gateway = Gateway::new(&address, Duration::from_millis(300), clock).unwrap();
        gateway.exchange(b"a=1".to_vec(), born.map(|seconds| Trace(seconds * 1_000_000))).await
    }

    fn whole(body: &[u8]) -> Option<Vec<u8>> {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Some([head.as_bytes(), body].concat())
    }

    #[tokio::test]
    async fn only_what_was_certainly_not_sent_is_said_not_to_be() {
        assert_eq!(answered(whole(b"yes"), Some(NOW)).await, Ok(b"yes".to_vec()));
        // What was decided long ago may have been undone meanwhile; an inquiry may be made at any time.
        assert_eq!(answered(whole(b"yes"), Some(NOW - 11)).await, Err(Lost::NotSent));
        assert_eq!(answered(whole(b"yes"), None).await, Ok(b"yes".to_vec()));
        assert_eq!(answered(None, None).await, Err(Lost::TimeOut));
        assert_eq!(answered(Some(Vec::new()), None).await, Err(Lost::Connection));
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
        assert_eq!(answered(Some(cut), None).await, Err(Lost::Connection));
        let long = answered(whole(&vec![b'x'; 1 << 20]), None).await.unwrap();
        assert!(long.len() > limits::ANSWER_BYTES && long.len() < 1 << 20, "{}", long.len());
        let elsewhere =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
        assert_eq!(answered(Some(elsewhere), None).await, Ok(Vec::new()), "nobody is sent elsewhere");
        let nobody = Gateway::new("http://127.0.0.1:1/", Duration::from_secs(1), Clock::system()).unwrap();
        assert_eq!(nobody.exchange(Vec::new(), None).await, Err(Lost::NotSent));
    }

    #[test]
    fn without_tls_only_this_machine_is_called() {
        for (address, good) in [
            ("https://openapi.example/gateway.do", true),
            ("http://127.0.0.1:9588/gateway.do", true),
            ("http://[::1]:9588/", true),
            ("http://localhost/", true),
            ("http://openapi.example/", false),
            ("http://127.0.0.1.example/", false),
            ("http://localhost.example/", false),
            ("ftp://localhost/", false),
            ("gateway", false),
        ] {
            let made = Gateway::new(address, Duration::from_secs(1), Clock::system());
            assert_eq!(made.is_ok(), good, "{address}: {:?}", made.err());
        }
    }
}
