//! What is printed where, and which exit status it has.

use crate::world::{RULES, Ran, World, counts};
use serde_json::Value;
use std::process::Stdio;

/// One amount differs, one record is missing on each side.
fn differing() -> World {
    let world = World::new();
    world.write("right.csv", "order_id,amount,status\nA1,1.00,OK\nA2,2.50,OK\nA4,4.00,OK\n");
    world
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect()
}

#[test]
fn the_table_has_outcomes_the_bridge_the_verdict_and_paths() {
    let world = differing();
    let ran = world.reconcile("left.csv", "right.csv", "").ends(1);
    for part in [
        "MATCHED              1  CNY       1.00   1.00          0.00\n",
        "AMOUNT_MISMATCH      1  CNY       2.00   2.50         -0.50\n",
        "CNY  left 6.00 - right 7.50 = -1.50; unexplained 0.00 \u{2713}\n",
        "BREAKS  3 differences, 0 pending\n",
        "out/report.html\n",
        "out/breaks.csv  3 rows\n",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\x1b'), "no colours in a pipe");
    assert_eq!(ran.stderr, "");
}

#[test]
fn fail_on_says_which_differences_count() {
    let amount = World::new();
    amount.write("right.csv", "order_id,amount,status\nA1,1.00,OK\nA2,2.50,OK\nA3,3.00,OK\n");
    let missing = World::new();
    missing.write("right.csv", "order_id,amount,status\nA1,1.00,OK\nA2,2.00,OK\n");
    let status = World::new();
    status.write("right.csv", "order_id,amount,status\nA1,1.00,NO\nA2,2.00,OK\nA3,3.00,OK\n");
    for (fail_on, expected) in
        [("any", [1, 1, 1]), ("amount", [1, 0, 0]), ("unmatched", [0, 1, 0]), ("never", [0, 0, 0])]
    {
        for (world, expected) in [&amount, &missing, &status].into_iter().zip(expected) {
            world.reconcile("left.csv", "right.csv", &format!("--fail-on {fail_on}")).ends(expected);
        }
    }
    // Whatever a rejected row would have been, it is not waved through.
    let rejected = World::new();
    rejected.write("right.csv", "order_id,amount,status\nA1,1.00,OK\nA2,2.00,OK\nA3,3.00,OK\nA4,x,OK\n");
    for (fail_on, expected) in [("amount", 1), ("unmatched", 1), ("never", 0)] {
        rejected.reconcile("left.csv", "right.csv", &format!("--fail-on {fail_on}")).ends(expected);
    }
}

#[test]
fn json_is_one_document_the_same_as_the_file() {
    let world = differing();
    let ran = world.reconcile("left.csv", "right.csv", "--format json").ends(1);
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed, world.summary("out"));
    assert_eq!(printed["schema"], "suanpan.reconcile.summary/1");
}

#[test]
fn each_line_of_ndjson_has_type_and_version_amounts_are_texts_and_the_summary_is_last() {
    let world = differing();
    let lines = lines(&world.reconcile("left.csv", "right.csv", "--format ndjson").ends(1));
    assert!(lines.iter().all(|line| line["type"].is_string() && line["v"] == 1));
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert_eq!((of("input").len(), of("break").len(), of("outcome").len()), (2, 3, 19));
    let amount = of("break").into_iter().find(|line| line["code"] == "AMOUNT_MISMATCH").unwrap();
    assert_eq!((&amount["left_amount"], &amount["delta"]), (&"2.00".into(), &"-0.50".into()));
    assert_eq!((&amount["left_file"], &amount["left_row"]), (&"left.csv".into(), &"3".into()));
    assert_eq!(of("bridge")[0]["residual"]["minor"], "0");
    let last = lines.last().unwrap();
    assert_eq!((&last["type"], &last["verdict"]), (&"summary".into(), &"BREAKS".into()));
    assert_eq!(last["digest"], world.summary("out")["digest"]);
    assert_eq!(of("summary").len(), 1);
}

#[test]
fn max_differences_stops_a_run_with_status_1_and_without_a_report() {
    let world = differing();
    let ran = world.reconcile("left.csv", "right.csv", "--max-differences 2 --format ndjson").ends(1);
    ran.names("too_many_differences", "--max-differences");
    let lines = lines(&ran);
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["type"], &lines[0]["stopped_at_differences"]), (&"summary".into(), &2.into()));
    assert!(!world.path("out/summary.json").exists());
    world.reconcile("left.csv", "right.csv", "--max-differences 3").ends(1);
    assert_eq!(counts(&world.summary("out")).len(), 4, "three are not more than three");
}

