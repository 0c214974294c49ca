//! What goes wrong, by chance that comes again with its seed.

use std::time::Duration;

/// A million parts are certain.
const WHOLE: u64 = 1_000_000;

/// Faults by chance, in parts of a million of all requests. Which request has which fault follows from the seed, the
/// name of the request and how often it has come, not from the order in which requests come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// The seed.
    pub seed: u64,
    /// The request is lost.
    pub lost_before: u32,
    /// It is done, and the answer is lost.
    pub lost_after: u32,
    /// It is done, and the answer is garbled.
    pub garbled: u32,
    /// It is done, and answered twice; a call to a wallet, which has one answer, comes twice.
    pub twice: u32,
    /// It is done, and answered so late that nobody waits any more.
    pub late: u32,
    /// The connection ends instead of an answer: one time in two it is done.
    pub hang_up: u32,
    /// How long an answer takes on the average, in microseconds: most take less, some many times that.
    pub latency_micros: u32,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is lost.
    LostBefore,
    /// Its answer is lost.
    LostAfter,
    /// Its answer is garbled.
    Garbled,
    /// It is answered twice.
    Twice,
    /// It is answered late.
    Late,
    /// The connection ends; done or not before that.
    HangUp {
        /// Whether it is done.
        done: bool,
    },
}

/// How long a late answer takes: longer than anybody waits for one.
const LATE: Duration = Duration::from_secs(30);

impl Faults {
    /// Says what goes wrong with a request that came for so many times before, and how long its answer takes.
    #[must_use]
    pub fn draw(&self, name: &[u8], came_before: u32) -> (Fault, Duration) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(&came_before.to_le_bytes()).update(name);
        let hash = hasher.finalize();
        let part = |at: usize| {
            let bytes: [u8; 8] = hash.as_bytes()[at..at + 8].try_into().expect("eight bytes of 32");
            u64::from_le_bytes(bytes)
        };
        let mut left = part(0) % WHOLE;
        let table = [
            (self.lost_before, Fault::LostBefore),
            (self.lost_after, Fault::LostAfter),
            (self.garbled, Fault::Garbled),
            (self.twice, Fault::Twice),
            (self.late, Fault::Late),
            (self.hang_up, Fault::HangUp { done: part(8) % 2 == 0 }),
        ];
        let mut fault = Fault::None;
        for (parts, candidate) in table {
            if left < u64::from(parts) {
                fault = candidate;
                break;
            }
            left -= u64::from(parts);
        }
        let latency = if fault == Fault::Late { LATE } else { self.latency(part(16)) };
        (fault, latency)
    }

    /// Half of all answers take half the average, a quarter as long as that, an eighth twice as long, and so on: the
    /// long tail that real answers have, up to 256 times.
    fn latency(&self, chance: u64) -> Duration {
        let doublings = chance.trailing_ones().min(9);
        Duration::from_micros((u64::from(self.latency_micros) << doublings) / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_as_often_as_told_and_again_with_their_seed() {
        let faults = Faults { seed: 7, lost_before: 100_000, late: 50_000, ..Faults::default() };
        let draw = |number: u32| faults.draw(&number.to_le_bytes(), 0).0;
        let count = |wanted: Fault| (0..20_000).filter(|number| draw(*number) == wanted).count();
        assert!((1_800..2_200).contains(&count(Fault::LostBefore)), "{}", count(Fault::LostBefore));
        assert!((850..1_150).contains(&count(Fault::Late)), "{}", count(Fault::Late));
        assert_eq!(count(Fault::Garbled), 0);
        assert_eq!(faults.draw(b"a", 3), faults.draw(b"a", 3));
        let other = Faults { seed: 8, ..faults };
        assert!((0..1_000_u32).any(|number| other.draw(&number.to_le_bytes(), 0).0 != draw(number)));
    }

    #[test]
    fn most_answers_take_less_than_the_average_and_some_much_more() {
        let faults = Faults { latency_micros: 1_000, ..Faults::default() };
        let mut took: Vec<u128> =
            (0..10_000_u32).map(|number| faults.draw(&number.to_le_bytes(), 0).1.as_micros()).collect();
        took.sort_unstable();
        assert_eq!((took[0], took[4_000]), (250, 250));
        assert!(took[9_990] > 16_000 && took[9_999] <= 128_000);
    }
}
