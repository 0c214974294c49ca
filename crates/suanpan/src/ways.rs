//! The file that says which channels there are, and what leads to them.

mod routing;

use crate::error::Trouble;
use crate::secrets::{rsa_private_key, rsa_public_key, transport_key};
use routing::{Cards, Keys, Names, Parts, RuleText, Terms, Wallets};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::alipay::{Alipay, Settings as WalletSettings};
use suanpan_channels::card_network::{CardNetwork, LineSettings, Settings as NetworkSettings, VaultKey};
use suanpan_channels::card_sim::{self, CardSim, Host, HostSettings};
use suanpan_engine::{CardLine, Carrier, Channels, Clock, Gateway, Way};
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::payment_code::{CodeError, CodeRule, Place};
use suanpan_payments::settings::Settings;
use suanpan_simulators::alipay::keys;

/// What a wallet of this protocol can be asked for.
const WALLETS: [&str; 2] = ["alipay", "alipay_plus"];
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
    card_network: Vec<Network>,
    #[serde(default)]
    wallets: Wallets,
    #[serde(default)]
    alipay: Vec<Wallet>,
    #[serde(default)]
    routing: Keys,
    /// The terms of channels, by name.
    #[serde(default)]
    terms: BTreeMap<String, Terms>,
    #[serde(default)]
    rule: Vec<RuleText>,
    /// Whose a code is that a customer shows; those that are public when there are none.
    #[serde(default)]
    code: Vec<Code>,
}

/// A wallet that speaks as Alipay's open platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wallet {
    name: String,
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

/// A rule of the table of codes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    wallet: String,
    first: String,
    last: String,
    digits: (usize, usize),
    #[serde(default)]
    fixed: Vec<FixedDigit>,
}

/// A digit at a place: from 0 at the left, or from 1 at the right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixedDigit {
    left: Option<usize>,
    right: Option<usize>,
    digit: char,
}

const fn qr_seconds() -> i64 {
    900
}

