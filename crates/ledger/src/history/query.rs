//! Statements and balances at past moments, over runs and tails together.

mod read;

use self::read::Pages;
use super::{
    error::{HistoryError, QueryError},
    limits::STATEMENT_ROWS_MAX,
    row::Row,
    run::Run,
    source::PageSource,
    tail::Tail,
};
use crate::account::Balance;
use suanpan_money::Timestamp;

/// Which rows come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest.
    NewestFirst,
    /// The oldest.
    OldestFirst,
}

/// Which entries a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    All,
    /// From one entry to before another.
    Ordinals {
        /// The first.
        from: u64,
        /// The first that is not meant.
        to: u64,
    },
    /// What was accepted from one moment to before another.
    Times {
        /// The first moment.
        from: Timestamp,
        /// The first moment that is not meant.
        to: Timestamp,
    },
}

/// Where a page of a statement ended: the entry of its last row, and how many rows of that entry it and the
/// pages before had. Written `ordinal.rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The entry of the last row.
    pub ordinal: u64,
    /// How many of its rows were given.
    pub given: u32,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.ordinal, self.given)
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (ordinal, given) = text.split_once('.').ok_or(())?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(ordinal) || !digits(given) {
            return Err(());
        }
        Ok(Cursor { ordinal: ordinal.parse().map_err(|_| ())?, given: given.parse().map_err(|_| ())? })
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementQuery {
    /// Whose rows.
    pub account: u32,
    /// Of which entries.
    pub range: Range,
    /// Which come first.
    pub order: Order,
    /// How many at most, from 1 to 10,000.
    pub limit: usize,
    /// Where the page before ended; none for the first page.
    pub after: Option<Cursor>,
}

/// A row, and when its entry was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedRow {
    /// The row.
    pub row: Row,
    /// When its entry was accepted.
    pub at: Timestamp,
}

/// A page of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The rows, in the order asked for.
    pub rows: Vec<DatedRow>,
    /// Where to go on; none when these are all.
    pub next: Option<Cursor>,
}

/// All history of a cell: its runs and behind them its tails, oldest first.
#[derive(Debug, Clone)]
pub struct View<'a> {
    runs: Vec<&'a Run>,
    tails: Vec<&'a Tail>,
}

