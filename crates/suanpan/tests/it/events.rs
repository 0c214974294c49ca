//! listen, trigger and events, against a simulated server.

use crate::api_simulator::{FIRST, KEY, Simulator};
use crate::world::{Ran, World};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

/// Runs a command against the server.
fn run(server: &Simulator, line: &str) -> Ran {
    let args: Vec<&str> = line.split_whitespace().collect();
    let mut command = World::empty().command(&args);
    command.current_dir("/").env("SUANPAN_API", server.url()).env("SUANPAN_KEY", KEY);
    Ran::from(command.output().unwrap())
}

/// What a receiver got: head and body.
type Inbox = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A receiver that answers one status after the other, and the last one for ever.
fn receiver(statuses: &'static [u16]) -> (String, Inbox) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{}/hook", listener.local_addr().unwrap());
    let inbox: Inbox = Arc::default();
    let kept = Arc::clone(&inbox);
    std::thread::spawn(move || {
        for (place, stream) in listener.incoming().enumerate() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push((head, body));
            let status = statuses[place.min(statuses.len() - 1)];
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    (url, inbox)
}

/// Verifies by the text of the header and the secret, as OpenSSL computes it.
fn stripe_signature(secret: &str, time: &str, body: &[u8]) -> String {
    let mut child = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret, "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = [format!("{time}.").as_bytes(), body].concat();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.split(' ').next().unwrap().to_owned()
}

#[test]
fn listen_forwards_events_in_order_byte_for_byte_and_signed_by_the_printed_secret() {
    let server = Simulator::start(5);
    let (url, inbox) = receiver(&[200, 500, 200]);
    let ran = run(&server, &format!("listen --forward-to {url} --since evt_2 --count 3")).ends(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    for (line, (id, status)) in lines.iter().zip([("evt_3", 200), ("evt_4", 500), ("evt_5", 200)]) {
        assert!(line.contains(&format!("  {id}  pi_")) && line.contains(&format!("-> {status}  ")), "{line}");
    }
    let secret = ran.stderr.lines().find(|line| line.starts_with("whsec_")).unwrap();
    let inbox = inbox.lock().unwrap();
    for ((head, body), id) in inbox.iter().zip(["evt_3", "evt_4", "evt_5"]) {
        assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
        let event: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(event["id"], id);
        assert_eq!(event, server.with(|state| state.events.iter().find(|e| e["id"] == id).cloned()).unwrap());
        assert!(body.starts_with(b"{\n") && body.ends_with(b"\n    }"), "unchanged in its layout");
        assert!(head.contains(&format!("webhook-id: {id}\r\n")), "{head}");
        let signed = head.lines().find_map(|line| line.strip_prefix("stripe-signature: t=")).unwrap();
        let (time, tag) = signed.split_once(",v1=").unwrap();
        assert_eq!(tag, stripe_signature(secret, time, body));
    }
}

#[test]
fn listen_begins_with_now_takes_the_wanted_types_and_pages_through_what_came_meanwhile() {
    let server = Simulator::start(3);
    server.with(|state| state.lively = true);
    let ran = run(&server, "listen --count 2 --every 50 --json").ends(0);
    let ids: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids, ["evt_4", "evt_5"]);
    assert!(!ran.stderr.contains("whsec_"), "nothing is sent: {ran:?}");

    let many = Simulator::start(250);
    let ran = run(&many, "listen --since evt_1 --count 124 --events charge.*").ends(0);
    assert_eq!(ran.stdout.lines().count(), 124);
    assert!(ran.stdout.lines().last().unwrap().contains("evt_248"), "{ran:?}");
    assert!(ran.stdout.lines().all(|line| line.contains("charge.refunded")));
}

#[test]
fn listen_uses_a_given_secret_and_tells_what_a_receiver_that_is_not_there_says() {
    let server = Simulator::start(2);
    let secret = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = run(&server, &format!("listen --forward-to {free} --since evt_1 --count 1 --secret {secret}"))
        .ends(1);
    assert!(ran.stderr.contains(secret), "{ran:?}");
    assert!(ran.stdout.contains("-> connect: cannot connect to 127.0.0.1"), "{ran:?}");
    run(&server, &format!("listen --forward-to {free} --secret whsec_no"))
        .ends(2)
        .names("secret", "--secret");
    run(&server, "listen --forward-to ftp://x/").ends(2).names("url", "--forward-to");
    run(&server, "listen --since evt_9").ends(2).names("api_refused", "event evt_9");
}

#[test]
fn trigger_makes_the_calls_that_cause_each_event_and_sees_that_it_came() {
    let server = Simulator::start(1);
    let help = run(&server, "trigger --help").ends(0).stdout;
    let list = help.split("[possible values:").nth(1).unwrap().split(']').next().unwrap().replace('\n', " ");
    let types: Vec<&str> = list.split(',').map(str::trim).collect();
    assert_eq!(types.len(), 16, "{types:?}");
    for kind in types {
        let before = server.with(|state| state.events.len());
        let ran = run(&server, &format!("trigger {kind}")).ends(0);
        assert!(ran.stdout.contains(&format!("  {kind} ")), "{kind}: {ran:?}");
        assert!(server.with(|state| state.events.len()) > before, "{kind}");
    }
    run(&server, "trigger customer.sneezed").ends(2);
    server.with(|state| state.dull = true);
    let ran = run(&server, "trigger customer.created").ends(1);
    assert!(ran.stderr.contains("no event customer.created came"), "{ran:?}");
    let ran = run(&server, "trigger customer.created --key sk_live_1").ends(2);
    ran.names("live_key", "--key");
}

#[test]
fn a_call_that_the_server_is_too_busy_for_is_made_again_under_the_same_key_of_idempotency() {
    let server = Simulator::start(1);
    run(&server, "events resend evt_1").ends(0);
    server.with(|state| state.busy = 2);
    run(&server, "events resend evt_1 --endpoint we_1").ends(0);
    let calls = server.with(|state| state.calls.clone());
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[1], calls[2]);
    assert_eq!(calls[2], calls[3]);
    assert!(calls[0][3].len() == 32 && calls[0][3] != calls[1][3], "{calls:?}");
    assert_eq!(
        server.with(|state| state.resent.clone()),
        [("evt_1".to_owned(), None), ("evt_1".to_owned(), Some("we_1".to_owned()))]
    );
    server.with(|state| state.busy = 3);
    run(&server, "events resend evt_1").ends(2).names("api_refused", "event evt_1");
}

#[test]
fn events_are_listed_shown_and_sent_again_by_time() {
    let server = Simulator::start(130);
    let listed = run(&server, "events list").ends(0).stdout;
    assert_eq!(listed.lines().count(), 20);
    assert!(listed.starts_with("2026-08-01T14:09:00Z  charge.refunded "), "{listed}");
    assert_eq!(run(&server, "events list --limit 200 --json").ends(0).stdout.lines().count(), 130);
    let typed = run(&server, "events list --type charge.refunded --limit 2").ends(0).stdout;
    assert!(typed.contains("evt_130") && typed.contains("evt_128"), "{typed}");
    assert!(run(&server, "events list --from 2027-01-01").ends(0).stderr.contains("no events"));

    let shown = run(&server, "events show evt_7").ends(0).stdout;
    let event: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((event["id"].as_str(), event["created"].as_i64()), (Some("evt_7"), Some(FIRST + 360)));
    run(&server, "events show evt_999").ends(2).names("api_refused", "event evt_999");
    run(&server, "events show ../customers").ends(2).names("api_refused", "event ../customers");

    let range = format!("--from 2026-08-01T12:01:00Z --to {}", FIRST + 60 * 110);
    let dry = run(&server, &format!("events resend {range} --dry-run")).ends(0);
    assert_eq!(dry.stdout.lines().count(), 109);
    assert!(dry.stdout.starts_with("evt_2\n") && dry.stdout.ends_with("evt_110\n"), "{dry:?}");
    assert!(server.with(|state| state.resent.is_empty()));
    let sent = run(&server, &format!("events resend {range} --type charge.refunded --endpoint we_1")).ends(0);
    assert_eq!(sent.stdout.lines().next(), Some("evt_2  sent again"));
    assert_eq!(server.with(|state| state.resent.len()), 55);
    let refused = run(&server, &format!("events resend --from {} --endpoint we_9", FIRST + 60 * 128)).ends(1);
    assert!(refused.stderr.contains("No such webhook_endpoint: 'we_9'"), "{refused:?}");
    run(&server, "events resend").ends(2);
    run(&server, "events resend evt_1 --from 2026-08-01").ends(2);
}

#[test]
fn what_is_wrong_with_server_or_key_is_said_and_the_key_is_not() {
    let server = Simulator::start(1);
    let ran = run(&server, "events list --key sk_test_wrong").ends(2);
    ran.names("api_refused", "/v1/events");
    assert!(!ran.stderr.contains("sk_test_wrong"), "{ran:?}");
    let mut command = World::empty().command(&["events", "list"]);
    command.current_dir("/").env_remove("SUANPAN_KEY").env("SUANPAN_API", server.url());
    Ran::from(command.output().unwrap()).ends(2).names("no_key", "--key");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    run(&server, &format!("events list --api {free}"))
        .ends(2)
        .names("connect", &format!("GET http://{free}/v1/events?limit=100"));
    run(&server, "events list --api ftp://x").ends(2).names("url", "--api");
    let help = run(&server, "events list --help").ends(0).stdout;
    assert!(help.contains("SUANPAN_KEY") && !help.contains(KEY), "{help}");
}
