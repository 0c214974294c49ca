//! The kernel against traces of real cards, tables of odd ones, and the simulated one over a socket.

mod cards;
mod kernel;
mod odd;
mod socket;
