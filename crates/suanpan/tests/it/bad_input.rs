//! Every bad input gives its named error with its place and the right exit status, and what is valid
//! is still reported.

use crate::world::{LEFT, RULES, World, counts, gzip};

#[test]
fn a_truncated_gzip_is_named_with_how_far_it_could_be_read() {
    let world = World::new();
    let mut text = String::from("order_id,amount,status\n");
    for n in 0..20_000 {
        text.push_str(&format!("B{n},{}.00,OK\n", n % 97 + 1));
    }
    let whole = gzip(text.as_bytes());
    world.write("cut.csv.gz", &whole[..whole.len() / 2]);
    let ran = world.reconcile("left.csv", "cut.csv.gz", "").ends(2);
    let place = ran.stderr.lines().find_map(|line| line.strip_prefix("  where: ")).unwrap().to_owned();
    assert!(place.starts_with("cut.csv.gz, byte ") && place.ends_with(" of its content"), "{ran:?}");
    ran.names("source_truncated", &place);
    assert!(!world.path("out/summary.json").exists(), "no verdict without the whole file");
    world.write("whole.csv.gz", whole);
    world.reconcile("left.csv", "whole.csv.gz", "").ends(1);
}

/// A row that cannot be read is rejected, the others are reconciled.
#[test]
fn bad_rows_are_rejected_with_their_place_and_the_others_are_reported() {
    let header = b"order_id,amount,status\n";
    for (code, column, bad, message) in [
        ("field_count", "", &b"A2,2.00\n"[..], "2 fields"),
        ("amount", ":amount", b"A2,\"1,234.5\",OK\n", "1,234.5"),
        ("amount", ":amount", b"A2,1234.567,OK\n", "1234.567"),
        ("amount", ":amount", b"A2,,OK\n", "amount is empty"),
        ("utf8", ":order_id", b"A\xFF2,2.00,OK\n", "UTF-8"),
    ] {
        let world = World::new();
        let utf8 = RULES.replace("[right.fields]", "[right]\nencoding = \"utf-8\"\n[right.fields]");
        world.write("rules.toml", utf8);
        world.write("right.csv", [&header[..], b"A1,1.00,OK\n", bad, b"A3,3.00,OK\n"].concat());
        let ran = world.reconcile("left.csv", "right.csv", "");
        let ran = ran.ends(1);
        let line = format!("rejected[{code}] right.csv:3{column}: ");
        assert!(ran.stderr.contains(&line) && ran.stderr.contains(message), "{line} in {ran:#?}");
        let summary = world.summary("out");
        assert_eq!(
            counts(&summary),
            [("MATCHED".to_owned(), 2), ("MISSING_IN_B".to_owned(), 1), ("REJECTED".to_owned(), 1)],
            "{bad:?}"
        );
        assert_eq!((&summary["right"]["records"], &summary["right"]["rejected"]), (&2.into(), &1.into()));
        let rejected = world.text("out/rejected.csv");
        let row = rejected.lines().nth(1).unwrap();
        assert!(row.starts_with("right,right.csv,3,") && row.contains(&format!(",{code},")), "{rejected}");
    }
}

#[test]
fn text_that_is_not_of_its_declared_encoding_is_named() {
    let world = World::new();
    let mut file = LEFT.as_bytes().to_vec();
    file.extend_from_slice(b"A4,\xFF\xFF,OK\n");
    world.write("left.csv", file);
    world
        .write("rules.toml", RULES.replace("[left.fields]", "[left]\nencoding = \"gb18030\"\n[left.fields]"));
    let ran = world.reconcile("left.csv", "right.csv", "").ends(2);
    ran.names("source_malformed_text", "left.csv:5, byte 59");
    // Nor is a file with one bad byte of either encoding; told that it is UTF-8, only the row is bad.
    world.write("rules.toml", RULES);
    let ran = world.reconcile("left.csv", "right.csv", "").ends(2);
    ran.names("source_malformed_text", "left.csv:5, byte 59");
    assert!(ran.stderr.contains("encoding = \"utf-8\""), "{ran:?}");
    world.write("noise.csv", b"noise \x93\xFF\x80\xFF");
    let ran = world.reconcile("noise.csv", "right.csv", "").ends(2);
    assert!(ran.stderr.contains("is this delimited text?") && !ran.stderr.contains("64 KiB"), "{ran:?}");
}

