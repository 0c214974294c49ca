//! What the file of channels says of every wallet.

use super::At;
use std::path::Path;
use suanpan_channels::wallet::Common;
use suanpan_payments::settings::Settings;

pub(super) const fn qr_seconds() -> i64 {
    900
}

pub(super) const fn code_seconds() -> i64 {
    60
}

/// The settings that all wallets share.
pub(super) fn common(name: String, qr_seconds: i64, code_seconds: i64, settings: &Settings) -> Common {
    let notify_url = Some(format!("{}/channels/{name}/notifications", settings.public_url));
    Common { name, notify_url, qr_seconds, code_seconds }
}

/// Whether a file holds a key that everybody has. What cannot be read is found out by who uses it.
pub(super) fn holds(at: &At<'_>, file: &Path, key: &str) -> bool {
    std::fs::read_to_string(at.beside(file)).is_ok_and(|text| text.trim() == key.trim())
}
