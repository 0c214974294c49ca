//! `suanpan simulate`: what lies outside, until a signal.

use super::serve::{Signals, listen};
use crate::cli::{
    SimulateArgs, SimulateCardNetworkArgs, SimulateChannelArgs, SimulateChannelCommand, SimulateCommand,
    SimulateWalletArgs,
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
use suanpan_simulators::card_network::{Host, HostSettings, serve};

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
    until_signal(alipay::serve(listener, host.clone()), signals, truth, terminal).await
}

/// Goes on until a signal, and prints what was held true.
async fn until_signal(
    serving: impl Future<Output = std::io::Result<()>>,
    signals: Signals,
    truth: impl FnOnce() -> serde_json::Value,
    terminal: Terminal,
) -> Result<u8, Trouble> {
    tokio::select! {
        ended = serving => ended.map_err(|error| damaged("--listen", error))?,
        () = signals.first() => {}
    }
    terminal.result(&format!("{}\n", truth()))?;
    Ok(status::FINE)
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
    until_signal(serve(listener, host.clone()), signals, truth, terminal).await
}
