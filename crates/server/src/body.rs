//! Bodies of requests: how large, how slow, and how much of all of them is in memory at once.

use crate::problem::Problem;
use axum::body::Body;
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How a body is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The most bytes that it may have.
    pub bytes_max: usize,
    /// How long it may take.
    pub time_max: Duration,
    /// Bytes of all bodies that may be in memory.
    pub room: Arc<Semaphore>,
}

impl Reading {
    /// Reads a body, and returns with it its place among all bodies in memory, to be kept as long as the body.
    ///
    /// Room is taken for what has come, not for what was announced: who announces much and sends nothing takes
    /// nothing away from others.
    ///
    /// # Errors
    /// 413, 415, 408 for what is wrong with it; 503 when there is no room.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            let message = "Compressed bodies are not taken.";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_encoding_not_taken",
                message,
            ));
        }
        tokio::time::timeout(self.time_max, self.collect(body)).await.unwrap_or_else(|_| {
            let message = "The body of the request came too slowly.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message))
        })
    }

    async fn collect(&self, body: Body) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
        let mut body = Limited::new(body, self.bytes_max);
        let mut room: Option<OwnedSemaphorePermit> = None;
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    let message = format!("The body of this request may have {} bytes.", self.bytes_max);
                    return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
                }
                let message = "The body of the request broke off.";
                Problem::new(StatusCode::BAD_REQUEST, "body_unreadable", message)
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let more = self.take(data.len())?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            // Most bodies come in one piece, which need not be copied.
            if all.is_empty() && body.is_end_stream() {
                return Ok((data, room));
            }
            all.extend_from_slice(&data);
        }
        Ok((all.freeze(), room))
    }

    /// Waiting here would let those wait for one another who have a part of their body each.
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.room.clone().try_acquire_many_owned(count).map_err(|_| {
            metrics::counter!("suanpan_http_bodies_refused_total").increment(1);
            Problem::unavailable("Too many large requests are being read. Nothing was done.", 1)
        })
    }
}
