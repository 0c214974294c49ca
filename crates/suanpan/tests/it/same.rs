//! The same bytes for any thread count, memory limit, strategy, kernel, and form of the same inputs.

use crate::world::{ALL_FAULTS, Ran, World, counts, gzip};
use serde_json::Value;
use std::fs;
use std::io::Write;

/// What must not depend on anything but inputs and rules.
#[derive(PartialEq, Eq)]
struct Result {
    digest: Value,
    outcomes: Value,
    bridge: Value,
    breaks: Vec<u8>,
    rejected: Vec<u8>,
    parquet: Vec<u8>,
    open_items: Vec<u8>,
}

fn result(world: &World) -> Result {
    let mut summary = world.summary("out");
    Result {
        digest: summary["digest"].take(),
        outcomes: summary["outcomes"].take(),
        bridge: summary["bridge"].take(),
        breaks: world.read("out/breaks.csv"),
        rejected: world.read("out/rejected.csv"),
        parquet: world.read("out/breaks.parquet"),
        open_items: world.read("out/open_items.parquet"),
    }
}

/// A day with every outcome, which is reconciled once in the plain way.
fn world(records: u64) -> World {
    let world = World::empty();
    world.write("faults.toml", ALL_FAULTS);
    world.day(records, "--faults faults.toml --seed 5");
    fs::copy(world.path("day/rules.toml"), world.path("rules.toml")).unwrap();
    world
}

const BASIC_FAULTS: &str = "\
[faults]
MISSING_IN_B = 21
MISSING_IN_A = 22
AMOUNT_MISMATCH = 13
STATUS_MISMATCH = 14
DUPLICATE_IN_A = 5
DUPLICATE_IN_B = 6
REJECTED = 3
";

const OPEN: &str = "--open-items day/open_items.parquet";

fn reconcile(world: &World, more: &str) -> Ran {
    world.reconcile("day/ledger.csv", "day/channel.csv", &format!("{OPEN} --quiet {more}"))
}

#[test]
fn the_truth_is_found_by_any_means_with_the_same_bytes() {
    let world = world(30_000);
    reconcile(&world, "--threads 2").ends(1);
    let first = result(&world);
    let truth: Value = serde_json::from_slice(&world.read("day/truth.json")).unwrap();
    for (code, outcome) in truth["outcomes"].as_object().unwrap() {
        for (name, found) in [("groups", "count"), ("left", "left_records"), ("right", "right_records")] {
            assert_eq!(outcome[name], first.outcomes[code][found], "{code}.{name}: {truth:#}");
        }
    }
    assert!(counts(&world.summary("out")).len() == 19, "every outcome occurs");

    for more in [
        "--threads 1",
        "--threads 7",
        "--memory 64MiB",
        "--memory 16GiB --threads 1",
        "--strategy memory",
        "--strategy sketch",
        "--strategy sketch --threads 1 --memory 64MiB",
        "--strategy spill",
        "--strategy spill --memory 64MiB --threads 3",
        "--strategy full",
        "--matched",
        "--checkpoint",
        "--resume",
    ] {
        reconcile(&world, more).ends(1);
        assert!(result(&world) == first, "{more} gives another result");
    }
}

/// What the allocator keeps of memory that was given back, by threads that come and go.
const KEPT_BYTES: u64 = 8 << 20;

/// What a process takes besides its limit: its code, as far as a run touches it, which a run over two
/// records shows.
fn peak_of_nearly_nothing(world: &World) -> u64 {
    for (name, whole) in [("ledger", "day/ledger.csv"), ("channel", "day/channel.csv")] {
        let text = world.text(whole);
        world.write(
            &format!("{name}.csv"),
            text.lines().take(2).map(|line| format!("{line}\n")).collect::<String>(),
        );
    }
    let ran = world
        .line("reconcile ledger.csv channel.csv --rules rules.toml --quiet --memory 64MiB --out nothing");
    assert!(ran.status < 2, "{ran:?}");
    world.summary("nothing")["peak_rss_bytes"].as_u64().unwrap()
}

#[test]
fn the_least_memory_is_held_to() {
    let world = World::empty();
    world.day(300_000, "");
    fs::copy(world.path("day/rules.toml"), world.path("rules.toml")).unwrap();
    let most = peak_of_nearly_nothing(&world) + (64 << 20) + KEPT_BYTES;
    for more in ["--threads 2", "--threads 13", "--threads 2 --strategy full", "--threads 13 --strategy full"]
    {
        let ran = format!("--quiet --memory 64MiB {more}");
        world.reconcile("day/ledger.csv", "day/channel.csv", &ran).ends(1);
        let summary = world.summary("out");
        let peak = summary["peak_rss_bytes"].as_u64().unwrap();
        assert!(peak <= most, "{more}: {peak} bytes, over {most}");
        assert_eq!(summary["memory_limit_bytes"], 64 << 20);
    }
    // So with a report of a hundred thousand rows, which is written within the limit too.
    world.write("faults.toml", "[faults]\ndifferences = \"30%\"\n");
    world.day(300_000, "--faults faults.toml");
    for threads in [2, 13] {
        let ran = format!("--quiet --memory 64MiB --threads {threads}");
        world.reconcile("day/ledger.csv", "day/channel.csv", &ran).ends(1);
        let peak = world.summary("out")["peak_rss_bytes"].as_u64().unwrap();
        assert!(peak <= most, "{threads} threads, many differences: {peak} bytes, over {most}");
    }
    // Without the limit the same records in full take more than that, so the limit was at work.
    world.reconcile("day/ledger.csv", "day/channel.csv", "--quiet --threads 2 --strategy full").ends(1);
    let peak = world.summary("out")["peak_rss_bytes"].as_u64().unwrap();
    assert!(peak > most, "{peak} bytes, not over {most}");
}

