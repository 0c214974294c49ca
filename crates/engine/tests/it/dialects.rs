//! The simulated wallets, each with what leads to it: the same questions to all of them.

use crate::outside::PATIENCE;
use http::{HeaderMap, Request};
use serde_json::json;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::alipay::{Alipay, Settings as AlipaySettings};
use suanpan_channels::faults::Faults;
use suanpan_channels::wallet::Common;
use suanpan_channels::wechat::{Keys, Settings as WechatSettings, Wechat};
use suanpan_engine::{Clock, Gateway, Way};
use suanpan_messages::signing::parameters::joined;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::{Received, ResourceKey};
use suanpan_simulators::wallet::{Audit, Customers, Settings, Trade};
use suanpan_simulators::{alipay, wechat};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const APP_ID: &str = "2021000000000001";
const MERCHANT: &str = "1900000109";

/// What a wallet speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Alipay,
    Wechat,
}

/// A notification, with what somebody else may have put into it.
pub(crate) struct Told<'a> {
    pub(crate) order: &'a str,
    pub(crate) amount_minor: u64,
    /// Ours, when none is named.
    pub(crate) app_id: Option<&'a str>,
    /// Signed by us instead of the wallet.
    pub(crate) forged: bool,
}

impl Dialect {
    pub(crate) const fn channel(self) -> &'static str {
        match self {
            Dialect::Alipay => "alipay_cn",
            Dialect::Wechat => "wechat_cn",
        }
    }

    /// The kind of payment methods.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Dialect::Alipay => "alipay",
            Dialect::Wechat => "wechat_pay",
        }
    }

    /// What a shop answers to a notification that it has taken.
    pub(crate) const fn taken(self) -> &'static str {
        match self {
            Dialect::Alipay => "success",
            Dialect::Wechat => "",
        }
    }

    /// A code as customers show them, by a number of ten digits at most and what the customer does.
    pub(crate) fn code(self, number: u64, behaviour: &str) -> String {
        let prefix = match self {
            Dialect::Alipay => "281234",
            Dialect::Wechat => "131234",
        };
        format!("{prefix}{number:010}{behaviour}")
    }

    fn common(self) -> Common {
        Common { name: self.channel().to_owned(), notify_url: None, qr_seconds: 900, code_seconds: 60 }
    }

    /// The channel, over calls to an address.
    fn way(self, address: &str, clock: &Clock) -> Way {
        let gateway = Gateway::new(address, PATIENCE, clock.clone()).unwrap();
        let shop = "SUANPAN TEST SHOP".to_owned();
        match self {
            Dialect::Alipay => {
                let settings =
                    AlipaySettings { common: self.common(), app_id: APP_ID.to_owned(), subject: shop };
                let own = private(alipay::keys::APP_PRIVATE);
                let channel = Alipay::new(settings, own, public(alipay::keys::WALLET_PUBLIC));
                Way::Http(Arc::new(channel.unwrap()), gateway)
            }
            Dialect::Wechat => {
                let settings = WechatSettings {
                    common: self.common(),
                    app_id: APP_ID.to_owned(),
                    merchant: MERCHANT.to_owned(),
                    serial: wechat::keys::MERCHANT_SERIAL.to_owned(),
                    description: shop,
                    store: "1".to_owned(),
                };
                let theirs = public(wechat::keys::WALLET_PUBLIC);
                let keys = Keys {
                    own: private(wechat::keys::MERCHANT_PRIVATE),
                    theirs: BTreeMap::from([(wechat::keys::WALLET_SERIAL.to_owned(), theirs)]),
                    resource: resource_key(),
                };
                Way::Http(Arc::new(Wechat::new(settings, keys).unwrap()), gateway)
            }
        }
    }

    /// A notification of a payment as the wallet would make it, or somebody else.
    pub(crate) fn told(self, now: i64, told: &Told<'_>) -> Request<Vec<u8>> {
        let (app_id, minor) = (told.app_id.unwrap_or(APP_ID), told.amount_minor);
        match self {
            Dialect::Alipay => {
                let amount = format!("{}.{:02}", minor / 100, minor % 100);
                let parameters = [
                    ("app_id", app_id),
                    ("out_trade_no", told.order),
                    ("total_amount", &amount),
                    ("trade_no", "2026112800001"),
                    ("trade_status", "TRADE_SUCCESS"),
                ];
                let text = joined(&parameters, &[]).unwrap();
                let key = if told.forged { alipay::keys::APP_PRIVATE } else { alipay::keys::WALLET_PRIVATE };
                let signature = private(key).sign_base64(text.as_bytes()).unwrap();
                let mut form = String::new();
                for (name, value) in parameters.iter().chain(&[("sign_type", "RSA2"), ("sign", &signature)]) {
                    let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
                    form.push_str(&format!("{name}={escaped}&"));
                }
                Request::new(form.trim_end_matches('&').as_bytes().to_vec())
            }
            Dialect::Wechat => {
                let said = json!({
                    "appid": app_id, "mchid": MERCHANT, "out_trade_no": told.order,
                    "transaction_id": "2026112800001", "trade_state": "SUCCESS",
                    "amount": {"total": minor, "currency": "CNY"},
                });
                let nonce = "fdasflkja484";
                let sealed = resource_key().seal(nonce.as_bytes(), b"", said.to_string().as_bytes()).unwrap();
                let body = json!({
                    "event_type": "TRANSACTION.SUCCESS",
                    "resource": {"algorithm": "AEAD_AES_256_GCM", "ciphertext": sealed, "nonce": nonce},
                });
                let body = body.to_string().into_bytes();
                let timestamp = u64::try_from(now).unwrap();
                let received = Received { timestamp, nonce: "n0nce", signature: "", body: &body };
                let key =
                    if told.forged { wechat::keys::MERCHANT_PRIVATE } else { wechat::keys::WALLET_PRIVATE };
                let signature = private(key).sign_base64(&received.text().unwrap()).unwrap();
                Request::builder()
                    .header("wechatpay-timestamp", timestamp)
                    .header("wechatpay-nonce", "n0nce")
                    .header("wechatpay-signature", signature)
                    .header("wechatpay-serial", wechat::keys::WALLET_SERIAL)
                    .body(body)
                    .unwrap()
            }
        }
    }
}

