//! What a finished run knows of itself, in the form in which reports ask for it.

use super::{Decided, SideCounts};
use crate::record::Side;
use crate::report::{InputFile, Phase, SideFacts};
use std::time::Duration;

impl Decided {
    /// Returns what was read of each side: left, right.
    #[must_use]
    pub fn side_facts(&self) -> [SideFacts; 2] {
        Side::BOTH.map(|side| self.facts_of(side, &self.sides[side.index()]))
    }

    fn facts_of(&self, side: Side, counts: &SideCounts) -> SideFacts {
        let sums: std::collections::BTreeMap<_, _> =
            counts.totals.sorted().into_iter().map(|total| (total.currency, total.sum)).collect();
        // The run's totals hold today's records and open items; what is more than today's was carried in.
        let carried = self.totals.0.iter().map(|(currency, tally)| {
            let all = match side {
                Side::Left => tally.sum_left,
                Side::Right => tally.sum_right,
            };
            (*currency, all - sums.get(currency).copied().unwrap_or(0))
        });
        SideFacts {
            records: counts.records,
            rejected: counts.rejected,
            skipped: counts.skipped.iter().cloned().collect(),
            open_items: counts.open_items,
            open_item_sums: carried.filter(|(_, sum)| *sum != 0).collect(),
            sums,
        }
    }

    /// Returns the inputs in order, left ones first.
    #[must_use]
    pub fn input_files(&self) -> Vec<InputFile> {
        let file = |input: &super::InputInfo| InputFile {
            side: input.side.name().to_owned(),
            name: input.name.clone(),
            bytes: input.bytes,
            rows: input.rows,
        };
        self.inputs.iter().map(file).collect()
    }
}

/// Returns the time spent in each phase, with `report` for what the caller did. Rows and bytes are told
/// of the scan, which reads all of them once.
#[must_use]
pub fn phases(timings: &[(super::Phase, Duration)], inputs: &[InputFile], report: Duration) -> Vec<Phase> {
    let rows: u64 = inputs.iter().map(|input| input.rows).sum();
    let bytes: u64 = inputs.iter().map(|input| input.bytes).sum();
    let phase = |(phase, spent): &(super::Phase, Duration)| {
        let scan = *phase == super::Phase::Scan;
        let spent = if *phase == super::Phase::Report { *spent + report } else { *spent };
        Phase {
            phase: phase.name().to_owned(),
            ms: u64::try_from(spent.as_millis()).unwrap_or(u64::MAX),
            rows: scan.then_some(rows),
            bytes: scan.then_some(bytes),
        }
    };
    timings.iter().map(phase).collect()
}
