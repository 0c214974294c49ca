//! The arguments of `suanpan routing`.

use super::values::parse_currency;
use super::webhooks::ApiArgs;
use super::{TEMPLATE, ex};
use clap::{Args, Subcommand};
use suanpan_money::Currency;

/// Show which channel payments go over, and why
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::ROUTING, arg_required_else_help = true)]
pub(crate) struct RoutingArgs {
    #[command(subcommand)]
    pub(crate) command: RoutingCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoutingCommand {
    Channels(RoutingChannelsArgs),
    Simulate(RoutingSimulateArgs),
    Explain(RoutingExplainArgs),
}

/// List the channels of a server, and how they do (operator only)
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::ROUTING_CHANNELS)]
pub(crate) struct RoutingChannelsArgs {
    /// Print what the server answers
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Tell which channel a payment would go over now (operator only)
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::ROUTING_SIMULATE,
    after_help = "Exit status:\n  0  there is a channel\n  1  there is none\n  2  trouble: the server cannot be reached, or refuses the call"
)]
pub(crate) struct RoutingSimulateArgs {
    /// How much, in major units, such as 100.00
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) amount: String,
    /// The currency
    #[arg(long, value_name = "CODE", default_value = "CNY", value_parser = parse_currency)]
    pub(crate) currency: Currency,
    /// What is paid with: card, or a wallet such as alipay
    #[arg(long = "type", value_name = "TYPE", default_value = "card", conflicts_with = "payment_method")]
    pub(crate) kind: String,
    /// The brand of the card
    #[arg(long, value_name = "BRAND", conflicts_with = "payment_method")]
    pub(crate) brand: Option<String>,
    /// The country of the card, two letters
    #[arg(long, value_name = "CODE", conflicts_with = "payment_method")]
    pub(crate) country: Option<String>,
    /// A payment method of the server instead
    #[arg(long, value_name = "PM_ID")]
    pub(crate) payment_method: Option<String>,
    /// Print what the server answers
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Tell why a payment went over its channels (operators see all candidates)
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::ROUTING_EXPLAIN)]
pub(crate) struct RoutingExplainArgs {
    /// An attempt, att_…, or a payment intent, pi_…
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Print the attempts as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}
