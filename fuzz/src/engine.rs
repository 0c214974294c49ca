//! The search: pick an input, mutate it, run it, keep it when the answer is of a new kind.
//!
//! Everything follows from one seed, so a run can be repeated.

use crate::targets::Target;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longer inputs find little that shorter ones do not.
const INPUT_BYTES_MAX: usize = 4096;
/// The corpus stops growing here.
const KEPT_MAX: usize = 20_000;

/// How a search ended.
pub(crate) enum Outcome {
    /// No input failed.
    Held,
    /// An input made the target panic.
    Failed { input: Vec<u8>, message: String },
}

pub(crate) struct Fuzzer {
    target: &'static Target,
    corpus: Vec<Vec<u8>>,
    seen: HashSet<u64>,
    random: Random,
    tried: Arc<AtomicU64>,
    /// The current input lies here while it runs, for when the process dies.
    last: File,
}

impl Fuzzer {
    pub(crate) fn new(
        target: &'static Target,
        seeds: Vec<Vec<u8>>,
        seed: u64,
        last: &Path,
    ) -> std::io::Result<Fuzzer> {
        if let Some(folder) = last.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Fuzzer {
            target,
            corpus: seeds,
            seen: HashSet::new(),
            random: Random(seed ^ digest(target.name.as_bytes())),
            tried: Arc::new(AtomicU64::new(0)),
            last: File::create(last)?,
        })
    }

    pub(crate) fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }

    pub(crate) fn traits(&self) -> usize {
        self.seen.len()
    }

    pub(crate) fn kept(&self) -> usize {
        self.corpus.len()
    }

    /// Runs the seeds as they are, then mutations, as long as `go_on` says.
    pub(crate) fn run(&mut self, mut go_on: impl FnMut() -> bool) -> Outcome {
        note_panics();
        let mut outcome = Outcome::Held;
        let seeds = self.corpus.len();
        for round in 0.. {
            if round >= seeds && !go_on() {
                break;
            }
            let input = match self.corpus.get(round).filter(|_| round < seeds) {
                Some(seed) => seed.clone(),
                None => self.mutated(),
            };
            if let Err(message) = self.try_input(&input) {
                outcome = Outcome::Failed { input, message };
                break;
            }
        }
        outcome
    }

    /// Ends the process when one input runs longer than `limit`; the input is in its file then.
    pub(crate) fn watch(&self, limit: Duration) -> Watch {
        let (tried, name) = (Arc::clone(&self.tried), self.target.name);
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut before = tried.load(Ordering::Relaxed);
            while !stop.load(Ordering::Relaxed) {
                std::thread::park_timeout(limit);
                let now = tried.load(Ordering::Relaxed);
                if now == before && !stop.load(Ordering::Relaxed) {
                    eprintln!("{name}: one input took longer than {} s", limit.as_secs());
                    std::process::abort();
                }
                before = now;
            }
        });
        Watch { over, thread }
    }

    fn try_input(&mut self, input: &[u8]) -> Result<(), String> {
        // A file that cannot be written only costs the evidence of a death, which is still reported.
        self.last.set_len(input.len() as u64).ok();
        self.last.write_all_at(input, 0).ok();
        TRYING.set(true);
        let found = run_one(self.target, input);
        TRYING.set(false);
        self.tried.fetch_add(1, Ordering::Relaxed);
        match found {
            Ok(answer) => {
                if self.seen.insert(answer) && self.corpus.len() < KEPT_MAX {
                    self.corpus.push(input.to_vec());
                }
                Ok(())
            }
            Err(panic) => Err(format!("{}{}", failure(&*panic), PLACE.take())),
        }
    }

    fn mutated(&mut self) -> Vec<u8> {
        let Fuzzer { corpus, random, target, .. } = self;
        let mut input = random.pick(corpus).cloned().unwrap_or_default();
        for _ in 0..=random.below(4) {
            mutate(&mut input, corpus, target.words, random);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }
}

/// Stops the watch over hanging inputs.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().ok();
    }
}

