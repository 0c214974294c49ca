//! Which units of a quoted file start inside quotes.
//!
//! Whether a byte is inside quotes follows from how many quotes stand before it, odd or even. So
//! each worker counts the quotes of the unit that it took, which costs next to nothing, notes the
//! answer here, and waits for the answers of the units before. Those were taken earlier, and their
//! workers count before they do anything else, so the wait is short. Nothing is guessed: a unit
//! starts exactly where a reading from the beginning would have come to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How often a waiting worker looks whether another failed.
const LOOK: Duration = Duration::from_millis(20);

/// What is known of the quotes of a file's units.
#[derive(Debug)]
pub(crate) struct QuoteStates {
    known: Mutex<Known>,
    moved: Condvar,
}

#[derive(Debug)]
struct Known {
    /// For each unit whether its number of quotes is odd.
    odd: Vec<Option<bool>>,
    /// For each unit up to the first unknown one whether it starts inside quotes.
    inside: Vec<bool>,
}

impl QuoteStates {
    pub(crate) fn new(units: usize) -> QuoteStates {
        // The first unit begins the file, outside quotes.
        QuoteStates {
            known: Mutex::new(Known { odd: vec![None; units], inside: vec![false] }),
            moved: Condvar::new(),
        }
    }

    /// Returns whether a unit has an odd number of quotes, as far as that is known.
    pub(crate) fn odd(&self, unit: u32) -> Option<bool> {
        let known = self.known.lock().expect("no thread panicked");
        known.odd.get(unit as usize).copied().flatten()
    }

    /// Notes whether a unit has an odd number of quotes.
    pub(crate) fn note(&self, unit: u32, odd: bool) {
        let mut known = self.known.lock().expect("no thread panicked");
        let known = &mut *known;
        if let Some(own) = known.odd.get_mut(unit as usize) {
            *own = Some(odd);
        }
        while let Some(Some(odd)) = known.odd.get(known.inside.len() - 1) {
            let inside = known.inside.last().copied().unwrap_or(false);
            known.inside.push(inside ^ odd);
        }
        self.moved.notify_all();
    }

    /// Waits until it is known whether a unit starts inside quotes. `None` when `give_up` was set,
    /// because a worker failed that would have told.
    pub(crate) fn starts_inside(&self, unit: u32, give_up: &AtomicBool) -> Option<bool> {
        let mut known = self.known.lock().expect("no thread panicked");
        loop {
            if let Some(inside) = known.inside.get(unit as usize) {
                return Some(*inside);
            }
            if give_up.load(Ordering::Relaxed) {
                return None;
            }
            known = self.moved.wait_timeout(known, LOOK).expect("no thread panicked").0;
        }
    }
}

/// Finds the first line feed of `text[from..to]` that is outside quotes, and otherwise says whether
/// the text ends inside them.
pub(crate) fn line_end(
    text: &[u8],
    from: usize,
    to: usize,
    quote: u8,
    starts_inside: bool,
) -> Result<usize, bool> {
    let mut inside = starts_inside;
    let mut at = from;
    while at < to {
        let rest = &text[at..to];
        let found = if inside { memchr::memchr(quote, rest) } else { memchr::memchr2(quote, b'\n', rest) };
        match found {
            None => break,
            Some(step) if text[at + step] == quote => {
                inside = !inside;
                at += step + 1;
            }
            Some(step) => return Ok(at + step),
        }
    }
    Err(inside)
}

/// Says whether a text has an odd number of quotes.
pub(crate) fn odd_quotes(text: &[u8], quote: u8) -> bool {
    memchr::memchr_iter(quote, text).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn units_start_as_a_reading_from_the_beginning_would_find_them(
            text in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'\n'), Just(b'x')], 1..200),
            unit in 1_usize..20, order in any::<u64>(),
        ) {
            let units: Vec<&[u8]> = text.chunks(unit).collect();
            let states = QuoteStates::new(units.len());
            // In any order of arrival.
            let mut arrival: Vec<usize> = (0..units.len()).collect();
            arrival.sort_by_key(|n| (*n as u64 + 1).wrapping_mul(order | 1));
            for n in arrival {
                prop_assert_eq!(states.odd(n as u32), None);
                states.note(n as u32, odd_quotes(units[n], b'"'));
            }
            for n in 0..units.len() {
                let before = text[..n * unit].iter().filter(|b| **b == b'"').count();
                let never = AtomicBool::new(false);
                prop_assert_eq!(states.starts_inside(n as u32, &never), Some(before % 2 == 1));
            }
        }

        #[test]
        fn line_ends_are_those_outside_quotes(
            text in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'\n'), Just(b'x')], 0..60),
            from in 0_usize..60, starts_inside in any::<bool>(),
        ) {
            let from = from.min(text.len());
            let mut inside = starts_inside;
            let mut want = None;
            for (at, byte) in text.iter().enumerate().skip(from) {
                inside ^= *byte == b'"';
                if *byte == b'\n' && !inside && want.is_none() {
                    want = Some(at);
                }
            }
            prop_assert_eq!(line_end(&text, from, text.len(), b'"', starts_inside), want.ok_or(inside));
        }
    }

    #[test]
    fn a_wait_ends_when_another_failed_or_told() {
        let (states, failed) = (QuoteStates::new(3), AtomicBool::new(false));
        let never_told = QuoteStates::new(3);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| states.starts_inside(2, &failed));
            states.note(1, true);
            assert!(!waiting.is_finished(), "unit 0 is not known yet");
            states.note(0, false);
            assert_eq!(waiting.join().unwrap(), Some(true));
            let waiting = scope.spawn(|| never_told.starts_inside(2, &failed));
            failed.store(true, Ordering::Relaxed);
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
