//! The HTTP API: Stripe-shaped requests in, answers of the engine out.
//!
//! Handlers are thin: they parse ([`inbound`], [`parameters`]), ask the engine, and answer its bytes. Nothing
//! here decides about money. All that goes wrong becomes a [`problem::Problem`], and only there a status.

pub mod api;
pub mod auth;
pub mod authenticate;
pub mod body;
pub mod bootstrap;
pub mod by_secret;
pub mod checkout;
pub mod expand;
pub mod forward;
pub mod guess;
pub mod inbound;
pub mod key;
pub mod limits;
pub mod notified;
pub mod observe;
pub mod openapi;
pub mod page;
pub mod parameters;
pub mod problem;
pub mod qr;
pub mod read;
pub mod request_id;
pub mod routes;
pub mod schema;
pub mod search;
pub mod serve;
pub mod v1;
