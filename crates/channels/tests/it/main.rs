//! The card simulator as its callers see it: through channel and wire.

mod card_sim;
