//! Inputs that the rules expect and that have not come: incomplete, never a million missing records.

use crate::world::{RULES, World};

fn expecting(expect: &str) -> World {
    let world = World::new();
    world.write("rules.toml", format!("{RULES}\n[expect]\n{expect}\n"));
    world
}

#[test]
fn an_expected_file_that_is_not_among_the_inputs_makes_the_run_incomplete() {
    let world = expecting("right = [\"settle_*.csv\"]");
    let ran = world.reconcile("left.csv", "right.csv", "").ends(3);
    assert!(ran.stdout.contains("INCOMPLETE") && ran.stdout.contains("missing: right: "), "{ran:#?}");
    let summary = world.summary("out");
    assert_eq!(summary["verdict"], "INCOMPLETE");
    assert_eq!(summary["missing"].as_array().unwrap().len(), 1, "{summary:#}");
    world.write("settle_1.csv", crate::world::RIGHT);
    world.reconcile("left.csv", "settle_1.csv", "").ends(0);
}

#[test]
fn a_folder_that_is_still_empty_is_incomplete_where_files_are_expected_and_trouble_otherwise() {
    let world = expecting("right_files_min = 1");
    std::fs::create_dir(world.path("bills")).unwrap();
    let ran = world.reconcile("left.csv", "bills", "").ends(3);
    assert!(ran.stdout.contains("missing: right: `bills`: no files in it"), "{ran:#?}");
    assert_eq!(world.summary("out")["verdict"], "INCOMPLETE");
    world.reconcile("left.csv", "bills/*.csv", "").ends(3);
    // The left side is not expected to have anything, so a wrong path there is a mistake.
    world.reconcile("lfet.csv", "bills", "").ends(2).names("source_missing", "lfet.csv");
    world.write("bills/a.csv", crate::world::RIGHT);
    world.reconcile("left.csv", "bills", "").ends(0);
}

#[test]
fn no_option_hides_that_a_run_is_incomplete() {
    let world = expecting("right_files_min = 2");
    world.reconcile("left.csv", "right.csv", "--fail-on never").ends(3);
    world.reconcile("left.csv", "right.csv", "--dry-run").ends(3);
    world.line("reconcile check left.csv right.csv --rules rules.toml").ends(3);
    world.write("more.csv", "order_id,amount,status\nA9,9.00,OK\n");
    world.reconcile("left.csv", "right.csv", "--right more.csv").ends(1);
}
