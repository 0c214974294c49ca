//! One module a command.

pub(crate) mod about;
pub(crate) mod demo;
pub(crate) mod events;
pub(crate) mod formats;
pub(crate) mod generate;
pub(crate) mod listen;
pub(crate) mod reconcile;
pub(crate) mod sketch;
pub(crate) mod trigger;
