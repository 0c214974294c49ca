//! The file that says which channels there are, and what leads to them.

use crate::error::Trouble;
use crate::secrets::transport_key;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::card_network::{CardNetwork, LineSettings, Settings as NetworkSettings, VaultKey};
use suanpan_channels::card_sim::{self, CardSim, Host, HostSettings};
use suanpan_engine::{CardLine, Carrier, Channels, Clock, Way};
use suanpan_messages::keys::DoubleKey;
use suanpan_payments::settings::Settings;

/// A file of channels has some lines for each.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    cards: Cards,
    #[serde(default)]
    card_network: Vec<Network>,
}

/// Which channel takes cards.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cards {
    test: Option<String>,
    live: Option<String>,
}

/// A card network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    name: String,
    address: String,
    transport_key_file: PathBuf,
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

const fn patience_seconds() -> u32 {
    20
}

/// The channels of this process, and which of them take cards. Lines are made from here on; without a file there is
/// the simulator of cards in test mode. Must be called within a runtime.
pub(crate) fn channels(
    file: Option<&Path>,
    settings: Settings,
    clock: &Clock,
) -> Result<(Channels, Settings), Trouble> {
    let simulator = Way {
        channel: Arc::new(CardSim),
        carrier: Carrier::Near(Arc::new(Host::new(HostSettings::default()))),
    };
    let Some(path) = file else { return Ok((Channels::new(vec![simulator]), settings)) };
    let file = read(path)?;
    let wrong = |what: String, next: &str| {
        Trouble::new("channels", what).at(path.display().to_string()).next(next.to_owned())
    };
    let mut ways = vec![simulator];
    let vault = VaultKey::new(settings.key_for("card numbers in tokens"));
    for network in file.card_network {
        if ways.iter().any(|way| way.channel.name() == network.name) {
            return Err(wrong(
                format!("there are two channels named {}", network.name),
                "give each a name of its own",
            ));
        }
        if !(1..=50).contains(&network.patience_seconds) || !(5..=3_600).contains(&network.echo_seconds) {
            return Err(wrong(
                format!("{}: patience_seconds is 1 to 50, echo_seconds 5 to 3600", network.name),
                "leave them out to have 20 and 60",
            ));
        }
        // Beside the file, unless it says where else.
        let key_file = path.parent().unwrap_or(Path::new("")).join(&network.transport_key_file);
        let key = transport_key(&key_file, false)?;
        let own = NetworkSettings {
            name: network.name,
            acquirer: network.acquirer,
            forwarder: network.forwarder,
            network: network.network,
            merchant: network.merchant,
            terminal: network.terminal,
            category: network.category,
            merchant_name: network.merchant_name,
        };
        let channel = CardNetwork::new(own.clone(), vault.clone())
            .map_err(|error| wrong(error.to_string(), "mend that line of the file"))?;
        let line = LineSettings {
            network: own,
            transport_key: DoubleKey::new(key.key),
            echo_seconds: network.echo_seconds,
            patience_seconds: i64::from(network.patience_seconds),
        };
        let patience = Duration::from_secs(u64::from(network.patience_seconds));
        let line = CardLine::start(network.address, line, patience, clock.clone());
        ways.push(Way { channel: Arc::new(channel), carrier: Carrier::Line(line) });
    }
    for (mode, name) in [("test", &file.cards.test), ("live", &file.cards.live)] {
        let Some(name) = name else { continue };
        if !ways.iter().any(|way| way.channel.name() == name) {
            return Err(wrong(
                format!("cards.{mode} names {name}, and there is no such channel"),
                "name one of the channels of this file, or card_sim",
            ));
        }
        if mode == "live" && name == card_sim::NAME {
            return Err(wrong(
                "cards.live names the simulator, which takes no money".to_owned(),
                "name a channel that does",
            ));
        }
    }
    let settings = Settings {
        card_channel_test: file.cards.test.or(settings.card_channel_test.clone()),
        card_channel_live: file.cards.live,
        ..settings
    };
    Ok((Channels::new(ways), settings))
}

fn read(path: &Path) -> Result<File, Trouble> {
    let found = |error| Trouble::io("read", path, error);
    if std::fs::metadata(path).map_err(found)?.len() > FILE_BYTES_MAX {
        return Err(Trouble::new("channels", "the file is too long to be one of channels".to_owned())
            .at(path.display().to_string())
            .next("name the right file with --channels"));
    }
    let text = std::fs::read_to_string(path).map_err(found)?;
    toml::from_str(&text).map_err(|error| {
        Trouble::new("channels", error.to_string())
            .at(path.display().to_string())
            .next("docs/guide/channels.md has a whole file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NETWORK: &str = r#"
        [cards]
        test = "unionpay"
        [[card_network]]
        name = "unionpay"
        address = "127.0.0.1:1"
        transport_key_file = "transport-key"
        acquirer = "48020000"
        forwarder = "48020001"
        network = "00010000"
        merchant = "898310048120001"
        terminal = "00000001"
        category = "5411"
    "#;

    fn load(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("transport-key");
        std::fs::write(&key, "00112233445566778899aabbccddeeff\n").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let path = folder.path().join("channels.toml");
        std::fs::write(&path, text).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _within = runtime.enter();
        let settings = Settings::with_simulator([1; 32], "http://x");
        channels(Some(&path), settings, &Clock::system())
            .map(|found| found.1)
            .map_err(|trouble| trouble.faults[0].what.clone())
    }

    #[test]
    fn a_file_says_which_channel_takes_cards() {
        let settings = load(NETWORK).unwrap();
        assert_eq!(settings.card_channel_test.as_deref(), Some("unionpay"));
        assert_eq!(settings.card_channel_live, None);
        assert_eq!(load("").unwrap().card_channel_test.as_deref(), Some("card_sim"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, what) in [
            ("\"48020000\"", "\"4802\"", "acquirer of a card network must be 8 to 11 digits, and is `4802`"),
            (
                "test = \"unionpay\"",
                "test = \"other\"",
                "cards.test names other, and there is no such channel",
            ),
            ("test = \"unionpay\"", "live = \"card_sim\"", "the simulator, which takes no money"),
            ("name = \"unionpay\"", "name = \"card_sim\"", "two channels named card_sim"),
            ("category", "categorie", "unknown field `categorie`"),
            ("5411\"", "5411\"\npatience_seconds = 0", "patience_seconds is 1 to 50"),
            ("\"transport-key\"", "\"none\"", "none"),
        ] {
            let error = load(&NETWORK.replace(from, to)).unwrap_err();
            assert!(error.contains(what), "{what}: {error}");
        }
    }
}
