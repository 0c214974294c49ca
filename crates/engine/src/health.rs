//! How channels do, as this process has seen it: kept in memory only. A process that begins knows nothing bad of anybody,
//! and learns within some requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use suanpan_money::Timestamp;
use suanpan_payments::routing::health::{Circuit, Health, Heard, Standing, Standings};

/// The health of all channels.
#[derive(Default)]
pub(crate) struct Healths {
    channels: Mutex<BTreeMap<String, Health>>,
}

impl Healths {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Health>> {
        // What one note leaves half done is a wrong guess at most.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what came of a request.
    pub(crate) fn note(&self, channel: &str, heard: Heard, now: Timestamp) {
        let mut channels = self.lock();
        if !channels.contains_key(channel) {
            channels.insert(channel.to_owned(), Health::default());
        }
        let Some(health) = channels.get_mut(channel) else { return };
        if !health.note(heard, now) {
            return;
        }
        let circuit = health.circuit(now);
        drop(channels);
        let name = channel.to_owned();
        metrics::counter!("suanpan_channel_circuits_total", "channel" => name, "to" => circuit.word())
            .increment(1);
        match circuit {
            Circuit::Open => {
                tracing::warn!(channel, "the channel mostly does not answer; it gets no new payments")
            }
            Circuit::Trial | Circuit::Closed => tracing::info!(channel, "the channel answers again"),
        }
    }

    /// Notes that a payment goes to a channel; where its circuit was open, it is the one by which is seen whether the
    /// channel answers again.
    pub(crate) fn sent(&self, channel: &str, now: Timestamp) {
        if let Some(health) = self.lock().get_mut(channel) {
            health.tried(now);
        }
    }

    /// Returns how all channels stand.
    pub(crate) fn standings(&self, now: Timestamp) -> Standings {
        let standing = |(name, health): (&String, &Health)| {
            let (circuit, success_ppm) = (health.circuit(now), health.success_ppm());
            (name.clone(), Standing { circuit, success_ppm, taken: BTreeMap::new() })
        };
        Standings(self.lock().iter().map(standing).collect())
    }
}