#[test]
fn every_kernel_gives_the_same_bytes() {
    let world = world(5_000);
    reconcile(&world, "").ends(1);
    let first = result(&world);
    let version: Value = serde_json::from_str(&world.line("version --json").stdout).unwrap();
    let kernels = version["kernels"].as_array().unwrap();
    assert!(kernels.iter().any(|kernel| kernel == "plain"));
    for kernel in kernels {
        let kernel = kernel.as_str().unwrap();
        let line =
            format!("reconcile day/ledger.csv day/channel.csv --rules rules.toml --out out --quiet {OPEN}");
        let mut command = world.command(&line.split(' ').collect::<Vec<_>>());
        Ran::from(command.env("SUANPAN_KERNEL", kernel).output().unwrap()).ends(1);
        assert!(result(&world) == first, "{kernel} gives another result");
        let plan: Value = serde_json::from_slice(&world.read("out/plan.json")).unwrap();
        assert_eq!(plan["kernel"], kernel, "the kernel that was asked for was used");
    }
}

/// The same records in another container, encoding or format have the same outcomes.
#[test]
fn containers_encodings_and_formats_do_not_change_outcomes() {
    let world = World::empty();
    world.write("faults.toml", BASIC_FAULTS);
    world.day(4_000, "--faults faults.toml");
    fs::copy(world.path("day/rules.toml"), world.path("rules.toml")).unwrap();
    world.reconcile("day/ledger.csv", "day/channel.csv", "").ends(1);
    let first = world.summary("out");
    assert_eq!(counts(&first).len(), 8);
    let same = |what: &str| {
        let summary = world.summary("out");
        assert_eq!(summary["outcomes"], first["outcomes"], "{what}");
        assert_eq!(summary["bridge"], first["bridge"], "{what}");
        for side in ["left", "right"] {
            assert_eq!(summary[side]["records"], first[side]["records"], "{what}");
            assert_eq!(summary[side]["rejected"], first[side]["rejected"], "{what}");
        }
        assert_eq!(world.text("out/breaks.csv").lines().count(), breaks(&first), "{what}");
    };

    let channel = world.text("day/channel.csv");
    let crlf = channel.replace('\n', "\r\n");
    // A name in Chinese makes the two encodings differ.
    let chinese = channel
        .lines()
        .enumerate()
        .map(|(at, line)| {
            format!("{line},{}\n", if at == 0 { "\u{5907}\u{6ce8}" } else { "\u{6d4b}\u{8bd5}" })
        })
        .collect::<String>();
    let (gb, _, lost) = encoding_rs::GB18030.encode(&chinese);
    assert!(!lost);
    for (name, content) in [
        ("channel.csv.gz", gzip(channel.as_bytes())),
        ("channel.csv.zst", zstd::encode_all(channel.as_bytes(), 3).unwrap()),
        ("channel.zip", zip(&[("a/channel.csv", channel.as_bytes())])),
        ("crlf.csv", crlf.into_bytes()),
        ("bom.csv", format!("\u{feff}{channel}").into_bytes()),
        ("chinese.csv", chinese.clone().into_bytes()),
        ("gb18030.csv", gb.to_vec()),
        ("gb18030.csv.gz", gzip(&gb)),
        ("no_last_newline.csv", channel.trim_end().as_bytes().to_vec()),
        ("blank_lines.csv", channel.replacen('\n', "\n\n", 1).into_bytes()),
        ("no_extension", channel.clone().into_bytes()),
    ] {
        world.write(name, content);
        world.reconcile("day/ledger.csv", name, "").ends(1);
        same(name);
    }

    // Several files, named in each way that files can be named.
    let rows: Vec<&str> = channel.lines().collect();
    for (at, part) in rows[1..].chunks(rows.len() / 3 + 1).enumerate() {
        let text = format!("{}\n{}\n", rows[0], part.join("\n"));
        let content = if at == 1 { gzip(text.as_bytes()) } else { text.into_bytes() };
        world.write(&format!("parts/{at}.csv{}", if at == 1 { ".gz" } else { "" }), content);
    }
    world.reconcile("day/ledger.csv", "parts", "").ends(1);
    same("a folder");
    world.reconcile("day/ledger.csv", "parts/*", "").ends(1);
    same("a pattern");
    world.reconcile("day/ledger.csv", "parts/0.csv", "--right parts/1.csv.gz --right parts/2.csv").ends(1);
    same("names");
    assert_eq!(world.summary("out")["right"]["files"], 3);

    for format in ["ndjson", "parquet"] {
        let ran = world.line(&format!(
            "generate day --records 4000 --faults faults.toml --format {format} --quiet {format}"
        ));
        ran.ends(0);
        fs::copy(world.path(&format!("{format}/rules.toml")), world.path("rules.toml")).unwrap();
        for more in ["", "--strategy sketch", "--strategy spill", "--strategy full"] {
            let side = |name: &str| format!("{format}/{name}.{format}");
            world.reconcile(&side("ledger"), &side("channel"), more).ends(1);
            same(&format!("{format} {more}"));
        }
    }
}

fn breaks(summary: &Value) -> usize {
    let files = summary["files"].as_array().unwrap();
    let rows = files.iter().find(|file| file["name"] == "breaks.csv").unwrap()["rows"].as_u64().unwrap();
    1 + usize::try_from(rows).unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
