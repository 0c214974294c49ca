//! A minute of fuzzing, compiled as all tests are: slower than `cargo xtask fuzz`, but nothing is compiled twice.

use std::process::ExitCode;

const MINUTE: [&str; 2] = ["--seconds", "60"];

fn main() -> ExitCode {
    // It starts itself again for each target, with words.
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        return suanpan_fuzz::run(MINUTE.map(str::to_owned).into_iter());
    }
    suanpan_fuzz::run(words.into_iter())
}
