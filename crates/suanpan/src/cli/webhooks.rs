//! Commands that talk to a server about its events.

use super::values::{parse_positive, parse_time};
use super::{TEMPLATE, ex};
use clap::{Args, Subcommand, ValueHint};

/// Which server, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ApiArgs {
    /// Where the server is
    #[arg(long, value_name = "URL", env = "SUANPAN_API", hide_env_values = true, default_value = "http://127.0.0.1:4242", value_hint = ValueHint::Url)]
    pub(crate) api: String,
    /// A secret key; better in the environment, where other users of the machine do not see it
    #[arg(long, value_name = "KEY", env = "SUANPAN_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
}

/// Print events of a server as they happen, and forward them to a URL on this machine
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LISTEN,
    after_help = "Exit status:\n  0  as many events as asked for have come\n  1  not all of them were answered with 2xx\n  2  trouble: the server cannot be reached at the start, or refuses the key"
)]
pub(crate) struct ListenArgs {
    /// Send each event there as a webhook, signed; http:// may be left out
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) forward_to: Option<String>,
    /// Only these types of events, separated by commas; a * at the end stands for all that begin so
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub(crate) events: Vec<String>,
    /// Begin after this event; without it with what happens from now on
    #[arg(long, value_name = "ID")]
    pub(crate) since: Option<String>,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = parse_positive)]
    pub(crate) count: Option<u64>,
    /// The secret to sign with; without it a new one is made and printed
    #[arg(long, value_name = "WHSEC", env = "SUANPAN_WEBHOOK_SECRET", hide_env_values = true)]
    pub(crate) secret: Option<String>,
    /// How often to ask the server, in milliseconds
    #[arg(long, value_name = "MS", default_value = "1000", value_parser = clap::value_parser!(u64).range(50..=60_000))]
    pub(crate) every: u64,
    /// Print the events themselves as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Make the calls on a server in test mode that cause an event
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::TRIGGER,
    after_help = "Exit status:\n  0  the event is there\n  1  the calls were made, and the event did not come\n  2  trouble: the server cannot be reached, or refuses a call"
)]
pub(crate) struct TriggerArgs {
    /// The type of the event
    #[arg(value_name = "EVENT_TYPE", value_parser = crate::commands::trigger::types())]
    pub(crate) event_type: String,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Look at the events of a server, and send them again
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::EVENTS, arg_required_else_help = true)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    pub(crate) command: EventsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    List(EventsListArgs),
    Show(EventsShowArgs),
    Resend(EventsResendArgs),
}

/// Which events, by type and time.
#[derive(Debug, Clone, Args)]
pub(crate) struct EventRange {
    /// Events of this time and later: 2026-08-01, 2026-08-01T12:00:00Z, or seconds since the epoch
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) from: Option<i64>,
    /// Events before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) to: Option<i64>,
    /// Only this type of event
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: Option<String>,
}

/// List events, the newest first
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::EVENTS_LIST)]
pub(crate) struct EventsListArgs {
    #[command(flatten)]
    pub(crate) range: EventRange,
    /// How many at most
    #[arg(long, value_name = "N", default_value = "20", value_parser = parse_positive)]
    pub(crate) limit: u64,
    /// Print them as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Print an event as JSON
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::EVENTS_SHOW)]
pub(crate) struct EventsShowArgs {
    /// The event
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Send events to their webhook endpoints again: one, or all of a time, the oldest first
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::EVENTS_RESEND,
    after_help = "Exit status:\n  0  all of them are on their way\n  1  some were refused\n  2  trouble: the server cannot be reached, or refuses the key"
)]
pub(crate) struct EventsResendArgs {
    /// The event
    #[arg(value_name = "ID", required_unless_present = "from", conflicts_with_all = ["from", "to", "event_type"])]
    pub(crate) id: Option<String>,
    /// Only to this endpoint
    #[arg(long, value_name = "WE")]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) range: EventRange,
    /// Print which events it would be, and send none
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}
