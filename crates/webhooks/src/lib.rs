//! Events sent to the servers of merchants.
//!
//! An *event* is sent to each *endpoint* that asked for its type; one event for one endpoint is a *delivery*,
//! one try of it an *attempt*.
//!
//! - [`sign`]: the headers by which receivers know that a message is genuine and new.
//! - [`schedule`]: when to try again, and when to give up. Pure.
//! - [`target`]: where a message may go: never to an address inside, whatever a name resolves to.
//! - [`wire`], [`deliver`]: one exchange over the network, and one attempt.
//! - [`order`], [`worker`]: the task that takes what is due, and what waits for what.
//!
//! What is never done: redirects are not followed, proxies of the environment are not used, an answer is
//! never read beyond a few KiB, and neither secrets nor whole signatures are written anywhere.

mod error;

pub mod deliver;
pub mod limits;
pub mod order;
pub mod schedule;
pub mod sign;
pub mod target;
pub mod wire;
pub mod worker;

pub use error::Error;
pub use sign::SigningSecret;
