//! `/qr/{attempt}`: the code that a customer scans, as a picture.

use crate::api::Api;
use crate::by_secret::find;
use crate::inbound::Id;
use crate::parameters::{form, typed};
use crate::problem::Problem;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;

/// How large it is shown where nobody says otherwise, in pixels; it is drawn sharply at any size.
const PIXELS: u32 = 320;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    client_secret: String,
}

/// Draws the code of an attempt while it can be paid.
///
/// # Errors
/// 404 without the secret of the intent; 410 when there is nothing to be scanned (any more).
pub async fn show(State(api): State<Api>, Id(attempt): Id, uri: Uri) -> Result<Response, Problem> {
    let tree = form::parse(uri.query().unwrap_or_default().as_bytes())?;
    let Shown { client_secret } = typed::from_node(tree)?;
    let intent = find(&api, &attempt, &client_secret).await?.intent;
    let latest = intent.latest_attempt.as_deref() == Some(attempt.as_str());
    let code = intent.next_action.filter(|_| latest).and_then(|action| action.display_qr_code);
    // While it is called off the intent still shows it.
    let now = api.engine().clock().now().seconds();
    let code = code.filter(|code| now < code.expires_at).ok_or_else(|| {
        Problem::new(StatusCode::GONE, "nothing_to_scan", "This code cannot be paid any more.".to_owned())
    })?;
    let drawn = draw(&code.data)?;
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        // It is good for a while only.
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, drawn).into_response())
}

/// Draws a text as a code, in SVG with the quiet zone that scanners need.
///
/// # Errors
/// 500 for a text that is too long for a code.
pub fn draw(text: &str) -> Result<String, Problem> {
    let code =
        QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| Problem::fault(&error))?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(PIXELS, PIXELS).build())
}
