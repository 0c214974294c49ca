//! Commands of the books: `suanpan ledger …`.

use super::moment::parse_moment;
use super::store::StoreArgs;
use super::values::{parse_currency, parse_positive};
use super::{TEMPLATE, ex};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;
use suanpan_ledger::account::AccountKind;
use suanpan_money::{Currency, Timestamp};

/// Keep books: accounts, entries, balances, and the proof that all of it holds
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::LEDGER, arg_required_else_help = true)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    pub(crate) command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    Accounts(AccountsArgs),
    Open(OpenArgs),
    Balance(BalanceArgs),
    Post(PostArgs),
    Import(ImportArgs),
    TrialBalance(TrialBalanceArgs),
    Statement(LedgerStatementArgs),
    Journal(JournalArgs),
    Verify(VerifyArgs),
    Archive(ArchiveArgs),
    Proof(ProofArgs),
    /// Refuse new postings on an account; holds may still end
    #[command(before_help = ex::LEDGER_FREEZE)]
    Freeze(FreezeArgs),
    /// Take new postings on an account again
    #[command(before_help = ex::LEDGER_UNFREEZE)]
    Unfreeze(FreezeArgs),
    Close(CloseArgs),
}

/// List accounts with their balances
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::LEDGER_ACCOUNTS)]
pub(crate) struct AccountsArgs {
    /// Only paths that begin so
    #[arg(value_name = "PREFIX", default_value = "")]
    pub(crate) prefix: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value = "1000", value_parser = parse_positive)]
    pub(crate) limit: u64,
    /// As JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// What an account stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindChoice {
    /// What we have or are owed
    Asset,
    /// What we owe
    Liability,
    /// What we earn
    Income,
    /// What we spend
    Expense,
    /// What belongs to the owners
    Equity,
}

impl KindChoice {
    pub(crate) const fn kind(self) -> AccountKind {
        match self {
            KindChoice::Asset => AccountKind::Asset,
            KindChoice::Liability => AccountKind::Liability,
            KindChoice::Income => AccountKind::Income,
            KindChoice::Expense => AccountKind::Expense,
            KindChoice::Equity => AccountKind::Equity,
        }
    }
}

/// Open accounts; opening one again that is the same does nothing
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_OPEN,
    after_help = "Exit status:\n  0  all of them are open\n  1  some were refused\n  2  trouble: the store is held by a server, a wrong path or amount"
)]
pub(crate) struct OpenArgs {
    /// Names: words of a-z, 0-9, _, - and . joined by /
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// The currency
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Currency,
    /// What they stand for; paths of the chart of payments have their own
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) kind: Option<KindChoice>,
    /// The lowest balance, such as 0 or -500.00; none when not given
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) floor: Option<String>,
    /// The highest balance; none when not given
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) ceiling: Option<String>,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// How commands write.
#[derive(Debug, Clone, Args)]
pub(crate) struct WriteArgs {
    /// The cell whose books these are; by default that of the store, and 1 for a new one
    #[arg(long, value_name = "N")]
    pub(crate) cell: Option<u32>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Show balances, now or at a past moment
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::LEDGER_BALANCE)]
pub(crate) struct BalanceArgs {
    /// The account
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Its currency; by default all that there are
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<Currency>,
    /// As it was at this moment, with all that was accepted by then
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) at: Option<Timestamp>,
    /// As JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Book entries from a file, each batch wholly or not at all
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_POST,
    after_help = "Columns of CSV, and fields of NDJSON:\n  id          a number, je_…, a UUID; or reference: any text, from which the id is made\n  debit       the path that is debited\n  credit      the path that is credited\n  amount      in major units, such as 12.30\n  currency    such as CNY; --currency when there is no such column\n  action      post (default), hold, capture, void or reverse\n  hold        the id of what is captured, voided or reversed\n  expires_at  when a hold ends by itself\n  code        a number from 0 to 65535 for your own reports\n  linked      true: succeeds or fails together with the next entry\n\nA row without id and reference is a further posting of the entry above it. Amounts of a capture may be left\nout for all of the hold. The same file may be sent again: entries that are there are passed over.\n\nExit status:\n  0  all entries are in the books\n  1  entries were refused, each named with file:row and reason; earlier batches stand\n  2  trouble: a file that cannot be read, a store held by a server"
)]
pub(crate) struct PostArgs {
    /// CSV with a header or NDJSON; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) batches: BatchArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// How files are read and divided.
#[derive(Debug, Clone, Args)]
pub(crate) struct BatchArgs {
    /// How the file is written; by default by its name and its first character
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) format: Option<EntryForm>,
    /// The currency of rows that do not say theirs
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<Currency>,
    /// Entries of a batch, up to 8192
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub(crate) batch: u32,
    /// Book each entry by itself: those that are refused are listed, all others stand
    #[arg(long)]
    pub(crate) each: bool,
    /// Read and check the whole file, and book nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// How a file of entries is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EntryForm {
    /// Columns with a header
    Csv,
    /// A JSON object a line
    Ndjson,
}

