//! `[[card_network]]`: a line to a card network.

use super::{At, MEND, patience, patience_seconds};
use crate::error::Trouble;
use crate::secrets::{terminal_pin_key, transport_key};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use suanpan_channels::card_network::{CardNetwork, LineSettings, Settings, VaultKey};
use suanpan_engine::{CardLine, Clock, Way};
use suanpan_messages::keys::DoubleKey;

/// A card network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    pub(super) name: String,
    address: String,
    transport_key_file: PathBuf,
    #[serde(default)]
    terminal_pin_key_file: Option<PathBuf>,
    acquirer: String,
    forwarder: String,
    network: String,
    merchant: String,
    terminal: String,
    category: String,
    #[serde(default)]
    merchant_name: String,
    #[serde(default = "echo_seconds")]
    echo_seconds: i64,
    #[serde(default = "patience_seconds")]
    patience_seconds: u32,
}

const fn echo_seconds() -> i64 {
    60
}

/// Makes the way. A line is made at once.
pub(super) fn way(at: &At<'_>, network: Network, vault: VaultKey, clock: &Clock) -> Result<Way, Trouble> {
    let patience = patience(at, &network.name, network.patience_seconds)?;
    if !(5..=3_600).contains(&network.echo_seconds) {
        let what = format!("{}: echo_seconds is 5 to 3600", network.name);
        return Err(at.wrong(what, "leave it out to have 60"));
    }
    let key = transport_key(&at.beside(&network.transport_key_file), false)?;
    // Whoever runs the server makes it, and puts it into the terminals.
    let terminal_pin_key = match &network.terminal_pin_key_file {
        Some(path) => Some(DoubleKey::new(terminal_pin_key(&at.beside(path), true)?.key)),
        None => None,
    };
    let own = Settings {
        name: network.name,
        acquirer: network.acquirer,
        forwarder: network.forwarder,
        network: network.network,
        merchant: network.merchant,
        terminal: network.terminal,
        category: network.category,
        merchant_name: network.merchant_name,
    };
    let channel = CardNetwork::new(own.clone(), vault).map_err(|error| at.wrong(error, MEND))?;
    let line = LineSettings {
        network: own,
        transport_key: DoubleKey::new(key.key),
        terminal_pin_key,
        echo_seconds: network.echo_seconds,
        patience_seconds: i64::from(network.patience_seconds),
    };
    let line = CardLine::start(network.address, line, patience, clock.clone());
    Ok(Way::Line(Arc::new(channel), line))
}
