//! `/c/{session}/events`: where a payment stands, told as soon as it is committed, by server-sent events (HTML, 9.2).
//!
//! Nobody asks the store again and again: a commit that moves a session wakes those who watch it, and each reads it once.
//! Each event is the whole of what there is to know, so that one that is lost is made good by the next.

use super::view::{Standing, standing};
use crate::api::{Api, Peer};
use crate::inbound::Id;
use crate::limits::{STREAM_QUIET_MAX, STREAM_TIME_MAX};
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use suanpan_engine::{Role, Watch};
use tokio::sync::OwnedSemaphorePermit;

/// Longest version that is read from an address or header.
const VERSION_BYTES_MAX: usize = 64;

/// Tells how a session stands until that is its end.
pub(super) async fn events(
    State(api): State<Api>,
    Id(id): Id,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let busy = || {
        metrics::counter!("suanpan_checkout_streams_refused_total").increment(1);
        Problem::unavailable("Too many pages listen. Ask for the page instead.", 15)
    };
    let place = api.streams().clone().try_acquire_owned().map_err(|_| busy())?;
    // Before it is read: what is committed after that wakes this.
    let watch = api.engine().watch(&id).ok_or_else(busy)?;
    let Some(now) = standing(&api, &id).await? else {
        let peer = peer.map(|Extension(peer)| peer).unwrap_or_default();
        let counted = api.guesses().count(peer.0);
        let too_many = |seconds| Problem::too_many("rate_limit", "There are no such pages.", seconds);
        counted.map_err(too_many)?;
        // Not by its id, which somebody may have mistyped by one letter.
        return Err(Problem::missing("checkout.session", ""));
    };
    let open = metrics::gauge!("suanpan_checkout_streams");
    open.increment(1);
    let seen = seen(&uri, &headers).unwrap_or_default();
    let first = first_event(&now, &seen);
    let live = Live {
        api,
        id,
        watch,
        version: now.version,
        ended: first.1,
        until: Instant::now() + STREAM_TIME_MAX,
        _open: Open { _place: place },
    };
    let body = Stream { first: Some(first.0), next: Some(Box::pin(live.next())) };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that collect answers are asked not to.
        ("x-accel-buffering".parse().expect("a name"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::new(body)).into_response())
}

/// What the page knows already: of the last event that came, or of the page itself.
fn seen(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = uri.query().unwrap_or_default();
    let seen = || form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "seen");
    last.or_else(|| seen().map(|(_, value)| value.into_owned()))
        .filter(|text| text.len() <= VERSION_BYTES_MAX)
}

/// What is told at first: nothing when the page shows it already.
fn first_event(now: &Standing, seen: &str) -> (Bytes, bool) {
    let (text, ended) = event(now);
    if seen == now.version && !ended {
        (Bytes::from_static(b"retry: 2000\n\n"), false)
    } else {
        (text, ended)
    }
}

/// Writes how a session stands as an event, and says whether it is the last one.
fn event(now: &Standing) -> (Bytes, bool) {
    let ended = now.is_end();
    let (version, state) = (&now.version, now.state.word());
    let mut text = format!("retry: 2000\nid: {version}\nevent: state\ndata: {{\"state\":\"{state}\"}}\n\n");
    if ended {
        text.push_str("event: end\ndata: {}\n\n");
    }
    (Bytes::from(text), ended)
}

/// Somebody who listens.
struct Live {
    api: Api,
    id: String,
    watch: Watch,
    /// What was told last.
    version: String,
    ended: bool,
    /// When it is enough: whoever still wants more connects again.
    until: Instant,
    _open: Open,
}

/// The place of a stream among all.
struct Open {
    _place: OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("suanpan_checkout_streams").decrement(1);
    }
}

impl Live {
    /// Waits for what is to be told next; none when nothing more is.
    async fn next(mut self) -> Option<(Bytes, Live)> {
        while !self.ended {
            let moved = tokio::select! {
                () = self.watch.changed() => true,
                () = self.api.ending() => return None,
                () = tokio::time::sleep(STREAM_QUIET_MAX) => false,
            };
            // Only who writes knows of every commit. The page finds its way to the one that does.
            if self.api.engine().role() != Role::Writer || Instant::now() >= self.until {
                return None;
            }
            if !moved {
                return Some((Bytes::from_static(b":\n\n"), self));
            }
            let now = standing(&self.api, &self.id).await.ok().flatten()?;
            if now.version != self.version {
                let (text, ended) = event(&now);
                (self.version, self.ended) = (now.version, ended);
                return Some((text, self));
            }
        }
        None
    }
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Live)>> + Send>>;

/// A body that goes on as long as there is something to tell.
struct Stream {
    first: Option<Bytes>,
    next: Option<Next>,
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        match next.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.next = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some((text, live))) => {
                self.next = Some(Box::pin(live.next()));
                Poll::Ready(Some(Ok(Frame::data(text))))
            }
        }
    }
}
