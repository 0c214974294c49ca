//! Two parties compare without handing over records.

use crate::world::{RULES, World};

const SECRET: &str = "a secret that both know";

fn parties() -> World {
    let world = World::new();
    world.write(
        "right.csv",
        "order_id,amount,status\nA1,1.00,OK\nA2,2.50,OK\nA4,4.00,OK\nA5,x,OK\n,7.00,OK\n",
    );
    world.write("secret.txt", SECRET);
    world
}

fn sketch(world: &World, side: &str, more: &str) -> crate::world::Ran {
    world.line(&format!(
        "sketch {side}.csv --rules rules.toml --side {side} --secret-file secret.txt -o {side}.sketch {more}"
    ))
}

#[test]
fn differences_are_found_from_two_sketches_and_each_finds_its_own_records() {
    let world = parties();
    sketch(&world, "left", "").ends(0);
    let ran = sketch(&world, "right", "").ends(0);
    assert!(ran.stderr.contains("right: 1 records without a key are not in the sketch"), "{ran:?}");
    assert!(ran.stderr.contains("right: 1 rejected rows are not in the sketch"), "{ran:?}");
    // The order of the two does not matter.
    for pair in ["left.sketch right.sketch", "right.sketch left.sketch"] {
        let ran = world.line(&format!("sketch diff {pair} --out differences.csv")).ends(1);
        assert!(ran.stdout.contains("           1  records that only the left side has\n"), "{ran:?}");
        assert!(ran.stdout.contains("           1  records that only the right side has\n"), "{ran:?}");
        assert!(ran.stdout.contains("           1  keys that both have, with other values\n"), "{ran:?}");
        assert!(!world.text("differences.csv").contains("A2"), "hashes only");
    }
    let locate = |side: &str| {
        world.line(&format!(
            "sketch locate differences.csv {side}.csv --rules rules.toml --side {side} --secret-file secret.txt"
        ))
    };
    let left = locate("left").ends(0).stdout;
    assert!(left.contains("left.csv:3  k1=A2") && left.contains("left.csv:4  k1=A3"), "{left}");
    assert_eq!(left.lines().count(), 2, "{left}");
    let right = locate("right").ends(0).stdout;
    assert!(right.contains("right.csv:3  k1=A2") && right.contains("right.csv:4  k1=A4"), "{right}");
    assert_eq!(right.lines().count(), 2, "{right}");
}

#[test]
fn equal_sides_are_status_0() {
    let world = World::new();
    world.write("secret.txt", SECRET);
    sketch(&world, "left", "").ends(0);
    sketch(&world, "right", "").ends(0);
    world.line("sketch diff left.sketch right.sketch").ends(0);
}

#[test]
fn sketches_that_do_not_belong_together_are_refused() {
    let world = parties();
    sketch(&world, "left", "").ends(0);
    let mismatch = |world: &World| world.line("sketch diff left.sketch right.sketch").ends(2).stderr;
    sketch(&world, "right", "--cells 900").ends(0);
    assert!(mismatch(&world).contains("error[sketch_mismatch]: "), "other cells");
    world.write("secret.txt", "another secret that nobody knows");
    sketch(&world, "right", "").ends(0);
    assert!(mismatch(&world).contains("different secrets"));
    world.write("secret.txt", SECRET);
    world.write("rules.toml", format!("{RULES}\n[[passes]]\nkind = \"exact\"\ncompare = []\n"));
    sketch(&world, "right", "").ends(0);
    assert!(mismatch(&world).contains("one compares "));
    let mut cut = world.read("left.sketch");
    cut.truncate(cut.len() - 1);
    world.write("left.sketch", cut);
    world.line("sketch diff left.sketch right.sketch").ends(2).names("sketch_damaged", "left.sketch");
    world.write("secret.txt", "short");
    sketch(&world, "left", "").ends(2).names("secret_too_short", "secret.txt");
}

#[test]
fn more_differences_than_a_sketch_bears_are_said_and_not_half_answered() {
    let world = parties();
    let mut text = String::from("order_id,amount,status\n");
    (0..5_000).for_each(|n| text.push_str(&format!("X{n},1.00,OK\n")));
    world.write("left.csv", text);
    sketch(&world, "left", "--cells 900").ends(0);
    sketch(&world, "right", "--cells 900").ends(0);
    let ran = world.line("sketch diff left.sketch right.sketch --out d.csv").ends(1);
    assert!(
        ran.stderr.contains("error[sketch_too_small]: ") && ran.stderr.contains("--cells 3600"),
        "{ran:?}"
    );
    assert!(!world.path("d.csv").exists());
}
