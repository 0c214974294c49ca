//! One run from options to files: reconcile, write the tables, prove the summary, write the report.

use crate::error::Trouble;
use crate::interrupt;
use crate::progress::{Reading, Watch};
use crate::terminal::Terminal;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use suanpan_recon::ReconError;
use suanpan_recon::report::{
    Lang, RunFacts, Summary, Written, prepare_output, write_html, write_json, write_tables,
};
use suanpan_recon::run::{self, Decided, Options, Phase, Progress};

/// What to run, and where its results go.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) options: Options,
    /// Expected inputs that are missing, in words.
    pub(crate) missing: Vec<String>,
    /// The output folder, which is there.
    pub(crate) out: PathBuf,
    /// The language of the report.
    pub(crate) lang: Lang,
}

/// What came of a run. Its files are written.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) summary: Summary,
    pub(crate) written: Written,
}

/// Runs a job. Signals stop it, and progress is shown while it works.
pub(crate) fn perform(mut job: Job, terminal: Terminal) -> Result<Outcome, Trouble> {
    let started = Timestamp::now();
    prepare_output(&job.out)?;
    for note in run::drop_repeated(&mut job.options.inputs)? {
        terminal.hint(&note);
    }
    match attempt(&job, started, terminal) {
        // A state only saves work: without it the result is the same.
        Err(ReconError::Resume { message, .. }) => {
            terminal.hint(&format!("reading everything, since there is no state to go on from: {message}"));
            if let Some(state) = &mut job.options.state {
                state.resume = false;
            }
            Ok(attempt(&job, started, terminal)??)
        }
        done => Ok(done??),
    }
}

/// Runs a job once. Troubles of the run itself and of its report are told apart.
fn attempt(
    job: &Job,
    started: Timestamp,
    terminal: Terminal,
) -> Result<Result<Outcome, Trouble>, ReconError> {
    let progress = Arc::new(Progress::default());
    let _guard = interrupt::stops(&progress);
    let _watch = watch(&progress, terminal);
    let decided = run::run(&job.options, &progress)?;
    progress.enter(Phase::Report);
    Ok(write(job, decided, started))
}

/// Shows the progress of a run.
pub(crate) fn watch(progress: &Arc<Progress>, terminal: Terminal) -> Watch {
    let progress = Arc::clone(progress);
    Watch::start(terminal.progress, move || {
        let bytes = progress.bytes_done.load(Ordering::Relaxed);
        Reading {
            phase: progress.phase().name(),
            rows: progress.rows_done.load(Ordering::Relaxed),
            bytes,
            differences: Some(progress.differences.load(Ordering::Relaxed)),
            done: bytes,
            total: progress.bytes_total.load(Ordering::Relaxed),
        }
    })
}

/// Writes everything; the summary last, so that where it is, all is there.
fn write(job: &Job, decided: Decided, started: Timestamp) -> Result<Outcome, Trouble> {
    let writing = Instant::now();
    let (options, out) = (&job.options, job.out.as_path());
    let mut facts = facts(job, &decided, started);
    write_json(out, "plan.json", &decided.plan)?;
    let Decided { sinks, words, timings, .. } = decided;
    let written =
        write_tables(out, sinks, &words, run::report_threads(options.memory_bytes, options.threads))?;
    facts.timings = run::phases(&timings, &facts.inputs, writing.elapsed());
    facts.finished_at = Timestamp::now().to_string();
    facts.peak_rss_bytes = peak_rss_bytes();
    let summary = Summary::new(&facts, &written).map_err(|imbalance| {
        Trouble::new("invariant", imbalance.to_string())
            .next("this is a fault of suanpan: please report it with the line above and, if you may, the inputs")
            .because(imbalance)
    })?;
    write_html(out, &summary, &written, job.lang)?;
    write_json(out, "summary.json", &summary)?;
    Ok(Outcome { summary, written })
}

fn facts(job: &Job, decided: &Decided, started: Timestamp) -> RunFacts {
    let options = &job.options;
    RunFacts {
        run_id: run_id(started),
        started_at: started.to_string(),
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        rules_name: options.rules.name.clone(),
        rules_digest: format!("blake3:{}", options.rules.digest()),
        inputs: decided.input_files(),
        sides: decided.side_facts(),
        missing: job.missing.clone(),
        threads: u32::try_from(options.threads).unwrap_or(u32::MAX),
        memory_limit_bytes: Some(options.memory_bytes as u64),
        plan: decided.plan.sentence(),
        ..RunFacts::default()
    }
}

/// Names a run by its time and a random part, so that names sort and never meet.
fn run_id(started: Timestamp) -> String {
    let mut random = [0_u8; 4];
    // Without a random source the time alone names the run: it is a name, not a secret.
    let _ = getrandom::fill(&mut random);
    format!("{}-{:08x}", started.strftime("%Y%m%dT%H%M%S%3fZ"), u32::from_be_bytes(random))
}

/// Returns the most memory that this process held, as the kernel counted it.
fn peak_rss_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|text| parse_peak(&text)).unwrap_or(0)
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figure_is_read() {
        assert_eq!(parse_peak("Name:\tx\nVmHWM:\t   10240 kB\nVmRSS:\t 1 kB\n"), Some(10 << 20));
        assert_eq!(parse_peak("Name:\tx\n"), None);
        assert!(peak_rss_bytes() > 1 << 20);
    }

    #[test]
    fn names_of_runs_sort_by_time_and_differ() {
        let at = Timestamp::new(1_794_358_800, 5_000_000).unwrap();
        let (a, b) = (run_id(at), run_id(at));
        assert!(a.starts_with("20261111T010000005Z-") && a.len() == 28, "{a}");
        assert_ne!(a, b);
    }
}
