//! Work on many batches by several threads, with the results handed on in order.

use super::ReportError;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets `threads` threads work on batches: `fill` makes the next one (or says that there is none),
/// `work` turns it into a result, and `take` gets the results in the order of the batches.
///
/// Batches and results are used again, so a run holds at most a batch and a result for each thread and one result more.
///
/// # Errors
/// The first error of any of the three; the threads then stop.
pub(super) fn in_order<B: Send, R: Send>(
    threads: usize,
    new_batch: impl Fn() -> B + Sync,
    new_result: impl Fn() -> R + Sync,
    fill: impl FnMut(&mut B) -> Result<bool, ReportError> + Send,
    work: impl Fn(&B, &mut R) -> Result<(), ReportError> + Sync,
    take: impl FnMut(&mut R) -> Result<(), ReportError> + Send,
) -> Result<(), ReportError> {
    let line = Line {
        source: Mutex::new((0, fill)),
        state: Mutex::new(State {
            next: 0,
            waiting: BTreeMap::new(),
            spare: Vec::new(),
            taking: false,
            failed: false,
        }),
        moved: Condvar::new(),
        ahead_max: threads + 1,
        take: Mutex::new(take),
    };
    if threads <= 1 {
        return line.run(new_batch, new_result, work);
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| line.run(&new_batch, &new_result, &work))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .fold(Ok(()), Result::and)
    })
}

struct Line<F, T, R> {
    /// The number of the next batch, and what makes it.
    source: Mutex<(usize, F)>,
    state: Mutex<State<R>>,
    /// A result was taken, or somebody failed.
    moved: Condvar,
    /// How many batches may be under way.
    ahead_max: usize,
    take: Mutex<T>,
}

struct State<R> {
    /// The number of the next result to be taken.
    next: usize,
    waiting: BTreeMap<usize, R>,
    spare: Vec<R>,
    /// One thread at a time takes results; the others go on working.
    taking: bool,
    failed: bool,
}

impl<F, T, R> Line<F, T, R>
where
    T: FnMut(&mut R) -> Result<(), ReportError>,
{
    fn run<B>(
        &self,
        new_batch: impl Fn() -> B,
        new_result: impl Fn() -> R,
        work: impl Fn(&B, &mut R) -> Result<(), ReportError>,
    ) -> Result<(), ReportError>
    where
        F: FnMut(&mut B) -> Result<bool, ReportError>,
    {
        // Whatever ends this thread early must not leave the others waiting.
        let mut watch = StopOthers { line: self, done: false };
        let mut batch = new_batch();
        while let Some(number) = self.next_batch(&mut batch)? {
            let mut result = lock(&self.state).spare.pop().unwrap_or_else(&new_result);
            work(&batch, &mut result)?;
            self.hand_on(number, result)?;
        }
        watch.done = true;
        Ok(())
    }

    fn next_batch<B>(&self, batch: &mut B) -> Result<Option<usize>, ReportError>
    where
        F: FnMut(&mut B) -> Result<bool, ReportError>,
    {
        let mut source = lock(&self.source);
        let (number, fill) = &mut *source;
        let ahead = |state: &mut State<R>| !state.failed && *number >= state.next + self.ahead_max;
        let state = self.moved.wait_while(lock(&self.state), ahead).unwrap_or_else(PoisonError::into_inner);
        if state.failed {
            return Ok(None);
        }
        drop(state);
        if !fill(batch)? {
            return Ok(None);
        }
        *number += 1;
        Ok(Some(*number - 1))
    }

    /// Puts a result in line, and takes all whose turn it is unless another thread is at it.
    fn hand_on(&self, number: usize, result: R) -> Result<(), ReportError> {
        let mut state = lock(&self.state);
        state.waiting.insert(number, result);
        if state.taking {
            return Ok(());
        }
        state.taking = true;
        while let Some(mut result) = {
            let next = state.next;
            state.waiting.remove(&next)
        } {
            drop(state);
            lock(&self.take)(&mut result)?;
            state = lock(&self.state);
            state.next += 1;
            state.spare.push(result);
            self.moved.notify_all();
        }
        state.taking = false;
        Ok(())
    }
}

struct StopOthers<'a, F, T, R> {
    line: &'a Line<F, T, R>,
    done: bool,
}

impl<F, T, R> Drop for StopOthers<'_, F, T, R> {
    fn drop(&mut self) {
        if !self.done {
            lock(&self.line.state).failed = true;
            self.line.moved.notify_all();
        }
    }
}

fn lock<X>(mutex: &Mutex<X>) -> MutexGuard<'_, X> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn squares(threads: usize, count: u64, fail_at: Option<u64>) -> (Vec<u64>, bool) {
        let mut taken = Vec::new();
        let mut next = 0;
        let done = in_order(
            threads,
            || 0_u64,
            || 0_u64,
            |batch| {
                *batch = next;
                next += 1;
                Ok(*batch < count)
            },
            |batch, result| {
                // Some take longer than those after them.
                std::thread::sleep(Duration::from_micros(batch % 7 * 50));
                *result = batch * batch;
                let dir = std::path::PathBuf::new();
                let error = || ReportError::Spill { dir, source: std::io::Error::other("planted") };
                if fail_at == Some(*batch) { Err(error()) } else { Ok(()) }
            },
            |result| {
                taken.push(*result);
                Ok(())
            },
        );
        (taken, done.is_ok())
    }

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [0, 1, 2, 5] {
            assert_eq!(squares(threads, 100, None), ((0..100).map(|n| n * n).collect(), true));
        }
    }

    #[test]
    fn a_failure_ends_all_threads_and_nothing_after_it_is_taken() {
        for threads in [1, 2, 5] {
            let (taken, ok) = squares(threads, 1000, Some(40));
            assert!(!ok);
            assert!(taken.len() <= 40 && taken.iter().zip(0_u64..).all(|(square, n)| *square == n * n));
        }
    }

    #[test]
    #[should_panic(expected = "planted")]
    fn a_panic_of_one_thread_does_not_leave_the_others_waiting() {
        let panics = |batch: &u64, _: &mut ()| if *batch == 3 { panic!("planted") } else { Ok(()) };
        let mut next = 0;
        let fill = |batch: &mut u64| {
            next += 1;
            *batch = next;
            Ok(true)
        };
        in_order(3, || 0_u64, || (), fill, panics, |()| Ok(())).unwrap();
    }
}
