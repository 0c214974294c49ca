//! Version 1 of the API.

use crate::api::Api;
use axum::Router;

/// Returns the routes under `/v1`.
pub fn routes() -> Router<Api> {
    Router::new()
}
