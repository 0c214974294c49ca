//! The fuzzer as a program; see the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    suanpan_fuzz::run(std::env::args().skip(1))
}
