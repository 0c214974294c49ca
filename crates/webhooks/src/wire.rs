//! One request and its answer over HTTP/1.1, on a connection of its own to an address that was judged before.
//!
//! Nothing is done that was not asked for: no redirects, no proxies, no cookies, no second try.

use crate::Error;
use crate::limits::{HEAD_BYTES, HEADERS};
use crate::target::{Policy, Resolver, Target};
pub use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue};
pub use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// A request, but for where it goes.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: Method,
    /// Headers beside `Host`, `Connection` and the length.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for none.
    pub body: Bytes,
}

/// How long and how large an exchange may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the start to a connection.
    pub connect: Duration,
    /// From the start to the head of the answer.
    pub total: Duration,
    /// From the head of the answer to the end of its body.
    pub body: Duration,
    /// Bytes of the body that are read.
    pub body_bytes: usize,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, or as much of it as was read.
    pub body: Vec<u8>,
    /// Whether there was more, or the body broke off.
    pub cut: bool,
    /// Who gave it.
    pub address: SocketAddr,
}

/// Opens connections to where a policy permits.
#[derive(Clone)]
pub struct Wire {
    policy: Policy,
    resolver: Arc<dyn Resolver>,
    tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Wire {
    /// Makes one with the certificates of authorities that the machine trusts. Without any, https fails at the
    /// attempt, and plain HTTP works.
    #[must_use]
    pub fn new(policy: Policy, resolver: Arc<dyn Resolver>) -> Wire {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Wire::with_roots(policy, resolver, roots)
    }

    /// Makes one that trusts these authorities only.
    #[must_use]
    pub fn with_roots(policy: Policy, resolver: Arc<dyn Resolver>, roots: RootCertStore) -> Wire {
        let some = !roots.is_empty();
        let config = || {
            let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("ring has the suites of TLS 1.2 and 1.3");
            let mut config = builder.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        };
        Wire { policy, resolver, tls: some.then(config) }
    }

    /// Returns what may be reached.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Sends a request and reads the answer.
    ///
    /// A body that is too long, too slow or broken is cut and said to be; the status is known by then.
    ///
    /// # Errors
    /// Whatever prevents the head of an answer: [`Error::Address`], [`Error::Resolve`], [`Error::Connect`],
    /// [`Error::Tls`], [`Error::Roots`], [`Error::Timeout`], [`Error::Answer`], [`Error::Request`].
    pub async fn exchange(
        &self,
        target: &Target,
        request: Request<'_>,
        bounds: Bounds,
    ) -> Result<Answer, Error> {
        let start = Instant::now();
        let late = |step, limit: Duration| Error::Timeout {
            host: target.host.clone(),
            step,
            seconds: limit.as_secs().max(1),
        };
        let connected = timeout_at(start + bounds.connect, self.connect(target)).await;
        let (stream, address) = connected.map_err(|_| late("connecting", bounds.connect))??;
        let answered = timeout_at(start + bounds.total, ask(stream, target, request)).await;
        let (mut response, _driver) = answered.map_err(|_| late("the answer", bounds.total))??;
        let (body, cut) = read(&mut response, bounds).await;
        let (head, _) = response.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body, cut, address })
    }

    async fn connect(&self, target: &Target) -> Result<(Box<dyn Stream>, SocketAddr), Error> {
        let addresses = target.addresses(&*self.resolver, &self.policy).await?;
        let (tcp, address) =
            first(&addresses).await.map_err(|source| Error::Connect { host: target.host.clone(), source })?;
        // Delays of small packets help nobody here; without the option it works too.
        let _ = tcp.set_nodelay(true);
        if !target.tls {
            return Ok((Box::new(tcp), address));
        }
        let config = self.tls.clone().ok_or_else(|| Error::Roots { reason: "none found".to_owned() })?;
        let failed = |source| Error::Tls { host: target.host.clone(), source };
        let name = ServerName::try_from(target.host.clone())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let stream = TlsConnector::from(config).connect(name, tcp).await.map_err(failed)?;
        Ok((Box::new(stream), address))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the first address that takes it. All of them share the time of the caller.
async fn first(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok((stream, *address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Drives a connection for as long as it lives.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn ask(
    stream: Box<dyn Stream>,
    target: &Target,
    request: Request<'_>,
) -> Result<(Response<Incoming>, Driver), Error> {
    let bad = |error: hyper::Error| Error::Answer { host: target.host.clone(), reason: reason(&error) };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(bad)?;
    let driver = Driver(tokio::spawn(async move {
        // Its failures reach whoever waits for the answer.
        let _ = connection.await;
    }));
    let mut message = hyper::Request::builder()
        .method(request.method)
        .uri(target.path.as_str())
        .header(HOST, target.authority.as_str())
        .header(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in request.headers {
        message = message.header(*name, *value);
    }
    let message = message
        .body(Full::new(request.body))
        .map_err(|error| Error::Request { reason: error.to_string() })?;
    let response = sender.send_request(message).await.map_err(bad)?;
    Ok((response, driver))
}

/// Reads the body up to its bounds; says whether that was not all.
async fn read(response: &mut Response<Incoming>, bounds: Bounds) -> (Vec<u8>, bool) {
    let until = Instant::now() + bounds.body;
    let mut body = Vec::new();
    loop {
        let Ok(frame) = timeout_at(until, response.body_mut().frame()).await else { return (body, true) };
        let data = match frame {
            None => return (body, false),
            Some(Err(_)) => return (body, true),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        let room = bounds.body_bytes - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return (body, true);
        }
    }
}

/// Returns an error with its causes in one line.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
