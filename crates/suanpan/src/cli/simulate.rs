//! The arguments of `suanpan simulate`.

use super::{TEMPLATE, examples as ex};
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use suanpan_channels::faults::Faults;

/// Simulate what lies outside, on a real socket
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::SIMULATE, arg_required_else_help = true)]
pub(crate) struct SimulateArgs {
    #[command(subcommand)]
    pub(crate) command: SimulateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateCommand {
    Channel(SimulateChannelArgs),
}

/// Simulate a channel of payments
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::SIMULATE, arg_required_else_help = true)]
pub(crate) struct SimulateChannelArgs {
    #[command(subcommand)]
    pub(crate) command: SimulateChannelCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateChannelCommand {
    CardNetwork(SimulateCardNetworkArgs),
}

/// Simulate a card network: ISO 8583 as UnionPay's host speaks it
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::SIMULATE_CARD_NETWORK,
    after_help = "A card says how it behaves in the two digits before its check digit: 00 approves, any other two are \
                  the response code of its issuer. 6225000000001004 approves, 6225000000001517 has too little money."
)]
pub(crate) struct SimulateCardNetworkArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9583")]
    pub(crate) listen: String,
    /// The key that the keys of the day come under, 32 hexadecimal digits; made when it is not there
    #[arg(long, value_name = "FILE", default_value = "transport-key", value_hint = ValueHint::FilePath)]
    pub(crate) transport_key_file: PathBuf,
    /// The network's own number
    #[arg(long, value_name = "DIGITS", default_value = "00010000")]
    pub(crate) network: String,
    /// Another seed gives other faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// What goes wrong, in parts of a million of all requests: lost-before, lost-after, garbled, twice, late or hang-up; or latency in microseconds on the average. May be repeated
    #[arg(long = "fault", value_name = "NAME=PARTS", value_parser = parse_fault)]
    pub(crate) faults: Vec<Fault>,
}

/// One kind of fault, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    set: fn(&mut Faults) -> &mut u32,
    parts: u32,
}

impl SimulateCardNetworkArgs {
    /// All faults together.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults { seed: self.seed, ..Faults::default() };
        for fault in &self.faults {
            *(fault.set)(&mut faults) = fault.parts;
        }
        faults
    }
}

fn parse_fault(text: &str) -> Result<Fault, String> {
    let (name, parts) = text.split_once('=').ok_or("NAME=PARTS is wanted, such as lost-after=20000")?;
    let parts: u32 = parts.parse().map_err(|_| format!("{parts} is not a whole number"))?;
    let set: fn(&mut Faults) -> &mut u32 = match name {
        "lost-before" => |faults| &mut faults.lost_before,
        "lost-after" => |faults| &mut faults.lost_after,
        "garbled" => |faults| &mut faults.garbled,
        "twice" => |faults| &mut faults.twice,
        "late" => |faults| &mut faults.late,
        "hang-up" => |faults| &mut faults.hang_up,
        "latency" => |faults| &mut faults.latency_micros,
        _ => {
            return Err(format!(
                "there is no fault {name}: it is lost-before, lost-after, garbled, twice, late, hang-up or latency"
            ));
        }
    };
    if name != "latency" && parts > 1_000_000 {
        return Err("a million parts are all of them".to_owned());
    }
    Ok(Fault { set, parts })
}