/// Book entries of the past, as they were booked elsewhere
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_IMPORT,
    after_help = "The file is as for `ledger post`, posts only, with a column more:\n  booked_at  when the entry was booked there; rows in order of it\n\nAn account takes imports only until it has postings that are later.\n\nExit status: as for `ledger post`"
)]
pub(crate) struct ImportArgs {
    /// CSV with a header or NDJSON; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) batches: BatchArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// Add up all accounts by currency and kind: debits must be credits
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_TRIAL_BALANCE,
    after_help = "Exit status:\n  0  debits are credits in every currency\n  1  they are not\n  2  trouble: the store cannot be read"
)]
pub(crate) struct TrialBalanceArgs {
    /// As it was at this moment
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) at: Option<Timestamp>,
    /// Each account too
    #[arg(long)]
    pub(crate) accounts: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Print what was booked on an account, with the running balance
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::LEDGER_STATEMENT)]
pub(crate) struct LedgerStatementArgs {
    /// The account
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Its currency, where the path has several
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<Currency>,
    /// From this moment on
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) from: Option<Timestamp>,
    /// Before this moment
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) to: Option<Timestamp>,
    /// How many rows at most; without --from the newest
    #[arg(long, value_name = "N", default_value = "1000", value_parser = parse_positive)]
    pub(crate) limit: u64,
    /// As CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON, an object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Print the records of the journal: account events and entries in order
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::LEDGER_JOURNAL)]
pub(crate) struct JournalArgs {
    /// The first record
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_positive)]
    pub(crate) from: u64,
    /// How many records at most
    #[arg(long, value_name = "N", default_value = "100", value_parser = parse_positive)]
    pub(crate) limit: u64,
    /// As JSON, a record a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Keep the journal as Parquet files that are proved without the store
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_ARCHIVE,
    after_help = "Exit status:\n  0  written, or all of it holds\n  1  --check found a file that is not what it was\n  2  trouble: store or folder cannot be used, or the archive is of other books"
)]
pub(crate) struct ArchiveArgs {
    /// The folder; made when it is not there. A later run adds what is new
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Up to which record; by default all
    #[arg(long, value_name = "N", value_parser = parse_positive, conflicts_with = "check")]
    pub(crate) until: Option<u64>,
    /// Read the archive alone and prove it: digests, chain, and each line against its record
    #[arg(long)]
    pub(crate) check: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Read the whole store again and hold everything against everything
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_VERIFY,
    after_help = "Exit status:\n  0  all of it holds\n  1  something does not, with evidence\n  2  trouble: the store cannot be read"
)]
pub(crate) struct VerifyArgs {
    /// As JSON, an object an invariant
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Prove offline that an entry is in the books
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_PROOF,
    args_conflicts_with_subcommands = true, subcommand_negates_reqs = true
)]
pub(crate) struct ProofArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ProofCommand>,
    /// The entry: its id, or its reference
    #[arg(value_name = "ENTRY", required = true)]
    pub(crate) entry: Option<String>,
    /// Take the entry for a reference, from which `ledger post` made the id
    #[arg(long)]
    pub(crate) reference: bool,
    /// Where to write the proof; - is stdout
    #[arg(long, short, value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// The file with the signing key, made with its public key beside it when it is missing; SUANPAN_SIGNING_KEY holds the key itself
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signing_key_file: Option<PathBuf>,
    /// The name under which the cell signs; by default suanpan/cell/N
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProofCommand {
    Verify(ProofVerifyArgs),
}

/// Check a proof with nothing but a public key
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE, before_help = ex::LEDGER_PROOF_VERIFY,
    after_help = "Exit status:\n  0  the entry is in the journal that the key signed\n  1  the proof does not hold\n  2  trouble: the file or the key cannot be read"
)]
pub(crate) struct ProofVerifyArgs {
    /// The proof
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The public key: name+id+key, its base64 alone, or a file that holds one of these
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which sides of an account.
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE)]
pub(crate) struct FreezeArgs {
    /// The account
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Its currency, where the path has several
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<Currency>,
    /// Debits only
    #[arg(long)]
    pub(crate) debits: bool,
    /// Credits only
    #[arg(long, conflicts_with = "debits")]
    pub(crate) credits: bool,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// Close an account for ever, once it is empty
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE, before_help = ex::LEDGER_CLOSE)]
pub(crate) struct CloseArgs {
    /// The account
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Its currency, where the path has several
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub(crate) currency: Option<Currency>,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}
