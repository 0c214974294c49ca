//! What a correct reconciliation of the day must report: in sums, and fault by fault.

use super::error::SimError;
use super::faults::Fault;
use super::line::{Key, Payment};
use super::plan::{Plan, Side};
use super::side::SideReport;
use super::sink::{create_file, trouble};
use super::{KeyShape, OutcomeTruth};
use serde_json::{Map, Value, json};
use std::io::{BufWriter, Write};
use std::path::Path;

/// How many open items each side has: one for each `MATCHED_LATE`, the sides taking turns.
pub(super) fn open_item_counts(plan: &Plan) -> [u64; 2] {
    let count = plan.counts.of(Fault::MatchedLate);
    [count.div_ceil(2), count / 2]
}

/// Returns the expected outcomes in report order, `MATCHED` first.
///
/// # Panics
/// When the two sides do not have equally many matched rows: the generator would be wrong.
pub(super) fn outcomes(plan: &Plan, sides: &[SideReport; 2]) -> Vec<OutcomeTruth> {
    let open_items = open_item_counts(plan);
    let mut list: Vec<OutcomeTruth> = Fault::ALL
        .into_iter()
        .map(|fault| {
            let records = |side: Side| {
                let late = if fault == Fault::MatchedLate { open_items[side.index()] } else { 0 };
                sides[side.index()].rows_of_fault[fault.index()] + late
            };
            let (left, right) = (records(Side::Left), records(Side::Right));
            let groups = match plan.keys {
                KeyShape::Null => left + right,
                _ => plan.counts.of(fault),
            };
            OutcomeTruth { code: fault.name(), groups, left, right }
        })
        .collect();
    let rest = |side: Side| {
        let SideReport { rows, rows_of_fault, .. } = &sides[side.index()];
        rows - rows_of_fault.iter().sum::<u64>()
    };
    let (left, right) = (rest(Side::Left), rest(Side::Right));
    if plan.keys == KeyShape::Null {
        // Every record stands alone.
        let unkeyed = &mut list[Fault::Unkeyed.index()];
        *unkeyed = OutcomeTruth { code: unkeyed.code, groups: left + right, left, right };
        list.insert(0, OutcomeTruth { code: "MATCHED", groups: 0, left: 0, right: 0 });
    } else {
        assert_eq!(left, right, "matched rows of the two sides");
        list.insert(0, OutcomeTruth { code: "MATCHED", groups: left, left, right });
    }
    list
}

/// Writes `truth.json`.
pub(super) fn write_truth(
    path: &Path,
    plan: &Plan,
    sides: &[SideReport; 2],
    outcomes: &[OutcomeTruth],
) -> Result<(), SimError> {
    let open_items = open_item_counts(plan);
    let side = |side: Side| {
        let report = &sides[side.index()];
        let sums: Map<String, Value> = plan
            .currencies
            .iter()
            .zip(&report.sums_minor)
            .filter(|(_, sum)| **sum != 0)
            .map(|(money, sum)| (money.letters.to_owned(), sum.to_string().into()))
            .collect();
        json!({
            "file": report.path.file_name().map(|name| name.to_string_lossy()),
            "rows": report.rows,
            "open_items": open_items[side.index()],
            "amount_minor": sums,
        })
    };
    let codes: Map<String, Value> = outcomes
        .iter()
        .map(|truth| {
            let value = json!({ "groups": truth.groups, "left": truth.left, "right": truth.right });
            (truth.code.to_owned(), value)
        })
        .collect();
    let truth = json!({
        "version": 1,
        "records": plan.records,
        "seed": plan.seed,
        "left": side(Side::Left),
        "right": side(Side::Right),
        "outcomes": codes,
    });
    std::fs::write(path, format!("{truth:#}\n")).map_err(|source| trouble(path, source))
}

/// Writes `truth.csv`: a line for each seeded fault with its code, its order id where it has one,
/// and the rows of its group on each side, separated by semicolons. Rows are numbered as in a
/// spreadsheet; `open:7` is the seventh row of the open items.
///
/// With null keys only rejected rows are listed, since nothing else is told apart.
pub(super) fn write_faults(path: &Path, plan: &Plan, sides: &[SideReport; 2]) -> Result<(), SimError> {
    let mut file = BufWriter::with_capacity(1 << 20, create_file(path)?);
    write_fault_lines(&mut file, plan, sides)
        .and_then(|()| file.flush())
        .map_err(|source| trouble(path, source))
}

fn write_fault_lines(
    file: &mut impl Write,
    plan: &Plan,
    sides: &[SideReport; 2],
) -> Result<(), std::io::Error> {
    writeln!(file, "code,key,left_rows,right_rows")?;
    let mut lines = Vec::new();
    for slot in 0..plan.faulty() {
        let Some(seeded) = plan.seeded(slot) else { break };
        if plan.keys == KeyShape::Null && seeded.fault != Fault::Rejected {
            continue;
        }
        write!(file, "{},", seeded.fault.name())?;
        let payment = Payment::new(plan, plan.payment_in(slot), slot);
        lines.clear();
        for side in Side::BOTH {
            payment.faulty_lines(seeded, side, &mut lines);
        }
        let keyed = lines.iter().find(|faulty| faulty.in_group && faulty.line.key == Key::Id);
        if let Some(faulty) = keyed {
            let mut key = Vec::with_capacity(25);
            super::column::put_order_id(&mut key, faulty.line.order);
            file.write_all(&key)?;
        }
        for side in Side::BOTH {
            let mut separator = ",";
            for row in sides[side.index()].fault_rows.of(slot) {
                write!(file, "{separator}{row}")?;
                separator = ";";
            }
            if seeded.fault == Fault::MatchedLate && seeded.side() == side {
                write!(file, "{separator}open:{}", seeded.ordinal + 1)?;
                separator = ";";
            }
            if separator == "," {
                file.write_all(b",")?;
            }
        }
        file.write_all(b"\n")?;
    }
    Ok(())
}
