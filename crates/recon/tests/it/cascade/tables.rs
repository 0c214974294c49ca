//! Runs the cases under `tests/cases`.

use super::language::{parse, print};
use suanpan_recon::invariants;

const FILES: [(&str, &str); 4] = [
    ("edges", include_str!("../../cases/edges.txt")),
    ("exact", include_str!("../../cases/exact.txt")),
    ("later", include_str!("../../cases/later.txt")),
    ("close", include_str!("../../cases/close.txt")),
];

#[test]
fn every_case_gives_the_outcomes_it_lists() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, text) in FILES {
        for case in parse(text) {
            count += 1;
            let verdicts = case.world.run();
            let found = print(&case.world, &verdicts);
            if found != case.expected {
                failures.push(format!(
                    "{file}: {}\n  expected {:?}\n  found    {found:?}",
                    case.title, case.expected
                ));
            }
            let checked = invariants::check(&case.world.rules, &case.world.table().records, &verdicts);
            if let Err(violation) = checked {
                failures.push(format!("{file}: {}: {violation}", case.title));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 60, "only {count} cases were read");
}
