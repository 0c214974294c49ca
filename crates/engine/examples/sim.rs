//! Repeats a run of the simulator and prints every step: `sim --seed 7`, or many: `sim --seeds 100000`.

#[path = "../tests/sim/simulate.rs"]
mod simulate;

use simulate::{Run, run};

#[expect(clippy::print_stdout, reason = "the program's purpose")]
fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    let (first, count) = match (number("--seed"), number("--seeds")) {
        (Some(seed), None) => (seed, 1),
        (first, Some(count)) => (first.unwrap_or(0), count),
        (None, None) => {
            println!("sim --seed N | sim [--seed FIRST] --seeds COUNT");
            return std::process::ExitCode::from(2);
        }
    };
    let (mut failed, mut sum) = (0, [0_u64; 5]);
    for seed in first..first + count {
        match run(Run { seed, lie: None, loud: count == 1 }) {
            Ok(outcome) => {
                let simulate::Summary { acks, entries, records, intents, combined } = outcome.summary;
                for (sum, more) in sum.iter_mut().zip([acks, entries, records, intents, combined]) {
                    *sum += more;
                }
            }
            Err(why) => {
                failed += 1;
                println!("seed {seed}: {why}");
            }
        }
    }
    let [acks, entries, records, intents, combined] = sum;
    println!(
        "{count} seeds, {failed} failed; {acks} acknowledgements, {entries} entries in {records} records, {intents} \
         intents, {combined} of several sources taken"
    );
    std::process::ExitCode::from(u8::from(failed > 0))
}
