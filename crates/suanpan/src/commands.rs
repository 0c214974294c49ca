//! One module a command.

pub(crate) mod about;
pub(crate) mod backup;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod formats;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod listen;
pub(crate) mod reconcile;
pub(crate) mod routing;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod sketch;
pub(crate) mod status;
pub(crate) mod terminal;
pub(crate) mod trigger;
