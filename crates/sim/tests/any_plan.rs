//! Whatever the plan, the answer has the same bytes: strategies, threads, memory limits, unit sizes,
//! instructions, kills at every commit, late files, order of rows.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::path::{Path, PathBuf};
use suanpan_recon::ReconError;
use suanpan_recon::csv::Kernel;
use suanpan_recon::report::{AMOUNT_BUCKETS, Class, amount_bucket, write_tables};
use suanpan_recon::rule::Rules;
use suanpan_recon::run::{Options, Progress, StateOptions, Strategy, run};
use suanpan_recon::source::expand;
use suanpan_sim::day::{DayOptions, Fault, Faults, generate};

/// A generated day and a folder to work in.
struct Day {
    dir: tempfile::TempDir,
    left: Vec<PathBuf>,
    right: Vec<PathBuf>,
    open_items: Option<PathBuf>,
    rules: String,
}

impl Day {
    fn generate(records: u64, faults: Faults) -> Day {
        let dir = tempfile::tempdir().unwrap();
        let mut options = DayOptions::new(records, 5, dir.path().join("day"));
        options.faults = faults;
        let day = generate(&options, &|_| {}).unwrap();
        let rules = std::fs::read_to_string(&day.rules).unwrap();
        Day { left: vec![day.left.path], right: vec![day.right.path], open_items: day.open_items, rules, dir }
    }

    fn every_fault(records: u64, count: u64) -> Day {
        let list: String = Fault::ALL.iter().map(|fault| format!("{} = {count}\n", fault.name())).collect();
        Day::generate(records, Faults::parse(&format!("[faults]\n{list}"), "every").unwrap())
    }

    fn options(&self) -> Options {
        let names =
            |paths: &[PathBuf]| paths.iter().map(|p| p.to_str().unwrap().to_owned()).collect::<Vec<_>>();
        let work = self.dir.path().join("work");
        std::fs::create_dir_all(&work).unwrap();
        let inputs =
            [expand(&names(&self.left), &work).unwrap(), expand(&names(&self.right), &work).unwrap()];
        let mut options = Options::new(Rules::from_toml(&self.rules).unwrap(), inputs, work.clone());
        options.threads = 2;
        let open_items: Vec<PathBuf> = self.open_items.iter().cloned().collect();
        if !open_items.is_empty() {
            options.open_items = Some(expand(&names(&open_items), &work).unwrap().remove(0));
        }
        options
    }

    /// Runs and returns the bytes of every table but the Parquet ones of the same content.
    fn run(&self, options: &Options) -> Result<Vec<u8>, ReconError> {
        let decided = run(options, &Progress::default())?;
        let out = self.dir.path().join("out");
        let written = write_tables(&out, decided.sinks, &decided.words, 2).unwrap();
        let mut bytes = Vec::new();
        for file in ["breaks.csv", "rejected.csv", "open_items.parquet"] {
            bytes.extend(std::fs::read(out.join(file)).unwrap());
        }
        bytes.extend(format!("{:?}", decided.tallies).into_bytes());
        // What the charts by amount show, matches in bulk included.
        bytes.extend(format!("{:?}", Class::ALL.map(|class| *written.stats.amounts(class))).into_bytes());
        Ok(bytes)
    }

    /// Puts every field in quotes, and a comma, a quote and a line end into one that no rule names.
    fn quoted(self) -> Day {
        for path in self.left.iter().chain(&self.right) {
            let text = std::fs::read_to_string(path).unwrap();
            let mut out = String::new();
            for (row, line) in text.lines().enumerate() {
                // A field that was quoted already holds no quote.
                let mut fields: Vec<String> = Vec::new();
                for (n, part) in line.split('"').enumerate() {
                    match n % 2 {
                        1 => fields.last_mut().unwrap().push_str(part),
                        _ => {
                            let mut parts = part.split(',').map(str::to_owned);
                            let more = parts.next().unwrap();
                            match fields.last_mut() {
                                Some(last) => last.push_str(&more),
                                None => fields.push(more),
                            }
                            fields.extend(parts);
                        }
                    }
                }
                fields.push(if row == 0 { "note".to_owned() } else { format!("a,\n\"\"{row}\"\"\n") });
                out.push_str(&format!("\"{}\"\n", fields.join("\",\"")));
            }
            std::fs::write(path, out).unwrap();
        }
        self
    }
}

fn state(dir: &Path, resume: bool, checkpoint: bool, kill_after_commits: Option<u64>) -> StateOptions {
    StateOptions { dir: dir.to_owned(), resume, checkpoint, kill_after_commits }
}

/// Compares all strategies, with several numbers of threads, memory limits and sizes of units.
fn every_plan_gives_the_same(day: &Day) {
    let want = day.run(&day.options()).unwrap();
    for strategy in [Strategy::Full, Strategy::Memory, Strategy::Sketch, Strategy::Spill] {
        for (threads, memory, unit) in
            [(1, 2 << 30, 512 << 10), (2, 18 << 20, 64 << 10), (3, 24 << 20, 8 << 10)]
        {
            let mut options = day.options();
            options.strategy = Some(strategy);
            (options.threads, options.memory_bytes, options.unit_bytes) = (threads, memory, unit);
            let got = day.run(&options).unwrap();
            assert!(got == want, "{strategy:?}, {threads} threads, {memory} bytes, units of {unit}");
        }
    }
}

