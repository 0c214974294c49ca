//! x
#![allow(clippy::print_stdout, clippy::unwrap_used)]
use std::sync::atomic::Ordering;
use suanpan_recon::{csv::Kernel, rule::Rules, run::*, source::expand};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    if a[1] == "gen" {
        let mut o = suanpan_sim::day::DayOptions::new(a[2].parse().unwrap(), 1, &a[3]);

        suanpan_sim::day::generate(&o, &|_| {}).unwrap();
        return;
    }
    let rules = Rules::from_toml(&std::fs::read_to_string(&a[3]).unwrap()).unwrap();
    let work = std::path::PathBuf::from(&a[4]);
    std::fs::create_dir_all(&work).unwrap();
    let mem: usize = a[5].parse::<usize>().unwrap() << 20;
    let strategy = match a.get(6).map(|s| s.as_str()) {
        Some("sketch") => Strategy::Sketch,
        Some("spill") => Strategy::Spill,
        Some("full") => Strategy::Full,
        _ => Strategy::Memory,
    };
    let o = Options {
        rules,
        inputs: [expand(&a[1..2], &work).unwrap(), expand(&a[2..3], &work).unwrap()],
        open_items: None,
        threads: 2,
        memory_bytes: mem,
        strategy: Some(strategy),
        kernel: Kernel::best(),
        matched: false,
        work_dir: work,
        secret: None,
        unit_bytes: 512 << 10,
        state: None,
        differences_max: None,
    };
    let p = Progress::default();
    let t = std::time::Instant::now();
    let d = run(&o, &p).unwrap();
    println!("total {:?} rows {}", t.elapsed(), p.rows_done.load(Ordering::Relaxed));
    for (ph, t) in &d.timings {
        println!("{} {:?}", ph.name(), t);
    }
    println!("{}", serde_json::to_string(&d.plan).unwrap());
    for ((c, cur), t) in &d.tallies.0 {
        println!("{} {} {:?}", c.name(), cur, t);
    }
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", s.lines().find(|l| l.starts_with("VmHWM")).unwrap());
}
