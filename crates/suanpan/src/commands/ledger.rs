//! `suanpan ledger`: books in a store, by hand and by file.

mod accounts;
mod archive;
mod balance;
mod change;
mod import;
mod journal;
mod open;
mod post;
mod proof;
mod reading;
mod statement;
mod table;
mod trial_balance;
mod verify;

use crate::cli::{LedgerArgs, LedgerCommand};
use crate::error::Trouble;
use crate::terminal::Terminal;
use suanpan_ledger::account::{Account, AccountKind, Side, Standing};
use suanpan_ledger::history::RowKind;

pub(crate) fn run(args: &LedgerArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        LedgerCommand::Accounts(args) => accounts::run(args, terminal),
        LedgerCommand::Open(args) => open::run(args, terminal),
        LedgerCommand::Balance(args) => balance::run(args, terminal),
        LedgerCommand::Post(args) => post::run(args, terminal),
        LedgerCommand::Import(args) => import::run(args, terminal),
        LedgerCommand::TrialBalance(args) => trial_balance::run(args, terminal),
        LedgerCommand::Statement(args) => statement::run(args, terminal),
        LedgerCommand::Journal(args) => journal::run(args, terminal),
        LedgerCommand::Archive(args) => archive::run(args, terminal),
        LedgerCommand::Verify(args) => verify::run(args, terminal),
        LedgerCommand::Proof(args) => proof::run(args, terminal),
        LedgerCommand::Freeze(args) => change::freeze(args, terminal),
        LedgerCommand::Unfreeze(args) => change::unfreeze(args, terminal),
        LedgerCommand::Close(args) => change::close(args, terminal),
    }
}

const fn kind_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Asset => "asset",
        AccountKind::Liability => "liability",
        AccountKind::Income => "income",
        AccountKind::Expense => "expense",
        AccountKind::Equity => "equity",
    }
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    }
}

const fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Open | Standing::Frozen { debits: false, credits: false } => "open",
        Standing::Frozen { debits: true, credits: true } => "frozen",
        Standing::Frozen { debits: true, credits: false } => "debits frozen",
        Standing::Frozen { debits: false, credits: true } => "credits frozen",
        Standing::Closed => "closed",
    }
}

/// Returns whether a movement raises the balance on the normal side of an account.
fn raises(account: &Account, side: Side) -> bool {
    account.spec.kind.normal_side() == side
}

/// Returns whether a row moved money, and did not only set it aside or free it.
const fn posts(kind: RowKind) -> bool {
    matches!(kind, RowKind::Post | RowKind::Reversal | RowKind::Capture)
}
