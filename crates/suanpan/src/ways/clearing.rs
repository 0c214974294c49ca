//! `[[clearing]]`: a clearing network between payment companies and banks, EPCC-style, after public traces.

use super::wallet::holds;
use super::{At, MEND, patience, patience_seconds};
use crate::error::Trouble;
use crate::secrets::{clearing_private_key, clearing_public_key};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use suanpan_channels::card_network::VaultKey;
use suanpan_channels::clearing::{self, Clearing};
use suanpan_engine::{Clock, Gateway, Way};
use suanpan_messages::clearing::key::{Signer, Verifiers};
use suanpan_payments::settings::Settings;
use suanpan_simulators::clearing::keys;

/// Keys that the network may sign with at one time: two while it changes them.
const NETWORK_KEYS_MAX: usize = 8;

/// A clearing network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    pub(super) name: String,
    gateway: String,
    institution: String,
    network: String,
    serial: String,
    private_key_file: PathBuf,
    /// By the serial numbers of the network's certificates.
    network_public_key_files: BTreeMap<String, PathBuf>,
    payee: String,
    payee_name: String,
    reserve: String,
    reserve_name: String,
    reserve_bank: String,
    #[serde(default = "batches_per_day")]
    batches_per_day: u16,
    #[serde(default = "code_seconds")]
    code_seconds: i64,
    #[serde(default = "patience_seconds")]
    patience_seconds: u32,
}

const fn batches_per_day() -> u16 {
    24
}

const fn code_seconds() -> i64 {
    300
}

impl Network {
    /// Whether it is given a key that stands in the source of the simulator.
    pub(super) fn is_simulated(&self, at: &At<'_>) -> bool {
        let own = [keys::INSTITUTION_SM2_PRIVATE, keys::INSTITUTION_RSA_PRIVATE];
        let theirs = [keys::NETWORK_SM2_PUBLIC, keys::NETWORK_RSA_PUBLIC];
        own.iter().any(|key| holds(at, &self.private_key_file, key))
            || self
                .network_public_key_files
                .values()
                .any(|file| theirs.iter().any(|key| holds(at, file, key)))
    }

    /// Makes the way.
    pub(super) fn way(self, at: &At<'_>, settings: &Settings, clock: &Clock) -> Result<Way, Trouble> {
        let patience = patience(at, &self.name, self.patience_seconds)?;
        if self.network_public_key_files.len() > NETWORK_KEYS_MAX {
            let what =
                format!("{}: network_public_key_files has more than {NETWORK_KEYS_MAX} keys", self.name);
            return Err(at.wrong(what, "name those that the network signs with now"));
        }
        let own =
            Signer { serial: self.serial, key: clearing_private_key(&at.beside(&self.private_key_file))? };
        let key = |(serial, file): (String, PathBuf)| Ok((serial, clearing_public_key(&at.beside(&file))?));
        let theirs = self.network_public_key_files.into_iter().map(key).collect::<Result<_, Trouble>>()?;
        let gateway =
            Gateway::new(&self.gateway, patience, clock.clone()).map_err(|error| at.wrong(error, MEND))?;
        let notify_url = Some(format!("{}/channels/{}/notifications", settings.public_url, self.name));
        let own_settings = clearing::Settings {
            name: self.name,
            institution: self.institution,
            network: self.network,
            payee: self.payee,
            payee_name: self.payee_name,
            reserve: self.reserve,
            reserve_name: self.reserve_name,
            reserve_bank: self.reserve_bank,
            batches_per_day: self.batches_per_day,
            code_seconds: self.code_seconds,
            notify_url,
        };
        let vault = VaultKey::new(settings.key_for("bank accounts in tokens"));
        let channel = Clearing::new(own_settings, own, Verifiers(theirs), vault);
        let channel = channel.map_err(|error| at.wrong(error, MEND))?;
        Ok(Way::Http(Arc::new(channel), gateway))
    }
}
