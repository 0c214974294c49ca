//! `POST /channels/{channel}/notifications`: what channels tell by themselves. They show no key: what they send is signed.

use crate::api::Api;
use crate::inbound::Id;
use crate::limits::NOTIFICATION_BYTES_MAX;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use suanpan_engine::Untaken;

/// What is answered to what is not taken in; channels repeat it then.
const NOT_TAKEN: &str = "failure";

/// Takes a notification in, and answers in the words of the channel after the commit.
pub async fn take(State(api): State<Api>, Id(channel): Id, headers: HeaderMap, body: Body) -> Response {
    let not_taken = |why: &'static str| {
        metrics::counter!("suanpan_notifications_not_taken_total", "why" => why).increment(1);
    };
    let body = match api.reading(NOTIFICATION_BYTES_MAX).read(&headers, body).await {
        Ok((body, _room)) => body,
        Err(problem) => {
            not_taken("unread");
            tracing::warn!(channel, "a notification could not be read");
            return problem.into_response();
        }
    };
    let untaken = match api.engine().notified(&channel, &headers, &body).await {
        Ok(taken) => {
            metrics::counter!("suanpan_notifications_taken_total", "channel" => channel).increment(1);
            return taken.into_response();
        }
        Err(untaken) => untaken,
    };
    let status = match &untaken {
        Untaken::Notification(_) => StatusCode::BAD_REQUEST,
        Untaken::NoSuchAttempt(_) => StatusCode::NOT_FOUND,
        Untaken::OtherAmount(_) => StatusCode::CONFLICT,
        Untaken::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    not_taken(untaken.code());
    tracing::warn!(channel, why = %untaken, "a notification is not taken in");
    (status, NOT_TAKEN).into_response()
}
