//! The arguments of `suanpan simulate`.

use super::{SimulateCardArgs, TEMPLATE, examples as ex};
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use suanpan_channels::faults::Faults;
use suanpan_simulators::clearing::parties;

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
    Card(SimulateCardArgs),
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
    Alipay(SimulateAlipayArgs),
    Wechat(SimulateWechatArgs),
    Clearing(SimulateClearingArgs),
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
    /// The master key of the issuer of cards with chips, 32 hexadecimal digits; made when it is not there
    #[arg(long, value_name = "FILE", default_value = "issuer-key", value_hint = ValueHint::FilePath)]
    pub(crate) issuer_key_file: PathBuf,
    /// Up to this the issuer wants no PIN of cards with chips, in minor units
    #[arg(long, value_name = "MINOR", default_value_t = 100_000)]
    pub(crate) pin_free_minor: u64,
    /// The network's own number
    #[arg(long, value_name = "DIGITS", default_value = "00010000")]
    pub(crate) network: String,
    #[command(flatten)]
    pub(crate) truth: TruthArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
}

/// What the help of each wallet says of its customers.
const CUSTOMERS: &str = "A customer who shows a code says by its last two digits what happens: 00 pays at once, 01 is asked and agrees after \
     a while, 02 is asked and never answers, 03 is asked and refuses, 51 has too little money; any other is not valid. \
     Each code is good once. A code that is shown is paid by POST /scan with its text, or by customers who come by \
     themselves.";

/// Simulate a wallet: what Alipay's open platform answers, and its notifications
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::SIMULATE_ALIPAY, after_help = CUSTOMERS)]
pub(crate) struct SimulateAlipayArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9588")]
    pub(crate) listen: String,
    /// The application that may call
    #[arg(long, value_name = "ID", default_value = "2021000000000001")]
    pub(crate) app_id: String,
    /// Where the keys are put that the shop needs
    #[arg(long, value_name = "FOLDER", default_value = "alipay-keys", value_hint = ValueHint::DirPath)]
    pub(crate) keys: PathBuf,
    /// The shop's own public key, instead of the one that stands in the source of this program
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) app_public_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) customers: CustomerArgs,
    #[command(flatten)]
    pub(crate) truth: TruthArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
}

/// Simulate a wallet: WeChat Pay in version 3 of its API, and its notifications
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::SIMULATE_WECHAT, after_help = CUSTOMERS)]
pub(crate) struct SimulateWechatArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9590")]
    pub(crate) listen: String,
    /// The application of the merchant
    #[arg(long, value_name = "ID", default_value = "wx8888888888888888")]
    pub(crate) app_id: String,
    /// The merchant that may call
    #[arg(long, value_name = "ID", default_value = "1900000109")]
    pub(crate) merchant: String,
    /// Where the keys are put that the shop needs
    #[arg(long, value_name = "FOLDER", default_value = "wechat-keys", value_hint = ValueHint::DirPath)]
    pub(crate) keys: PathBuf,
    /// The merchant's own public key, instead of the one that stands in the source of this program
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) merchant_public_key_file: Option<PathBuf>,
    /// For how long a refund is being done, in seconds
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(i64).range(0..=86_400))]
    pub(crate) refund_seconds: i64,
    #[command(flatten)]
    pub(crate) customers: CustomerArgs,
    #[command(flatten)]
    pub(crate) truth: TruthArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
}

/// Simulate a clearing network and its banks, EPCC-style after public traces
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::SIMULATE_CLEARING,
    after_help = "This is not the network's own system, whose schema only its members have. An account says by its last \
                  two digits what happens: 00 pays at once, 01 pays after a while, 02 is refused after a while, 51 has too \
                  little money, 07 is refused, and of 04 the bank knows another holder. GET /codes/PHONE shows the code \
                  that a bank sent; POST /agreements/end with the number of an agreement is its holder, who ends it."
)]
pub(crate) struct SimulateClearingArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9592")]
    pub(crate) listen: String,
    /// The payment company that may call
    #[arg(long, value_name = "ID", default_value = parties::INSTITUTION)]
    pub(crate) institution: String,
    /// The network's own number
    #[arg(long, value_name = "ID", default_value = parties::NETWORK)]
    pub(crate) network: String,
    /// Where the keys are put that the institution needs: a pair of SM2 and one of RSA
    #[arg(long, value_name = "FOLDER", default_value = "clearing-keys", value_hint = ValueHint::DirPath)]
    pub(crate) keys: PathBuf,
    /// With which key the network signs
    #[arg(long, value_name = "KIND", default_value = "sm2", value_parser = ["sm2", "rsa"])]
    pub(crate) sign: String,
    /// The most that one debit takes, in fen
    #[arg(long, value_name = "FEN", default_value_t = 5_000_000)]
    pub(crate) debit_max: u64,
    /// The most that all debits of one agreement take on one day, in fen
    #[arg(long, value_name = "FEN", default_value_t = 20_000_000)]
    pub(crate) day_max: u64,
    /// How long a bank takes that does not answer at once, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub(crate) hesitation: u64,
    #[command(flatten)]
    pub(crate) truth: TruthArgs,
    #[command(flatten)]
    pub(crate) faults: FaultArgs,
}

/// What the customers of a wallet do.
#[derive(Debug, Args)]
pub(crate) struct CustomerArgs {
    /// How many of a million codes that are shown are scanned and paid by customers who come by themselves
    #[arg(long, value_name = "PARTS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) customers: u32,
    /// How long customers take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub(crate) hesitation: u64,
}

/// What was held true, for whoever audits the books.
#[derive(Debug, Args)]
pub(crate) struct TruthArgs {
    /// Write all movements of money here at the end, one a line as JSON
    #[arg(long = "truth", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

/// What goes wrong on purpose.
#[derive(Debug, Args)]
pub(crate) struct FaultArgs {
    /// Another seed gives other faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// What goes wrong, in parts of a million of all requests: lost-before, lost-after, garbled, twice, late or hang-up; or latency in microseconds on the average. May be repeated
    #[arg(long = "fault", value_name = "NAME=PARTS", value_parser = parse_fault)]
    faults: Vec<Fault>,
}

/// One kind of fault, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    set: fn(&mut Faults) -> &mut u32,
    parts: u32,
}

impl FaultArgs {
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
