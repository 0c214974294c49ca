//! One suite for every database: a file of SQLite, SQLite in memory, PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod backup;
mod business;
mod chain;
mod events;
mod faults;
mod history;
mod lists;
mod open;
mod outage;
mod world;

/// Makes a test of a function over a [`world::World`] for every database.
macro_rules! on_all {
    ($($name:ident),+ $(,)?) => {
        mod sqlite_file { $(#[test] fn $name() { super::$name(crate::world::World::file()); })+ }
        mod sqlite_memory { $(#[test] fn $name() { super::$name(crate::world::World::memory()); })+ }
        mod postgres { $(#[test] fn $name() { super::$name(crate::world::World::postgres()); })+ }
    };
}
pub(crate) use on_all;
