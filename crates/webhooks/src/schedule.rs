//! When a delivery is tried again, and when no more.
//!
//! The waits grow from seconds, for a receiver that restarts, to half a day, for one that nobody looks at over
//! a weekend. Together they are at least 72 hours whatever the jitter and the receiver say.

use crate::limits::GIVE_UP_SECONDS;
use suanpan_money::Timestamp;

/// Seconds from the end of each failed attempt to the next one, before jitter.
pub const WAITS_SECONDS: [u32; 14] =
    [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 43_200, 43_200, 43_200, 43_200];

/// Attempts of one delivery in all: the first, and one after each wait.
#[expect(clippy::cast_possible_truncation, reason = "a table of fourteen")]
pub const ATTEMPTS: u32 = WAITS_SECONDS.len() as u32 + 1;

/// The longest wait that a receiver may ask for. Who asks for more gets this.
pub const RETRY_AFTER_SECONDS_MAX: u64 = 12 * 3_600;

/// Jitter lengthens a wait by up to this part of it, so that what failed together does not come back together.
const JITTER_PARTS: u64 = 5;

/// What came of an attempt, as far as the schedule is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// The receiver answered with this status, and perhaps said after how many seconds to come back.
    Status {
        /// The status of HTTP.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after: Option<u64>,
    },
    /// There was no answer.
    Failed,
}

/// What is to be done with a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The receiver has it.
    Delivered,
    /// Try again at this time, not before.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// All attempts are used up. It can still be sent by hand.
    Exhausted,
    /// The receiver says that it is gone (410): disable the endpoint, and give up what waits for it.
    Disable,
}

impl Next {
    /// Returns the stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Next::Delivered => "delivered",
            Next::Retry { .. } => "retry",
            Next::Exhausted => "exhausted",
            Next::Disable => "disable",
        }
    }
}

/// Decides what follows an attempt: `attempt` counts from 1, `since` is when the event was made, `ended` when the
/// attempt ended, `jitter` any random number.
///
/// After [`GIVE_UP_SECONDS`] of the event a failure is the last one, whatever its number: an event that waited behind
/// others for days is not tried for days more.
///
/// Redirects are failures like any other status: whoever can answer for a receiver must not be able to send its
/// events elsewhere.
#[must_use]
pub fn after(attempt: u32, (since, ended): (Timestamp, Timestamp), result: Result, jitter: u64) -> Next {
    let retry_after = match result {
        Result::Status { status: 200..=299, .. } => return Next::Delivered,
        Result::Status { status: 410, .. } => return Next::Disable,
        Result::Status { retry_after, .. } => retry_after.unwrap_or(0).min(RETRY_AFTER_SECONDS_MAX),
        Result::Failed => 0,
    };
    if ended.micros().saturating_sub(since.micros()) >= GIVE_UP_SECONDS * 1_000_000 {
        return Next::Exhausted;
    }
    let place = usize::try_from(attempt.max(1) - 1).unwrap_or(usize::MAX);
    let Some(&wait) = WAITS_SECONDS.get(place) else { return Next::Exhausted };
    // In microseconds: with whole seconds the first waits would have next to no jitter. Never sooner than the
    // table says, however soon the receiver wants it: the attempts have to last for the 72 hours.
    let wait = u64::from(wait).max(retry_after) * 1_000_000;
    let jittered = wait + jitter % (wait / JITTER_PARTS + 1);
    let at = ended.micros().saturating_add(i64::try_from(jittered).unwrap_or(i64::MAX));
    Next::Retry { at: Timestamp::from_micros(at) }
}