impl<'a> View<'a> {
    /// Puts runs and tails together.
    ///
    /// # Errors
    /// When one does not begin where the one before ends.
    pub fn new(
        runs: impl IntoIterator<Item = &'a Run>,
        tails: impl IntoIterator<Item = &'a Tail>,
    ) -> Result<View<'a>, HistoryError> {
        let view = View { runs: runs.into_iter().collect(), tails: tails.into_iter().collect() };
        let runs = view.runs.iter().map(|run| (run.first, run.end));
        let ranges: Vec<(u64, u64)> = runs.chain(view.tails.iter().map(|tail| tail.ordinals())).collect();
        match ranges.windows(2).find(|pair| pair[0].1 != pair[1].0) {
            Some(gap) => Err(HistoryError::Gap { end: gap[0].1, next: gap[1].0 }),
            None => Ok(view),
        }
    }

    /// Returns the first entry behind all history.
    #[must_use]
    pub fn end(&self) -> u64 {
        let tail = self.tails.last().map(|tail| tail.ordinals().1);
        tail.or_else(|| self.runs.last().map(|run| run.end)).unwrap_or_default()
    }

    /// Returns the first entry of all history.
    #[must_use]
    pub fn start(&self) -> u64 {
        let run = self.runs.first().map(|run| run.first);
        run.or_else(|| self.tails.first().map(|tail| tail.ordinals().0)).unwrap_or_default()
    }

    /// Gives a page of the statement of an account. It reads the pages that hold its rows, one more in each run that
    /// has none, and those that say when they were accepted.
    ///
    /// # Errors
    /// When the limit is out of its range, or a page cannot be had or is damaged.
    pub fn statement<S: PageSource>(
        &self,
        query: &StatementQuery,
        source: &mut S,
    ) -> Result<Statement, QueryError<S::Error>> {
        if query.limit == 0 || query.limit > STATEMENT_ROWS_MAX {
            let (count, limit) = (query.limit as u64, STATEMENT_ROWS_MAX as u64);
            return Err(HistoryError::TooMany { what: "rows of a statement", count, limit }.into());
        }
        let mut pages = Pages::new(source);
        let (mut from, mut to) = match query.range {
            Range::All => (0, u64::MAX),
            Range::Ordinals { from, to } => (from, to),
            Range::Times { from, to } => {
                (self.entries_before_in(from, &mut pages)?, self.entries_before_in(to, &mut pages)?)
            }
        };
        match (query.after, query.order) {
            (Some(cursor), Order::NewestFirst) => to = to.min(cursor.ordinal.saturating_add(1)),
            (Some(cursor), Order::OldestFirst) => from = from.max(cursor.ordinal),
            (None, _) => {}
        }
        let mut wanted = Wanted { query, from, to, rows: Vec::new(), skipped: 0 };
        match query.order {
            Order::NewestFirst => self.collect_newest(&mut wanted, &mut pages)?,
            Order::OldestFirst => self.collect_oldest(&mut wanted, &mut pages)?,
        }
        let (rows, next) = wanted.finish();
        let rows = rows
            .into_iter()
            .map(|row| Ok(DatedRow { row, at: self.accepted_at(row.ordinal, &mut pages)? }))
            .collect::<Result<_, QueryError<S::Error>>>()?;
        Ok(Statement { rows, next })
    }

    /// Returns the sums of an account before the entry `end`, that is after all entries below it. Zeros when the
    /// account had no rows until then.
    ///
    /// # Errors
    /// When a page cannot be had or is damaged.
    pub fn balance_before<S: PageSource>(
        &self,
        account: u32,
        end: u64,
        source: &mut S,
    ) -> Result<Balance, QueryError<S::Error>> {
        self.balance_in(account, end, &mut Pages::new(source))
    }

    /// Returns the sums of an account at a moment, with all that was accepted at that moment.
    ///
    /// # Errors
    /// When a page cannot be had or is damaged.
    pub fn balance_at<S: PageSource>(
        &self,
        account: u32,
        moment: Timestamp,
        source: &mut S,
    ) -> Result<Balance, QueryError<S::Error>> {
        let mut pages = Pages::new(source);
        let end = match moment.micros().checked_add(1) {
            Some(next) => self.entries_before_in(Timestamp::from_micros(next), &mut pages)?,
            None => self.end(),
        };
        self.balance_in(account, end, &mut pages)
    }

    /// Returns the first entry that was accepted at a moment or later; the end when there is none.
    ///
    /// # Errors
    /// When a page cannot be had or is damaged.
    pub fn entries_before<S: PageSource>(
        &self,
        moment: Timestamp,
        source: &mut S,
    ) -> Result<u64, QueryError<S::Error>> {
        self.entries_before_in(moment, &mut Pages::new(source))
    }

    fn collect_newest<S: PageSource>(
        &self,
        wanted: &mut Wanted<'_>,
        pages: &mut Pages<'_, S>,
    ) -> Result<(), QueryError<S::Error>> {
        for tail in self.tails.iter().rev() {
            let (first, end) = tail.ordinals();
            if wanted.reaches(first, end) {
                for row in tail.rows_of(wanted.query.account) {
                    if row.ordinal < wanted.from || wanted.is_full() {
                        break;
                    }
                    wanted.offer(*row);
                }
            }
        }
        for run in self.runs.iter().rev() {
            if wanted.reaches(run.first, run.end) {
                pages.newest(run, wanted)?;
            }
        }
        Ok(())
    }

    fn collect_oldest<S: PageSource>(
        &self,
        wanted: &mut Wanted<'_>,
        pages: &mut Pages<'_, S>,
    ) -> Result<(), QueryError<S::Error>> {
        for run in &self.runs {
            if wanted.reaches(run.first, run.end) {
                pages.oldest(run, wanted)?;
            }
        }
        for tail in &self.tails {
            let (first, end) = tail.ordinals();
            if wanted.reaches(first, end) {
                let newest_first = tail.rows_of(wanted.query.account);
                let rows: Vec<&Row> = newest_first.take_while(|row| row.ordinal >= wanted.from).collect();
                for row in rows.into_iter().rev() {
                    if row.ordinal >= wanted.to || wanted.is_full() {
                        break;
                    }
                    wanted.offer(*row);
                }
            }
        }
        Ok(())
    }

    fn balance_in<S: PageSource>(
        &self,
        account: u32,
        end: u64,
        pages: &mut Pages<'_, S>,
    ) -> Result<Balance, QueryError<S::Error>> {
        for tail in self.tails.iter().rev().filter(|tail| tail.ordinals().0 < end) {
            if let Some(row) = tail.rows_of(account).find(|row| row.ordinal < end) {
                return Ok(row.after);
            }
        }
        for run in self.runs.iter().rev().filter(|run| run.first < end) {
            if let Some(balance) = pages.balance_before(run, account, end)? {
                return Ok(balance);
            }
        }
        Ok(Balance::default())
    }

    fn entries_before_in<S: PageSource>(
        &self,
        moment: Timestamp,
        pages: &mut Pages<'_, S>,
    ) -> Result<u64, QueryError<S::Error>> {
        let run_at = self.runs.partition_point(|run| run.times.1 < moment);
        if let Some(run) = self.runs.get(run_at) {
            return pages.entries_before(run, moment);
        }
        for tail in &self.tails {
            let stamps = tail.stamps();
            let at = stamps.partition_point(|stamp| stamp.at < moment);
            if let Some(stamp) = stamps.get(at) {
                return Ok(stamp.ordinal);
            }
        }
        Ok(self.end())
    }

    fn accepted_at<S: PageSource>(
        &self,
        ordinal: u64,
        pages: &mut Pages<'_, S>,
    ) -> Result<Timestamp, QueryError<S::Error>> {
        let run_at = self.runs.partition_point(|run| run.end <= ordinal);
        if let Some(run) = self.runs.get(run_at) {
            return pages.accepted_at(run, ordinal);
        }
        let tail = self.tails.iter().find(|tail| ordinal < tail.ordinals().1);
        let stamps = tail.map(|tail| tail.stamps()).unwrap_or_default();
        let at = stamps.partition_point(|stamp| stamp.ordinal <= ordinal);
        Ok(at.checked_sub(1).map(|at| stamps[at].at).unwrap_or_default())
    }
}

