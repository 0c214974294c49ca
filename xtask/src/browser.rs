//! Opens a report in headless Chromium, so that what a person would see is what is checked.

use crate::steps::has;
use std::path::Path;
use std::process::Command;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Says whether a browser shows the report: its verdict is on the page, and its script is silent.
pub(crate) fn opens(report: &Path) -> bool {
    let Some(browser) = ensure() else { return false };
    let Some(verdict) = verdict(report) else { return false };
    let page = format!("file://{}", report.display());
    println!("$ {browser} --headless --dump-dom {page}");
    let output = Command::new(browser)
        // Containers have no user namespaces for the sandbox; the page is our own.
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom", &page])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            println!("error: {browser}: {error}");
            return false;
        }
    };
    let page = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    for complaint in &complaints {
        println!("error: {complaint}");
    }
    // The page says it in words of its language; the code stands on its root for programs.
    if !page.contains(&format!("data-verdict=\"{verdict}\"")) {
        println!("error: the verdict {verdict} of summary.json is not on the page ({} bytes)", page.len());
        return false;
    }
    println!("{} bytes of page, verdict {verdict}", page.len());
    output.status.success() && complaints.is_empty()
}

/// Reads the verdict from the summary beside the report.
fn verdict(report: &Path) -> Option<String> {
    let at = report.with_file_name("summary.json");
    let read = std::fs::read(&at).map_err(|error| error.to_string()).and_then(|bytes| {
        let summary: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        summary["verdict"].as_str().map(str::to_owned).ok_or("no verdict".to_owned())
    });
    read.inspect_err(|error| println!("error: {}: {error}", at.display())).ok()
}

/// Finds a browser.
pub(crate) fn find() -> Option<&'static str> {
    NAMES.into_iter().find(|name| has(name, "--version"))
}

/// Finds a browser, or installs one with apt.
fn ensure() -> Option<&'static str> {
    if let Some(found) = find() {
        return Some(found);
    }
    println!("no Chromium here: installing it with apt, to open the report as a person would");
    if crate::needs::install(&["chromium"]) { find() } else { None }
}