thread_local! {
    /// True while this thread tries an input: a panic is then a finding, not a message for the terminal.
    static TRYING: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of this thread's trial happened: ` at FILE:LINE`.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics of trials leave their place behind quietly.
///
/// The hook belongs to the whole process, so it is set once and asks the thread: searches run side by side in
/// the tests.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if TRYING.get() {
                let at =
                    panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
                PLACE.set(at);
            } else {
                others(panic);
            }
        }));
    });
}

/// Runs a target on one input.
pub(crate) fn run_one(target: &Target, input: &[u8]) -> Result<u64, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
}

/// Returns the words of a panic.
pub(crate) fn failure(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    words.unwrap_or("panicked without words").to_owned()
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(10) {
        0 => flip(input, at, 1 << random.below(8)),
        1 => flip(input, at, random.byte()),
        2 => input.insert(at, random.byte()),
        3 | 4 => splice(input, at, random.pick(words).map_or(&b""[..], |word| word.as_bytes())),
        5 => {
            input.drain(at..random.end(at, input.len()));
        }
        6 => {
            let piece = input[at..random.end(at, input.len())].to_vec();
            let to = random.below(input.len() + 1);
            splice(input, to, &piece);
        }
        7 => {
            let other = random.pick(corpus).cloned().unwrap_or_default();
            let from = random.below(other.len() + 1);
            splice(input, at, &other[from..random.end(from, other.len())]);
        }
        8 => input.truncate(at),
        _ => number(input, at, random),
    }
}

fn flip(input: &mut [u8], at: usize, bits: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= bits;
    }
}

fn splice(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

/// Replaces the digits at or after a place by a number near a border.
fn number(input: &mut Vec<u8>, at: usize, random: &mut Random) {
    const BORDERS: [&str; 9] =
        ["0", "-1", "00", "255", "65536", "4294967296", "9223372036854775807", "-9223372036854775808", "1e9"];
    let Some(start) = input[at..].iter().position(u8::is_ascii_digit).map(|skip| at + skip) else { return };
    let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let border = random.pick(&BORDERS).map_or(&b""[..], |border| border.as_bytes());
    input.splice(start..start + digits, border.iter().copied());
}

/// A small generator (SplitMix64): fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.next() & 0xFF) as u8
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }

    /// Returns an end for a piece that begins at `from`; most pieces are short.
    fn end(&mut self, from: usize, len: usize) -> usize {
        let longest = if self.below(8) == 0 { len - from } else { (len - from).min(16) };
        from + self.below(longest + 1)
    }
}

/// Digests bytes (FNV-1a), for names and traits.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails on `<4711>` alone, and tells how near an input is only by its trait.
    static PLANTED: Target = Target {
        name: "planted",
        words: &["<", ">"],
        run: |input| {
            let near = b"<4711>".iter().zip(input).take_while(|(want, have)| want == have).count();
            assert!(near < 6, "found it");
            near as u64
        },
    };

    fn search(seed: u64, inputs: u64) -> (Outcome, u64) {
        let folder =
            std::env::temp_dir().join(format!("suanpan-fuzz-{}-{seed}-{inputs}", std::process::id()));
        let mut fuzzer = Fuzzer::new(&PLANTED, vec![b"0".to_vec()], seed, &folder.join("last")).unwrap();
        let mut left = inputs;
        let outcome = fuzzer.run(|| {
            left -= 1;
            left > 0
        });
        std::fs::remove_dir_all(&folder).unwrap();
        (outcome, fuzzer.tried())
    }

    #[test]
    fn a_planted_failure_is_found_by_way_of_new_traits_and_again_with_the_same_seed() {
        let (outcome, tried) = search(1, 2_000_000);
        let Outcome::Failed { input, message } = outcome else { panic!("not found in {tried} inputs") };
        assert!(input.starts_with(b"<4711>"), "{input:?}");
        assert!(message.starts_with("found it at "), "{message}");
        assert_eq!(search(1, 2_000_000).1, tried);
    }

    #[test]
    fn without_a_failure_the_search_holds() {
        assert!(matches!(search(1, 10).0, Outcome::Held));
    }
}
