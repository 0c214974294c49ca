//! Which address leads where.

use crate::api::Api;
use crate::problem::Problem;
use crate::{authenticate, checkout, forward, notified, observe, openapi, qr, v1};
use axum::Router;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, options, post};
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Returns all routes of a server.
pub fn router(api: Api) -> Router {
    // Measuring begins before the first request, whoever asks for it.
    observe::metrics();
    let (v1, _) = v1::routes().split_for_parts();
    let forwarder = (api.clone(), forward::Forwarder::default());
    let page = get(authenticate::show).post(authenticate::decide);
    let of_writer = v1
        .route("/authenticate/{attempt}", page)
        .route("/qr/{attempt}", get(qr::show))
        .route("/channels/{channel}/notifications", post(notified::take))
        .merge(checkout::routes());
    let of_writer = of_writer.layer(from_fn_with_state(forwarder, forward::surround));
    Router::new()
        .merge(of_writer)
        .merge(checkout::asset_routes())
        .route("/healthz", get(observe::healthy))
        .route("/readyz", get(observe::ready))
        .route("/metrics", get(observe::show_metrics))
        .route("/openapi.json", get(show_openapi))
        .merge(SwaggerUi::new("/docs").config(Config::from("/openapi.json")))
        .fallback(unknown)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(observe::surround))
        .with_state(api)
}

/// Lets pages of other origins ask, on routes that publishable keys may use.
pub fn for_browsers(mut routes: OpenApiRouter<Api>, paths: &[&str]) -> OpenApiRouter<Api> {
    // The layer answers before this is reached; without a route for the method it would not be asked.
    for path in paths {
        routes = routes.route(path, options(|| async { StatusCode::NO_CONTENT }));
    }
    let headers = ["idempotency-key", "stripe-version", "stripe-account"].map(HeaderName::from_static);
    let layer = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE].into_iter().chain(headers).collect::<Vec<_>>())
        .expose_headers([HeaderName::from_static("request-id")])
        .max_age(Duration::from_secs(600));
    routes.layer(layer)
}

async fn show_openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi::text()).into_response()
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
