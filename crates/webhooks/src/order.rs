//! Which deliveries may be attempted now. Pure.
//!
//! The deliveries of one endpoint are attempted one after the other, in the order of their events, until one
//! fails. Those behind it then wait, through its first retries: a receiver that restarts gets everything in
//! order. After [`ORDERED_ATTEMPTS`] the failed one steps aside, so that an
//! event which its receiver cannot bear does not hold up all later ones.
//!
//! Endpoints do not wait for one another, and those that fail get only a part of all lanes.

use crate::limits::ORDERED_ATTEMPTS;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_money::Timestamp;

/// A delivery that is neither done nor given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The delivery.
    pub id: String,
    /// The endpoint.
    pub endpoint: String,
    /// The place of the event among all events: larger is later.
    pub sequence: u64,
    /// Attempts made so far.
    pub attempts: u32,
    /// When the next attempt is due.
    pub due: Timestamp,
}

impl Waiting {
    /// Says whether later deliveries of the endpoint wait for this one.
    #[must_use]
    pub fn holds_others(&self) -> bool {
        self.attempts < ORDERED_ATTEMPTS
    }
}

/// What a worker has room for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Now.
    pub now: Timestamp,
    /// Endpoints that may be served at once.
    pub lanes: usize,
    /// Of these, endpoints whose first delivery has failed before.
    pub retry_lanes: usize,
    /// Deliveries of one endpoint.
    pub of_endpoint: usize,
    /// Endpoints that are being served already.
    pub busy: &'a BTreeSet<String>,
}

/// Chooses what may be attempted: deliveries of one endpoint stand together, in the order of their attempts.
///
/// `waiting` comes by ascending sequence; it has to include, for each endpoint that is not busy, at least what
/// is first and what is due.
#[must_use]
pub fn ready<'w>(waiting: impl IntoIterator<Item = &'w Waiting>, ask: &Ask<'_>) -> Vec<&'w Waiting> {
    let mut endpoints: BTreeMap<&str, Lane<'w>> = BTreeMap::new();
    for delivery in waiting {
        if !ask.busy.contains(&delivery.endpoint) {
            endpoints.entry(&delivery.endpoint).or_default().add(delivery, ask);
        }
    }
    let mut lanes: Vec<Vec<&Waiting>> =
        endpoints.into_values().map(|lane| lane.chosen).filter(|chosen| !chosen.is_empty()).collect();
    // Who has waited longest comes first; then by sequence, so that equal times have an order.
    lanes.sort_by_key(|lane| (lane[0].due, lane[0].sequence));
    let (mut left, mut retries_left) = (ask.lanes, ask.retry_lanes);
    lanes.retain(|lane| {
        let retry = lane[0].attempts > 0;
        let takes = left > 0 && (!retry || retries_left > 0);
        if takes {
            left -= 1;
            retries_left -= usize::from(retry);
        }
        takes
    });
    lanes.concat()
}

#[derive(Default)]
struct Lane<'w> {
    chosen: Vec<&'w Waiting>,
    held: bool,
}

