//! The file that says which channels there are, and what leads to them.

mod alipay;
mod card_network;
mod clearing;
mod codes;
mod routing;
mod wallet;
mod wechat;

use crate::error::Trouble;
use routing::{Cards, Keys, Parts, RuleText, Terms, Wallets};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::card_network::VaultKey;
use suanpan_channels::card_sim::{self, CardSim, Host, HostSettings};
use suanpan_engine::{Channels, Clock, Way};
use suanpan_payments::settings::Settings;

/// What to do about a value that cannot be.
const MEND: &str = "mend that line of the file";
/// A file of channels has some lines for each.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    cards: Cards,
    #[serde(default)]
    card_network: Vec<card_network::Network>,
    #[serde(default)]
    wallets: Wallets,
    #[serde(default)]
    alipay: Vec<alipay::Wallet>,
    #[serde(default)]
    wechat: Vec<wechat::Wallet>,
    /// Which networks take money by agreement.
    #[serde(default)]
    bank_agreements: Cards,
    #[serde(default)]
    clearing: Vec<clearing::Network>,
    #[serde(default)]
    routing: Keys,
    /// The terms of channels, by name.
    #[serde(default)]
    terms: BTreeMap<String, Terms>,
    #[serde(default)]
    rule: Vec<RuleText>,
    /// Whose a code is that a customer shows; those that are public when there are none.
    #[serde(default)]
    code: Vec<codes::Code>,
}

const fn patience_seconds() -> u32 {
    20
}

/// The channels of this process, and which of them takes what. Lines are made from here on; without a file there is the
/// simulator of cards in test mode. Must be called within a runtime.
pub(crate) fn channels(
    file: Option<&Path>,
    settings: Settings,
    clock: &Clock,
) -> Result<(Channels, Settings), Trouble> {
    let simulator = Way::Near(Arc::new(CardSim), Arc::new(Host::new(HostSettings::default())));
    let Some(path) = file else { return Ok((Channels::new(vec![simulator]), settings)) };
    let (at, file) = (At(path), read(path)?);
    check_names(&at, &file)?;
    check_cards(&at, &file)?;
    check_wallets(&at, &file)?;
    check_agreements(&at, &file)?;
    let code_rules =
        if file.code.is_empty() { settings.code_rules.clone() } else { codes::rules(&at, file.code)? };
    let routing = routing::routing(
        &at,
        Parts {
            cards: file.cards,
            wallets: file.wallets,
            bank_agreements: file.bank_agreements,
            routing: file.routing,
            terms: file.terms,
            rules: file.rule,
        },
    )?;
    let vault = VaultKey::new(settings.key_for("card numbers in tokens"));
    let mut ways = vec![simulator];
    for wallet in file.alipay {
        ways.push(wallet.way(&at, &settings, clock)?);
    }
    for wallet in file.wechat {
        ways.push(wallet.way(&at, &settings, clock)?);
    }
    for network in file.clearing {
        ways.push(network.way(&at, &settings, clock)?);
    }
    // Last, because lines are made at once: what is wrong elsewhere makes none.
    for network in file.card_network {
        ways.push(card_network::way(&at, network, vault.clone(), clock)?);
    }
    Ok((Channels::new(ways), Settings { routing, code_rules, ..settings }))
}

/// Where the file of channels lies.
struct At<'a>(&'a Path);

impl At<'_> {
    fn wrong(&self, what: impl ToString, next: &str) -> Trouble {
        Trouble::new("channels", what.to_string()).at(self.0.display().to_string()).next(next.to_owned())
    }

    /// Returns a file that is named in this one: beside it, unless it says where else.
    fn beside(&self, file: &Path) -> PathBuf {
        self.0.parent().unwrap_or(Path::new("")).join(file)
    }
}

fn networks(file: &File) -> impl Iterator<Item = &str> {
    file.card_network.iter().map(|network| network.name.as_str())
}