const fn code_seconds() -> i64 {
    60
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

/// The channels of this process, and which of them takes what. Lines are made from here on; without a file there is the
/// simulator of cards in test mode. Must be called within a runtime.
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
    let (at, file) = (At(path), read(path)?);
    check_names(&at, &file)?;
    check_cards(&at, &file)?;
    check_wallets(&at, &file)?;
    let code_rules = if file.code.is_empty() { settings.code_rules.clone() } else { rules(&at, file.code)? };
    let routing = routing::routing(
        &at,
        Parts {
            cards: file.cards,
            wallets: file.wallets,
            routing: file.routing,
            terms: file.terms,
            rules: file.rule,
        },
    )?;
    let vault = VaultKey::new(settings.key_for("card numbers in tokens"));
    let mut ways = vec![simulator];
    for wallet in file.alipay {
        ways.push(wallet_way(&at, wallet, &settings, clock)?);
    }
    // Last, because lines are made at once: what is wrong elsewhere makes none.
    for network in file.card_network {
        ways.push(network_way(&at, network, vault.clone(), clock)?);
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

fn wallets(file: &File) -> impl Iterator<Item = &str> {
    file.alipay.iter().map(|wallet| wallet.name.as_str())
}

fn check_names(at: &At<'_>, file: &File) -> Result<(), Trouble> {
    let mut names = BTreeSet::from([card_sim::NAME]);
    match networks(file).chain(wallets(file)).find(|name| !names.insert(name)) {
        Some(name) => {
            Err(at.wrong(format!("there are two channels named {name}"), "give each a name of its own"))
        }
        None => Ok(()),
    }
}

fn check_cards(at: &At<'_>, file: &File) -> Result<(), Trouble> {
    let named =
        |mode, names: &'_ Names| names.all().iter().map(move |name| (mode, name.clone())).collect::<Vec<_>>();
    let (test, live) = (named("test", &file.cards.test), named("live", &file.cards.live));
    for (mode, name) in test.iter().chain(&live) {
        if *mode == "live" && name == card_sim::NAME {
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
    for (kind, names) in file.wallets.test.iter().chain(&file.wallets.live) {
        if !WALLETS.contains(&kind.as_str()) {
            return Err(at.wrong(
                format!("wallets names {kind}, which is none of {}", WALLETS.join(", ")),
                "name a kind of payment methods, or of codes, that the wallet knows",
            ));
        }
        if let Some(name) = names.all().iter().find(|name| !wallets(file).any(|other| other == name.as_str()))
        {
            return Err(at.wrong(
                format!("wallets names {name} for {kind}, and there is no such wallet"),
                "name one of the wallets of this file",
            ));
        }
    }
    let is_live =
        |wallet: &&Wallet| file.wallets.live.values().any(|names| names.all().contains(&wallet.name));
    if file.alipay.iter().filter(is_live).any(|wallet| is_simulated(at, wallet)) {
        return Err(at.wrong(
            "a wallet of live mode has a key that stands in the source of this program",
            "give it the shop's own private key, and the wallet's public key",
        ));
    }
    Ok(())
}

/// Whether a wallet is given a key that everybody has. What cannot be read is found out by who uses it.
fn is_simulated(at: &At<'_>, wallet: &Wallet) -> bool {
    let same = |file: &Path, key: &str| {
        std::fs::read_to_string(at.beside(file)).is_ok_and(|text| text.trim() == key.trim())
    };
    same(&wallet.private_key_file, keys::APP_PRIVATE)
        || same(&wallet.wallet_public_key_file, keys::WALLET_PUBLIC)
}

/// Reads the table of codes.
fn rules(at: &At<'_>, codes: Vec<Code>) -> Result<Vec<CodeRule>, Trouble> {
    let place = |fixed: &FixedDigit| match (fixed.left, fixed.right) {
        (Some(left), None) => Ok((Place::Left(left), fixed.digit)),
        (None, Some(right)) => Ok((Place::Right(right), fixed.digit)),
        (None, None) | (Some(_), Some(_)) => Err(at.wrong(
            "a fixed digit stands at no place, or at two",
            "say either left, from 0, or right, from 1",
        )),
    };
    let rule = |code: Code| {
        Ok(CodeRule {
            fixed: code.fixed.iter().map(place).collect::<Result<_, Trouble>>()?,
            wallet: code.wallet,
            first: code.first,
            last: code.last,
            digits: code.digits,
        })
    };
    let rules = codes.into_iter().map(rule).collect::<Result<Vec<_>, Trouble>>()?;
    // Tables are checked whatever code is asked about.
    match suanpan_messages::payment_code::wallet(&rules, "0") {
        Err(error @ CodeError::Rule(_)) => {
            Err(at.wrong(error, "give first and last as many digits, and digits as the fewest and the most"))
        }
        _ => Ok(rules),
    }
}

/// Says how long an answer is waited for.
fn patience(at: &At<'_>, name: &str, seconds: u32) -> Result<Duration, Trouble> {
    if (1..=50).contains(&seconds) {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    Err(at.wrong(format!("{name}: patience_seconds is 1 to 50"), "leave it out to have 20"))
}

fn network_way(at: &At<'_>, network: Network, vault: VaultKey, clock: &Clock) -> Result<Way, Trouble> {
    let patience = patience(at, &network.name, network.patience_seconds)?;
    if !(5..=3_600).contains(&network.echo_seconds) {
        let what = format!("{}: echo_seconds is 5 to 3600", network.name);
        return Err(at.wrong(what, "leave it out to have 60"));
    }
    let key = transport_key(&at.beside(&network.transport_key_file), false)?;
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
    let channel = CardNetwork::new(own.clone(), vault).map_err(|error| at.wrong(error, MEND))?;
    let line = LineSettings {
        network: own,
        transport_key: DoubleKey::new(key.key),
        echo_seconds: network.echo_seconds,
        patience_seconds: i64::from(network.patience_seconds),
    };
    let line = CardLine::start(network.address, line, patience, clock.clone());
    Ok(Way { channel: Arc::new(channel), carrier: Carrier::Line(line) })
}

fn wallet_way(at: &At<'_>, wallet: Wallet, settings: &Settings, clock: &Clock) -> Result<Way, Trouble> {
    let patience = patience(at, &wallet.name, wallet.patience_seconds)?;
    let own = rsa_private_key(&at.beside(&wallet.private_key_file))?;
    let theirs = rsa_public_key(&at.beside(&wallet.wallet_public_key_file))?;
    let gateway =
        Gateway::new(&wallet.gateway, patience, clock.clone()).map_err(|error| at.wrong(error, MEND))?;
    let notify_url = format!("{}/channels/{}/notifications", settings.public_url, wallet.name);
    let own_settings = WalletSettings {
        name: wallet.name,
        app_id: wallet.app_id,
        subject: wallet.subject,
        notify_url: Some(notify_url),
        qr_seconds: wallet.qr_seconds,
        code_seconds: wallet.code_seconds,
    };
    let channel = Alipay::new(own_settings, own, theirs).map_err(|error| at.wrong(error, MEND))?;
    Ok(Way { channel: Arc::new(channel), carrier: Carrier::Http(gateway) })
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
    use suanpan_payments::routing::Routing;

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
        let private = folder.path().join("private.pem");
        std::fs::write(&private, keys::APP_PRIVATE).unwrap();
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(folder.path().join("public.pem"), keys::WALLET_PUBLIC).unwrap();
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
        let keepers = |settings: &Settings| {
            [false, true].map(|live| settings.routing.card_keeper(live).map(str::to_owned))
        };
        assert_eq!(keepers(&settings), [Some("unionpay".to_owned()), None]);
        assert_eq!(keepers(&load("").unwrap()), [Some("card_sim".to_owned()), None]);
    }

    const WALLET: &str = r#"
        [wallets]
        test = { alipay = "alipay_cn" }
        [[alipay]]
        name = "alipay_cn"
        gateway = "https://openapi.example/gateway.do"
        app_id = "2021000000000001"
        private_key_file = "private.pem"
        wallet_public_key_file = "public.pem"
        subject = "Shop"
        [[code]]
        wallet = "alipay"
        first = "25"
        last = "30"
        digits = [16, 24]
        fixed = [{ left = 2, digit = "9" }, { right = 1, digit = "0" }]
    "#;

    #[test]
    fn a_file_says_which_wallet_goes_where_and_whose_codes_are() {
        let settings = load(WALLET).unwrap();
        assert!(settings.routing.takes(false, "alipay") && !settings.routing.takes(true, "alipay"));
        let [rule] = &settings.code_rules[..] else { panic!("{:?}", settings.code_rules) };
        assert_eq!(rule.fixed, [(Place::Left(2), '9'), (Place::Right(1), '0')]);
        load(&WALLET.replace("https://openapi.example", "http://[::1]:9588")).unwrap();
        for (from, to, what) in [
            ("[wallets]", "[cards]\ntest = \"alipay_cn\"\n[wallets]", "no such channel of cards"),
            ("= \"alipay_cn\" }", "= \"other\" }", "wallets names other for alipay"),
            ("test = { alipay", "test = { wechat_pay", "wallets names wechat_pay"),
            ("test = { alipay", "live = { alipay", "stands in the source of this program"),
            ("{ left = 2, ", "{ ", "at no place, or at two"),
            ("{ left = 2, ", "{ left = 2, right = 2, ", "at no place, or at two"),
            ("= \"alipay_cn\" }", "= \"card_sim\" }", "wallets names card_sim for alipay"),
            ("https://openapi.example", "http://openapi.example", "without TLS"),
            ("https://openapi.example", "http://127.0.0.1.example", "without TLS"),
            ("https://openapi.example", "openapi.example", "no address of HTTP"),
            ("name = \"alipay_cn\"", "name = \"card_sim\"", "two channels named card_sim"),
            ("\"Shop\"", "\"a=b\"", "subject of a wallet must be"),
            ("\"public.pem\"", "\"transport-key\"", "does not hold a key of RSA"),
            ("\"Shop\"", "\"Shop\"\nqr_seconds = 61", "qr_seconds of a wallet must be whole minutes"),
            ("first = \"25\"", "first = \"2\"", "rule 1 of the table"),
            ("subject", "subjekt", "unknown field `subjekt`"),
        ] {
            let error = load(&WALLET.replace(from, to)).unwrap_err();
            assert!(error.contains(what), "{what}: {error}");
        }
    }

    const RULES: &str = r#"
        [terms.unionpay]
        currencies = ["CNY"]
        brands = ["unionpay"]
        limits = { CNY = { min = "0.10", max = "50000.00", day = "1000000.00" } }
        hours = "06:00-23:30"
        utc_offset = "+08:00"
        cost = { bps = 38, fixed_minor = 1 }
        [terms.card_sim]
        drained = true
        [[rule]]
        name = "large"
        when = { kinds = ["card"], amounts = { CNY = { min = "1000.00" } }, mode = "test" }
        prefer = ["unionpay", "card_sim"]
        [routing]
        explore_ppm = 5
    "#;

    #[test]
    fn a_file_says_terms_and_rules() {
        let file = format!("{NETWORK}{RULES}")
            .replace("\"unionpay\"\n        [[card", "[\"unionpay\", \"card_sim\"]\n        [[card");
        let Routing { channels, rules, explore_ppm } = load(&file).unwrap().routing;
        let [network, simulator] = &channels[..] else { panic!("{channels:?}") };
        assert_eq!((network.name.as_str(), simulator.name.as_str()), ("unionpay", "card_sim"));
        assert_eq!((network.drained, simulator.drained), (false, true));
        assert_eq!((network.vault.as_str(), simulator.vault.as_str()), ("card_network", "card_sim"));
        let cny = suanpan_money::Currency::parse("CNY").unwrap();
        let limit = network.limits[&cny];
        assert_eq!((limit.payment.min, limit.payment.max), (Some(10), Some(5_000_000)));
        assert_eq!((limit.day_max, network.cost.fee(10_000)), (Some(100_000_000), 39));
        let hours = network.hours.unwrap();
        assert_eq!((hours.from_minute, hours.to_minute, network.utc_offset_minutes), (360, 1_410, 480));
        assert_eq!((rules[0].name.as_str(), rules[0].when.live, explore_ppm), ("large", Some(false), 5));
        assert_eq!(rules[0].when.amounts[&cny].min, Some(100_000));
        for (from, to, what) in [
            ("[terms.card_sim]", "[terms.other]", "terms.other is about no channel"),
            ("[\"CNY\"]", "[\"CNX\"]", "terms.unionpay: CNX is no currency"),
            ("\"0.10\"", "\"0.105\"", "terms.unionpay: 0.105 is no amount of CNY"),
            ("\"0.10\"", "\"-1\"", "terms.unionpay: -1 is no amount of CNY"),
            ("\"0.10\"", "\"50000.01\"", "unionpay: the least amount is above the most"),
            ("06:00-23:30", "6:00-23:30", "hours are not 6:00-23:30"),
            ("06:00-23:30", "06:00-06:00", "hours are not 06:00-06:00"),
            ("06:00-23:30", "06:00-24:01", "hours are not 06:00-24:01"),
            ("+08:00", "08:00", "utc_offset is not 08:00"),
            ("+08:00", "+15:00", "utc_offset is not +15:00"),
            ("prefer", "preferred", "unknown field `preferred`"),
            ("prefer = [\"unionpay\", \"card_sim\"]", "", "rule large says neither only"),
            ("prefer = [\"unionpay\"", "prefer = [\"none\"", "rule large names none"),
            ("\"test\" }", "\"both\" }", "unknown variant `both`"),
            ("explore_ppm = 5", "explore_ppm = 1000001", "above a million"),
        ] {
            let error = load(&file.replace(from, to)).unwrap_err();
            assert!(error.contains(what), "{what}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, what) in [
            ("\"48020000\"", "\"4802\"", "acquirer of a card network must be 8 to 11 digits, and is `4802`"),
            (
                "test = \"unionpay\"",
                "test = \"other\"",
                "cards.test names other, and there is no such channel of cards",
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
