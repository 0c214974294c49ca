//! The chores that run others: `check`, `test`, `deny`, `fuzz`.

use crate::steps::{Steps, has, run};
use crate::workspace::{cargo, metadata, root};
use crate::{browser, examples, licences, needs, tidy};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const BINARY: &str = "target/release/suanpan";

/// What CI runs, without the slow suites.
pub(crate) fn check() -> bool {
    let mut steps = Steps::new("check");
    add_checks(&mut steps);
    steps.finish()
}

/// All that CI runs.
pub(crate) fn test() -> bool {
    let mut steps = Steps::new("test");
    add_checks(&mut steps);
    match slow_suites() {
        Ok(suites) => {
            for (package, suite) in suites {
                // The whole workspace is named, so that what the tests compiled is used again: with other packages
                // dependencies have other features.
                let words = ["test", "--workspace", "--locked", "--test", &suite];
                steps.command(&format!("slow suite {package}/{suite}"), &mut cargo(&words));
            }
        }
        Err(error) => {
            steps.step("find the slow suites", || {
                println!("error: {error}");
                false
            });
        }
    }
    // It mostly waits, and nothing in it is timed: it goes on while the binary is built.
    let soak = Soak::begin();
    let built = steps.command(
        "build the binary as users have it",
        &mut cargo(&["build", "--release", "--package", "suanpan"]),
    );
    if built {
        steps.step("the examples of the documents", || examples::run(&root().join(BINARY)));
        let mut report = None;
        steps.step("the demonstration of the README", || {
            report = demonstration();
            report.is_some()
        });
        if let Some(report) = report {
            steps.step("a browser opens its report", || browser::opens(&report));
        }
    }
    steps.step("payments while the server is killed again and again, and an audit", || soak.end());
    steps.finish()
}

/// A short run of `bench/soak.py`, with the binary that the tests made.
struct Soak(Result<(Child, PathBuf), String>);

impl Soak {
    fn begin() -> Soak {
        let begin = || {
            let folder = root().join("target/tmp/soak");
            // What an earlier run left behind.
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder)?;
            // Of its own, because what is built next may replace the other.
            std::fs::copy(root().join("target/debug/suanpan"), folder.join("suanpan"))?;
            let log = folder.join("log");
            let out = std::fs::File::create(&log)?;
            // Longer than it ever takes: a run that hangs is ended.
            let mut command = Command::new("timeout");
            command.args(["1500", "python3", "bench/soak.py", "--payments", "1500", "--kill-every", "2"]);
            command.arg("--program").arg(folder.join("suanpan")).arg("--keep").arg(folder.join("world"));
            let child = command.current_dir(root()).stdout(out.try_clone()?).stderr(out).spawn()?;
            Ok::<_, std::io::Error>((child, log))
        };
        Soak(begin().map_err(|error| format!("bench/soak.py does not start: {error}")))
    }

    fn end(self) -> bool {
        let ended = self.0.and_then(|(mut child, log)| {
            let status = child.wait().map_err(|error| error.to_string())?;
            Ok((status, std::fs::read_to_string(log).unwrap_or_default()))
        });
        match ended {
            Ok((status, log)) => {
                // The last lines say what came of it; those before show how it went on.
                let lines: Vec<&str> = log.lines().collect();
                lines[lines.len().saturating_sub(30)..].iter().for_each(|line| println!("{line}"));
                status.success()
            }
            Err(error) => {
                println!("error: {error}");
                false
            }
        }
    }
}

fn add_checks(steps: &mut Steps) {
    steps.command("format", &mut cargo(&["fmt", "--all", "--check"]));
    steps.command(
        "lints",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    );
    steps.step("tidy", tidy::run);
    steps.step("licences, duplicates and sources of dependencies", licences::run);
    steps.command(
        "documentation of the code",
        cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    );
    steps.step("servers and interpreters that tests start", needs::ensure);
    // The lints compile the examples; nobody runs them here, so they need not be linked.
    steps.command("tests", &mut cargo(&["test", "--workspace", "--locked", "--tests", "--no-fail-fast"]));
    steps.command(
        "examples in the code's documentation",
        &mut cargo(&["test", "--workspace", "--locked", "--doc"]),
    );
}

/// Runs `cargo deny`, which also knows advisories, and installs it first when it is missing.
pub(crate) fn deny() -> bool {
    let mut steps = Steps::new("deny");
    let installed = has("cargo-deny", "--version")
        || steps.command("install cargo-deny (minutes)", &mut cargo(&["install", "--locked", "cargo-deny"]));
    if installed {
        steps.command("cargo deny", &mut cargo(&["deny", "check"]));
    }
    steps.finish()
}

/// Runs the tests of the modules with `unsafe` code under AddressSanitizer, which watches the same reads and
/// writes as Miri and knows the wide instructions and memory mappings that Miri does not.
pub(crate) fn sanitize() -> bool {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "test", "--package", "suanpan-recon", "--lib", "--locked"]);
    command.args([
        "--target",
        &target,
        "--target-dir",
        "target/sanitize",
        "--",
        "arena::",
        "index::",
        "store::",
    ]);
    // This program runs under a cargo of its own, whose place the other must not take over.
    command.env("RUSTFLAGS", "-Zsanitizer=address").env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    run(command.current_dir(root()))
}

/// Runs the fuzzers of `fuzz/`.
pub(crate) fn fuzz(seconds: &str) -> bool {
    let words =
        ["run", "--profile", "fuzz", "--package", "suanpan-fuzz", "--locked", "--", "--seconds", seconds];
    run(&mut cargo(&words))
}

/// Lists the test targets that `cargo test` leaves out, because they say `test = false`.
fn slow_suites() -> Result<Vec<(String, String)>, String> {
    let found = metadata(&["--no-deps"])?;
    let mut suites = Vec::new();
    for package in found["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            if target["kind"][0] == "test" && target["test"] == false {
                let name = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                suites.push((name(&package["name"]), name(&target["name"])));
            }
        }
    }
    Ok(suites)
}

/// Runs `suanpan demo` and returns the report whose path it printed.
fn demonstration() -> Option<PathBuf> {
    let binary = root().join(BINARY);
    println!("$ {} demo", binary.display());
    let output = match Command::new(&binary).arg("demo").current_dir(root()).stderr(Stdio::inherit()).output()
    {
        Ok(output) => output,
        Err(error) => {
            println!("error: {}: {error}", binary.display());
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    if !output.status.success() {
        println!("error: suanpan demo: {}", output.status);
        return None;
    }
    let report =
        text.split_whitespace().find(|word| word.ends_with("report.html")).map(|path| root().join(path));
    match report {
        Some(report) if report.is_file() => Some(report),
        Some(report) => {
            println!("error: {} is not there", report.display());
            None
        }
        None => {
            println!("error: suanpan demo printed no path of a report.html");
            None
        }
    }
}
