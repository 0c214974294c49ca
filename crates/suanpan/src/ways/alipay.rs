//! `[[alipay]]`: a wallet that speaks as Alipay's open platform.

use super::wallet::{code_seconds, common, holds, qr_seconds};
use super::{At, MEND, patience, patience_seconds};
use crate::error::Trouble;
use crate::secrets::{rsa_private_key, rsa_public_key};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use suanpan_channels::alipay::{self, Alipay};
use suanpan_engine::{Clock, Gateway, Way};
use suanpan_payments::settings::Settings;
use suanpan_simulators::alipay::keys;

/// What such a wallet can be asked for.
pub(super) const KINDS: [&str; 2] = ["alipay", "alipay_plus"];

/// A wallet that speaks as Alipay's open platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wallet {
    pub(super) name: String,
    gateway: String,
    app_id: String,
    private_key_file: PathBuf,
    wallet_public_key_file: PathBuf,
    subject: String,
    #[serde(default = "qr_seconds")]
    qr_seconds: i64,
    #[serde(default = "code_seconds")]
    code_seconds: i64,
    #[serde(default = "patience_seconds")]
    patience_seconds: u32,
}

impl Wallet {
    /// Whether it is given a key that stands in the source of the simulator.
    pub(super) fn is_simulated(&self, at: &At<'_>) -> bool {
        holds(at, &self.private_key_file, keys::APP_PRIVATE)
            || holds(at, &self.wallet_public_key_file, keys::WALLET_PUBLIC)
    }

    /// Makes the way.
    pub(super) fn way(self, at: &At<'_>, settings: &Settings, clock: &Clock) -> Result<Way, Trouble> {
        let patience = patience(at, &self.name, self.patience_seconds)?;
        let own = rsa_private_key(&at.beside(&self.private_key_file))?;
        let theirs = rsa_public_key(&at.beside(&self.wallet_public_key_file))?;
        let gateway =
            Gateway::new(&self.gateway, patience, clock.clone()).map_err(|error| at.wrong(error, MEND))?;
        let common = common(self.name, self.qr_seconds, self.code_seconds, settings);
        let own_settings = alipay::Settings { common, app_id: self.app_id, subject: self.subject };
        let channel = Alipay::new(own_settings, own, theirs).map_err(|error| at.wrong(error, MEND))?;
        Ok(Way::Http(Arc::new(channel), gateway))
    }
}
