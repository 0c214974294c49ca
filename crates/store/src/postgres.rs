//! Cells in PostgreSQL.
//!
//! What this module is careful about: a COMMIT is never cancelled and has no timeout; a warning on it means
//! that it was not replicated as it should be, and then its end is not known; after an unknown end the next
//! thing done is a commit that waits for everything before it.

mod connect;
mod session;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use connect::without_password;

use crate::error::StoreError;
use crate::history::Runs;
use crate::migrations::Schema;
use crate::pool::{Lent, Pool};
use crate::read::Reader;
use crate::seam::{History, Read, Store};
use crate::source::{Engine, Sink, Source, Work};
use crate::writer::Writer;
#[cfg(test)]
pub(crate) use connect::PLANS;
use connect::{Address, Runner, Wire, migrate};
use session::within;
use std::sync::{Arc, Mutex, PoisonError};

/// A database of a cell on a server.
#[derive(Debug)]
pub(crate) struct Server {
    address: Arc<Address>,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn open(address: &str) -> Result<Server, StoreError> {
        let address = Arc::new(Address::parse(address)?);
        let shared = Arc::new(Shared {
            runner: Runner::shared(&address)?,
            address: Arc::clone(&address),
            idle: Pool::default(),
        });
        migrate(&address, &shared.runner, Schema::Cell)?;
        Ok(Server { address, shared })
    }

    pub(crate) fn place(&self) -> &str {
        &self.address.place
    }

    pub(crate) fn writer(&self) -> Result<Box<dyn Store>, StoreError> {
        let ledger = Own {
            runner: Runner::own(&self.address)?,
            address: Arc::clone(&self.address),
            state: Mutex::default(),
        };
        ledger.with(|_, _| Ok(()))?;
        Ok(Box::new(Writer { ledger, at: self.address.place.clone() }))
    }

    pub(crate) fn reader(&self) -> Arc<dyn Read> {
        Arc::new(Reader(Arc::clone(&self.shared)))
    }

    pub(crate) fn history(&self) -> Result<Arc<dyn History>, StoreError> {
        migrate(&self.address, &self.shared.runner, Schema::History)?;
        let at = self.address.place.clone();
        let writes: Arc<dyn Sink> = self.shared.clone();
        Ok(Arc::new(Runs { reads: self.shared.clone(), writes, at }))
    }
}

/// Connections that many threads share.
#[derive(Debug)]
struct Shared {
    address: Arc<Address>,
    runner: Runner,
    idle: Pool<Wire>,
}

impl Shared {
    fn lend(
        &self,
        work: impl FnOnce(&Runner, &mut Wire) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let make = || self.runner.wait(Wire::connect(&self.address, false));
        let mut lent: Lent<'_, Wire> = self.idle.take(make)?;
        if lent.client.is_closed() {
            *lent = make()?;
        }
        let done = work(&self.runner, &mut lent);
        if done.is_ok() {
            lent.keep();
        }
        done
    }
}

impl Source for Shared {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.lend(|runner, wire| {
            within((&self.address.place, runner), wire, session::ONE_STATE, work)
                .map_err(|failed| failed.error)
        })
    }

    fn peek(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.lend(|runner, wire| work(&mut session::Remote { at: &self.address.place, runner, wire }))
    }
}

impl Sink for Shared {
    fn transact(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.lend(|runner, wire| {
            within((&self.address.place, runner), wire, session::WRITING, work).map_err(|failed| failed.error)
        })
    }
}

/// The connection of the writer.
#[derive(Debug)]
struct Own {
    address: Arc<Address>,
    runner: Runner,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    wire: Option<Wire>,
    /// The end of a transaction is not known.
    unsettled: bool,
}

impl Own {
    /// Runs something on the connection, made anew where the last one is gone. After an error it is dropped:
    /// what it was doing ends with it.
    fn with<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Wire, &mut bool) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wire = match state.wire.take() {
            Some(wire) if !wire.client.is_closed() => wire,
            _ => self.runner.wait(Wire::connect(&self.address, true))?,
        };
        let done = work(&mut wire, &mut state.unsettled);
        if !wire.broken && !wire.client.is_closed() {
            state.wire = Some(wire);
        }
        done
    }
}

impl Source for Own {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.with(|wire, _| {
            within((&self.address.place, &self.runner), wire, session::ONE_STATE, work)
                .map_err(|failed| failed.error)
        })
    }

    fn peek(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.with(|wire, _| {
            work(&mut session::Remote { at: &self.address.place, runner: &self.runner, wire })
        })
    }
}

impl Sink for Own {
    fn transact(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.with(|wire, unsettled| {
            within((&self.address.place, &self.runner), wire, session::WRITING, work).map_err(|failed| {
                *unsettled |= failed.unknown;
                failed.error
            })
        })
    }
}
