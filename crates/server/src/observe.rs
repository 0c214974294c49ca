//! What operators see: metrics, and what every request leaves in the log.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::SharedString;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::problem::{Problem, render};
use crate::request_id::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Upper bounds of request times in seconds, dense where the target lies (50 ms, 200 ms).
const BOUNDS: [f64; 14] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0];

/// Sets up the metrics of this process, once; later calls return the same handle.
///
/// # Panics
/// When another recorder was set up before.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(seconds, &BOUNDS).expect("bounds are given");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("only this room sets up metrics");
        describe();
        handle
    })
}

/// Says what each metric means; the guide of the API has the same list.
fn describe() {
    for (name, what) in [
        ("suanpan_http_requests_total", "Requests answered, by route and status."),
        ("suanpan_http_bodies_refused_total", "Requests refused because too many bodies were in memory."),
        ("suanpan_http_connections_refused_total", "Connections closed because their address had too many."),
        ("suanpan_http_slow_readers_total", "Connections cut off because nothing of an answer was read."),
        (
            "suanpan_checkout_streams_refused_total",
            "Checkout pages that could not listen because too many did.",
        ),
        ("suanpan_rate_limited_total", "Requests refused because a key sent too many."),
        ("suanpan_events_total", "Events committed, by type: what became of payments and refunds."),
        ("suanpan_webhook_attempts_total", "Attempts to deliver an event, by result."),
        (
            "suanpan_webhook_endpoints_disabled_total",
            "Endpoints disabled because they failed for days or are gone.",
        ),
        ("suanpan_answers_before_outcome_total", "Calls answered before the channel did."),
        ("suanpan_outcomes_refused_by_books_total", "Outcomes of channels that the books refuse for now."),
        (
            "suanpan_channel_lines_lost_total",
            "Lines to channels that ended or could not be made, by channel.",
        ),
        ("suanpan_channel_circuits_total", "Circuits of channels that opened or closed, by channel."),
        ("suanpan_channel_late_answers_total", "Answers that nobody waited for any more, by channel."),
        ("suanpan_commits_total", "Commits."),
        ("suanpan_entries_total", "Journal entries committed."),
        ("suanpan_writer_reloads_total", "How often the books were loaded anew because a commit failed."),
    ] {
        metrics::describe_counter!(name, what);
    }
    // What has not happened yet is 0, and not absent, so that a rule for an alarm can rest on it.
    metrics::counter!("suanpan_writer_reloads_total").absolute(0);
    for result in ["delivered", "retry", "exhausted", "disable"] {
        metrics::counter!("suanpan_webhook_attempts_total", "result" => result).absolute(0);
    }
    for (name, what) in [
        ("suanpan_http_connections", "Connections that are open."),
        ("suanpan_checkout_streams", "Checkout pages that listen."),
        ("suanpan_queue_waiting", "What waits for the writer, in entries."),
        ("suanpan_history_lag_entries", "Entries committed and not yet in the history of accounts."),
        ("suanpan_record", "The newest journal record."),
        (
            "suanpan_channel_line_ready",
            "1 while requests can be sent to a channel over its line, by channel.",
        ),
    ] {
        metrics::describe_gauge!(name, what);
    }
    for (name, what) in [
        ("suanpan_http_request_seconds", "From the headers to the answer, by route."),
        ("suanpan_commit_seconds", "How long a commit takes."),
        ("suanpan_commit_objects", "Objects of one commit."),
        ("suanpan_commit_entries", "Journal entries of one commit."),
    ] {
        metrics::describe_histogram!(name, what);
    }
}

/// Answers with the metrics in the text form of Prometheus.
pub async fn show_metrics(State(api): State<Api>) -> Response {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    // Counts, not money: what a gauge takes is a float.
    metrics::gauge!("suanpan_queue_waiting").set(api.engine().waiting() as f64);
    ([(CONTENT_TYPE, TEXT)], metrics().render()).into_response()
}

/// Moves what was measured into its buckets; without it, memory grows between two looks at the metrics.
pub async fn upkeep() {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        metrics().run_upkeep();
    }
}

/// Answers that the process is alive.
pub async fn healthy() -> &'static str {
    "ok\n"
}

/// Answers whether requests are taken now. A second line says what will stop them if it lasts.
///
/// # Errors
/// 503 while they are not.
pub async fn ready(State(api): State<Api>) -> Result<String, Problem> {
    readiness(api.why_not_ready(), api.engine().history().trouble())
}

fn readiness(why_not: Option<String>, history: Option<String>) -> Result<String, Problem> {
    match (why_not, history) {
        (Some(reason), _) => Err(Problem::unavailable(&reason, 1)),
        (None, Some(trouble)) => Ok(format!("ready\nhistory: {trouble}\n")),
        (None, None) => Ok("ready\n".to_owned()),
    }
}

/// Surrounds every request: gives it an id, measures it, and writes the body of what went wrong.
pub async fn surround(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = RequestId::next();
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) => SharedString::from_shared(path.as_str().into()),
        None => SharedString::const_str("none"),
    };
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        render(&problem, id.as_str(), &mut response);
        tracing::debug!(request_id = id.as_str(), code = problem.code(), "refused");
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let status = response.status();
    let took = begun.elapsed();
    metrics::counter!("suanpan_http_requests_total", "route" => route.clone(), "status" => word(status))
        .increment(1);
    metrics::histogram!("suanpan_http_request_seconds", "route" => route.clone()).record(took);
    // The address without its query: parameters may be secrets.
    tracing::info!(
        request_id = id.as_str(),
        method = method.as_str(),
        route = &*route,
        status = status.as_u16(),
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// The status as a word that lives for ever, so that metrics need not copy it.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "200",
        400 => "400",
        401 => "401",
        402 => "402",
        403 => "403",
        404 => "404",
        409 => "409",
        422 => "422",
        429 => "429",
        500 => "500",
        503 => "503",
        100..=199 => "1xx",
        201..=299 => "2xx",
        300..=399 => "3xx",
        501.. => "5xx",
        _ => "4xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_says_what_is_wrong() {
        let answer = |why: Option<&str>, history: Option<&str>| {
            readiness(why.map(str::to_owned), history.map(str::to_owned)).map_err(|it| it.code().to_owned())
        };
        assert_eq!(answer(None, None), Ok("ready\n".to_owned()));
        assert_eq!(answer(None, Some("disk full")), Ok("ready\nhistory: disk full\n".to_owned()));
        assert_eq!(answer(Some("ending"), Some("disk full")), Err("unavailable".to_owned()));
    }
}
