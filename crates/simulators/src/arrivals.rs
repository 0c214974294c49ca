//! How often each message has come, on which its faults depend.

use std::collections::HashMap;

/// Messages that are remembered; beyond that counting begins anew. Each takes some 200 bytes.
const REMEMBERED: usize = 5_000_000;

/// Counts messages by their names.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(HashMap<Vec<u8>, u32>);

impl Arrivals {
    /// Counts a message that came, whatever becomes of it, and says how often it had come before.
    pub(crate) fn count(&mut self, name: Vec<u8>) -> u32 {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        let count = self.0.entry(name).or_default();
        *count += 1;
        *count - 1
    }
}
