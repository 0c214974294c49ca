//! Clients that nobody here wrote, against a running server: the official libraries of Stripe for Python and
//! Node, and schemathesis. They are installed by name into folders beside the build.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../it/client.rs"]
#[allow(dead_code, reason = "made for the other tests, which use more of it")]
mod client;

use client::Server;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use suanpan_money::Timestamp;
use suanpan_webhooks::sign::{SigningSecret, headers};

/// One installation at a time.
static INSTALLING: Mutex<()> = Mutex::new(());

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{text}");
    print!("{text}");
}

/// Returns a Python environment with some packages.
fn python(packages: &[&str]) -> PathBuf {
    let _one = INSTALLING.lock().unwrap();
    let environment = folder("python");
    if !environment.join("bin/python").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    }
    run(Command::new(environment.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(packages));
    environment
}

/// Signs an event as the sender of webhooks does, with the secret of a new endpoint.
fn signed(server: &Server) -> [(&'static str, String); 3] {
    let endpoint =
        server.post(&server.key, "/v1/webhook_endpoints", "url=https://example.com&enabled_events[]=*");
    let secret = endpoint.json()["secret"].as_str().unwrap().to_owned();
    server.post(&server.key, "/v1/payment_intents", "amount=100&currency=cny");
    let event = server.get(&server.key, "/v1/events?limit=1").json()["data"][0].clone();
    let payload = event.to_string();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_seconds(i64::try_from(now.as_secs()).unwrap());
    let secrets = [SigningSecret::parse(&secret).unwrap()];
    let headers = headers(&secrets, event["id"].as_str().unwrap(), now, payload.as_bytes()).unwrap();
    let (_, signature) =
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("stripe-signature")).unwrap();
    [("SUANPAN_SECRET", secret), ("SUANPAN_PAYLOAD", payload), ("SUANPAN_SIGNATURE", signature.clone())]
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

#[test]
fn the_python_library_of_stripe_runs_a_merchant() {
    let environment = python(&["stripe==16.1.0"]);
    let server = Server::start();
    let mut command = Command::new(environment.join("bin/python"));
    command.arg(script("merchant.py")).envs(signed(&server)).env("SUANPAN_KEY", &server.key);
    run(command.env("SUANPAN_URL", format!("http://{}", server.address)));
}

#[test]
fn the_node_library_of_stripe_runs_a_merchant() {
    let modules = folder("node");
    if !modules.join("node_modules/stripe").exists() {
        std::fs::write(modules.join("package.json"), r#"{"private":true}"#).unwrap();
        run(Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "stripe"])
            .current_dir(&modules));
    }
    let server = Server::start();
    let mut command = Command::new("node");
    command.arg(script("merchant.mjs")).envs(signed(&server)).env("SUANPAN_KEY", &server.key);
    run(command.env("SUANPAN_URL", format!("http://{}", server.address)).env("SUANPAN_NODE", &modules));
}

#[test]
fn schemathesis_finds_no_fault_of_ours_and_no_answer_that_is_not_described() {
    let environment = python(&["schemathesis==4.32.5"]);
    let server = Server::start();
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let url = format!("http://{}", server.address);
    let mut command = Command::new(environment.join("bin/schemathesis"));
    command.current_dir(folder("schemathesis"));
    command.args(["run", &format!("{url}/openapi.json"), "--url", &url, "--checks", checks]);
    command.args([
        "--max-examples",
        "15",
        "--seed",
        "4",
        "--phases",
        "examples,coverage,fuzzing",
        "--no-color",
    ]);
    command.args(["--header", &format!("Authorization: Bearer {}", server.key), "--continue-on-failure"]);
    run(&mut command);
}
