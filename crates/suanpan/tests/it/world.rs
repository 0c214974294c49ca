//! A folder of its own for each test, and the binary run in it.

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) const RULES: &str = r#"
version = 1
name = "test"

[left.fields]
k1 = "order_id"
amount = { column = "amount", unit = "decimal" }
currency = { value = "CNY" }
status = "status"

[right.fields]
k1 = "order_id"
amount = { column = "amount", unit = "decimal" }
currency = { value = "CNY" }
status = "status"
"#;

pub(crate) const LEFT: &str = "order_id,amount,status\nA1,1.00,OK\nA2,2.00,OK\nA3,3.00,OK\n";
pub(crate) const RIGHT: &str = "order_id,amount,status\nA3,3.00,OK\nA1,1.00,OK\nA2,2.00,OK\n";

/// A temporary folder, removed with the test.
pub(crate) struct World {
    dir: tempfile::TempDir,
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// Makes an empty folder.
    pub(crate) fn empty() -> World {
        World { dir: tempfile::tempdir().unwrap() }
    }

    /// Makes a folder with two sides that agree, and their rules.
    pub(crate) fn new() -> World {
        let world = World::empty();
        world.write("left.csv", LEFT);
        world.write("right.csv", RIGHT);
        world.write("rules.toml", RULES);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn summary(&self, out: &str) -> Value {
        serde_json::from_slice(&self.read(&format!("{out}/summary.json"))).unwrap()
    }

    /// Prepares the binary to run in the folder, apart from the environment of who runs the tests.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suanpan"));
        command.args(args).current_dir(self.root()).stdin(Stdio::null());
        for name in [
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "TERM",
            "COLUMNS",
            "SUANPAN_KERNEL",
            "SUANPAN_API",
            "SUANPAN_STORE",
            "SUANPAN_LOG",
            "SUANPAN_MASTER_KEY",
            "SUANPAN_SIGNING_KEY",
            "SUANPAN_KEY",
            "SUANPAN_WEBHOOK_SECRET",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    /// Runs the binary with arguments separated by blanks.
    pub(crate) fn line(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Reconciles `left` and `right` by `rules.toml` into `out`.
    pub(crate) fn reconcile(&self, left: &str, right: &str, more: &str) -> Ran {
        self.line(&format!("reconcile {left} {right} --rules rules.toml --out out {more}"))
    }

    /// Generates a day, with all the codes that the faults name.
    pub(crate) fn day(&self, records: u64, more: &str) {
        let ran = self.line(&format!("generate day --records {records} --quiet day {more}"));
        assert_eq!(ran.status, 0, "{ran:?}");
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Asserts how the process ended, and shows everything when it did not.
    #[track_caller]
    pub(crate) fn ends(self, status: i32) -> Ran {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// Asserts that the error has this name and place, in three lines.
    #[track_caller]
    pub(crate) fn names(&self, code: &str, place: &str) {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let at = lines.iter().position(|line| line.starts_with(&format!("error[{code}]: ")));
        let at = at.unwrap_or_else(|| panic!("no error[{code}] in {self:#?}"));
        assert_eq!(lines.get(at + 1), Some(&format!("  where: {place}").as_str()), "{self:#?}");
        assert!(lines.get(at + 2).is_some_and(|line| line.starts_with("  next:  ")), "{self:#?}");
    }
}

/// Returns the counts of a summary by code, without zeros.
pub(crate) fn counts(summary: &Value) -> Vec<(String, u64)> {
    let outcomes = summary["outcomes"].as_object().unwrap();
    let counts = outcomes.iter().map(|(code, outcome)| (code.clone(), outcome["count"].as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Every code of the vocabulary at least once.
pub(crate) const ALL_FAULTS: &str = r#"
[faults]
MATCHED_TOLERANCE = 7
MATCHED_AGGREGATE = 5
MATCHED_LATE = 4
NETTED_WITHIN_SIDE = 6
PENDING_TIMING = 9
MISSING_IN_B = 31
MISSING_IN_A = 29
AMOUNT_MISMATCH = 23
FEE_MISMATCH = 11
STATUS_MISMATCH = 13
CURRENCY_MISMATCH = 3
TYPE_MISMATCH = 2
DUPLICATE_IN_A = 17
DUPLICATE_IN_B = 19
BATCH_TOTAL_MISMATCH = 2
AMBIGUOUS = 3
UNKEYED = 8
REJECTED = 10
"#;
