//! Progress on stderr: a bar on a terminal, otherwise a line now and then, or NDJSON for programs.
//!
//! A thread of its own looks at counters that the work keeps, so that the work is never slowed down.

use crate::cli::ProgressHow;
use crate::numbers::{duration, grouped, per_second, short, size};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How far the work is. The numbers only grow, and stand for themselves: one that is lost is no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// What is being done.
    pub(crate) phase: &'static str,
    /// Rows so far.
    pub(crate) rows: u64,
    /// Bytes so far.
    pub(crate) bytes: u64,
    /// Differences known so far.
    pub(crate) differences: Option<u64>,
    /// Parts done and parts in all, in whatever unit tells best how far the work is.
    pub(crate) done: u64,
    /// See `done`.
    pub(crate) total: u64,
}

/// How often the bar moves.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// How often lines look whether there is anything to say.
const LINES_EVERY: Duration = Duration::from_millis(250);
/// A line comes at least this often,
const LINE_AT_LEAST_EVERY: Duration = Duration::from_secs(10);
/// or with each twentieth of the work, but never more often than this.
const LINE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
const LINE_SHARES: u64 = 20;
/// Steps of the bar.
const STEPS: u64 = 1000;

/// Shows progress until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts to show what `read` tells.
    pub(crate) fn start(how: ProgressHow, read: impl Fn() -> Reading + Send + 'static) -> Watch {
        let done = Arc::new(AtomicBool::new(false));
        if how == ProgressHow::None {
            return Watch { done, thread: None };
        }
        let until = Arc::clone(&done);
        let thread = std::thread::spawn(move || match how {
            ProgressHow::Bar => show_bar(&until, &read),
            ProgressHow::Ndjson => show_ndjson(&until, &read),
            ProgressHow::Lines | ProgressHow::Auto | ProgressHow::None => show_lines(&until, &read),
        });
        Watch { done, thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the thread that draws is no reason to lose the result.
            let _ = thread.join();
        }
    }
}

fn show_bar(until: &AtomicBool, read: &dyn Fn() -> Reading) {
    let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3}%  {wide_msg}") {
        bar.set_style(style);
    }
    let start = Instant::now();
    while !until.load(Ordering::Relaxed) {
        let now = read();
        bar.set_position(share(now, STEPS));
        bar.set_message(words(now, start.elapsed()));
        std::thread::park_timeout(BAR_EVERY);
    }
    bar.finish_and_clear();
}

fn show_lines(until: &AtomicBool, read: &dyn Fn() -> Reading) {
    let start = Instant::now();
    let (mut last, mut last_share) = (Duration::ZERO, 0);
    while !until.load(Ordering::Relaxed) {
        std::thread::park_timeout(LINES_EVERY);
        let (now, elapsed) = (read(), start.elapsed());
        let share = share(now, LINE_SHARES);
        let since = elapsed.saturating_sub(last);
        let due = since >= LINE_AT_LEAST_EVERY || (share > last_share && since >= LINE_AT_MOST_EVERY);
        if due && !until.load(Ordering::Relaxed) {
            let percent = crate::progress::share(now, 100);
            let _ = writeln!(std::io::stderr(), "{percent:>3}%  {}", words(now, elapsed));
            (last, last_share) = (elapsed, share);
        }
    }
}

fn show_ndjson(until: &AtomicBool, read: &dyn Fn() -> Reading) {
    let start = Instant::now();
    let mut told: Option<(&str, Duration)> = None;
    loop {
        let over = until.load(Ordering::Relaxed);
        let (now, elapsed) = (read(), start.elapsed());
        let due = told.is_none_or(|(phase, at)| phase != now.phase || elapsed - at >= LINE_AT_MOST_EVERY);
        if due || over {
            let line = json!({
                "type": "progress", "v": 1, "phase": now.phase, "elapsed_ms": ms(elapsed),
                "rows": now.rows, "bytes": now.bytes, "differences": now.differences,
                "rows_per_s": per_second(now.rows, elapsed), "done": now.done, "total": now.total,
                "left_ms": left(now, elapsed).map(ms),
            });
            let _ = writeln!(std::io::stderr(), "{line}");
            told = Some((now.phase, elapsed));
        }
        if over {
            return;
        }
        std::thread::park_timeout(BAR_EVERY);
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns how much is done, of `steps`.
fn share(now: Reading, steps: u64) -> u64 {
    let steps_done =
        (u128::from(now.done) * u128::from(steps)).checked_div(u128::from(now.total)).unwrap_or(0);
    u64::try_from(steps_done).unwrap_or(steps).min(steps)
}

/// Returns the time left if all goes on as it went.
fn left(now: Reading, elapsed: Duration) -> Option<Duration> {
    let rest = now.total.saturating_sub(now.done);
    let ms = (elapsed.as_millis() * u128::from(rest)).checked_div(u128::from(now.done))?;
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)))
}

fn words(now: Reading, elapsed: Duration) -> String {
    let mut text = format!("{:<6} {} rows", now.phase, grouped(now.rows));
    if let Some(rate) = per_second(now.rows, elapsed) {
        text.push_str(&format!("  {}/s", short(rate)));
    }
    if let Some(rate) = per_second(now.bytes, elapsed).filter(|_| now.bytes > 0) {
        text.push_str(&format!("  {}/s", size(rate)));
    }
    if let Some(differences) = now.differences {
        text.push_str(&format!("  {} differences", grouped(differences)));
    }
    if let Some(left) = left(now, elapsed).filter(|left| !left.is_zero()) {
        text.push_str(&format!("  {} left", duration(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Reading = Reading {
        phase: "scan",
        rows: 2_000_000,
        bytes: 100 << 20,
        differences: Some(7),
        done: 50,
        total: 100,
    };

    #[test]
    fn a_line_says_phase_rates_differences_and_time_left() {
        assert_eq!(
            words(HALF, Duration::from_secs(2)),
            "scan   2,000,000 rows  1.00 M/s  50.0 MiB/s  7 differences  2.00 s left"
        );
        let nothing = Reading { phase: "plan", ..Reading::default() };
        assert_eq!(words(nothing, Duration::ZERO), "plan   0 rows");
    }

    #[test]
    fn shares_stay_within_bounds() {
        assert_eq!(share(HALF, 1000), 500);
        assert_eq!(share(Reading { done: 300, ..HALF }, 1000), 1000, "more was done than was planned");
        assert_eq!(share(Reading { total: 0, ..HALF }, 1000), 0);
        assert_eq!(left(Reading { done: 0, ..HALF }, Duration::from_secs(1)), None);
        assert_eq!(share(Reading { done: u64::MAX, total: u64::MAX, ..HALF }, 1000), 1000);
    }

    #[test]
    fn the_thread_ends_with_the_watch() {
        let reads = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counter = Arc::clone(&reads);
        let watch = Watch::start(ProgressHow::Lines, move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Reading::default()
        });
        let start = Instant::now();
        drop(watch);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(Arc::strong_count(&reads), 1, "the thread is gone");
    }
}
