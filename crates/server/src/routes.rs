//! Which address leads where.

use crate::api::Api;
use crate::problem::Problem;
use crate::{observe, v1};
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::routing::get;

/// Returns all routes of a server.
pub fn router(api: Api) -> Router {
    // Measuring begins before the first request, whoever asks for it.
    observe::metrics();
    Router::new()
        .merge(v1::routes())
        .route("/healthz", get(observe::healthy))
        .route("/readyz", get(observe::ready))
        .route("/metrics", get(observe::show_metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(observe::surround))
        .with_state(api)
}

async fn unknown(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    let message = format!("Unrecognized request URL ({method}: {path}).");
    Problem::new(StatusCode::NOT_FOUND, "url_unknown", message)
}

async fn method_not_allowed(method: Method) -> Problem {
    let message = format!("The method {method} is not allowed here; see the header Allow.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
