//! `suanpan simulate`: what lies outside, until a signal.

use super::serve::{Signals, listen};
use crate::cli::{
    SimulateArgs, SimulateCardNetworkArgs, SimulateChannelArgs, SimulateChannelCommand, SimulateCommand,
    SimulateWalletArgs, TruthArgs,
};
use crate::error::{Trouble, status};
use crate::secrets::{rsa_public_key, transport_key, write_new};
use crate::store::damaged;
use crate::terminal::Terminal;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use suanpan_engine::Clock;
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use suanpan_simulators::alipay::{self, keys};
use suanpan_simulators::card_network::{Host, HostSettings, Truth, serve};

pub(crate) fn run(args: &SimulateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let SimulateCommand::Channel(SimulateChannelArgs { command }) = &args.command;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| damaged("this process", error))?;
    match command {
        SimulateChannelCommand::CardNetwork(args) => runtime.block_on(card_network(args, terminal)),
        SimulateChannelCommand::Wallet(args) => runtime.block_on(wallet(args, terminal)),
    }
}

async fn wallet(args: &SimulateWalletArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let signals = Signals::install()?;
    let app_key = match &args.app_public_key_file {
        Some(path) => rsa_public_key(path)?,
        None => RsaPublicKey::parse(keys::APP_PUBLIC).map_err(|error| damaged("this program", error))?,
    };
    let own_key =
        RsaPrivateKey::parse(keys::WALLET_PRIVATE).map_err(|error| damaged("this program", error))?;
    let (listener, address) = listen(&args.listen).await?;
    std::fs::create_dir_all(&args.keys).map_err(|error| Trouble::io("make", &args.keys, error))?;
    for (name, text) in
        [("app-private-key.pem", keys::APP_PRIVATE), ("wallet-public-key.pem", keys::WALLET_PUBLIC)]
    {
        let path = args.keys.join(name);
        // What is there already may be the shop's own.
        if !path.exists() {
            write_new(&path, text)?;
        }
    }
    let hesitation = Duration::from_millis(args.hesitation);
    let host = Arc::new(alipay::Host::new(alipay::HostSettings {
        app_id: args.app_id.clone(),
        app_key,
        own_key,
        faults: args.faults.faults(),
        customers: (args.customers > 0)
            .then_some(alipay::Customers { after: hesitation, parts: args.customers }),
        hesitation,
        now: Arc::new(|| Clock::system().now().seconds()),
    }));
    terminal.result(&format!(
        "simulated wallet on {address}\nkeys for application {} in {}; they stand in the source of this program and \
         protect nothing\n",
        args.app_id,
        args.keys.display()
    ))?;
    let truth = || {
        let audit = host.audit();
        json!({
            "taken_minor": audit.taken_minor,
            "refunded_minor": audit.refunded_minor,
            "standing": audit.standing,
            "called_off": audit.called_off,
        })
    };
    until_signal(alipay::serve(listener, host.clone()), signals).await?;
    write_truth(&args.truth, wallet_movements(&host))?;
    terminal.result(&format!("{}\n", truth())).map(|()| status::FINE)
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
    /// `take`, `hold` or `refund`.
    operation: &'static str,
    /// How the outside names it.
    name: String,
    amount_minor: u64,
    /// Whether it stands, or was undone.
    standing: bool,
}

fn wallet_movements(host: &alipay::Host) -> Vec<Movement> {
    let mut all = Vec::new();
    for (order, trade) in host.trades().into_iter().filter(|(_, trade)| trade.paid) {
        let (amount_minor, standing) = (trade.amount_minor, !trade.called_off);
        all.push(Movement { operation: "take", name: order, amount_minor, standing });
        let refund =
            |(name, amount_minor)| Movement { operation: "refund", name, amount_minor, standing: true };
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
    let settings =
        HostSettings { network: args.network.clone(), transport_key, faults: args.faults.faults() };
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
