//! Commands that keep a store: serve, backup, restore, doctor, status, keys.

use super::moment::{KeepEvents, parse_keep_answers, parse_keep_events, parse_lease};
use super::values::{parse_connections, parse_public_url};
use super::{TEMPLATE, ex};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;
use std::time::Duration;
use suanpan_server::limits::CONNECTIONS_PER_ADDRESS_MAX;

/// Which store.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreArgs {
    /// A file of SQLite, or postgres://user@host/name
    #[arg(
        long,
        value_name = "STORE",
        env = "SUANPAN_STORE",
        default_value = "suanpan.db",
        hide_env_values = true,
        value_hint = ValueHint::AnyPath
    )]
    pub(crate) store: String,
}

/// The key from which all others follow.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Secrets")]
pub(crate) struct MasterKeyArgs {
    /// The file with the master key, made when it is missing and the store is new; SUANPAN_MASTER_KEY holds the key itself
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) master_key_file: Option<PathBuf>,
}

/// Serve payments and books over HTTP
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::SERVE,
    after_help = "Signals:\n  SIGTERM, SIGINT  finish what waits, give the lease back, end; a second one ends at once\n\nExit status:\n  0    ended as asked\n  2    trouble: the store, the address or the key cannot be used\n  130  ended at once by a second signal"
)]
pub(crate) struct ServeArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4242")]
    pub(crate) listen: String,
    /// Where others reach this process, http://host:port; by default where it listens
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) advertise: Option<String>,
    /// Where browsers of customers reach this server: addresses in next_action begin with it; by default that of --advertise
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = parse_public_url)]
    pub(crate) public_url: Option<String>,
    /// The most connections from one address at once: more for a proxy with many clients behind it
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_PER_ADDRESS_MAX, value_parser = parse_connections)]
    pub(crate) connections_per_address: usize,
    /// Connections that may be open at once; checkout pages that listen take three quarters of them at most
    #[arg(long, value_name = "N", default_value_t = suanpan_server::limits::CONNECTIONS_MAX, value_parser = parse_connections)]
    pub(crate) connections: usize,
    /// Which channels there are, in TOML; without it the simulator of cards, in test mode
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) channels: Option<PathBuf>,
    /// The cell whose books these are
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) cell: u32,
    /// How long the lease lasts: another process takes over after that when this one is gone
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_lease)]
    pub(crate) lease: Duration,
    /// Where the newest acknowledgement is kept, so that a database that has forgotten it is not written; each process needs a file of its own. By default beside a file of SQLite, for PostgreSQL in $XDG_STATE_HOME/suanpan or ~/.local/state/suanpan
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) acknowledged: Option<PathBuf>,
    /// How long answers are kept for repeats under the same Idempotency-Key: 24h to 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_keep_answers)]
    pub(crate) keep_answers: i64,
    /// How long events can be read and sent again: 14d or more, or forever
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = parse_keep_events)]
    pub(crate) keep_events: KeepEvents,
    /// Send webhooks to addresses of this machine and of private networks too; for development only
    #[arg(long)]
    pub(crate) allow_private_webhooks: bool,
    /// How to log, on stderr
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) log: LogForm,
    /// What to log: error, warn, info, debug, or a filter of tracing
    #[arg(long, value_name = "FILTER", env = "SUANPAN_LOG", default_value = "info")]
    pub(crate) log_filter: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) master_key: MasterKeyArgs,
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogForm {
    /// Lines for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// Copy a store of SQLite while it is being written, and verify the copy
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::BACKUP,
    after_help = "The master key and the signing key are not in the store: keep copies of them apart.\n\nExit status:\n  0  the copy is whole\n  2  trouble: nothing was left at DEST"
)]
pub(crate) struct BackupArgs {
    /// Where to write the copy; must not be there yet
    #[arg(value_name = "DEST", value_hint = ValueHint::FilePath)]
    pub(crate) dest: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Put a backup in the place of a store, after verifying it
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::RESTORE)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "BACKUP", value_hint = ValueHint::FilePath)]
    pub(crate) backup: PathBuf,
    /// The store to be made; must not be there yet
    #[arg(value_name = "STORE", value_hint = ValueHint::FilePath)]
    pub(crate) dest: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Look for what is wrong with a store and its surroundings, and say what to do
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::DOCTOR,
    after_help = "Exit status:\n  0  healthy; there may be warnings\n  1  something is wrong\n  2  trouble: it could not be looked at"
)]
pub(crate) struct DoctorArgs {
    /// A member of a Patroni cluster, http://host:8008: its version and state are looked at too
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) patroni: Option<String>,
    /// The newest records whose hashes are computed again
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) records: u64,
    /// As JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Say where a store or a running server stands
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::STATUS,
    after_help = "Exit status:\n  0  somebody writes, or the store is at rest\n  1  the server is not ready\n  2  trouble: the store or the server cannot be reached"
)]
pub(crate) struct StatusArgs {
    /// Ask a running server, http://host:port, and not the store
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) server: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Make, list and revoke keys of the API
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::KEYS, arg_required_else_help = true)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    Create(KeysCreateArgs),
    List(KeysListArgs),
    Revoke(KeysRevokeArgs),
}

/// Whose keys.
#[derive(Debug, Clone, Args)]
pub(crate) struct MerchantArgs {
    /// The merchant, acct_…; by default the operator of the platform
    #[arg(long, value_name = "ACCT")]
    pub(crate) merchant: Option<String>,
    /// In live mode, and not in test mode
    #[arg(long)]
    pub(crate) live: bool,
}

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum KeyKindChoice {
    /// May do everything
    #[default]
    Secret,
    /// May do what its scopes say
    Restricted,
    /// May do what a browser may do
    Publishable,
}

/// Make a key and print it: it is shown this once
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::KEYS_CREATE)]
pub(crate) struct KeysCreateArgs {
    #[command(flatten)]
    pub(crate) merchant: MerchantArgs,
    /// What kind of key
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    pub(crate) kind: KeyKindChoice,
    /// What a restricted key may do, such as payments:read; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required_if_eq("kind", "restricted"))]
    pub(crate) scopes: Vec<String>,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) master_key: MasterKeyArgs,
}

/// List keys, the newest first; secrets are not kept
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::KEYS_LIST)]
pub(crate) struct KeysListArgs {
    #[command(flatten)]
    pub(crate) merchant: MerchantArgs,
    /// As JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// End a key at once
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::KEYS_REVOKE)]
pub(crate) struct KeysRevokeArgs {
    /// The key, key_…, as list shows it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) master_key: MasterKeyArgs,
}
