//! The arguments of `suanpan terminal`, and of the card that is simulated for it.

use super::values::parse_currency;
use super::{ApiArgs, TEMPLATE, ex};
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use suanpan_money::Currency;

/// What the exit status says, of all commands of a terminal.
const EXIT_STATUS: &str = "\
Exit status:
  0  the payment is approved; of finish: nothing is open any more
  1  nobody has paid: the card or its issuer declined, or what was paid was given back
  2  trouble: no card, no server, a wrong key; nobody has paid
  3  not known yet: the journal keeps it, and the next start finishes it";

/// Take payments with cards that are held to this machine
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::TERMINAL, after_help = EXIT_STATUS, arg_required_else_help = true)]
pub(crate) struct TerminalCommandArgs {
    #[command(subcommand)]
    pub(crate) command: TerminalCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TerminalCommand {
    Pay(TerminalPayArgs),
    Finish(TerminalFinishArgs),
}

/// Take a payment: the card's chip is asked, then its issuer over the server
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::TERMINAL_PAY, after_help = EXIT_STATUS)]
pub(crate) struct TerminalPayArgs {
    /// How much, in major units, such as 12.34
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) amount: String,
    /// The currency
    #[arg(long, value_name = "CODE", default_value = "CNY", value_parser = parse_currency)]
    pub(crate) currency: Currency,
    /// Where the card is: tcp://HOST:PORT of one that is simulated, or pcsc:NAME of a reader where this program was built for them
    #[arg(long, value_name = "PLACE", default_value = "tcp://127.0.0.1:9593")]
    pub(crate) card: String,
    /// Up to this no PIN is asked for, in major units
    #[arg(long, value_name = "AMOUNT", default_value = "1000.00")]
    pub(crate) pin_free: String,
    /// The key of the terminals, under which PINs go to the server: the one that its file of channels names
    #[arg(long, value_name = "FILE", default_value = "pin-key", value_hint = ValueHint::FilePath)]
    pub(crate) pin_key_file: PathBuf,
    /// Read the PIN from the first line of this file, instead of asking for it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pin_file: Option<PathBuf>,
    /// The country in which the terminal stands, as ISO 3166-1 numbers it
    #[arg(long, value_name = "NUMBER", default_value_t = 156, value_parser = clap::value_parser!(u16).range(1..=999))]
    pub(crate) country: u16,
    #[command(flatten)]
    pub(crate) journal: TerminalJournalArgs,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Finish what a terminal was doing when it was stopped: what was paid is given back
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::TERMINAL_FINISH, after_help = EXIT_STATUS)]
pub(crate) struct TerminalFinishArgs {
    #[command(flatten)]
    pub(crate) journal: TerminalJournalArgs,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// What a terminal remembers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Terminal")]
pub(crate) struct TerminalJournalArgs {
    /// What the terminal remembers: its counter, and the payment that is not finished. Each terminal has its own
    #[arg(long = "journal", value_name = "FILE", default_value = "terminal-journal", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// How long to wait for the end of a payment that the server is still working on, in seconds
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub(crate) wait: u64,
}

/// Simulate a card: a QuickPass chip with its own key and counter, for suanpan terminal
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::SIMULATE_CARD,
    after_help = "The card is made when its file is not there, under the issuer's key: give the same to the simulated card \
                  network. How its issuer decides stands in the two digits before its check digit, as with other cards of \
                  that network. A copy of the file is a copied card: its counter is behind, and the issuer refuses it."
)]
pub(crate) struct SimulateCardArgs {
    /// Where the card lies
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9593")]
    pub(crate) listen: String,
    /// Put it on this virtual reader of PC/SC (vpcd) instead
    #[arg(long, value_name = "ADDRESS", conflicts_with = "listen")]
    pub(crate) reader: Option<String>,
    /// The card: number, key and counter
    #[arg(long, value_name = "FILE", default_value = "card.json", value_hint = ValueHint::FilePath)]
    pub(crate) card_file: PathBuf,
    /// The master key of its issuer, 32 hexadecimal digits; made when it is not there
    #[arg(long, value_name = "FILE", default_value = "issuer-key", value_hint = ValueHint::FilePath)]
    pub(crate) issuer_key_file: PathBuf,
    /// The number of a card that is made
    #[arg(long, value_name = "DIGITS", default_value = "6225000000001004")]
    pub(crate) number: String,
    /// The last month of a card that is made
    #[arg(long, value_name = "YYYY-MM", default_value = "2034-12")]
    pub(crate) expires: String,
    /// It is a telephone, which has verified its holder: no PIN is needed
    #[arg(long)]
    pub(crate) telephone: bool,
    /// It wants to have its issuer's answer
    #[arg(long)]
    pub(crate) wants_answer: bool,
    /// It is taken away after so many commands
    #[arg(long, value_name = "N")]
    pub(crate) taken_after: Option<u32>,
}
