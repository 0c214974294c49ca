//! Attempts and the worker against receivers that stand on this machine and misbehave.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attempts;
mod memory;
mod receiver;
mod tls;
mod work;
