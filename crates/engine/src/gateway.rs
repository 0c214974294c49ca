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

/// A host that takes calls.
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
        // Which path a call has is the channel's, and may be signed.
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("only the host is wanted, without a path".to_owned()));
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

    /// Makes a call and waits for its answer. One that was decided at a moment is not sent long after it.
    ///
    /// # Errors
    /// [`Lost`]; only [`Lost::NotSent`] and [`Lost::Untried`] say that nothing has happened.
    pub(crate) async fn exchange(
        &self,
        call: http::Request<Vec<u8>>,
        born: Option<Trace>,
    ) -> Result<http::Response<Vec<u8>>, Lost> {
        let now = self.clock.now().micros();
        if born.is_some_and(|born| now - born.0 > STALE_MICROS) {
            return Err(Lost::Untried);
        }
        let mut address = self.address.clone();
        address.set_path(call.uri().path());
        address.set_query(call.uri().query());
        let (head, body) = call.into_parts();
        let request = self.client.request(head.method, address).headers(head.headers).body(body);
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
        let mut head = http::Response::new(());
        *head.status_mut() = answer.status();
        *head.headers_mut() = std::mem::take(answer.headers_mut());
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
        Ok(head.map(|()| bytes))
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
        whole_answer(bytes, born).await.map(http::Response::into_body)
    }

    async fn whole_answer(
        bytes: Option<Vec<u8>>,
        born: Option<i64>,
    ) -> Result<http::Response<Vec<u8>>, Lost> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]);
            assert!(
                request.starts_with("PUT /a%7Cb?c=d HTTP/1.1\r\n") && request.contains("x-e: f\r\n"),
                "{request}"
            );
            match bytes {
                Some(bytes) => stream.write_all(&bytes).await.unwrap(),
                None => std::future::pending().await,
            }
        });
        let clock = Clock::manual(Timestamp::from_seconds(NOW));
        let gateway = Gateway::new(&address, Duration::from_millis(300), clock).unwrap();
        gateway.exchange(call(), born.map(|seconds| Trace(seconds * 1_000_000))).await
    }

    fn call() -> http::Request<Vec<u8>> {
        http::Request::put("/a%7Cb?c=d").header("x-e", "f").body(b"a=1".to_vec()).unwrap()
    }

    fn whole(body: &[u8]) -> Option<Vec<u8>> {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Some([head.as_bytes(), body].concat())
    }

    #[tokio::test]
    async fn only_what_was_certainly_not_sent_is_said_not_to_be() {
        assert_eq!(answered(whole(b"yes"), Some(NOW)).await, Ok(b"yes".to_vec()));
        // What was decided long ago may have been undone meanwhile; an inquiry may be made at any time.
        assert_eq!(answered(whole(b"yes"), Some(NOW - 11)).await, Err(Lost::Untried));
        assert_eq!(answered(whole(b"yes"), None).await, Ok(b"yes".to_vec()));
        assert_eq!(answered(None, None).await, Err(Lost::TimeOut));
        assert_eq!(answered(Some(Vec::new()), None).await, Err(Lost::Connection));
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
        assert_eq!(answered(Some(cut), None).await, Err(Lost::Connection));
        let long = answered(whole(&vec![b'x'; 1 << 20]), None).await.unwrap();
        assert!(long.len() > limits::ANSWER_BYTES && long.len() < 1 << 20, "{}", long.len());
        let elsewhere =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
        let elsewhere = whole_answer(Some(elsewhere), None).await.unwrap();
        assert_eq!(
            (elsewhere.status().as_u16(), elsewhere.body().len()),
            (302, 0),
            "nobody is sent elsewhere"
        );
        assert_eq!(elsewhere.headers()["location"], "http://127.0.0.1:1/");
        let nobody = Gateway::new("http://127.0.0.1:1/", Duration::from_secs(1), Clock::system()).unwrap();
        assert!(matches!(nobody.exchange(call(), None).await, Err(Lost::NotSent)));
    }

    #[test]
    fn without_tls_only_this_machine_is_called() {
        for (address, good) in [
            ("https://openapi.example", true),
            ("https://openapi.example/gateway.do", false),
            ("https://openapi.example/?a=b", false),
            ("http://127.0.0.1:9588", true),
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
