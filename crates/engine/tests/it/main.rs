//! Use cases of the engine over both databases, with a clock that stands until it is moved.

mod books;
mod idempotency;
mod payments;
mod restart;
mod world;
