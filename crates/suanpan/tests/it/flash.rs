//! The terminal as its users see it: processes for the network, the card, the server and the terminal, as the guide says.

use crate::serving::{Server, Simulator};
use crate::world::World;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn guide() -> String {
    std::fs::read_to_string(crate::documents::repository().join("docs/guide/nfc.md")).unwrap()
}

/// All processes but the terminal.
struct Shop {
    world: World,
    network: Simulator,
    server: Server,
    key: String,
}

impl Shop {
    fn open() -> Shop {
        Shop::with(&[])
    }

    /// With more arguments for the network.
    fn with(more: &[&str]) -> Shop {
        let world = World::empty();
        let guide = guide();
        let file = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let args = [&["simulate", "channel", "card-network", "--listen", "127.0.0.1:0"], more].concat();
        let network = Simulator::start(&world, &args);
        // Answers that are lost should not take the test's time.
        let file = format!("{}patience_seconds = 2\n", file.replace("127.0.0.1:9583", network.address()));
        std::fs::write(world.path("channels.toml"), file).unwrap();
        let server =
            Server::start(&world, &["serve", "--listen", "127.0.0.1:0", "--channels", "channels.toml"]);
        let key = server.key().unwrap().to_owned();
        Shop { world, network, server, key }
    }

    fn card(&self, more: &str) -> Simulator {
        let line = format!("simulate card --listen 127.0.0.1:0 {more}");
        Simulator::start(&self.world, &line.split_whitespace().collect::<Vec<_>>())
    }

    /// Pays with a card, and returns status and display.
    fn pay(&self, amount: &str, card: &Simulator, more: &str) -> (i32, String) {
        self.pay_at(&format!("http://{}", self.server.address()), amount, card, more)
    }

    fn pay_at(&self, api: &str, amount: &str, card: &Simulator, more: &str) -> (i32, String) {
        let place = format!("tcp://{}", card.address());
        self.terminal(&format!("pay --amount {amount} --card {place} --api {api} --key {} {more}", self.key))
    }

    fn terminal(&self, line: &str) -> (i32, String) {
        let ran = self.world.line(&format!("terminal {line}"));
        (ran.status, format!("{}{}", ran.stdout, ran.stderr))
    }

    fn finish(&self, more: &str) -> (i32, String) {
        self.terminal(&format!("finish --api http://{} --key {} {more}", self.server.address(), self.key))
    }

