//! Not checks but things to look at, for people.

use super::fixture::{Run, facts};
use crate::outcome::Code;
use crate::record::{Records, Side};
use crate::report::*;

/// Not a check but a page to look at, with thousands of breaks over weeks:
/// `OUT=/tmp/page cargo test -p suanpan-recon a_page_to_look_at -- --ignored`.
#[test]
#[ignore = "writes a page for people to look at"]
fn a_page_to_look_at() {
    use Code::*;
    let out = std::path::PathBuf::from(std::env::var("OUT").unwrap());
    std::fs::create_dir_all(&out).unwrap();
    let mut run = Run::with_largest(7_700);
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    for n in 0..3_000_u64 {
        let code = [MissingInB, MissingInB, MissingInA, AmountMismatch, StatusMismatch, PendingTiming]
            [below(6) as usize];
        let key = format!("P2026{:010}", below(10_000_000_000));
        let amount = i64::try_from(below(9) + 1).unwrap() * 10_i64.pow(below(7) as u32) + below(100) as i64;
        let salt = 100 + below(400) + below(400);
        let (row, other) = (1_000 + n, amount + 1 + below(500) as i64);
        let mut add = |side, amount, status| run.add(side, 0, row, &key, "CNY", amount, status, salt);
        let (left, right) = match code {
            MissingInA => (vec![], vec![add(Side::Right, amount, "PAID")]),
            AmountMismatch => (vec![add(Side::Left, amount, "PAID")], vec![add(Side::Right, other, "PAID")]),
            StatusMismatch => {
                (vec![add(Side::Left, amount, "PAID")], vec![add(Side::Right, amount, "REFUNDED")])
            }
            _ => (vec![add(Side::Left, amount, "PAID")], vec![]),
        };
        run.verdict(code, Some(0), &left, &right, "same key and type, other amount", &[]);
    }
    let written = run.write(&out, 1, usize::MAX, &run.in_order());
    let summary = Summary::new(&facts(&run), &written).unwrap();
    write_html(&out, &summary, &written, Lang::En).unwrap();
    std::fs::write(out.join("report.zh.html"), render_html(&summary, &written, Lang::Zh)).unwrap();
}

/// Not a check but a measurement: `cargo test --release -p suanpan-recon a_million -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, for release builds"]
fn a_million_breaks() {
    let rows: u64 = std::env::var("ROWS").map_or(1_000_000, |rows| rows.parse().unwrap());
    let mut run = Run::new();
    let out = tempfile::tempdir_in(std::env::var("OUT").unwrap_or("/tmp".into())).unwrap();
    let memory_bytes = std::env::var("MEMORY").map_or(usize::MAX, |bytes| bytes.parse().unwrap());
    let options =
        SinkOptions { spill_dir: out.path().to_owned(), memory_bytes, matched: false, run_date: None };
    let mut sink = OutcomeSink::new(&run.shape, &options);
    let mut pushing = std::time::Duration::ZERO;
    let step = 10_000;
    for part in 0..rows / step {
        run.records = Records::new();
        run.verdicts.clear();
        for n in 0..step {
            // Arrival in the order of a hash, as from radix partitions.
            let row = (part * step + n) * 7_919 % rows;
            let key = format!("PAY20260301{row:012}");
            let amount = i64::try_from(row * 37 % 1_000_000).unwrap();
            let a = run.add(Side::Left, 0, row, &key, "CNY", amount, "PAID", row);
            let b = run.add(Side::Right, 0, row, &key, "CNY", amount + 1, "PAID", row + 1);
            run.verdict(Code::AmountMismatch, Some(0), &[a], &[b], "same key and type, other amount", &[]);
        }
        let start = std::time::Instant::now();
        for verdict in &run.verdicts {
            sink.push(&run.records, verdict).unwrap();
        }
        pushing += start.elapsed();
    }
    let threads = std::env::var("THREADS").map_or(1, |threads| threads.parse().unwrap());
    let start = std::time::Instant::now();
    let written = write_tables(out.path(), vec![sink], &run.words, threads).unwrap();
    println!("push {pushing:?}, write {:?}, {rows} rows", start.elapsed());
    for file in written.files {
        println!("{} {} bytes", file.name, file.bytes);
    }
}
