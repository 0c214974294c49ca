//! The commands of helps and documents run as written, in a folder with the files that they name.
//!
//! Each block runs in a shell in which `suanpan` is a shim: it runs the binary and writes down the
//! arguments and the exit status. Trouble (2) anywhere fails the test.

use crate::api_simulator::{KEY, Simulator};
use crate::world::{Ran, World, gzip};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A folder with everything that examples name.
fn prepared() -> World {
    let world = World::empty();
    let first = repository().join("docs/examples/first");
    for name in ["ledger.csv", "channel.csv", "rules.toml"] {
        fs::copy(first.join(name), world.path(name)).unwrap();
    }
    for name in ["my-bank.toml", "may.csv"] {
        fs::copy(repository().join("docs/reference/layout").join(name), world.path(name)).unwrap();
    }
    let (ledger, channel) = (world.read("ledger.csv"), world.read("channel.csv"));
    world.write("books/ledger.csv.gz", gzip(&ledger));
    world.write("bills/channel.csv", &channel);
    world.write("channel/channel.csv", &channel);
    world.write("stripe.csv", crate::statements::STRIPE);
    world.write("secret.txt", "6d7920736563726574206973206c6f6e67\n");
    world.write("faults.toml", "[faults]\nMISSING_IN_A = 7\n");
    world.write("settle_late.csv", "trade_no,order_id,amount_fen,state\n420099,A1005,777,OK\n");
    let yesterday = Command::new("date").args(["-d", "yesterday", "+%F"]).output().unwrap();
    let yesterday = String::from_utf8(yesterday.stdout).unwrap().trim().to_owned();
    world.write(&format!("books/{yesterday}/a.csv.gz"), gzip(&ledger));
    world.write(&format!("channel/{yesterday}/a.csv"), &channel);
    shim(&world);
    world
}

