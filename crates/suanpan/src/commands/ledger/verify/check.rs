//! One invariant: what was looked at, and what was found.

use crate::numbers::duration;
use crate::terminal::{Paint, Terminal, harmless};
use serde_json::json;
use std::time::{Duration, Instant};

/// Findings that are shown; more are counted.
const SHOWN_MAX: usize = 10;

/// An invariant under test.
pub(super) struct Check {
    name: &'static str,
    /// What should hold, in words.
    law: &'static str,
    counts: String,
    shown: Vec<String>,
    found: u64,
    skipped: Option<String>,
    took: Duration,
}

impl Check {
    pub(super) fn new(name: &'static str, law: &'static str) -> Check {
        Check {
            name,
            law,
            counts: String::new(),
            shown: Vec::new(),
            found: 0,
            skipped: None,
            took: Duration::ZERO,
        }
    }

    /// Notes something that is wrong.
    pub(super) fn found(&mut self, what: String) {
        self.found += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(what);
        }
    }

    /// Says how much was looked at.
    pub(super) fn counted(&mut self, counts: String) {
        self.counts = counts;
    }

    /// Adds the time since a moment.
    pub(super) fn took(&mut self, began: Instant) {
        self.took += began.elapsed();
    }

    /// Says that nothing can be told, because the journal is not whole.
    pub(super) fn skip(&mut self, why: &str) {
        self.skipped = Some(why.to_owned());
        (self.found, self.shown) = (0, Vec::new());
    }

    pub(super) fn is_violated(&self) -> bool {
        self.found > 0
    }

    /// Writes a line, and what was found below it.
    pub(super) fn write(&self, as_json: bool, terminal: Terminal) -> String {
        let verdict = match (&self.skipped, self.found) {
            (Some(_), _) => "skipped",
            (None, 0) => "ok",
            (None, _) => "violated",
        };
        if as_json {
            let value = json!({
                "type": "invariant",
                "v": 1,
                "name": self.name,
                "verdict": verdict,
                "law": self.law,
                "counts": self.counts,
                "skipped_because": self.skipped,
                "found": self.found,
                "evidence": self.shown,
                "elapsed_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            });
            return value.to_string() + "\n";
        }
        let paint = Paint(terminal.color);
        let padded = format!("{verdict:<8}");
        let painted = match verdict {
            "ok" => paint.green(&padded),
            "skipped" => paint.yellow(&padded),
            _ => paint.red(&padded),
        };
        let mut out = format!(
            "{painted}  {:<10}  {}: {}  ({})\n",
            self.name,
            self.law,
            self.counts,
            duration(self.took)
        );
        if let Some(why) = &self.skipped {
            out.push_str(&format!("          cannot be told: {}\n", harmless(why)));
        }
        for what in &self.shown {
            out.push_str(&format!("          {}\n", harmless(what)));
        }
        let more = self.found - self.shown.len() as u64;
        if more > 0 {
            out.push_str(&format!("          and {more} more\n"));
        }
        out
    }
}