/// Reads `Retry-After` in its form of seconds. The other form, a date, is passed over: it needs the receiver's
/// clock to be right.
#[must_use]
pub fn retry_after(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = !value.is_empty() && value.len() <= 18 && value.bytes().all(|byte| byte.is_ascii_digit());
    if digits { value.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
    const DOWN: Result = Result::Status { status: 500, retry_after: None };

    /// Follows a delivery whose attempts all end alike; returns when each was made.
    fn times(result: Result, jitter: u64) -> Vec<Timestamp> {
        let (mut times, mut now) = (vec![START], START);
        loop {
            match after(u32::try_from(times.len()).unwrap(), (START, now), result, jitter) {
                Next::Retry { at } => {
                    now = at;
                    times.push(at);
                }
                Next::Exhausted => return times,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_receiver_that_is_down_is_tried_for_three_days_and_not_for_four() {
        let without = times(DOWN, 0);
        assert_eq!(without.len(), ATTEMPTS as usize);
        let seconds: Vec<i64> = without.iter().map(|at| at.seconds() - START.seconds()).collect();
        assert_eq!(
            seconds,
            [
                0, 5, 35, 155, 755, 2_555, 6_155, 13_355, 27_755, 56_555, 99_755, 142_955, 186_155, 229_355,
                272_555
            ]
        );
        assert_eq!(times(Result::Failed, 0), without);
        for jitter in [0, 1, 999_999, 7_777_777_777, u64::MAX] {
            let last = times(DOWN, jitter).pop().unwrap().seconds() - START.seconds();
            assert!((72 * 3_600..96 * 3_600).contains(&last), "{jitter}: {last}");
        }
    }

    #[test]
    fn the_days_count_from_the_event_and_not_from_its_first_attempt() {
        let at = |seconds| Timestamp::from_seconds(START.seconds() + seconds);
        let next = |attempt, result, seconds| after(attempt, (START, at(seconds)), result, 0).code();
        assert_eq!(next(1, DOWN, GIVE_UP_SECONDS - 1), "retry");
        assert_eq!(next(1, DOWN, GIVE_UP_SECONDS), "exhausted");
        assert_eq!(next(9, Result::Failed, 30 * 86_400), "exhausted");
        let fine = Result::Status { status: 200, retry_after: None };
        assert_eq!(next(1, fine, 30 * 86_400), "delivered");
    }

    #[test]
    fn every_status_has_its_consequence() {
        let next = |status| after(1, (START, START), Result::Status { status, retry_after: None }, 0);
        for status in 100..1_000 {
            let expected = match status {
                200..=299 => "delivered",
                410 => "disable",
                _ => "retry",
            };
            assert_eq!(next(status).code(), expected, "{status}");
        }
        assert_eq!(after(ATTEMPTS, (START, START), DOWN, 0), Next::Exhausted);
        assert_eq!(after(u32::MAX, (START, START), DOWN, 0), Next::Exhausted);
        assert_eq!(after(0, (START, START), DOWN, 0), after(1, (START, START), DOWN, 0));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_less_nor_for_ever() {
        let wait =
            |retry_after| match after(2, (START, START), Result::Status { status: 503, retry_after }, 0) {
                Next::Retry { at } => at.seconds() - START.seconds(),
                other => panic!("{other:?}"),
            };
        assert_eq!(wait(None), 30);
        assert_eq!(wait(Some(1)), 30);
        assert_eq!(wait(Some(31)), 31);
        assert_eq!(wait(Some(u64::MAX)), 43_200);
        for (text, seconds) in [("120", Some(120)), (" 7 ", Some(7)), ("0", Some(0))] {
            assert_eq!(retry_after(text), seconds, "{text}");
        }
        for text in ["", "-1", "1.5", "+5", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(retry_after(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_the_table_nor_a_fifth_longer(
            attempt in 1_u32..ATTEMPTS, jitter: u64, micros in 0_i64..4_000_000_000_000_000
        ) {
            let ended = Timestamp::from_micros(micros);
            let Next::Retry { at } = after(attempt, (ended, ended), DOWN, jitter) else { panic!("no retry") };
            let least = i64::from(WAITS_SECONDS[attempt as usize - 1]) * 1_000_000;
            let wait = at.micros() - micros;
            prop_assert!(least <= wait && wait <= least + least / 5, "{wait}");
        }
    }
}
