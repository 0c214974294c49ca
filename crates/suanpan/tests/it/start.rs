//! From two unknown files to a reconciliation: init, check, and runs without rules.

use crate::world::{LEFT, World, counts};

#[test]
fn init_writes_rules_with_which_a_generated_day_is_reconciled_to_its_truth() {
    let world = World::empty();
    world.day(3_000, "--seed 3");
    let ran = world.line("reconcile init day/ledger.csv day/channel.csv").ends(0);
    assert!(ran.stdout.contains("left.fields.k1") && ran.stdout.contains("sure ("), "{ran:?}");
    assert!(ran.stderr.contains("suanpan reconcile check day/ledger.csv day/channel.csv --rules rules.toml"));
    world.line("reconcile check day/ledger.csv day/channel.csv --rules rules.toml").ends(0);
    world.reconcile("day/ledger.csv", "day/channel.csv", "").ends(0);
    assert_eq!(counts(&world.summary("out")), [("MATCHED".to_owned(), 3_000)]);

    world.day(20_000, "--seed 3");
    world.reconcile("day/ledger.csv", "day/channel.csv", "").ends(1);
    let guessed = counts(&world.summary("out"));
    world.line("reconcile day/ledger.csv day/channel.csv --rules day/rules.toml --out out").ends(1);
    assert_eq!(counts(&world.summary("out")), guessed);
}

#[test]
fn init_does_not_replace_a_file_unless_told_and_can_print() {
    let world = World::new();
    let before = world.text("rules.toml");
    world.line("reconcile init left.csv right.csv").ends(2).names("file_exists", "rules.toml");
    assert_eq!(world.text("rules.toml"), before);
    let printed = world.line("reconcile init left.csv right.csv -o -").ends(0).stdout;
    assert!(printed.contains("[left.fields]"), "{printed}");
    world.line("reconcile init left.csv right.csv --force").ends(0);
    assert_eq!(world.text("rules.toml"), printed);
    let ran = world.line("reconcile init left.csv right.csv --force").ends(0);
    assert!(ran.stderr.contains("some guesses are not sure"), "three rows are little: {ran:?}");
}

#[test]
fn without_rules_a_sure_guess_is_used_and_kept_and_an_unsure_one_is_refused() {
    let world = World::empty();
    world.day(3_000, "");
    let ran = world.line("reconcile day/ledger.csv day/channel.csv --out out").ends(0);
    assert!(ran.stderr.contains("no rules were given"), "{ran:?}");
    assert_eq!(counts(&world.summary("out")), [("MATCHED".to_owned(), 3_000)]);
    let kept = world.path("out/rules.toml");
    assert!(kept.exists());
    let digest = world.summary("out")["digest"].clone();
    world.line("reconcile day/ledger.csv day/channel.csv --out again --rules out/rules.toml").ends(0);
    assert_eq!(world.summary("again")["digest"], digest);

    let small = World::new();
    let ran = small.line("reconcile left.csv right.csv").ends(2);
    ran.names("rules_unsure", "--rules");
    assert!(ran.stderr.contains("suanpan reconcile init"), "{ran:?}");
    assert!(!small.path("suanpan-out").exists());
}

#[test]
fn check_shows_rows_as_they_will_be_read_and_which_would_be_rejected() {
    let world = World::new();
    let ran = world.line("reconcile check left.csv right.csv --rules rules.toml --rows 1").ends(0);
    assert!(ran.stdout.contains("left left.csv  csv, 3 columns: order_id, amount, status\n"), "{ran:?}");
    assert!(ran.stdout.contains("  row 2: k1=A1  amount=1.00  currency=CNY  status=OK\n"), "{ran:?}");
    assert!(!ran.stdout.contains("row 3"), "{ran:?}");
    world.write("left.csv", LEFT.replace("2.00", "2.00.0"));
    let ran = world.line("reconcile check left.csv right.csv --rules rules.toml").ends(1);
    assert!(ran.stdout.contains("  rejected[amount] left.csv:3:amount: "), "{ran:?}");
    assert!(ran.stdout.contains("  row 4: k1=A3"), "what follows is shown too: {ran:?}");
    world.write("left.csv", "id,amount,status\nA1,1.00,OK\n");
    let ran = world.line("reconcile check left.csv right.csv --rules rules.toml").ends(2);
    ran.names("missing_column", "left.csv:1");
}

#[test]
fn check_shows_rows_of_a_file_whose_first_quote_comes_late() {
    let world = World::new();
    let plain: String = (0..6_000).map(|n| format!("P{n:08},1.00,OK\n")).collect();
    assert!(plain.len() > 64 << 10, "beyond where quotes are looked for at first");
    world.write("left.csv", format!("order_id,amount,status\n{plain}\"Q,1\",2.00,OK\n"));
    let ran = world.line("reconcile check left.csv right.csv --rules rules.toml --rows 2");
    assert!(ran.stdout.contains("  row 2: k1=P00000000"), "{ran:?}");
    assert!(ran.stdout.contains("  row 3: k1=P00000001"), "{ran:?}");
}

#[test]
fn a_day_is_made_again_from_its_seed_and_tells_its_truth() {
    let world = World::empty();
    world.write("faults.toml", "[faults]\nMISSING_IN_A = 7\nAMOUNT_MISMATCH = \"1%\"\n");
    let ran = world.line("generate day --records 2k --seed 9 --faults faults.toml a").ends(0);
    assert!(ran.stdout.contains("           7  MISSING_IN_A\n"), "{ran:?}");
    assert!(ran.stdout.contains("          20  AMOUNT_MISMATCH\n"), "{ran:?}");
    world.line("generate day --records 2000 --seed 9 --faults faults.toml b").ends(0);
    world.line("generate day --records 2000 --seed 10 --faults faults.toml c").ends(0);
    for name in ["ledger.csv", "channel.csv", "truth.csv"] {
        assert!(world.read(&format!("a/{name}")) == world.read(&format!("b/{name}")), "{name}");
        assert!(world.read(&format!("a/{name}")) != world.read(&format!("c/{name}")), "{name}");
    }
}

#[test]
fn the_demonstration_finds_its_seeded_faults_and_prints_the_path_of_its_report() {
    let world = World::empty();
    let ran = world.line("demo --rows 20k --keep demo").ends(0);
    let report = ran.stdout.lines().find(|line| line.ends_with("report.html")).unwrap();
    assert!(world.path(report).exists(), "{report}");
    assert!(ran.stdout.contains("BREAKS  ") && ran.stderr.contains("every seeded difference was found"));
    assert!(ran.stderr.contains("the same digest"), "{ran:?}");
    assert!(world.path("demo/day/ledger.csv").exists(), "kept because that was asked");

    // Without --keep only the results stay, in a folder of its own.
    let temporary = World::empty();
    let mut command = world.command(&["demo", "--rows", "20k", "--once", "--quiet"]);
    let ran = crate::world::Ran::from(command.env("TMPDIR", temporary.root()).output().unwrap()).ends(0);
    let report = ran.stdout.lines().find(|line| line.ends_with("report.html")).unwrap();
    assert!(std::path::Path::new(report).starts_with(temporary.root()), "{report}");
    let folder = std::path::Path::new(report).parent().unwrap().parent().unwrap();
    assert!(std::path::Path::new(report).exists() && !folder.join("day").exists());
}
