//! `suanpan simulate`: what lies outside, until a signal.

mod card;
mod clearing;

use super::serve::{Signals, listen};
use crate::cli::{
    CustomerArgs, FaultArgs, SimulateAlipayArgs, SimulateArgs, SimulateCardNetworkArgs, SimulateChannelArgs,
    SimulateChannelCommand, SimulateCommand, SimulateWechatArgs, TruthArgs,
};
use crate::error::{Trouble, status};
use crate::secrets::{issuer_key, rsa_public_key, transport_key, write_new};
use crate::store::damaged;
use crate::terminal::Terminal;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use suanpan_engine::Clock;
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_messages::signing::wechat::ResourceKey;
use suanpan_simulators::card_network::{Host, HostSettings, Issuer, Truth, serve};
use suanpan_simulators::wallet::{Audit, Customers, Refund, Settings, Trade};
use suanpan_simulators::{alipay, wechat};

pub(crate) fn run(args: &SimulateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| damaged("this process", error))?;
    let command = match &args.command {
        SimulateCommand::Channel(SimulateChannelArgs { command }) => command,
        SimulateCommand::Card(args) => return runtime.block_on(card::run(args, terminal)),
    };
    match command {
        SimulateChannelCommand::CardNetwork(args) => runtime.block_on(card_network(args, terminal)),
        SimulateChannelCommand::Alipay(args) => runtime.block_on(alipay_wallet(args, terminal)),
        SimulateChannelCommand::Wechat(args) => runtime.block_on(wechat_wallet(args, terminal)),
        SimulateChannelCommand::Clearing(args) => {
            runtime.block_on(clearing::clearing_network(args, terminal))
        }
    }
}

async fn alipay_wallet(args: &SimulateAlipayArgs, terminal: Terminal) -> Result<u8, Trouble> {
    use alipay::keys;
    let signals = Signals::install()?;
    let app_key = shop_key(args.app_public_key_file.as_ref(), keys::APP_PUBLIC)?;
    let own_key = private_key(keys::WALLET_PRIVATE)?;
    let (listener, address) = listen(&args.listen).await?;
    put_keys(
        &args.keys,
        &[("app-private-key.pem", keys::APP_PRIVATE), ("wallet-public-key.pem", keys::WALLET_PUBLIC)],
    )?;
    let host = Arc::new(alipay::Host::new(alipay::HostSettings {
        app_id: args.app_id.clone(),
        app_key,
        own_key,
        wallet: settings(&args.customers, &args.faults),
    }));
    let who = format!("application {}", args.app_id);
    say_wallet("alipay", &address, &who, &args.keys, terminal)?;
    until_signal(alipay::serve(listener, host.clone()), signals).await?;
    write_truth(&args.truth, wallet_movements(host.trades()))?;
    terminal.result(&format!("{}\n", truth_of(host.audit()))).map(|()| status::FINE)
}

async fn wechat_wallet(args: &SimulateWechatArgs, terminal: Terminal) -> Result<u8, Trouble> {
    use wechat::keys;
    let signals = Signals::install()?;
    let merchant_key = shop_key(args.merchant_public_key_file.as_ref(), keys::MERCHANT_PUBLIC)?;
    let own_key = private_key(keys::WALLET_PRIVATE)?;
    let resource_key = ResourceKey::new(keys::RESOURCE.trim().as_bytes());
    let resource_key = resource_key.map_err(|error| damaged("this program", error))?;
    let (listener, address) = listen(&args.listen).await?;
    put_keys(
        &args.keys,
        &[
            ("merchant-private-key.pem", keys::MERCHANT_PRIVATE),
            ("wallet-public-key.pem", keys::WALLET_PUBLIC),
            ("api-v3-key", keys::RESOURCE),
        ],
    )?;
    let host = Arc::new(wechat::Host::new(wechat::HostSettings {
        app_id: args.app_id.clone(),
        merchant: args.merchant.clone(),
        merchant_serial: keys::MERCHANT_SERIAL.to_owned(),
        merchant_key,
        own_key,
        own_serial: keys::WALLET_SERIAL.to_owned(),
        resource_key,
        refund_seconds: args.refund_seconds,
        wallet: settings(&args.customers, &args.faults),
    }));
    let who = format!("merchant {}", args.merchant);
    say_wallet("wechat", &address, &who, &args.keys, terminal)?;
    until_signal(wechat::serve(listener, host.clone()), signals).await?;
    write_truth(&args.truth, wallet_movements(host.trades()))?;
    terminal.result(&format!("{}\n", truth_of(host.audit()))).map(|()| status::FINE)
}

fn shop_key(file: Option<&PathBuf>, otherwise: &str) -> Result<RsaPublicKey, Trouble> {
    match file {
        Some(path) => rsa_public_key(path),
        None => RsaPublicKey::parse(otherwise).map_err(|error| damaged("this program", error)),
    }
}

fn private_key(text: &str) -> Result<RsaPrivateKey, Trouble> {
    RsaPrivateKey::parse(text).map_err(|error| damaged("this program", error))
}

/// Puts keys where the shop finds them.
fn put_keys(folder: &Path, keys: &[(&str, &str)]) -> Result<(), Trouble> {
    std::fs::create_dir_all(folder).map_err(|error| Trouble::io("make", folder, error))?;
    for (name, text) in keys {
        let path = folder.join(name);
        // What is there already may be the shop's own.
        if !path.exists() {
            write_new(&path, text)?;
        }
    }
    Ok(())
}

