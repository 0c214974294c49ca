//! The readers against real files, and against the golden files of this crate.

mod adyen;
mod golden;
mod kit;
mod paypal;
mod stripe;
