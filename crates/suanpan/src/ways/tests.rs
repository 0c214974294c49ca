//! Files of channels, good and wrong.

use super::*;
use std::os::unix::fs::PermissionsExt;
use suanpan_messages::payment_code::Place;
use suanpan_simulators::alipay::keys;

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
    assert_eq!(settings.card_channel_test.as_deref(), Some("unionpay"));
    assert_eq!(settings.card_channel_live, None);
    assert_eq!(load("").unwrap().card_channel_test.as_deref(), Some("card_sim"));
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
    assert_eq!(settings.wallet_channel(false, "alipay"), Some("alipay_cn"));
    assert_eq!(settings.wallet_channel(true, "alipay"), None);
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
