//! Writes a day and says how fast: `day RECORDS SEED FAULTS|default|none DIR [FORMAT] [KEYS] [ORDER]`.

use std::time::Instant;
use suanpan_sim::day::{DayOptions, Faults, SimError, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [records, seed, faults, dir, shape @ ..] = arguments.as_slice() else {
        return Err("usage: day RECORDS SEED FAULTS|default|none DIR [FORMAT] [KEYS] [ORDER]".into());
    };
    let mut options = DayOptions::new(records.parse()?, seed.parse()?, dir);
    options.faults = Faults::from_argument(faults)?;
    options.format = parse(shape.first())?;
    options.keys = parse(shape.get(1))?;
    options.order = parse(shape.get(2))?;
    let started = Instant::now();
    let report = generate(&options, &|_| {})?;
    let took = started.elapsed();
    #[expect(clippy::print_stdout, reason = "an example talks to its user")]
    for side in [report.left, report.right] {
        println!("{}: {} rows, {} bytes", side.path.display(), side.rows, side.bytes);
    }
    #[expect(clippy::print_stdout, reason = "an example talks to its user")]
    {
        println!("{took:.2?}");
    }
    Ok(())
}

fn parse<T: std::str::FromStr<Err = SimError> + Default>(text: Option<&String>) -> Result<T, SimError> {
    text.map_or_else(|| Ok(T::default()), |text| text.parse())
}
