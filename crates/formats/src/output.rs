//! Where a reader puts what it finds, and the tally of a whole file.

use crate::catalogue::Format;
use crate::event::{Check, Event, Fault, ReadError, Statement, Stop};
use crate::input::{Input, Options};
use crate::layout::Layout;
use crate::limits::FAULTS_MAX;
use crate::record::{Direction, Place, Record, Status};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use suanpan_money::Currency;

/// What a file gave in all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally {
    /// Statements.
    pub statements: u64,
    /// Records.
    pub records: u64,
    /// Faults.
    pub faults: u64,
    /// Checks that agree.
    pub checks_agreed: u64,
    /// Checks that do not.
    pub checks_failed: u64,
    /// For each currency: booked records that are not neutral, and the sum of their amounts.
    pub booked: BTreeMap<Currency, (u64, Decimal)>,
    /// Whether the reader was asked to stop before the end.
    pub stopped: bool,
}

impl Tally {
    /// Says whether everything was read and everything that the file declares agrees with its content.
    #[must_use]
    pub const fn ties(&self) -> bool {
        self.faults == 0 && self.checks_failed == 0 && !self.stopped
    }
}

/// Where a reader puts what it finds.
pub struct Output<'a> {
    sink: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    tally: Tally,
}

impl Output<'_> {
    /// Puts the beginning of a statement.
    ///
    /// # Errors
    /// [`Stop::Asked`] when no more is wanted; readers pass it on with `?`.
    pub fn statement(&mut self, statement: Statement) -> Result<(), Stop> {
        self.tally.statements += 1;
        self.put(Event::Statement(statement))
    }

    /// Puts a record.
    ///
    /// # Errors
    /// As [`Output::statement`], and when a sum cannot be held.
    pub fn record(&mut self, record: Record) -> Result<(), Stop> {
        self.tally.records += 1;
        if record.status == Status::Booked && record.direction != Direction::Neutral {
            let (count, sum) = self.tally.booked.entry(record.currency).or_default();
            *count += 1;
            *sum = sum
                .checked_add(record.amount)
                .ok_or_else(|| ReadError::broken(record.place, "the sum of all amounts is too large"))?;
        }
        self.put(Event::Record(Box::new(record)))
    }

    /// Puts a comparison with what the file declares.
    ///
    /// # Errors
    /// As [`Output::statement`].
    pub fn check(&mut self, check: Check) -> Result<(), Stop> {
        if check.agrees {
            self.tally.checks_agreed += 1;
        } else {
            self.tally.checks_failed += 1;
        }
        self.put(Event::Check(check))
    }

    /// Puts a line that cannot be read.
    ///
    /// # Errors
    /// As [`Output::statement`], and when there are more than [`FAULTS_MAX`].
    pub fn fault(&mut self, fault: Fault) -> Result<(), Stop> {
        self.tally.faults += 1;
        let place = fault.place;
        self.put(Event::Fault(fault))?;
        if self.tally.faults >= FAULTS_MAX {
            return Err(
                ReadError::Limit { place, what: "the number of faulty lines", max: FAULTS_MAX }.into()
            );
        }
        Ok(())
    }

    /// Puts a record, or the fault that kept it from being one.
    ///
    /// # Errors
    /// As [`Output::record`] and [`Output::fault`].
    pub fn record_or_fault(&mut self, record: Result<Record, Fault>) -> Result<(), Stop> {
        match record {
            Ok(record) => self.record(record),
            Err(fault) => self.fault(fault),
        }
    }

    /// Returns what was put so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    fn put(&mut self, event: Event) -> Result<(), Stop> {
        match (self.sink)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Asked),
        }
    }
}

/// Reads a file as a format and gives what it finds to `sink`, until that breaks off.
///
/// # Errors
/// [`ReadError`] when the rest of the file cannot be read; what was given before stands.
pub fn read(
    format: &Format,
    input: Input<'_>,
    options: &Options,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Tally, ReadError> {
    collect(format.title(), sink, |output| format.read(input, options, output))
}

/// Reads a file as a layout, as [`read`].
pub(crate) fn read_layout(
    layout: &Layout,
    input: Input<'_>,
    options: &Options,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Tally, ReadError> {
    collect(layout.title(), sink, |output| layout.read(input, options, output))
}

fn collect(
    title: &str,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    read: impl FnOnce(&mut Output<'_>) -> Result<(), Stop>,
) -> Result<Tally, ReadError> {
    let mut output = Output { sink, tally: Tally::default() };
    match read(&mut output) {
        Ok(()) => {
            let tally = &output.tally;
            // A day without trades has no record, and totals of nothing that are held against it.
            let compared = tally.checks_agreed + tally.checks_failed > 0;
            if tally.records == 0 && tally.statements == 0 && tally.faults == 0 && !compared {
                return Err(ReadError::broken(
                    Place::default(),
                    format!("no statement and no record was found in what looks like {title}"),
                ));
            }
            Ok(output.tally)
        }
        Err(Stop::Asked) => {
            output.tally.stopped = true;
            Ok(output.tally)
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}
