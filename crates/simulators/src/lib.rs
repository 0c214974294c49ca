//! Simulators of what lies outside, each speaking the real protocol on a real socket: [`card_network`],
//! [`alipay`], [`wechat`], [`clearing`]. [`card`] is a card with a chip, for terminals.
//!
//! None of them is a bank. Each keeps its own truth, enforces its own rules, and can be told to lose, garble, repeat and
//! delay ([`suanpan_channels::faults`]), all of it by a seed, so that the books can be compared with the truth afterwards.

pub mod alipay;
mod arrivals;
pub mod card;
pub mod card_network;
pub mod clearing;
pub mod wallet;
pub mod wechat;