#[test]
fn strategies_threads_memory_units_and_kernels() {
    let day = Day::every_fault(12_000, 25);
    let want = day.run(&day.options()).unwrap();
    every_plan_gives_the_same(&day);
    for kernel in Kernel::available() {
        let mut options = day.options();
        options.kernel = kernel;
        assert!(day.run(&options).unwrap() == want, "{kernel:?}");
    }
}

#[test]
fn quoted_files_by_any_plan() {
    let faults = || Faults::parse("[faults]\ndifferences = \"1%\"", "plain").unwrap();
    let plain = Day::generate(12_000, faults());
    let breaks = |day: &Day| {
        day.run(&day.options()).unwrap();
        let text = std::fs::read_to_string(day.dir.path().join("out/breaks.csv")).unwrap();
        text.replace(day.dir.path().to_str().unwrap(), "")
    };
    let quoted = Day::generate(12_000, faults()).quoted();
    assert_eq!(breaks(&plain), breaks(&quoted), "quotes change no record and no row number");

    let day = Day::every_fault(12_000, 25).quoted();
    every_plan_gives_the_same(&day);
}

#[test]
fn the_chart_by_amount_covers_every_record() {
    let day = Day::generate(5_000, Faults::parse("", "none").unwrap());
    // Every amount of the ledger, read by hand: all of them match.
    let mut want = [0; AMOUNT_BUCKETS];
    let text = std::fs::read_to_string(&day.left[0]).unwrap();
    for line in text.lines().skip(1) {
        let amount: String = line.split(',').nth(3).unwrap().chars().filter(|c| *c != '.').collect();
        want[amount_bucket(amount.parse().unwrap(), 2)] += 1;
    }
    assert_eq!(want.iter().sum::<u64>(), 5_000);
    assert!(want.iter().filter(|count| **count > 0).count() > 3, "{want:?}");
    for strategy in [Strategy::Full, Strategy::Memory, Strategy::Sketch, Strategy::Spill] {
        let mut options = day.options();
        options.strategy = Some(strategy);
        let decided = run(&options, &Progress::default()).unwrap();
        let written = write_tables(&day.dir.path().join("out"), decided.sinks, &decided.words, 2).unwrap();
        assert_eq!(written.stats.amounts(Class::Clean), &want, "{strategy:?}");
    }
}

#[test]
fn killed_at_every_commit_and_resumed() {
    for day in [Day::every_fault(30_000, 10), Day::every_fault(8_000, 10).quoted()] {
        kill_and_resume(&day);
    }
}

fn kill_and_resume(day: &Day) {
    let want = day.run(&day.options()).unwrap();
    for strategy in [Strategy::Memory, Strategy::Spill, Strategy::Sketch, Strategy::Full] {
        let mut kills = 0;
        loop {
            let folder = day.dir.path().join(format!("state-{strategy:?}-{kills}"));
            let mut options = day.options();
            options.strategy = Some(strategy);
            // Small units and little memory, so that there are many commits.
            (options.unit_bytes, options.memory_bytes) = (8 << 10, 18 << 20);
            options.state = Some(state(&folder, false, true, Some(kills + 1)));
            let first = day.run(&options);
            let killed = match first {
                Ok(got) => {
                    assert!(got == want, "{strategy:?} with checkpoints");
                    false
                }
                Err(ReconError::Killed) => true,
                Err(other) => panic!("{other}"),
            };
            // Killed or done: the state must lead to the same answer.
            let mut again = day.options();
            again.strategy = Some(strategy);
            (again.unit_bytes, again.memory_bytes) = (8 << 10, 18 << 20);
            again.state = Some(state(&folder, true, true, None));
            assert!(day.run(&again).unwrap() == want, "{strategy:?} resumed after {kills} commits");
            if !killed {
                break;
            }
            kills += 1;
        }
        assert!(kills > 1 || strategy == Strategy::Full, "{strategy:?}: only {kills} commits were tried");
    }
}

#[test]
fn a_stop_by_the_caller_leaves_a_state_to_resume_from() {
    let day = Day::every_fault(30_000, 10);
    let want = day.run(&day.options()).unwrap();
    for strategy in [Strategy::Memory, Strategy::Sketch] {
        let folder = day.dir.path().join(format!("stop-{strategy:?}"));
        let mut options = day.options();
        (options.strategy, options.unit_bytes) = (Some(strategy), 8 << 10);
        options.state = Some(state(&folder, false, false, None));
        let progress = Progress::default();
        let stopper = std::thread::scope(|scope| {
            let running = scope.spawn(|| run(&options, &progress));
            while progress.rows_done.load(std::sync::atomic::Ordering::Relaxed) < 5_000
                && !running.is_finished()
            {
                std::thread::yield_now();
            }
            progress.stop.store(true, std::sync::atomic::Ordering::Relaxed);
            running.join().unwrap()
        });
        assert!(matches!(stopper, Err(ReconError::Interrupted)), "{strategy:?}");
        options.state = Some(state(&folder, true, false, None));
        assert!(day.run(&options).unwrap() == want, "{strategy:?}");
        assert!(!folder.join("job.json").exists(), "a finished run takes its state away");
    }
}

