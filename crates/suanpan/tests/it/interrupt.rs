//! A signal stops a run with status 130, and `--resume` goes on to the same bytes.

use crate::world::{Ran, World};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

const LINE: &str = "reconcile day/ledger.csv day/channel.csv --rules day/rules.toml --threads 1";

/// Where a signal meets a run depends on the machine, so it is sent at several moments. A run may also
/// be done before it comes; then the result must be whole.
#[test]
fn an_interrupted_run_is_130_and_resumes_to_the_same_bytes() {
    let world = World::empty();
    world.day(300_000, "--seed 2");
    world.line(&format!("{LINE} --out whole --quiet")).ends(1);
    for strategy in ["memory", "sketch", "spill", "full"] {
        let mut interrupted = 0;
        for attempt in 0..40 {
            // Moments from right at the start on; when none was early enough, again from the start.
            let wait = Duration::from_millis(attempt % 4 * 15);
            if interrupt(&world, strategy, wait) {
                interrupted += 1;
                world.line(&format!("{LINE} --out out --quiet --strategy {strategy} --resume")).ends(1);
            }
            assert!(world.read("out/breaks.csv") == world.read("whole/breaks.csv"), "{strategy} {wait:?}");
            assert_eq!(
                world.summary("out")["digest"],
                world.summary("whole")["digest"],
                "{strategy} {wait:?}"
            );
            assert!(!world.path("out/.state").exists(), "{strategy}: a run that is done needs no state");
            if interrupted > 0 && attempt >= 3 {
                break;
            }
        }
        assert!(interrupted > 0, "{strategy}: no signal came in time");
    }
}

/// Sends a signal to a run, and says whether it came in time.
fn interrupt(world: &World, strategy: &str, wait: Duration) -> bool {
    let args = format!("{LINE} --out out --progress ndjson --strategy {strategy}");
    let mut command = world.command(&args.split(' ').collect::<Vec<_>>());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    stderr.read_line(&mut first).unwrap();
    assert!(first.contains("\"progress\""), "{first}");
    std::thread::sleep(wait);
    // It fails when the process is gone already.
    Command::new("sh").args(["-c", &format!("kill -INT {} 2>/dev/null", child.id())]).status().unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    // Between the end of the run and that of the process a signal ends the process, and all is written.
    let over = ran.status == 130 && !rest.contains("error[") && world.path("out/summary.json").exists();
    if ran.status == 1 || over {
        return false;
    }
    assert_eq!(ran.status, 130, "{strategy}: {first}{rest}");
    assert!(rest.contains("error[interrupted]: "), "{rest}");
    assert_eq!(ran.stdout, "");
    assert!(!world.path("out/summary.json").exists() && !world.path("out/.work").exists());
    true
}

/// A state only saves work, so a script may always say `--resume`.
#[test]
fn resume_without_a_state_reads_everything() {
    let world = World::new();
    let ran = world.reconcile("left.csv", "right.csv", "--resume").ends(0);
    assert!(ran.stderr.contains("reading everything"), "{ran:?}");
    world.write("out/.state/job.json", "{");
    let ran = world.reconcile("left.csv", "right.csv", "--resume").ends(0);
    assert!(ran.stderr.contains("job.json is damaged"), "{ran:?}");
}

/// A late file: what was read before is taken over, and the result is that of a full run.
#[test]
fn a_late_file_is_added_to_what_was_read() {
    let world = World::new();
    world.write("bills/1.csv", "order_id,amount,status\nA1,1.00,OK\n");
    world.reconcile("left.csv", "bills", "--checkpoint").ends(1);
    assert!(world.path("out/.state/job.json").exists());
    world.write("bills/2.csv", "order_id,amount,status\nA2,2.00,OK\nA3,3.00,OK\n");
    world.reconcile("left.csv", "bills", "--checkpoint --resume").ends(0);
    let digest = world.summary("out")["digest"].clone();
    world.line("reconcile left.csv bills --rules rules.toml --out whole").ends(0);
    assert_eq!(world.summary("whole")["digest"], digest);
    // Other rules make another job of it.
    world.write(
        "rules.toml",
        crate::world::RULES.replace("name = \"test\"", "name = \"test\"\n[keys]\nfold_case = true"),
    );
    let ran = world.reconcile("left.csv", "bills", "--checkpoint --resume").ends(0);
    assert!(ran.stderr.contains("the rules have changed"), "{ran:?}");
}
