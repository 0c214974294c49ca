//! The past of one account: sealed runs, and behind them what the journal says.

use super::rows::rows_of;
use crate::error::Trouble;
use crate::store::{at_store, damaged};
use std::ops::ControlFlow;
use std::sync::Arc;
use suanpan_ledger::account::Balance;
use suanpan_ledger::history::row::apply;
use suanpan_ledger::history::{
    HistoryError, PageSource, QueryError, Row, Run, RunId, Statement, StatementQuery, Tail, View,
};
use suanpan_ledger::ids::IdRun;
use suanpan_ledger::record::Record;
use suanpan_money::Timestamp;
use suanpan_store::commit::Head;
use suanpan_store::{Database, History, RunKind, StoreError};

/// How often a question is asked again when a server merges the runs that it reads.
const TRIES: usize = 5;

/// What is sealed of the history.
pub(crate) struct Sealed {
    store: Arc<dyn History>,
    pub(crate) runs: Vec<Run>,
    pub(crate) id_runs: Vec<IdRun>,
}

/// Gives pages of runs.
pub(crate) struct Pages<'a>(&'a dyn History);

impl PageSource for Pages<'_> {
    type Page = Vec<u8>;
    type Error = StoreError;

    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, StoreError> {
        let found = self.0.pages(run.0, &[index])?;
        found.and_then(|pages| pages.into_iter().next()).ok_or_else(|| StoreError::Unavailable {
            at: format!("page {index} of run {}", run.0),
            reason: "the run was merged into another meanwhile".to_owned(),
        })
    }
}

impl Sealed {
    /// Reads the directories of all runs. What is wrong with one is told in words.
    pub(crate) fn read(database: &Database) -> Result<Result<Sealed, String>, StoreError> {
        let store = database.history()?;
        let (mut runs, mut id_runs) = (Vec::new(), Vec::new());
        let reader = database.reader();
        for kind in [RunKind::History, RunKind::Ids] {
            for stored in store.runs(kind)? {
                let marks = reader.marks(stored.seq..stored.seq + 1)?;
                if marks.first().is_none_or(|mark| mark.hash != stored.hash) {
                    return Ok(Err(format!("run {} is of another journal", stored.id)));
                }
                let id = RunId(stored.id);
                let parsed = match kind {
                    RunKind::History => Run::parse(id, &stored.directory).map(|run| runs.push(run)),
                    RunKind::Ids => IdRun::parse(id, &stored.directory).map(|run| id_runs.push(run)),
                };
                if let Err(error) = parsed {
                    return Ok(Err(error.to_string()));
                }
            }
        }
        Ok(Ok(Sealed { store, runs, id_runs }))
    }

    /// Returns the first entry that no run holds.
    pub(crate) fn end(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.end)
    }

    pub(crate) fn pages(&self) -> Pages<'_> {
        Pages(self.store.as_ref())
    }

    /// Returns the runs of the history, put together.
    pub(crate) fn view(&self) -> Result<View<'_>, HistoryError> {
        View::new(&self.runs, [])
    }
}

/// The past of one account up to a record.
pub(crate) struct Past {
    sealed: Sealed,
    tail: Tail,
    account: u32,
}

impl Past {
    /// Reads what is needed for questions about an account up to where the books were read.
    pub(crate) fn of(database: &Database, account: u32, head: &Head) -> Result<Past, Trouble> {
        let mut last = None;
        for _ in 0..TRIES {
            match Past::read(database, account, head) {
                Err(error @ StoreError::Unavailable { .. }) => last = Some(error),
                other => return other.map_err(at_store)?.map_err(|why| damaged(database.place(), why)),
            }
        }
        Err(last.map_or_else(|| damaged(database.place(), "the history changes all the time"), at_store))
    }

    fn read(database: &Database, account: u32, head: &Head) -> Result<Result<Past, String>, StoreError> {
        // History that is of no use is passed over: the journal says the same, only slower.
        let mut sealed = match Sealed::read(database)? {
            Ok(sealed) => sealed,
            Err(_) => Sealed { store: database.history()?, runs: Vec::new(), id_runs: Vec::new() },
        };
        // A server may have sealed more than the head that was read.
        while sealed.end() > head.entries {
            sealed.runs.pop();
        }
        let from = sealed.end();
        let before = match sealed.view().map(|view| view.balance_before(account, from, &mut sealed.pages())) {
            Ok(Ok(before)) => before,
            Ok(Err(QueryError::Source { source, .. })) => return Err(source),
            Ok(Err(QueryError::History(error))) | Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(tail(database, account, (from, head), before)?.map(|tail| Past { sealed, tail, account }))
    }

    /// Returns a page of the statement.
    pub(crate) fn statement(&self, query: &StatementQuery) -> Result<Statement, Trouble> {
        self.ask(|view, pages| view.statement(query, pages))
    }

    /// Returns the sums at a moment, with all that was accepted by then.
    pub(crate) fn balance_at(&self, moment: Timestamp) -> Result<Balance, Trouble> {
        self.ask(|view, pages| view.balance_at(self.account, moment, pages))
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&View<'_>, &mut Pages<'_>) -> Result<T, QueryError<StoreError>>,
    ) -> Result<T, Trouble> {
        let history = |error: HistoryError| damaged("the history", error);
        let view = View::new(&self.sealed.runs, [&self.tail]).map_err(history)?;
        question(&view, &mut self.sealed.pages()).map_err(|error| match error {
            QueryError::History(error) => history(error),
            QueryError::Source { source, .. } => at_store(source),
        })
    }
}

/// Reads the rows of an account from the journal, from an entry on.
fn tail(
    database: &Database,
    account: u32,
    (from, head): (u64, &Head),
    mut sums: Balance,
) -> Result<Result<Tail, String>, StoreError> {
    let reader = database.reader();
    let mut tail = Tail::new(from);
    let Some(first) = reader.record_of(from)? else { return Ok(Ok(tail)) };
    let mut failed = None;
    reader.records(first.mark.seq, &mut |stored| {
        if stored.mark.seq > head.seq {
            return ControlFlow::Break(());
        }
        match add(&mut tail, &mut sums, account, from, &stored.body) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                failed = Some(format!("record {}: {why}", stored.mark.seq));
                ControlFlow::Break(())
            }
        }
    })?;
    Ok(failed.map_or(Ok(tail), Err))
}

fn add(tail: &mut Tail, sums: &mut Balance, account: u32, from: u64, body: &[u8]) -> Result<(), String> {
    let record = Record::parse(body).map_err(|error| error.to_string())?;
    let header = record.header();
    let end = header.first_entry + u64::from(header.entries);
    let entries = u32::try_from(end.saturating_sub(header.first_entry.max(from))).unwrap_or(0);
    tail.begin_record(header.at, entries).map_err(|error| error.to_string())?;
    for entry in record.entries() {
        let (ordinal, entry) = entry.map_err(|error| error.to_string())?;
        if ordinal < from {
            continue;
        }
        let mut failed = None;
        rows_of(&entry, |moved| {
            if moved.account != account || failed.is_some() {
                return;
            }
            let Some(after) = apply(*sums, moved.kind, moved.side, moved.amount_minor) else {
                failed = Some(format!("entry {ordinal}: the sums of account {account} leave their range"));
                return;
            };
            *sums = after;
            let row = Row {
                ordinal,
                after,
                amount_minor: moved.amount_minor,
                account,
                counterparty: moved.counterparty,
                side: moved.side,
                kind: moved.kind,
            };
            failed = tail.push(row).err().map(|error| error.to_string());
        });
        if let Some(why) = failed {
            return Err(why);
        }
    }
    Ok(())
}