/// Puts `suanpan` and `cargo` into `.bin`.
fn shim(world: &World) {
    let log = world.path(".log");
    let text = format!(
        "#!/bin/sh\n{} \"$@\"\nstatus=$?\nprintf '%s\\t%s\\n' \"$status\" \"$*\" >> {}\nexit $status\n",
        env!("CARGO_BIN_EXE_suanpan"),
        log.display()
    );
    for (name, text) in [("suanpan", text.as_str()), ("cargo", "#!/bin/sh\n")] {
        world.write(&format!(".bin/{name}"), text);
        fs::set_permissions(world.path(&format!(".bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    world.write(".log", "");
}

/// Runs a script, and returns the commands that it ran with how they ended.
fn script(world: &World, text: &str) -> Vec<(i32, String)> {
    world.write(".log", "");
    // Commands that talk to a server find a simulated one in which something happens all the time.
    let server = Simulator::start(3);
    server.with(|state| state.lively = true);
    let path = format!("{}:{}", world.path(".bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-u", "-c", text])
        .current_dir(world.root())
        .env("PATH", path)
        .env("TMPDIR", world.root())
        .env("SUANPAN_API", server.url())
        .env("SUANPAN_KEY", KEY)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = Ran::from(output);
    let log = world.text(".log");
    let commands: Vec<(i32, String)> = log
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(status, args)| (status.parse().unwrap(), args.to_owned()))
        .collect();
    for (status, args) in &commands {
        assert!(matches!(status, 0 | 1), "suanpan {args}: {status}\n{text}\n{ran:#?}");
    }
    assert!(ran.status == 0 || ran.status == 1, "{text}\n{ran:#?}");
    commands
}

/// What takes long is made small, and what does not end ends; nothing else is changed.
fn small(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(if line.trim() == "suanpan demo" { "suanpan demo --rows 20k" } else { line });
        if line.trim().starts_with("suanpan listen") && !line.contains("--count") {
            out.push_str(" --count 1");
        }
        out.push('\n');
    }
    out.replace("--records 50000000", "--records 20k")
        .replace("/data/", "data/")
        .replace("--rows 100k", "--rows 20k")
}

#[test]
fn every_example_of_every_help_runs() {
    fn helps(world: &World, path: &str, seen: &mut Vec<(String, String)>) {
        let help = world.line(&format!("{path} --help")).ends(0).stdout;
        let listed =
            help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
        let subs =
            listed.lines().filter_map(|line| line.split_whitespace().next()).filter(|sub| *sub != "help");
        for sub in subs {
            helps(world, format!("{path} {sub}").trim(), seen);
        }
        seen.push((path.to_owned(), help));
    }
    let (world, mut seen) = (World::empty(), Vec::new());
    helps(&world, "", &mut seen);
    assert_eq!(seen.len(), 63);
    for (path, help) in seen {
        let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{path}: no examples"));
        let examples = examples.split("\n\n").next().unwrap();
        let world = prepared();
        if path == "serve" {
            crate::serving::runs_examples(&world, examples);
            continue;
        }
        if path.starts_with("terminal") {
            crate::flash::runs_examples(examples);
            continue;
        }
        if path.starts_with("simulate") {
            crate::serving::runs_simulators(&world, examples);
            continue;
        }
        if ["ledger", "backup", "restore", "doctor", "status", "keys"].iter().any(|own| path.starts_with(own))
        {
            crate::books::prepare(&world);
        }
        // `diff` and `locate` need what the command before them makes.
        if path.starts_with("sketch ") {
            for (side, name, out) in [("left", "ledger", "ours"), ("right", "channel", "theirs")] {
                let line = format!(
                    "sketch {name}.csv --rules rules.toml --side {side} --secret-file secret.txt -o {out}.sketch"
                );
                world.line(&line).ends(0);
            }
            world.line("sketch diff ours.sketch theirs.sketch --out d.csv").ends(1);
        }
        let examples = if path == "keys revoke" {
            examples.replace("key_1", &crate::books::key(&world))
        } else {
            examples.to_owned()
        };
        let commands = script(&world, &small(&examples));
        assert!(commands.len() >= 2, "{path}: {commands:?}");
        assert_eq!(commands.len(), examples.lines().count(), "{path}: each line is one command");
    }
}

/// Returns the shell blocks of a page.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "```sh" {
            blocks.push(
                lines.by_ref().take_while(|line| line.trim() != "```").map(|l| format!("{l}\n")).collect(),
            );
        }
    }
    blocks
}

#[test]
fn every_command_of_the_documents_runs_as_written() {
    for (page, expected) in [
        ("README.md", 4),
        ("docs/start.md", 4),
        ("docs/guide/every-day.md", 1),
        ("docs/guide/large-files.md", 4),
        ("docs/guide/late-files.md", 4),
        ("docs/guide/memory.md", 1),
        ("docs/guide/open-items.md", 2),
        ("docs/guide/sketches.md", 5),
        ("docs/guide/refunds.md", 0),
        ("docs/guide/bank.md", 0),
        ("docs/guide/statements.md", 6),
        ("docs/guide/books.md", 12),
        ("docs/guide/backup.md", 5),
        ("docs/guide/webhooks.md", 5),
    ] {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        let world = prepared();
        match page {
            "docs/guide/books.md" | "docs/guide/backup.md" => crate::books::prepare(&world),
            "docs/guide/open-items.md" => copy_example(&world, "carry"),
            // It writes the rules itself.
            "README.md" => fs::remove_file(world.path("rules.toml")).unwrap(),
            _ => {}
        }
        let blocks = blocks(&text);
        let commands: Vec<_> =
            blocks.iter().flat_map(|block| script(&world, &small(&without_cd(block)))).collect();
        assert_eq!(commands.len(), expected, "{page}: {commands:#?}");
    }
}

fn without_cd(block: &str) -> String {
    block.lines().filter(|line| !line.starts_with("cd ")).map(|line| format!("{line}\n")).collect()
}

fn copy_example(world: &World, name: &str) {
    for entry in fs::read_dir(repository().join("docs/examples").join(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, world.path(&path.file_name().unwrap().to_string_lossy())).unwrap();
    }
}
