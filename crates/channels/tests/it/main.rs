//! Channels as their callers see them: through channel and wire, or message by message.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alipay;
mod card_network;
mod card_sim;
mod chip;
mod clearing;
mod wechat;