/// The rows that are still wanted, and those found.
#[derive(Debug)]
pub(crate) struct Wanted<'q> {
    query: &'q StatementQuery,
    from: u64,
    to: u64,
    rows: Vec<Row>,
    skipped: u32,
}

impl Wanted<'_> {
    fn reaches(&self, first: u64, end: u64) -> bool {
        !self.is_full() && self.from < self.to && first < self.to && self.from < end
    }

    /// One row more than asked for shows that there is a next page.
    fn is_full(&self) -> bool {
        self.rows.len() > self.query.limit
    }

    /// Takes a row of the account, if it is in the range and was not given before.
    fn offer(&mut self, row: Row) {
        if row.ordinal < self.from || row.ordinal >= self.to || self.is_full() {
            return;
        }
        if let Some(cursor) = self.query.after
            && cursor.ordinal == row.ordinal
            && self.skipped < cursor.given
        {
            self.skipped += 1;
            return;
        }
        self.rows.push(row);
    }

    fn finish(mut self) -> (Vec<Row>, Option<Cursor>) {
        if !self.is_full() {
            return (self.rows, None);
        }
        self.rows.truncate(self.query.limit);
        let next = self.rows.last().map(|last| {
            let ordinal = last.ordinal;
            let here = self.rows.iter().rev().take_while(|row| row.ordinal == ordinal).count() as u32;
            let before = self.query.after.filter(|cursor| cursor.ordinal == ordinal);
            Cursor { ordinal, given: here.saturating_add(before.map_or(0, |cursor| cursor.given)) }
        });
        (self.rows, next)
    }
}
