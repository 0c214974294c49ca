//! Programs that tests start, installed with apt where they are missing.

use crate::steps::{has, run};
use std::path::Path;
use std::process::Command;

/// A server or interpreter, how to see that it is there, and Debian's packages that bring it.
struct Need {
    what: &'static str,
    present: fn() -> bool,
    packages: &'static [&'static str],
}

const NEEDS: [Need; 4] = [
    Need {
        what: "PostgreSQL, which tests start for themselves",
        present: || ["17", "16", "15"].iter().any(|version| postgres(version)),
        packages: &["postgresql-15"],
    },
    Need {
        what: "Python with environments of its own, for Stripe's library and schemathesis",
        present: || has("python3", "--version") && run_quietly(&["python3", "-c", "import venv, ensurepip"]),
        packages: &["python3", "python3-venv"],
    },
    Need {
        what: "Node with npm, for Stripe's library",
        present: || has("node", "--version") && has("npm", "--version"),
        packages: &["nodejs", "npm"],
    },
    Need {
        what: "Chromium, in which pages are opened",
        present: || crate::browser::find().is_some(),
        packages: &["chromium"],
    },
];

fn postgres(version: &str) -> bool {
    Path::new("/usr/lib/postgresql").join(version).join("bin/initdb").exists()
}

fn run_quietly(words: &[&str]) -> bool {
    Command::new(words[0]).args(&words[1..]).output().is_ok_and(|output| output.status.success())
}

/// Says whether everything is there, after installing what was not.
pub(crate) fn ensure() -> bool {
    NEEDS.iter().all(|need| {
        if (need.present)() {
            println!("there: {}", need.what);
            return true;
        }
        println!("missing: {}; installing it with apt", need.what);
        if !install(need.packages) || !(need.present)() {
            println!("error: {} is needed; install {} by hand", need.what, need.packages.join(", "));
            return false;
        }
        true
    })
}

/// Installs packages with apt.
pub(crate) fn install(packages: &[&str]) -> bool {
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    [vec!["update", "-q"], [&install[..], packages].concat()].into_iter().all(|words| {
        let mut command = if has("sudo", "-V") { Command::new("sudo") } else { Command::new("env") };
        run(command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(words))
    })
}
