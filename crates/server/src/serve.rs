//! Connections: how many, how slow, and how they end.

mod paced;
mod seats;

use crate::api::Peer;
use crate::limits::{
    CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HEAD_BYTES_MAX, HEAD_TIME_MAX, HEADERS_MAX,
    SHUTDOWN_TIME_MAX, WRITE_TIME_MAX,
};
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use paced::Paced;
use seats::Seats;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Limits of connections. [`Limits::default`] is for production; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections open at once; more wait to be accepted.
    pub connections: usize,
    /// Connections open at once from one address; more are closed at once.
    pub connections_per_address: usize,
    /// From the first byte to the end of the headers.
    pub head_time: Duration,
    /// How long a client may take nothing of an answer.
    pub write_time: Duration,
    /// How long requests in flight may take to end at shutdown.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: CONNECTIONS_MAX,
            connections_per_address: CONNECTIONS_PER_ADDRESS_MAX,
            head_time: HEAD_TIME_MAX,
            write_time: WRITE_TIME_MAX,
            shutdown_time: SHUTDOWN_TIME_MAX,
        }
    }
}

/// Serves requests until `stop` ends, then lets those in flight end. Returns how many were cut off.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<usize> {
    let upkeep = tokio::spawn(crate::observe::upkeep());
    let places = Arc::new(Semaphore::new(limits.connections));
    let seats = Seats::new(limits.connections_per_address);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = places.clone().acquire_owned() => place.map_err(io::Error::other)?,
        };
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // A connection that broke off, or no more descriptors: both pass.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            },
        };
        let Some(seat) = seats.take(peer.ip()) else {
            metrics::counter!("suanpan_http_connections_refused_total").increment(1);
            continue;
        };
        let connection = graceful.watch(connection(stream, peer.into(), router.clone(), &limits));
        tokio::spawn(async move {
            let _held = (place, seat);
            let open = metrics::gauge!("suanpan_http_connections");
            open.increment(1);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            open.decrement(1);
        });
    }
    drop(listener);
    upkeep.abort();
    let open = graceful.count();
    tracing::info!(open, "no new connections; waiting for requests in flight");
    match tokio::time::timeout(limits.shutdown_time, graceful.shutdown()).await {
        Ok(()) => Ok(0),
        Err(_) => Ok(limits.connections - places.available_permits()),
    }
}

type Serving = http1::Connection<TokioIo<Paced>, TowerToHyperService<WithPeer>>;

fn connection(stream: TcpStream, peer: Peer, router: Router, limits: &Limits) -> Serving {
    // Answers are small and written at once: waiting to fill a packet only adds time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps waiting to fill packets");
    }
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        // What is not exact HTTP/1.1 is refused, so that nothing in between can read it differently.
        .allow_multiple_spaces_in_request_line_delimiters(false)
        .ignore_invalid_headers(false)
        .half_close(false);
    let stream = Paced::new(stream, limits.write_time);
    builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(WithPeer { router, peer }))
}

/// Tells handlers from where a request came.
#[derive(Clone)]
struct WithPeer {
    router: Router,
    peer: Peer,
}

impl tower::Service<hyper::Request<hyper::body::Incoming>> for WithPeer {
    type Response = axum::response::Response;
    type Error = std::convert::Infallible;
    type Future = axum::routing::future::RouteFuture<std::convert::Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: hyper::Request<hyper::body::Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        tower::Service::call(&mut self.router, request)
    }
}