#[test]
fn explain_shows_the_records_of_one_key_and_why() {
    let world = differing();
    let ran = world.reconcile("left.csv", "right.csv", "--explain A2").ends(1);
    assert!(ran.stdout.starts_with("A2  AMOUNT_MISMATCH  by "), "{ran:?}");
    assert!(
        ran.stdout.contains("  left   left.csv:3  k1=A2  amount=2.00  currency=CNY  status=OK\n"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("  right  right.csv:3  k1=A2  amount=2.50  currency=CNY  status=OK\n"),
        "{ran:?}"
    );
    world.reconcile("left.csv", "right.csv", "--explain A1").ends(0);
    let ran = world.reconcile("left.csv", "right.csv", "--explain A3 --format json").ends(1);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["verdicts"][0]["code"], "MISSING_IN_B");
    assert_eq!(value["verdicts"][0]["left"][0]["place"], "left.csv:4");
    world.reconcile("left.csv", "right.csv", "--explain A7").ends(2).names("key_not_found", "--explain");
    assert!(!world.path("out/summary.json").exists(), "a question is no run");
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let world = differing();
    let ran = world.reconcile("left.csv", "right.csv", "--dry-run").ends(0);
    assert!(ran.stdout.starts_with("strategy  memory: "), "{ran:?}");
    assert!(ran.stdout.contains("inputs    2 files, "), "{ran:?}");
    let ran = world.reconcile("left.csv", "right.csv", "--dry-run --strategy spill --format ndjson").ends(0);
    let plan = &lines(&ran)[0];
    assert_eq!((&plan["type"], &plan["strategy"]), (&"plan".into(), &"spill".into()));
    assert!(!world.path("out").exists());
}

#[test]
fn hints_go_to_stderr_and_quiet_silences_them() {
    let world = differing();
    world.write("left.csv", "order_id,amount,status\nA1,x,OK\n");
    let loud = world.reconcile("left.csv", "right.csv", "--progress lines").ends(1);
    assert!(loud.stderr.contains("rejected[amount] left.csv:2:amount: "), "{loud:?}");
    let quiet = world.reconcile("left.csv", "right.csv", "--quiet").ends(1);
    assert_eq!(quiet.stderr, "");
    assert!(quiet.stdout.contains("BREAKS"));
}

#[test]
fn progress_for_programs_is_ndjson_on_stderr_and_never_on_stdout() {
    let world = differing();
    let ran = world.reconcile("left.csv", "right.csv", "--progress ndjson --format json").ends(1);
    let events: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!events.is_empty());
    assert!(events.iter().all(|event| event["type"] == "progress" && event["v"] == 1));
    assert_eq!(events.last().unwrap()["phase"], "report");
    serde_json::from_str::<Value>(&ran.stdout).unwrap();
}

#[test]
fn colours_come_when_asked_and_no_color_is_heeded_otherwise() {
    let world = differing();
    let always = world.reconcile("left.csv", "right.csv", "--color always").ends(1);
    assert!(always.stdout.contains("\x1b[1;31mBREAKS\x1b[0m"), "{always:?}");
    let mut command = world.command(&["reconcile", "left.csv", "nothing.csv", "--color", "always"]);
    let ran = Ran::from(command.output().unwrap()).ends(2);
    assert!(ran.stderr.starts_with("\x1b[1;31merror[source_missing]\x1b[0m: "), "{ran:?}");
    let mut command = world.command(&["reconcile", "left.csv", "nothing.csv"]);
    let ran = Ran::from(command.env("NO_COLOR", "1").output().unwrap()).ends(2);
    assert!(ran.stderr.starts_with("error[source_missing]: "), "{ran:?}");
}

