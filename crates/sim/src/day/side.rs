//! Writes one side of the day.

use super::error::SimError;
use super::faults::Fault;
use super::line::{FaultyLine, Line, Payment};
use super::plan::{Plan, Seeded, Side};
use super::sink::Sink;
use super::{DayFormat, KeyShape};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// What was written of one side.
#[derive(Debug)]
pub(super) struct SideReport {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) rows: u64,
    /// Rows in the groups of each fault.
    pub(super) rows_of_fault: [u64; Fault::COUNT],
    /// Sum of the amounts of readable rows, by currency.
    pub(super) sums_minor: Vec<i128>,
    pub(super) fault_rows: FaultRows,
}

/// Where the rows of the faults stand: eight bytes a fault, and sixteen for each row beyond the
/// first of a group.
#[derive(Debug, Default)]
pub(super) struct FaultRows {
    /// By slot: the row of the first record of the group on this side; 0 for none.
    first: Vec<u64>,
    /// Slot and row of the others, in order.
    more: Vec<(u64, u64)>,
}

impl FaultRows {
    fn new(plan: &Plan) -> Self {
        let slots = usize::try_from(plan.faulty()).expect("faults that fit in memory");
        FaultRows { first: vec![0; slots], more: Vec::new() }
    }

    fn add(&mut self, slot: u64, row: u64) {
        let first = &mut self.first[slot as usize];
        if *first == 0 { *first = row } else { self.more.push((slot, row)) }
    }

    /// Returns the rows of a fault's group on this side, in order.
    pub(super) fn of(&self, slot: u64) -> impl Iterator<Item = u64> {
        let start = self.more.partition_point(|(other, _)| *other < slot);
        let more = self.more[start..].iter().take_while(move |(other, _)| *other == slot);
        let first = self.first[slot as usize];
        (first > 0).then_some(first).into_iter().chain(more.map(|(_, row)| *row))
    }
}

/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 1 << 16;

/// Writes the file of one side. Sends the number of rows now and then; gives up when `stop` is set.
pub(super) fn write_side(
    plan: &Plan,
    side: Side,
    dir: &Path,
    progress: &Sender<u64>,
    stop: &AtomicBool,
) -> Result<SideReport, SimError> {
    let mut writer = SideWriter {
        plan,
        sink: Sink::create(plan, side, dir)?,
        rows: 0,
        // Spreadsheets count the header as row 1.
        rows_before: u64::from(plan.format == DayFormat::Csv),
        rows_of_fault: [0; Fault::COUNT],
        sums_minor: vec![0; plan.currencies.len()],
        fault_rows: FaultRows::new(plan),
    };
    let apart = plan.rows_apart();
    let mut waiting: VecDeque<(u64, Seeded, FaultyLine)> = VecDeque::new();
    let mut lines = Vec::new();
    let mut sent = 0;
    for position in 0..plan.records {
        while waiting.front().is_some_and(|(due, _, _)| *due <= position) {
            if let Some((_, seeded, line)) = waiting.pop_front() {
                writer.put_faulty(seeded, &line)?;
            }
        }
        let number = plan.payment_at(side, position);
        let slot = plan.slot_of(number);
        let payment = Payment::new(plan, number, slot);
        match plan.seeded(slot) {
            None => writer.put(&payment.line(side))?,
            Some(seeded) => {
                payment.faulty_lines(seeded, side, &mut lines);
                for (at, line) in lines.drain(..).enumerate() {
                    if at == 0 || apart == 0 {
                        writer.put_faulty(seeded, &line)?;
                    } else {
                        waiting.push_back((position + apart, seeded, line));
                    }
                }
            }
        }
        if writer.rows - sent >= PROGRESS_ROWS {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            // Nobody listens once the other side has failed; then `stop` is set.
            let _ = progress.send(writer.rows - sent);
            sent = writer.rows;
        }
    }
    for (_, seeded, line) in waiting {
        writer.put_faulty(seeded, &line)?;
    }
    let _ = progress.send(writer.rows - sent);
    writer.finish()
}

struct SideWriter<'a> {
    plan: &'a Plan,
    sink: Sink<'a>,
    rows: u64,
    rows_before: u64,
    rows_of_fault: [u64; Fault::COUNT],
    sums_minor: Vec<i128>,
    fault_rows: FaultRows,
}

impl SideWriter<'_> {
    #[inline]
    fn put(&mut self, line: &Line) -> Result<(), SimError> {
        self.rows += 1;
        if line.defect.is_none() {
            self.sums_minor[usize::from(line.currency)] += i128::from(line.amount_minor);
        }
        self.sink.put(line)
    }

    fn put_faulty(&mut self, seeded: Seeded, faulty: &FaultyLine) -> Result<(), SimError> {
        self.put(&faulty.line)?;
        // Without keys, nothing but what cannot be read is told apart.
        let is_told = self.plan.keys != KeyShape::Null || seeded.fault == Fault::Rejected;
        if faulty.in_group && is_told {
            self.rows_of_fault[seeded.fault.index()] += 1;
            self.fault_rows.add(seeded.slot, self.rows_before + self.rows);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SideReport, SimError> {
        let (path, bytes) = self.sink.finish()?;
        self.fault_rows.more.sort_unstable();
        Ok(SideReport {
            path,
            bytes,
            rows: self.rows,
            rows_of_fault: self.rows_of_fault,
            sums_minor: self.sums_minor,
            fault_rows: self.fault_rows,
        })
    }
}
