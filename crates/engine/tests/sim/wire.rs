//! A wire to the host that loses, repeats, delays and garbles.

use super::numbers::Numbers;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use suanpan_channels::card_sim::Host;
use suanpan_channels::{Exchange, Lost, Wire};

pub(crate) struct BadWire {
    host: Arc<Host>,
    state: Mutex<State>,
}

struct State {
    numbers: Numbers,
    bad: bool,
    /// Requests that will arrive yet, although nobody waits for them any more.
    late: Vec<Vec<u8>>,
}

impl BadWire {
    pub(crate) fn new(host: Arc<Host>, numbers: Numbers) -> BadWire {
        BadWire { host, state: Mutex::new(State { numbers, bad: true, late: Vec::new() }) }
    }

    /// Lets a late request arrive, where there is one.
    pub(crate) fn deliver_late(&self) -> bool {
        let late = {
            let mut state = self.state.lock().expect("one thread");
            let State { numbers, late, .. } = &mut *state;
            (!late.is_empty()).then(|| late.swap_remove(numbers.place(late.len())))
        };
        late.map(|request| self.host.exchange(&request)).is_some()
    }

    pub(crate) fn repair(&self) {
        self.state.lock().expect("one thread").bad = false;
        while self.deliver_late() {}
    }
}

impl Wire for BadWire {
    fn exchange(&self, request: &[u8]) -> Exchange {
        let lost = |lost| Exchange { answer: Err(lost), latency: Duration::ZERO };
        let dice = {
            let mut state = self.state.lock().expect("one thread");
            let dice = if state.bad { state.numbers.below(100) } else { 100 };
            if matches!(dice, 8..18) {
                state.late.push(request.to_vec());
            }
            dice
        };
        match dice {
            // It never arrives.
            0..8 => lost(Lost::Connection),
            // It arrives when nobody waits any more.
            8..14 => lost(Lost::TimeOut),
            // It arrives now and once more later.
            14..18 => self.host.exchange(request),
            // It arrives, and the answer is lost.
            18..28 => {
                let _ = self.host.exchange(request);
                lost(Lost::TimeOut)
            }
            28..32 => {
                let exchange = self.host.exchange(request);
                let garbled = exchange.answer.map(|bytes| bytes[..bytes.len() / 2].to_vec());
                Exchange { answer: garbled, ..exchange }
            }
            32..36 => {
                let _ = self.host.exchange(request);
                self.host.exchange(request)
            }
            _ => self.host.exchange(request),
        }
    }
}