#[test]
fn a_missing_column_is_named_with_the_nearest_one() {
    let world = World::new();
    world.write("right.csv", "order_id,amuont,status\nA1,1.00,OK\n");
    let ran = world.reconcile("left.csv", "right.csv", "").ends(2);
    ran.names("missing_column", "right.csv:1");
    assert!(
        ran.stderr.contains("no column `amount`, which the rules name for right.fields.amount"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("did you mean `amuont`?"), "{ran:?}");
    assert!(!world.path("out/summary.json").exists());
}

#[test]
fn an_empty_file_and_a_folder_without_files_are_named() {
    let world = World::new();
    world.write("empty.csv", "");
    world.reconcile("left.csv", "empty.csv", "").ends(2).names("source_empty", "empty.csv");
    world.write("bills/.hidden", "x");
    world.write("bills/deeper/a.csv", LEFT);
    let ran = world.reconcile("left.csv", "bills", "").ends(2);
    ran.names("source_no_files", "bills");
    assert!(ran.stderr.contains("1 hidden and 1 sub-directories"), "{ran:?}");
    world.reconcile("left.csv", "nothing-*.csv", "").ends(2).names("source_no_match", "nothing-*.csv");
    let ran = world.reconcile("left.csv", "rihgt.csv", "").ends(2);
    ran.names("source_missing", "rihgt.csv");
    assert!(ran.stderr.contains("did you mean `right.csv`?"), "{ran:?}");
}

#[test]
fn a_file_with_only_a_header_has_no_records() {
    let world = World::new();
    world.write("right.csv", "order_id,amount,status\n");
    world.reconcile("left.csv", "right.csv", "").ends(1);
    assert_eq!(counts(&world.summary("out")), [("MISSING_IN_B".to_owned(), 3)]);
    world.write("left.csv", "order_id,amount,status");
    world.reconcile("left.csv", "right.csv", "").ends(0);
    assert_eq!(world.summary("out")["verdict"], "RECONCILED");
}

#[test]
fn rules_that_split_nothing_or_are_unknown_are_errors_with_line_and_column() {
    let world = World::new();
    world.write("rules.toml", format!("{}\n[[passes]]\nkind = \"window\"\neq = []\n", RULES));
    let ran = world.reconcile("left.csv", "right.csv", "").ends(2);
    let line = 1 + world.text("rules.toml").lines().position(|line| line == "eq = []").unwrap();
    ran.names("splits_nothing", &format!("rules.toml:{line}:6 `passes[1].eq`"));

    world.write("rules.toml", RULES.replace("status = \"status\"", "staus = \"status\""));
    let ran = world.reconcile("left.csv", "right.csv", "").ends(2);
    ran.names("unknown_setting", "rules.toml:9:1 `left.fields.staus`");
    assert!(ran.stderr.contains("did you mean `status`?"), "{ran:?}");
    assert_eq!(ran.stderr.matches("error[").count(), 2, "both faults at once: {ran:?}");

    world.write("rules.toml", "version = 1\n[left\n");
    let ran = world.reconcile("left.csv", "right.csv", "").ends(2);
    assert!(ran.stderr.starts_with("error[syntax]: "), "{ran:?}");
    let ran = world.line("reconcile left.csv right.csv --rules nothing.toml").ends(2);
    ran.names("io", "nothing.toml");
    assert!(ran.stderr.contains("suanpan reconcile init"), "{ran:?}");
}

#[test]
fn usage_errors_are_status_2_and_say_what_is_accepted() {
    let world = World::new();
    for (line, says) in [
        ("reconcile left.csv", "<RIGHT>"),
        ("reconcile left.csv right.csv --rules rules.toml --memory 63MiB", "the least is 64MiB"),
        ("reconcile left.csv right.csv --rules rules.toml --memory 1KiB", "the least is 64MiB"),
        (
            "reconcile left.csv right.csv --rules rules.toml --memory 64MiB --threads 200",
            "give --memory 810MiB",
        ),
        (
            "reconcile left.csv right.csv --rules rules.toml --memory 64MiB --threads 14",
            "give --memory 66MiB",
        ),
        ("reconcile left.csv right.csv --rules rules.toml --memory lots", "512m, 2GiB"),
        ("reconcile left.csv right.csv --rules rules.toml --threads 0", "from 1 to"),
        ("reconcile left.csv right.csv --rules rules.toml --startegy full", "'--strategy'"),
        ("reconcile left.csv right.csv --rules rules.toml --fail-on some", "unmatched"),
        ("reconcile - - --rules rules.toml", "standard input can be read only once"),
        ("generate day --keys twice day", "one-hot:COUNT"),
        ("generate day --faults none.toml day", "none.toml"),
        ("frobnicate", "unrecognized subcommand"),
    ] {
        let ran = world.line(line).ends(2);
        assert!(ran.stderr.contains(says), "{line}: {ran:#?}");
        assert_eq!(ran.stdout, "", "{line}");
    }
    assert!(!world.path("suanpan-out").exists());
}

#[test]
fn causes_are_printed_only_when_asked() {
    let world = World::new();
    let plain = world.line("reconcile left.csv right.csv --rules nothing.toml").ends(2);
    assert_eq!(plain.stderr.lines().count(), 3, "{plain:?}");
    let verbose = world.line("reconcile left.csv right.csv --rules nothing.toml --verbose").ends(2);
    assert!(verbose.stderr.starts_with(&plain.stderr) && verbose.stderr.contains("  cause: "), "{verbose:?}");
}

#[test]
fn a_failed_run_leaves_no_old_verdict_and_no_scratch_files() {
    let world = World::new();
    world.reconcile("left.csv", "right.csv", "").ends(0);
    assert!(world.path("out/summary.json").exists());
    world.write("right.csv", "");
    world.reconcile("left.csv", "right.csv", "").ends(2);
    assert!(!world.path("out/summary.json").exists() && !world.path("out/report.html").exists());
    assert!(!world.path("out/.work").exists());
}

/// `12,50` is twelve and a half or 1,250 with a slip: only the rules can say.
#[test]
fn a_comma_before_decimals_is_refused_unless_the_rules_declare_it() {
    let world = World::new();
    let left = "order_id;amount;status\nA1;1.234,56;OK\nA2;12,50;OK\nA3;-3,00;OK\nA4;7,5;OK\nA5;1234567890123,00;OK\n";
    world.write("left.csv", left);
    let right =
        "order_id,amount,status\nA1,1234.56,OK\nA2,12.50,OK\nA3,-3.00,OK\nA4,7.5,OK\nA5,1234567890123,OK\n";
    world.write("right.csv", right);
    let ran = world.reconcile("left.csv", "right.csv", "").ends(1);
    for (row, says) in [
        (2, "`1.234,56`; for these set group_separator = \".\" and decimal_mark = \",\""),
        (3, "`12,50`; for a comma before decimals set decimal_mark = \",\""),
    ] {
        let line = ran.stderr.lines().find(|l| l.contains(&format!("left.csv:{row}:amount: "))).unwrap();
        assert!(line.starts_with("rejected[amount] ") && line.contains(says), "{line}");
    }
    assert_eq!(world.summary("out")["left"]["rejected"], 5);

    let unit = "amount = { column = \"amount\", unit = \"decimal\"";
    let comma = format!("{unit}, decimal_mark = \",\", group_separator = \".\"");
    world.write("rules.toml", RULES.replacen(unit, &comma, 1));
    world.reconcile("left.csv", "right.csv", "").ends(0);
    assert_eq!(counts(&world.summary("out")), [("MATCHED".to_owned(), 5)]);

    // Where the comma is declared, a point is refused, but between groups of three.
    world.write(
        "left.csv",
        "order_id;amount;status\nA1;1234.56;OK\nA2;12.50;OK\nA3;1.2,3.4;OK\nA4;1,2,3;OK\nA5;1.234;OK\n",
    );
    world.reconcile("left.csv", "right.csv", "").ends(1);
    let summary = world.summary("out");
    assert_eq!((&summary["left"]["rejected"], &summary["left"]["records"]), (&4.into(), &1.into()));
    assert_eq!(summary["left"]["amounts"]["CNY"]["minor"], "123400");

    // `init` sees it by itself.
    world.write("left.csv", left);
    world.line("reconcile init left.csv right.csv -o guessed.toml").ends(0);
    let guessed = world.text("guessed.toml");
    assert!(guessed.contains("group_separator = \".\", decimal_mark = \",\""), "{guessed}");
}
