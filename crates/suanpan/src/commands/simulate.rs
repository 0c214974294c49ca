//! `suanpan simulate`: what lies outside, until a signal.

use super::serve::{Signals, listen};
use crate::cli::{
    SimulateArgs, SimulateCardNetworkArgs, SimulateChannelArgs, SimulateChannelCommand, SimulateCommand,
};
use crate::error::{Trouble, status};
use crate::secrets::transport_key;
use crate::store::damaged;
use crate::terminal::Terminal;
use serde_json::json;
use std::sync::Arc;
use suanpan_messages::keys::DoubleKey;
use suanpan_simulators::card_network::{Host, HostSettings, serve};

pub(crate) fn run(args: &SimulateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let SimulateCommand::Channel(SimulateChannelArgs { command }) = &args.command;
    let SimulateChannelCommand::CardNetwork(args) = command;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| damaged("this process", error))?;
    runtime.block_on(card_network(args, terminal))
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
    let settings = HostSettings { network: args.network.clone(), transport_key, faults: args.faults() };
    let host = Arc::new(Host::new(settings));
    terminal.result(&format!(
        "simulated card network {} on {address}\ntransport key with check value {check}\n",
        args.network
    ))?;
    tokio::select! {
        ended = serve(listener, host.clone()) => ended.map_err(|error| damaged("--listen", error))?,
        () = signals.first() => {}
    }
    let audit = host.audit();
    let told = json!({
        "taken_minor": audit.taken_minor,
        "refunded_minor": audit.refunded_minor,
        "held_minor": audit.held_minor,
        "standing": audit.standing,
        "reversed": audit.reversed,
    });
    terminal.result(&format!("{told}\n"))?;
    Ok(status::FINE)
}