impl<'w> Lane<'w> {
    fn add(&mut self, delivery: &'w Waiting, ask: &Ask<'_>) {
        let due = delivery.due <= ask.now;
        if delivery.holds_others() {
            if due && !self.held && self.chosen.len() < ask.of_endpoint {
                self.chosen.push(delivery);
            } else {
                self.held = true;
            }
        } else if due && self.chosen.len() < ask.of_endpoint {
            self.chosen.push(delivery);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    /// `endpoint sequence attempts due`, for instance `a 1 0 990`.
    fn waiting(text: &str) -> Vec<Waiting> {
        let line = |line: &str| {
            let [endpoint, sequence, attempts, due] =
                line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
            Waiting {
                id: format!("{endpoint}{sequence}"),
                endpoint: endpoint.to_owned(),
                sequence: sequence.parse().unwrap(),
                attempts: attempts.parse().unwrap(),
                due: Timestamp::from_seconds(due.parse().unwrap()),
            }
        };
        text.split(',').map(line).collect()
    }

    fn chosen(text: &str, lanes: usize, retry_lanes: usize, busy: &[&str]) -> String {
        let busy = busy.iter().map(|name| (*name).to_owned()).collect();
        let ask = Ask { now: NOW, lanes, retry_lanes, of_endpoint: 3, busy: &busy };
        let waiting = waiting(text);
        ready(&waiting, &ask).iter().map(|delivery| delivery.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn events_of_an_endpoint_wait_for_one_another_and_not_for_those_of_others() {
        for (text, expected) in [
            ("a 1 0 990, a 2 0 991, b 3 0 980", "b3 a1 a2"),
            // Not yet due, in its first retries: what follows waits.
            ("a 1 1 1005, a 2 0 991, b 3 0 992", "b3"),
            ("a 1 3 1005, a 2 0 991", ""),
            // It steps aside, and takes its turn again when it is due.
            ("a 1 4 1005, a 2 0 991", "a2"),
            ("a 1 4 995, a 2 0 991, a 3 0 992", "a1 a2 a3"),
            // A late one behind one that holds is not held.
            ("a 1 1 1005, a 2 7 991, a 3 0 991", "a2"),
            // No more than three of an endpoint, and nothing skipped.
            ("a 1 0 990, a 2 0 990, a 3 0 990, a 4 0 990", "a1 a2 a3"),
            ("a 1 0 1000, b 2 0 1001", "a1"),
        ] {
            assert_eq!(chosen(text, 10, 10, &[]), expected, "{text}");
        }
    }

    #[test]
    fn lanes_are_bounded_and_those_that_fail_get_a_part_of_them() {
        let text = "a 1 2 900, b 2 2 901, c 3 2 902, d 4 0 990, e 5 0 991";
        assert_eq!(chosen(text, 10, 10, &[]), "a1 b2 c3 d4 e5");
        assert_eq!(chosen(text, 10, 1, &[]), "a1 d4 e5");
        assert_eq!(chosen(text, 2, 1, &[]), "a1 d4");
        assert_eq!(chosen(text, 10, 0, &[]), "d4 e5");
        assert_eq!(chosen(text, 0, 0, &[]), "");
        assert_eq!(chosen(text, 10, 10, &["a", "d"]), "b2 c3 e5");
    }

    proptest! {
        #[test]
        fn nothing_is_attempted_before_its_time_or_before_what_it_waits_for(
            rows in proptest::collection::vec((0_u8..4, 0_u32..7, 980_i64..1020), 0..40),
            lanes in 0_usize..5,
        ) {
            let waiting: Vec<Waiting> = rows.iter().enumerate().map(|(place, (endpoint, attempts, due))| Waiting {
                id: place.to_string(),
                endpoint: endpoint.to_string(),
                sequence: place as u64,
                attempts: *attempts,
                due: Timestamp::from_seconds(*due),
            }).collect();
            let busy = BTreeSet::from(["3".to_owned()]);
            let ask = Ask { now: NOW, lanes, retry_lanes: lanes, of_endpoint: 4, busy: &busy };
            let ready = ready(&waiting, &ask);
            let endpoints: BTreeSet<&str> = ready.iter().map(|delivery| delivery.endpoint.as_str()).collect();
            prop_assert!(endpoints.len() <= lanes);
            for (place, delivery) in ready.iter().enumerate() {
                prop_assert!(delivery.due <= NOW && delivery.endpoint != "3");
                let before = |other: &&Waiting| other.endpoint == delivery.endpoint && other.sequence < delivery.sequence;
                let unserved = waiting.iter().filter(before).filter(|other| other.holds_others())
                    .any(|other| !ready[..place].iter().any(|done| done.id == other.id));
                prop_assert!(!(delivery.holds_others() && unserved), "{delivery:?}");
            }
        }
    }
}
