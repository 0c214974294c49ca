//! `[[wechat]]`: a wallet that speaks as WeChat Pay in version 3 of its API.

use super::wallet::{code_seconds, common, holds, qr_seconds};
use super::{At, MEND, patience, patience_seconds};
use crate::error::Trouble;
use crate::secrets::{resource_key, rsa_private_key, rsa_public_key};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use suanpan_channels::wechat::{self, Keys, Wechat};
use suanpan_engine::{Clock, Gateway, Way};
use suanpan_payments::settings::Settings;
use suanpan_simulators::wechat::keys;

/// What such a wallet can be asked for.
pub(super) const KINDS: [&str; 1] = ["wechat_pay"];
/// Keys that the wallet may sign with at one time: two while it changes them.
const WALLET_KEYS_MAX: usize = 8;

/// A wallet that speaks as WeChat Pay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wallet {
    pub(super) name: String,
    gateway: String,
    app_id: String,
    merchant: String,
    serial: String,
    private_key_file: PathBuf,
    /// By what the wallet calls its keys.
    wallet_public_key_files: BTreeMap<String, PathBuf>,
    api_key_file: PathBuf,
    description: String,
    #[serde(default = "store")]
    store: String,
    #[serde(default = "qr_seconds")]
    qr_seconds: i64,
    #[serde(default = "code_seconds")]
    code_seconds: i64,
    #[serde(default = "patience_seconds")]
    patience_seconds: u32,
}

fn store() -> String {
    "1".to_owned()
}

impl Wallet {
    /// Whether it is given a key that stands in the source of the simulator.
    pub(super) fn is_simulated(&self, at: &At<'_>) -> bool {
        holds(at, &self.private_key_file, keys::MERCHANT_PRIVATE)
            || holds(at, &self.api_key_file, keys::RESOURCE)
            || self.wallet_public_key_files.values().any(|file| holds(at, file, keys::WALLET_PUBLIC))
    }

    /// Makes the way.
    pub(super) fn way(self, at: &At<'_>, settings: &Settings, clock: &Clock) -> Result<Way, Trouble> {
        let patience = patience(at, &self.name, self.patience_seconds)?;
        if self.wallet_public_key_files.len() > WALLET_KEYS_MAX {
            let what = format!("{}: wallet_public_key_files has more than {WALLET_KEYS_MAX} keys", self.name);
            return Err(at.wrong(what, "name those that the wallet signs with now"));
        }
        let mut theirs = BTreeMap::new();
        for (serial, file) in self.wallet_public_key_files {
            theirs.insert(serial, rsa_public_key(&at.beside(&file))?);
        }
        let keys = Keys {
            own: rsa_private_key(&at.beside(&self.private_key_file))?,
            theirs,
            resource: resource_key(&at.beside(&self.api_key_file))?,
        };
        let gateway =
            Gateway::new(&self.gateway, patience, clock.clone()).map_err(|error| at.wrong(error, MEND))?;
        let own_settings = wechat::Settings {
            common: common(self.name, self.qr_seconds, self.code_seconds, settings),
            app_id: self.app_id,
            merchant: self.merchant,
            serial: self.serial,
            description: self.description,
            store: self.store,
        };
        let channel = Wechat::new(own_settings, keys).map_err(|error| at.wrong(error, MEND))?;
        Ok(Way::Http(Arc::new(channel), gateway))
    }
}
