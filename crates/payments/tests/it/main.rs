//! The rules as the engine sees them: commands over a small world with books of its own.

mod bank_agreements;
mod card_present;
mod cards;
mod checkout;
mod combined;
mod expect;
mod flows;
mod model;
mod objects;
mod requests;
mod routing;
mod search;
mod tables;
mod wallets;
mod world;
