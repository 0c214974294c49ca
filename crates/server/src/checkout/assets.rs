//! The style, the script and the icon of the page: files of our own, named by what is in them, so that browsers keep them
//! for ever and load nothing else.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A file with its name and its hash for `integrity`.
pub(super) struct Asset {
    name: String,
    /// As in `integrity="sha256-…"`.
    pub(super) integrity: String,
    kind: &'static str,
    text: &'static str,
}

/// The style.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("checkout", "css", "text/css; charset=utf-8", include_str!("../../assets/checkout.css"))
});
/// The script.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("checkout", "js", "text/javascript; charset=utf-8", include_str!("../../assets/checkout.js"))
});

/// The picture beside the title.
pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("checkout", "svg", "image/svg+xml", include_str!("../../assets/checkout.svg"))
});

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, text: &'static str) -> Asset {
        let hash = Sha256::digest(text.as_bytes());
        let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let integrity = format!("sha256-{}", STANDARD.encode(hash));
        Asset { name: format!("{stem}-{short}.{ending}"), integrity, kind, text }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// Answers with a file. One that an older page asks for is not here any more; that page works without.
pub(super) async fn show(Path(name): Path<String>) -> Response {
    let Some(asset) = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, asset.text).into_response()
}