fn settings(customers: &CustomerArgs, faults: &FaultArgs) -> Settings {
    let hesitation = Duration::from_millis(customers.hesitation);
    let parts = customers.customers;
    Settings {
        faults: faults.faults(),
        customers: (parts > 0).then_some(Customers { after: hesitation, parts }),
        hesitation,
        now: Arc::new(|| Clock::system().now().seconds()),
    }
}

fn say_wallet(
    name: &str,
    address: &impl std::fmt::Display,
    who: &str,
    keys: &Path,
    terminal: Terminal,
) -> Result<(), Trouble> {
    terminal.result(&format!(
        "simulated {name} on {address}\nkeys for {who} in {}; they stand in the source of this program and protect \
         nothing\n",
        keys.display()
    ))
}

fn truth_of(audit: Audit) -> serde_json::Value {
    json!({
        "taken_minor": audit.taken_minor,
        "refunded_minor": audit.refunded_minor,
        "standing": audit.standing,
        "given_back": audit.given_back,
        "repeated": audit.repeated,
    })
}

/// Goes on until a signal.
async fn until_signal(
    serving: impl Future<Output = std::io::Result<()>>,
    signals: Signals,
) -> Result<(), Trouble> {
    tokio::select! {
        ended = serving => ended.map_err(|error| damaged("--listen", error)),
        () = signals.first() => Ok(()),
    }
}

/// A movement of money as the outside holds it true.
#[derive(serde::Serialize)]
struct Movement {
    /// `take`, `hold`, `refund` or `payout`.
    operation: &'static str,
    /// How the outside names it.
    name: String,
    amount_minor: u64,
    /// Whether it stands, or was undone.
    standing: bool,
}

fn wallet_movements(trades: BTreeMap<String, Trade>) -> Vec<Movement> {
    let mut all = Vec::new();
    for (order, trade) in trades.into_iter().filter(|(_, trade)| trade.paid) {
        let (amount_minor, standing) = (trade.amount_minor, !trade.called_off);
        all.push(Movement { operation: "take", name: order, amount_minor, standing });
        let refund = |(name, refund): (String, Refund)| {
            let amount_minor = refund.amount_minor;
            Movement { operation: "refund", name, amount_minor, standing: true }
        };
        all.extend(trade.refunds.into_iter().map(refund));
    }
    all
}

fn network_movements(host: &Host) -> Vec<Movement> {
    let movement = |(name, truth): (String, Truth)| {
        let operation = match (truth.message_type.as_str(), truth.code.as_str()) {
            ("0200", _) => "take",
            ("0220", _) => "refund",
            ("0100", "030000") => "hold",
            _ => return None,
        };
        let released = operation == "hold" && (truth.voided || truth.captured_minor > 0);
        let standing = !truth.reversed && !released;
        Some(Movement { operation, name, amount_minor: truth.amount_minor, standing })
    };
    host.truths().into_iter().filter(|(_, truth)| truth.done).filter_map(movement).collect()
}

fn write_truth(args: &TruthArgs, movements: Vec<Movement>) -> Result<(), Trouble> {
    let Some(path) = &args.file else { return Ok(()) };
    let mut text = String::new();
    for movement in movements {
        text.push_str(&serde_json::to_string(&movement).map_err(|error| damaged("a movement", error))?);
        text.push('\n');
    }
    std::fs::write(path, text).map_err(|error| Trouble::io("write", path, error))
}

async fn card_network(args: &SimulateCardNetworkArgs, terminal: Terminal) -> Result<u8, Trouble> {
    if !(8..=11).contains(&args.network.len()) || !args.network.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Trouble::new("argument", format!("{} is no number of a network", args.network))
            .at("--network")
            .next("give 8 to 11 digits"));
    }
    let signals = Signals::install()?;
    let key = transport_key(&args.transport_key_file, true)?;
    if let Some(path) = &key.made {
        terminal.hint(&format!("made the transport key {}; give the same to suanpan serve", path.display()));
    }
    let transport_key = DoubleKey::new(key.key);
    let check: String = transport_key.check_value().iter().map(|byte| format!("{byte:02X}")).collect();
    let (listener, address) = listen(&args.listen).await?;
    let issuer = issuer_key(&args.issuer_key_file)?;
    if let Some(path) = &issuer.made {
        terminal.hint(&format!(
            "made the issuer's key {}; give the same to suanpan simulate card",
            path.display()
        ));
    }
    let issuer = Issuer { pin_free_minor: args.pin_free_minor, ..Issuer::new(DoubleKey::new(issuer.key)) };
    let faults = args.faults.faults();
    let settings = HostSettings { network: args.network.clone(), transport_key, faults, issuer };
    let host = Arc::new(Host::new(settings));
    terminal.result(&format!(
        "simulated card network {} on {address}\ntransport key with check value {check}\n",
        args.network
    ))?;
    let truth = || {
        let audit = host.audit();
        json!({
            "taken_minor": audit.taken_minor,
            "refunded_minor": audit.refunded_minor,
            "held_minor": audit.held_minor,
            "standing": audit.standing,
            "reversed": audit.reversed,
        })
    };
    until_signal(serve(listener, host.clone()), signals).await?;
    write_truth(&args.truth, network_movements(&host))?;
    terminal.result(&format!("{}\n", truth())).map(|()| status::FINE)
}