#[test]
fn standard_input_is_a_side_like_any_other() {
    let world = differing();
    let mut command =
        world.command(&["reconcile", "-", "right.csv", "--rules", "rules.toml", "--out", "out"]);
    let input = std::fs::File::open(world.path("left.csv")).unwrap();
    let ran = Ran::from(command.stdin(Stdio::from(input)).output().unwrap()).ends(1);
    assert!(ran.stdout.contains("BREAKS  3 differences"), "{ran:?}");
    assert_eq!(world.summary("out")["inputs"][0]["name"], "-");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_trouble() {
    let world = World::new();
    let mut command = world.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn the_report_speaks_the_language_asked_for() {
    let world = differing();
    world.reconcile("left.csv", "right.csv", "--lang zh").ends(1);
    assert!(world.text("out/report.html").contains("lang=\"zh"));
    world.reconcile("left.csv", "right.csv", "").ends(1);
    assert!(world.text("out/report.html").contains("lang=\"en"));
}

#[test]
fn matched_records_are_kept_when_asked_and_the_outcome_is_the_same() {
    let world = differing();
    world.reconcile("left.csv", "right.csv", "").ends(1);
    assert!(!world.path("out/matched.parquet").exists());
    let plain = world.summary("out")["digest"].clone();
    let ran = world.reconcile("left.csv", "right.csv", "--matched").ends(1);
    assert!(ran.stdout.contains("out/matched.parquet  "), "{ran:?}");
    assert_eq!(world.summary("out")["digest"], plain);
    world.reconcile("left.csv", "right.csv", "").ends(1);
    assert!(!world.path("out/matched.parquet").exists(), "an old table is not left beside a new run");
}

#[test]
fn versions_completions_and_manual_pages_are_printed() {
    let world = World::empty();
    let version: Value = serde_json::from_str(&world.line("version --json").ends(0).stdout).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert!(world.line("version").ends(0).stdout.starts_with(concat!("suanpan ", env!("CARGO_PKG_VERSION"))));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = world.line(&format!("completions {shell}")).ends(0).stdout;
        assert!(text.contains("reconcile") && text.contains("open-items"), "{shell}");
    }
    let page = world.line("man").ends(0).stdout;
    assert!(page.contains(".SH EXAMPLES\n.nf\nsuanpan demo\n"), "{page}");
    let pages = world.line("man --dir man").ends(0).stdout;
    assert_eq!(pages.lines().count(), 63);
    let page = world.text("man/suanpan-reconcile.1");
    assert!(
        page.contains("fail\\-on") && page.contains("130") && page.contains("suanpan reconcile ledger.csv")
    );
}

/// A file that comes twice under two names is counted once, and said to be.
#[test]
fn a_file_delivered_twice_is_counted_once() {
    let world = World::new();
    world.reconcile("left.csv", "right.csv", "");
    let once = world.summary("out");
    std::fs::create_dir_all(world.path("more")).unwrap();
    world.write("more/right.csv", world.text("right.csv"));
    world.write("more/right-again.csv", world.text("right.csv"));
    let ran = world.reconcile("left.csv", "more", "");
    assert!(ran.stderr.contains("has the same content as"), "{ran:#?}");
    let twice = world.summary("out");
    assert_eq!(counts(&twice), counts(&once));
    assert_eq!(twice["right"]["files"], 1);
}

#[test]
fn a_day_without_records_leaves_open_items_pending() {
    let world = World::new();
    let date = "status = \"status\"\ndate = { column = \"day\", format = \"%Y-%m-%d\" }";
    let rules = RULES.replace("status = \"status\"", date);
    world.write("rules.toml", format!("{rules}\n[close]\npending_days = 1\n"));
    let header = "order_id,amount,status,day\n";
    world.write("left.csv", format!("{header}A1,1.00,OK,2026-11-11\nA2,2.00,OK,2026-11-11\n"));
    world.write("right.csv", format!("{header}A1,1.00,OK,2026-11-11\n"));
    world.line("reconcile left.csv right.csv --rules rules.toml --out first").ends(0);
    assert_eq!(world.summary("first")["verdict"], "RECONCILED_WITH_PENDING");

    world.write("none.csv", header);
    let line =
        "reconcile none.csv none.csv --rules rules.toml --out second --open-items first/open_items.parquet";
    world.line(line).ends(0);
    let holiday = world.summary("second");
    assert_eq!(holiday["outcomes"]["PENDING_TIMING"]["count"], 1, "{holiday:#}");

    world.write("late.csv", format!("{header}A2,2.00,OK,2026-11-12\n"));
    let line =
        "reconcile none.csv late.csv --rules rules.toml --out third --open-items second/open_items.parquet";
    world.line(line).ends(0);
    assert_eq!(world.summary("third")["outcomes"]["MATCHED_LATE"]["count"], 1);
}
