//! Files of channels, good and wrong.

use super::*;
use std::os::unix::fs::PermissionsExt;
use suanpan_messages::payment_code::Place;
use suanpan_payments::routing::Routing;
use suanpan_simulators::{alipay, clearing, wechat};

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
    for (name, text) in [
        ("private.pem", alipay::keys::APP_PRIVATE),
        ("public.pem", alipay::keys::WALLET_PUBLIC),
        ("merchant.pem", wechat::keys::MERCHANT_PRIVATE),
        ("wechat.pem", wechat::keys::WALLET_PUBLIC),
        ("api-v3-key", wechat::keys::RESOURCE),
        ("institution.pem", clearing::keys::INSTITUTION_SM2_PRIVATE),
        ("network.pem", clearing::keys::NETWORK_SM2_PUBLIC),
        ("network-rsa.pem", clearing::keys::NETWORK_RSA_PUBLIC),
        ("other-key", "0123456789abcdef0123456789ABCDEF"),
        ("short-key", "0123456789abcdef"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let open = folder.path().join("open-key");
    std::fs::write(&open, wechat::keys::RESOURCE).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
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
    let keepers =
        |settings: &Settings| [false, true].map(|live| settings.routing.card_keeper(live).map(str::to_owned));
    assert_eq!(keepers(&settings), [Some("unionpay".to_owned()), None]);
    assert_eq!(keepers(&load("").unwrap()), [Some("card_sim".to_owned()), None]);
}

const WALLET: &str = r#"
    [wallets]
    test = { alipay = "alipay_cn" }
    [[alipay]]
    name = "alipay_cn"
    gateway = "https://openapi.example"
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
        ("test = { alipay", "test = { wechat_pay", "wallets names wechat_pay for alipay_cn"),
        ("test = { alipay", "live = { alipay", "stands in the source of this program"),
        ("{ left = 2, ", "{ ", "at no place, or at two"),
        ("{ left = 2, ", "{ left = 2, right = 2, ", "at no place, or at two"),
        ("= \"alipay_cn\" }", "= \"card_sim\" }", "wallets names card_sim for alipay"),
        ("https://openapi.example", "http://openapi.example", "without TLS"),
        ("https://openapi.example", "http://127.0.0.1.example", "without TLS"),
        ("https://openapi.example", "openapi.example", "no address of HTTP"),
        ("https://openapi.example", "https://openapi.example/gateway.do", "without a path"),
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

const WECHAT: &str = r#"
    [wallets]
    test = { wechat_pay = "wechat_cn" }
    [[wechat]]
    name = "wechat_cn"
    gateway = "https://api.example"
    app_id = "wx8888888888888888"
    merchant = "1900000109"
    serial = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    private_key_file = "merchant.pem"
    wallet_public_key_files = { PUB_KEY_ID_1 = "wechat.pem" }
    api_key_file = "api-v3-key"
    description = "Shop"
"#;

#[test]
fn a_file_says_which_wallet_of_version_3_goes_where() {
    let settings = load(WECHAT).unwrap();
    assert!(settings.routing.takes(false, "wechat_pay") && !settings.routing.takes(true, "wechat_pay"));
    let both = WECHAT.replace("test = {", "test = { alipay = \"alipay_cn\",")
        + &WALLET[WALLET.find("[[alipay]]").unwrap()..];
    assert!(load(&both).unwrap().routing.takes(false, "alipay"));
    let live = WECHAT.replace("test = {", "live = {");
    for (file, from, to, what) in [
        (WECHAT, "test = { wechat_pay", "test = { alipay", "wallets names alipay for wechat_cn"),
        (WECHAT, "= \"wechat_cn\" }", "= \"other\" }", "wallets names other for wechat_pay"),
        (
            WECHAT,
            "[wallets]",
            "[terms.wechat_cn]\ncurrencies = [\"USD\"]\n[wallets]",
            "a wallet takes CNY only",
        ),
        (WECHAT, "https://api.example", "http://api.example", "without TLS"),
        (WECHAT, "https://api.example", "https://api.example/v3", "without a path"),
        (WECHAT, "name = \"wechat_cn\"", "name = \"card_sim\"", "two channels named card_sim"),
        (WECHAT, "{ PUB_KEY_ID_1 = \"wechat.pem\" }", "{}", "wallet_public_keys of a wallet must be"),
        (WECHAT, "\"wechat.pem\"", "\"api-v3-key\"", "does not hold a key of RSA"),
        (WECHAT, "\"api-v3-key\"", "\"short-key\"", "has 32 bytes, not 16"),
        (WECHAT, "\"api-v3-key\"", "\"open-key\"", "chmod 600"),
        (WECHAT, "5157F09E", "serial", "serial of a wallet must be"),
        (WECHAT, "description", "subject", "unknown field `subject`"),
        // Each of the keys that everybody has is found.
        (&live, "", "", "stands in the source of this program"),
        (&live, "\"merchant.pem\"", "\"private.pem\"", "stands in the source of this program"),
        (&live, "\"wechat.pem\"", "\"public.pem\"", "stands in the source of this program"),
    ] {
        let error = load(&file.replace(from, to)).unwrap_err();
        assert!(error.contains(what), "{what}: {error}");
    }
    let own = live.replace("merchant.pem", "private.pem").replace("wechat.pem", "public.pem");
    assert!(load(&own).unwrap_err().contains("stands in the source"));
    load(&own.replace("api-v3-key", "other-key")).unwrap();
}

const CLEARING: &str = r#"
    [bank_agreements]
    test = "epcc"
    [[clearing]]
    name = "epcc"
    gateway = "https://epcc.example"
    institution = "Z2004344000017"
    network = "G4000311000018"
    serial = "4002567531"
    private_key_file = "institution.pem"
    network_public_key_files = { 4000227191 = "network.pem", 4000227192 = "network-rsa.pem" }
    payee = "INSTCOUNT00001"
    payee_name = "Shop"
    reserve = "99010176680005004"
    reserve_name = "Reserve"
    reserve_bank = "C1010611003601"
"#;

#[test]
fn a_file_says_which_network_takes_money_by_agreement() {
    let settings = load(CLEARING).unwrap();
    assert_eq!(settings.routing.agreement_keeper(false), Some("epcc"));
    assert_eq!(settings.routing.agreement_keeper(true), None);
    assert_eq!(settings.routing.vault_of("epcc"), Some("epcc"));
    load(&CLEARING.replace("institution.pem", "private.pem")).unwrap();
    let live = CLEARING.replace("test = \"epcc\"", "live = \"epcc\"");
    for (file, from, to, what) in [
        (CLEARING, "test = \"epcc\"", "test = \"other\"", "bank_agreements names other"),
        (CLEARING, "name = \"epcc\"", "name = \"card_sim\"", "two channels named card_sim"),
        (CLEARING, "https://epcc.example", "http://epcc.example", "without TLS"),
        (CLEARING, "https://epcc.example", "https://epcc.example/preSvr", "without a path"),
        (CLEARING, "Z2004344000017", "Z20043440000", "institution of a clearing network must be"),
        (CLEARING, "\"institution.pem\"", "\"network.pem\"", "neither a key of SM2 nor one of RSA"),
        (CLEARING, "\"network.pem\"", "\"api-v3-key\"", "neither a key of SM2 nor one of RSA"),
        (CLEARING, "serial = \"4002567531\"", "serial = \"\"", "serial of a clearing network must be"),
        (CLEARING, "payee_name", "payee_nom", "unknown field `payee_nom`"),
        (CLEARING, "payee_name", "batches_per_day = 0\npayee_name", "batches_per_day of a clearing network"),
        (
            CLEARING,
            "[bank_agreements]",
            "[terms.epcc]\ncurrencies = [\"USD\"]\n[bank_agreements]",
            "takes CNY only",
        ),
        // Each of the keys that everybody has is found.
        (&live, "", "", "stands in the source of this program"),
        (&live, "\"institution.pem\"", "\"private.pem\"", "stands in the source of this program"),
    ] {
        let error = load(&file.replace(from, to)).unwrap_err();
        assert!(error.contains(what), "{what}: {error}");
    }
    let own = live.replace("institution.pem", "private.pem").replace("\"network.pem\"", "\"public.pem\"");
    assert!(load(&own).unwrap_err().contains("stands in the source"), "the second key of the network");
    load(&own.replace("network-rsa.pem", "wechat.pem")).unwrap();
}

const RULES: &str = r#"
    [terms.unionpay]
    currencies = ["CNY"]
    brands = ["unionpay"]
    limits = { CNY = { min = "0.10", max = "50000.00", day = "1000000.00" } }
    hours = "06:00-23:30"
    utc_offset = "+08:00"
    cost = { bps = 38, fixed_minor = 1 }
    [terms.second]
    drained = true
    [[rule]]
    name = "large"
    when = { kinds = ["card"], amounts = { CNY = { min = "1000.00" } }, mode = "test" }
    prefer = ["unionpay", "second"]
    [routing]
    explore_ppm = 5
"#;

#[test]
fn a_file_says_terms_and_rules() {
    let second = &NETWORK[NETWORK.find("[[card").unwrap()..].replace("\"unionpay\"", "\"second\"");
    let file = format!("{NETWORK}{second}{RULES}")
        .replace("\"unionpay\"\n    [[card", "[\"unionpay\", \"second\"]\n    [[card");
    let Routing { channels, rules, explore_ppm } = load(&file).unwrap().routing;
    let [network, second] = &channels[..] else { panic!("{channels:?}") };
    assert_eq!((network.name.as_str(), second.name.as_str()), ("unionpay", "second"));
    assert_eq!((network.drained, second.drained), (false, true));
    assert_eq!((network.vault.as_str(), second.vault.as_str()), ("card_network", "card_network"));
    let cny = suanpan_money::Currency::parse("CNY").unwrap();
    let limit = network.limits[&cny];
    assert_eq!((limit.payment.min, limit.payment.max), (Some(10), Some(5_000_000)));
    assert_eq!((limit.day_max, network.cost.fee(10_000)), (Some(100_000_000), 39));
    let hours = network.hours.unwrap();
    assert_eq!((hours.from_minute, hours.to_minute, network.utc_offset_minutes), (360, 1_410, 480));
    assert_eq!((rules[0].name.as_str(), rules[0].when.live, explore_ppm), ("large", Some(false), 5));
    assert_eq!(rules[0].when.amounts[&cny].min, Some(100_000));
    for (from, to, what) in [
        ("[terms.second]", "[terms.other]", "terms.other is about no channel"),
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
        ("prefer = [\"unionpay\", \"second\"]", "", "rule large says neither only"),
        ("prefer = [\"unionpay\", \"second\"]", "shares = { second = 0 }", "rule large says neither only"),
        (
            "[\"unionpay\", \"second\"]\n    [[card",
            "[\"unionpay\", \"card_sim\"]\n    [[card",
            "cannot read its cards",
        ),
        ("brands = [\"unionpay\"]", "brands = [\"UnionPay\"]", "terms.unionpay: UnionPay is no brand"),
        ("brands = [\"unionpay\"]", "countries = [\"cn\"]", "terms.unionpay: cn is no country"),
        ("kinds = [\"card\"]", "kinds = [\"cards\"]", "rule large: no channel takes cards"),
        ("kinds = [\"card\"]", "merchants = [\"shop\"]", "rule large: shop is no merchant"),
        ("kinds = [\"card\"]", "brands = [\"Visa\"]", "rule large: Visa is no brand"),
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