fn private(text: &str) -> RsaPrivateKey {
    RsaPrivateKey::parse(text).unwrap()
}

fn public(text: &str) -> RsaPublicKey {
    RsaPublicKey::parse(text).unwrap()
}

fn resource_key() -> ResourceKey {
    ResourceKey::new(wechat::keys::RESOURCE.trim().as_bytes()).unwrap()
}

/// A simulator.
#[derive(Clone)]
pub(crate) enum Host {
    Alipay(Arc<alipay::Host>),
    Wechat(Arc<wechat::Host>),
}

impl Host {
    /// Starts a simulator, and returns what leads to it.
    pub(crate) fn start(
        dialect: Dialect,
        runtime: &Runtime,
        clock: &Clock,
        faults: Faults,
        customers: Option<Customers>,
    ) -> (Host, JoinHandle<io::Result<()>>, Way) {
        let now = clock.clone();
        let settings = Settings {
            faults,
            customers,
            hesitation: Duration::from_millis(50),
            now: Arc::new(move || now.now().seconds()),
        };
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let way = dialect.way(&format!("http://{}", listener.local_addr().unwrap()), clock);
        let (host, serving) = match dialect {
            Dialect::Alipay => {
                let host = Arc::new(alipay::Host::new(alipay::HostSettings {
                    app_id: APP_ID.to_owned(),
                    app_key: public(alipay::keys::APP_PUBLIC),
                    own_key: private(alipay::keys::WALLET_PRIVATE),
                    wallet: settings,
                }));
                (Host::Alipay(host.clone()), runtime.spawn(alipay::serve(listener, host)))
            }
            Dialect::Wechat => {
                let host = Arc::new(wechat::Host::new(wechat::HostSettings {
                    app_id: APP_ID.to_owned(),
                    merchant: MERCHANT.to_owned(),
                    merchant_serial: wechat::keys::MERCHANT_SERIAL.to_owned(),
                    merchant_key: public(wechat::keys::MERCHANT_PUBLIC),
                    own_key: private(wechat::keys::WALLET_PRIVATE),
                    own_serial: wechat::keys::WALLET_SERIAL.to_owned(),
                    resource_key: resource_key(),
                    refund_seconds: 20,
                    wallet: settings,
                }));
                (Host::Wechat(host.clone()), runtime.spawn(wechat::serve(listener, host)))
            }
        };
        (host, serving, way)
    }

    pub(crate) fn scan(&self, code: &str) -> Option<String> {
        match self {
            Host::Alipay(host) => host.scan(code),
            Host::Wechat(host) => host.scan(code),
        }
    }

    pub(crate) fn trades(&self) -> BTreeMap<String, Trade> {
        match self {
            Host::Alipay(host) => host.trades(),
            Host::Wechat(host) => host.trades(),
        }
    }

    pub(crate) fn audit(&self) -> Audit {
        match self {
            Host::Alipay(host) => host.audit(),
            Host::Wechat(host) => host.audit(),
        }
    }

    /// How often an order was called off.
    pub(crate) fn called_off(&self) -> u64 {
        match self {
            Host::Alipay(host) => host.calls("alipay.trade.cancel"),
            Host::Wechat(host) => host.calls("close") + host.calls("reverse"),
        }
    }

    /// The notification of a payment, as the simulator makes it.
    pub(crate) fn notification(&self, order: &str, garbled: bool) -> Option<(HeaderMap, Vec<u8>)> {
        match self {
            Host::Alipay(host) => Some((HeaderMap::new(), host.notification(order, garbled)?.into_bytes())),
            Host::Wechat(host) => {
                let (head, body) = host.notification(order, garbled)?.into_parts();
                Some((head.headers, body))
            }
        }
    }
}