    fn intents(&self) -> Vec<String> {
        let list = self.server.ask("GET", "/v1/payment_intents?limit=100", &self.key);
        list["data"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Closes: what the network holds true, and what the books say it owes, must be the same. Returns both sums.
    fn close(self, cards: Vec<Simulator>) -> (Value, String) {
        cards.into_iter().for_each(|card| drop(card.end()));
        let (status, log) = self.server.end("-TERM");
        assert_eq!(status, 0, "{log}");
        assert!(!log.contains("6225000000001004"), "{log}");
        let truth = self.network.end();
        let books = self.world.line("ledger balance test/channel/unionpay/receivable").stdout;
        let journal = std::fs::read_to_string(self.world.path("terminal-journal")).unwrap_or_default();
        assert!(!journal.contains("6225") && !journal.contains("1004"), "{journal}");
        (truth, books)
    }
}

/// Runs the examples of `suanpan terminal`, at a shop whose places stand in for those that are written there.
pub(crate) fn runs_examples(examples: &str) {
    let shop = Shop::open();
    let card = shop.card("");
    shop.world.write("pin.txt", card.said().split("PIN ").nth(1).unwrap());
    for line in examples.lines() {
        let words: Vec<&str> = line.split_whitespace().skip(2).collect();
        let words: Vec<&str> =
            words.into_iter().filter(|word| *word != "--card" && !word.starts_with("tcp:")).collect();
        let place =
            if words[0] == "pay" { format!("--card tcp://{}", card.address()) } else { String::new() };
        let at = format!("--api http://{} --key {} {place}", shop.server.address(), shop.key);
        let ran = shop.terminal(&format!("{} {at}", words.join(" ")));
        assert_eq!(ran.0, 0, "{line}: {}", ran.1);
    }
    shop.close(vec![card]);
}

#[track_caller]
fn shows(ran: &(i32, String), status: i32, words: &[&str]) {
    assert_eq!(ran.0, status, "{}", ran.1);
    let mut rest = ran.1.as_str();
    for words in words {
        rest = rest.split_once(words).unwrap_or_else(|| panic!("{words}: {}", ran.1)).1;
    }
}

#[test]
fn the_guide_pays_with_and_without_a_pin() {
    let shop = Shop::open();
    let guide = guide();
    for command in [
        "suanpan simulate channel card-network\n",
        "suanpan simulate card\n",
        "suanpan serve --channels channels.toml\n",
        "suanpan terminal pay --amount 12.34\n",
        "suanpan terminal pay --amount 1500.00 --pin-file pin.txt\n",
        "suanpan terminal finish\n",
    ] {
        assert!(guide.contains(command), "{command}");
    }
    let card = shop.card("");
    let paid = shop.pay("12.34", &card, "");
    // What the guide shows, word for word but for the id.
    let shown = guide.split("```text\n").nth(1).and_then(|rest| rest.split("...").next()).unwrap();
    assert!(paid.0 == 0 && paid.1.starts_with(shown), "{paid:?}");
    shop.world.write("pin.txt", card.said().split("PIN ").nth(1).unwrap());
    shows(&shop.pay("1500.00", &card, "--pin-file pin.txt"), 0, &["PIN wanted", "APPROVED  1500.00 CNY"]);
    shop.world.write("wrong.txt", "0000\n");
    let declined = shop.pay("1500.00", &card, "--pin-file wrong.txt");
    shows(&declined, 1, &["DECLINED  The PIN is missing or incorrect. (incorrect_pin)"]);
    // The issuer wants what the terminal does not ask for.
    shows(&shop.pay("1500.00", &card, "--pin-free 5000.00"), 1, &["(incorrect_pin)"]);
    shows(&shop.finish(""), 0, &["nothing is open"]);
    assert_eq!(shop.intents(), ["canceled", "canceled", "succeeded", "succeeded"]);
    let (truth, books) = shop.close(vec![card]);
    assert_eq!((&truth["taken_minor"], &truth["standing"]), (&151_234.into(), &2.into()), "{truth}");
    assert!(books.contains("1,512.34"), "{books}");
}

#[test]
fn what_the_guide_says_can_go_wrong_does() {
    let shop = Shop::open();
    let torn = shop.card("--taken-after 3");
    shows(&shop.pay("5.00", &torn, ""), 1, &["NOT PAID  the card is gone", "nothing was asked for"]);
    torn.end();
    let torn = shop.card("--wants-answer --taken-after 4");
    shows(
        &shop.pay("5.00", &torn, ""),
        1,
        &["hold the card on", "NOT FINISHED  the card is gone", "UNDONE  what was taken is given back"],
    );
    torn.end();
    let wants = shop.card("--wants-answer");
    shows(&shop.pay("6.00", &wants, ""), 0, &["hold the card on", "has its issuer's answer", "APPROVED"]);
    wants.end();
    let old = shop.card("--card-file old.json --expires 2020-01");
    shows(&shop.pay("5.00", &old, ""), 1, &["DECLINED  the card has expired; nothing was asked for"]);
    // A copy, made now, is found out when the card itself has been used.
    std::fs::copy(shop.world.path("card.json"), shop.world.path("copy.json")).unwrap();
    let card = shop.card("");
    shows(&shop.pay("7.00", &card, ""), 0, &["APPROVED"]);
    let copy = shop.card("--card-file copy.json");
    shows(&shop.pay("7.00", &copy, ""), 1, &["DECLINED  The card was declined. (fraudulent)"]);
    let other = shop.card("--card-file other.json --issuer-key-file another-key");
    shows(&shop.pay("8.00", &other, ""), 1, &["(fraudulent)"]);
    let telephone = shop.card("--card-file telephone.json --number 6225000000002002 --telephone");
    shows(&shop.pay("2000.00", &telephone, ""), 0, &["verified by the telephone", "APPROVED"]);
    let poor = shop.card("--card-file poor.json --number 6225000000001517");
    shows(&shop.pay("8.00", &poor, ""), 1, &["(insufficient_funds)"]);
    let (truth, books) = shop.close(vec![old, card, copy, other, telephone, poor]);
    // 5.00 were taken and given back.
    assert_eq!((&truth["taken_minor"], &truth["refunded_minor"]), (&201_800.into(), &500.into()), "{truth}");
    assert!(books.contains("2,013.00"), "{books}");
}

/// Between the terminal and the server: it may swallow answers to confirmations.
struct Between {
    address: String,
    /// Answers that are still to be swallowed.
    swallow: Arc<AtomicUsize>,
    /// A confirmation has come through.
    confirmed: Arc<AtomicBool>,
    _streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Between {
    /// `hold` keeps a connection open whose answer is swallowed; otherwise it ends.
    fn new(server: &str, swallow: usize, hold: bool) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let between = Between {
            address,
            swallow: Arc::new(AtomicUsize::new(swallow)),
            confirmed: Arc::default(),
            _streams: Arc::default(),
        };
        let (server, swallow, confirmed, kept) =
            (server.to_owned(), between.swallow.clone(), between.confirmed.clone(), between._streams.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut near, mut far) = (stream.unwrap(), TcpStream::connect(&server).unwrap());
                let (swallow, confirmed, kept) = (swallow.clone(), confirmed.clone(), kept.clone());
                std::thread::spawn(move || {
                    // One call at a time: a request whole, then its answer whole.
                    while let Some(request) = message(&mut near) {
                        let confirms =
                            String::from_utf8_lossy(&request).lines().next().unwrap().contains("/confirm");
                        far.write_all(&request).unwrap();
                        let Some(answer) = message(&mut far) else { return };
                        if confirms {
                            confirmed.store(true, Ordering::SeqCst);
                        }
                        let left = swallow.load(Ordering::SeqCst);
                        if confirms && left > 0 {
                            swallow.store(left - 1, Ordering::SeqCst);
                            if hold {
                                kept.lock().unwrap().push(near);
                            }
                            return;
                        }
                        if near.write_all(&answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        between
    }
}

/// Reads a request or an answer of HTTP, by its length.
fn message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}

#[test]
fn a_lost_answer_is_asked_for_again_and_what_never_comes_is_undone() {
    let shop = Shop::open();
    let card = shop.card("");
    // Once: the same call under the same key is answered as before.
    let once = Between::new(shop.server.address(), 1, false);
    shows(&shop.pay_at(&once.address, "5.00", &card, ""), 0, &["APPROVED  5.00 CNY"]);
    assert!(once.confirmed.load(Ordering::SeqCst));
    // Never: nobody knows, so it is given back.
    let never = Between::new(shop.server.address(), usize::MAX, false);
    let undone = shop.pay_at(&never.address, "6.00", &card, "");
    shows(&undone, 1, &["asking the issuer", "it is being undone", "UNDONE  what was taken is given back"]);
    assert_eq!(shop.intents(), ["succeeded", "succeeded"]);
    let (truth, books) = shop.close(vec![card]);
    assert_eq!((&truth["taken_minor"], &truth["refunded_minor"]), (&1_100.into(), &600.into()), "{truth}");
    assert!(books.contains("5.00"), "{books}");
}

#[test]
fn a_terminal_that_is_killed_in_between_is_finished_at_the_next_start() {
    let shop = Shop::open();
    let card = shop.card("");
    let between = Between::new(shop.server.address(), usize::MAX, true);
    let place = format!("tcp://{}", card.address());
    let args = [
        "terminal",
        "pay",
        "--amount",
        "9.00",
        "--card",
        &place,
        "--api",
        &between.address,
        "--key",
        &shop.key,
    ];
    let mut terminal = shop.world.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !between.confirmed.load(Ordering::SeqCst) {
        assert!(began.elapsed() < Duration::from_secs(30), "the confirmation never came");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Two terminals cannot work with one journal.
    shows(&shop.finish(""), 2, &["another terminal works with this journal"]);
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    assert_eq!(shop.intents(), ["succeeded"], "the issuer has approved, and nobody was told");
    // The next payment finishes it first.
    let next = shop.pay("4.00", &card, "");
    shows(
        &next,
        0,
        &[
            "a payment of 9.00 CNY was not finished; it is undone",
            "what was taken is given back",
            "APPROVED  4.00 CNY",
        ],
    );
    let (truth, books) = shop.close(vec![card]);
    assert_eq!((&truth["taken_minor"], &truth["refunded_minor"]), (&1_300.into(), &900.into()), "{truth}");
    assert!(books.contains("4.00"), "{books}");
}

/// The network loses its answers: the server takes the payment back, and the terminal waits for that.
#[test]
fn what_the_network_does_not_answer_is_not_known_for_a_while() {
    let shop = Shop::with(&["--fault", "lost-after=1000000"]);
    let card = shop.card("");
    let started = Instant::now();
    let ran = shop.pay("5.00", &card, "--wait 1");
    shows(
        &ran,
        3,
        &["asking the issuer", "the payment is processing still; it is being undone", "NOT KNOWN"],
    );
    assert!(started.elapsed() < Duration::from_secs(50));
    let journal = std::fs::read_to_string(shop.world.path("terminal-journal")).unwrap();
    assert!(journal.contains("\"stage\":\"undo\""), "{journal}");
    // It stays open, and no other payment is begun, while that is so.
    shows(&shop.pay("1.00", &card, "--wait 0"), 3, &["was not finished", "NOT KNOWN"]);
    // Whoever has the wrong key is told that, and not that the server does not know.
    let wrong = format!("finish --api http://{} --key sk_test_0000 --wait 0", shop.server.address());
    let wrong = shop.terminal(&wrong);
    assert_eq!(wrong.0, 3, "{}", wrong.1);
    assert!(wrong.1.contains("NOT KNOWN") && !wrong.1.contains("does not know its end"), "{}", wrong.1);
    card.end();
    let (status, log) = shop.server.end("-TERM");
    assert_eq!(status, 0, "{log}");
    // It was taken once, and every reversal's answer was lost too.
    let truth = shop.network.end();
    assert_eq!(truth["refunded_minor"], 0, "{truth}");
}

#[test]
fn what_is_wrong_with_a_command_is_said_before_anything_is_asked() {
    let shop = Shop::open();
    let card = shop.card("");
    for (amount, more, words) in [
        ("12.345", "", "--amount"),
        ("0", "", "there is nothing to pay"),
        ("-1", "", "--amount"),
        ("99999999999.00", "", "twelve digits"),
        ("1.00", "--card tcp://127.0.0.1:1", "there is no card"),
        ("1.00", "--card pcsc:none", "built without readers"),
        ("1500.00", "--pin-file missing.txt", "missing.txt"),
        ("1500.00", "--pin-key-file missing-key", "missing-key"),
        ("1.00", "--key nonsense", "the server answers 401"),
    ] {
        let at = format!("--api http://{} --key {}", shop.server.address(), shop.key);
        let card = format!("--card tcp://{}", card.address());
        // What is given twice is refused by the command line: the one of the table counts.
        let at = if more.contains("--key ") { format!("--api http://{}", shop.server.address()) } else { at };
        let card = if more.contains("--card") { String::new() } else { card };
        let line = format!("pay --amount={amount} {card} {at} {more}");
        let ran = shop.terminal(&line);
        // Readers are in where this program was built for them.
        if !(cfg!(feature = "pcsc") && more.contains("pcsc")) {
            shows(&ran, 2, &[words]);
        }
    }
    shop.world.write("pin.txt", "12ab\n");
    shows(&shop.pay("1500.00", &card, "--pin-file pin.txt"), 2, &["4 to 12 digits", "nothing was asked for"]);
    shop.world.write("bad.json", "{\"number\":\"6225000000001004\"}\n");
    let ran = shop.world.line("simulate card --card-file bad.json --listen 127.0.0.1:0");
    assert!(ran.status == 2 && ran.stderr.contains("this is no card"), "{ran:?}");
    shop.world.write("terminal-journal", "nonsense");
    shows(&shop.pay("1.00", &card, ""), 2, &["no journal of a terminal"]);
    assert!(shop.intents().is_empty());
    let (truth, _) = shop.close(vec![card]);
    assert_eq!(truth["standing"], 0);
}