/// The wallets of a file, and what each can be asked for.
fn wallets(file: &File) -> impl Iterator<Item = (&str, &'static [&'static str])> {
    let alipay = file.alipay.iter().map(|wallet| (wallet.name.as_str(), &alipay::KINDS[..]));
    alipay.chain(file.wechat.iter().map(|wallet| (wallet.name.as_str(), &wechat::KINDS[..])))
}

fn check_names(at: &At<'_>, file: &File) -> Result<(), Trouble> {
    let mut names = BTreeSet::from([card_sim::NAME]);
    let clearing = file.clearing.iter().map(|network| network.name.as_str());
    let mut all = networks(file).chain(wallets(file).map(|wallet| wallet.0)).chain(clearing);
    match all.find(|name| !names.insert(name)) {
        Some(name) => {
            Err(at.wrong(format!("there are two channels named {name}"), "give each a name of its own"))
        }
        None => Ok(()),
    }
}

fn check_cards(at: &At<'_>, file: &File) -> Result<(), Trouble> {
    let modes = [("test", &file.cards.test), ("live", &file.cards.live)];
    for (mode, name) in modes.iter().flat_map(|(mode, names)| names.all().iter().map(|name| (*mode, name))) {
        if mode == "live" && name == card_sim::NAME {
            return Err(
                at.wrong("cards.live names the simulator, which takes no money", "name a channel that does")
            );
        }
        if name != card_sim::NAME && !networks(file).any(|other| other == name) {
            return Err(at.wrong(
                format!("cards.{mode} names {name}, and there is no such channel of cards"),
                "name a card network of this file, or card_sim",
            ));
        }
    }
    Ok(())
}

fn check_wallets(at: &At<'_>, file: &File) -> Result<(), Trouble> {
    let named = file.wallets.test.iter().chain(&file.wallets.live);
    for (kind, name) in named.flat_map(|(kind, names)| names.all().iter().map(move |name| (kind, name))) {
        let Some((_, kinds)) = wallets(file).find(|(other, _)| other == name) else {
            return Err(at.wrong(
                format!("wallets names {name} for {kind}, and there is no such wallet"),
                "name one of the wallets of this file",
            ));
        };
        if !kinds.contains(&kind.as_str()) {
            return Err(at.wrong(
                format!("wallets names {kind} for {name}, which takes none but {}", kinds.join(", ")),
                "name a kind of payment methods, or of codes, that the wallet knows",
            ));
        }
    }
    let is_live =
        |name: &str| file.wallets.live.values().any(|names| names.all().iter().any(|other| other == name));
    if file.alipay.iter().any(|wallet| is_live(&wallet.name) && wallet.is_simulated(at))
        || file.wechat.iter().any(|wallet| is_live(&wallet.name) && wallet.is_simulated(at))
    {
        return Err(at.wrong(
            "a wallet of live mode has a key that stands in the source of this program",
            "give it the shop's own keys, and the wallet's public key",
        ));
    }
    Ok(())
}

fn check_agreements(at: &At<'_>, file: &File) -> Result<(), Trouble> {
    let mut named = file.bank_agreements.test.all().iter().chain(file.bank_agreements.live.all());
    let known = |name: &str| file.clearing.iter().any(|network| network.name == name);
    if let Some(name) = named.find(|name| !known(name)) {
        return Err(at.wrong(
            format!("bank_agreements names {name}, and there is no such clearing network"),
            "name a clearing network of this file",
        ));
    }
    let is_live = |name: &str| file.bank_agreements.live.all().iter().any(|other| other == name);
    if file.clearing.iter().any(|network| is_live(&network.name) && network.is_simulated(at)) {
        return Err(at.wrong(
            "a clearing network of live mode has a key that stands in the source of this program",
            "give it the institution's own key, and the network's public key",
        ));
    }
    Ok(())
}

/// Says how long an answer is waited for.
fn patience(at: &At<'_>, name: &str, seconds: u32) -> Result<Duration, Trouble> {
    if (1..=50).contains(&seconds) {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    Err(at.wrong(format!("{name}: patience_seconds is 1 to 50"), "leave it out to have 20"))
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
mod tests;