#[test]
fn a_late_file_costs_only_its_own_reading() {
    // Plain faults only: a file with quotes is read again as a whole to fetch its rows.
    let mut day = Day::generate(20_000, Faults::parse("[faults]\ndifferences = \"1%\"", "plain").unwrap());
    // The right side comes in three files; the last one late, and between the others by name.
    let text = std::fs::read_to_string(&day.right[0]).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.split_inclusive('\n').collect();
    let parts: Vec<PathBuf> = (0..3).map(|n| day.dir.path().join(format!("right-{n}.csv"))).collect();
    for (n, part) in parts.iter().enumerate() {
        let own = &rows[rows.len() * n / 3..rows.len() * (n + 1) / 3];
        std::fs::write(part, format!("{header}\n{}", own.concat())).unwrap();
    }
    for strategy in [Strategy::Memory, Strategy::Sketch] {
        day.right = parts.clone();
        let want = day.run(&day.options()).unwrap();
        let folder = day.dir.path().join(format!("late-{strategy:?}"));
        let with_state = |day: &Day, resume| {
            let mut options = day.options();
            (options.strategy, options.unit_bytes) = (Some(strategy), 64 << 10);
            options.state = Some(state(&folder, resume, true, None));
            options
        };
        day.right = vec![parts[0].clone(), parts[2].clone()];
        day.run(&with_state(&day, false)).unwrap();
        day.right = parts.clone();
        let options = with_state(&day, true);
        let progress = Progress::default();
        let decided = run(&options, &progress).unwrap_or_else(|e| panic!("{strategy:?}: {e}"));
        drop(decided);
        let read = progress.rows_done.load(std::sync::atomic::Ordering::Relaxed);
        if strategy == Strategy::Memory {
            assert!(
                read < rows.len() as u64 / 2,
                "{read} rows were read for a late file of a third of one side"
            );
        }
        assert!(day.run(&options).unwrap() == want, "{strategy:?}");
        // A file that changed is read again, and the others are not lost.
        std::fs::write(&parts[0], format!("{header}\n")).unwrap();
        let changed = day.run(&day.options()).unwrap();
        assert!(day.run(&with_state(&day, true)).unwrap() == changed, "{strategy:?} after a change");
        std::fs::write(&parts[0], format!("{header}\n{}", rows[..rows.len() / 3].concat())).unwrap();
    }
}

/// A replaced file stands behind the place of the one that was there, so locations reach beyond the sizes of
/// all files.
#[test]
fn a_file_replaced_by_one_of_the_same_size_is_read_anew() {
    let day = Day::generate(20_000, Faults::parse("[faults]\ndifferences = \"5%\"", "plain").unwrap());
    let text = std::fs::read_to_string(&day.right[0]).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let backwards: String = rows.split_inclusive('\n').rev().collect();
    for strategy in [Strategy::Memory, Strategy::Spill, Strategy::Sketch] {
        let folder = day.dir.path().join(format!("replaced-{strategy:?}"));
        let with_state = |resume| {
            let mut options = day.options();
            options.strategy = Some(strategy);
            options.state = Some(state(&folder, resume, true, None));
            options
        };
        std::fs::write(&day.right[0], &text).unwrap();
        day.run(&with_state(false)).unwrap();
        std::fs::write(&day.right[0], format!("{header}\n{backwards}")).unwrap();
        let want = day.run(&day.options()).unwrap();
        assert!(day.run(&with_state(true)).unwrap() == want, "{strategy:?}");
    }
}

#[test]
fn a_damaged_state_is_refused_and_never_believed() {
    let day = Day::every_fault(20_000, 5);
    let folder = day.dir.path().join("state");
    let mut options = day.options();
    (options.strategy, options.unit_bytes) = (Some(Strategy::Spill), 64 << 10);
    options.state = Some(state(&folder, false, true, None));
    let want = day.run(&options).unwrap();
    let files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(files.len() >= 3, "job, segment and rows");
    options.state = Some(state(&folder, true, true, None));
    for path in files {
        let good = std::fs::read(&path).unwrap();
        for cut in [0, 1, good.len() / 2, good.len() - 1] {
            std::fs::write(&path, &good[..cut]).unwrap();
            match day.run(&options) {
                Err(ReconError::Resume { .. }) => {}
                Ok(got) => assert!(got == want, "{} cut to {cut}", path.display()),
                Err(other) => panic!("{} cut to {cut}: {other}", path.display()),
            }
            std::fs::write(&path, &good).unwrap();
        }
    }
}
