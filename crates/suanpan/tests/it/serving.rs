//! A server as a process: it starts, says where it is, answers, and ends as it is told.

use crate::world::World;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    /// What it printed until it listened.
    said: String,
    address: String,
}

impl Server {
    pub(crate) fn start(world: &World, args: &[&str]) -> Server {
        let mut child = world.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        while !said.contains("reference  ") {
            assert!(out.read_line(&mut said).unwrap() > 0, "it ended before it listened: {said}");
        }
        // The key, where there is one, comes with the same write.
        let mut rest = out.buffer().to_vec();
        said.push_str(&String::from_utf8(std::mem::take(&mut rest)).unwrap());
        let address =
            said.lines().find_map(|line| line.strip_prefix("listening  http://")).unwrap().to_owned();
        Server { child, said, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks with a key, and returns the JSON of the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, key: &str) -> serde_json::Value {
        json_of(&ask(&self.address, method, path, key, ""))
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.said.lines().find_map(|line| line.strip_prefix("test key   "))
    }

    /// Sends a signal, and returns the status and what it logged.
    pub(crate) fn end(mut self, signal: &str) -> (i32, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status.code().unwrap_or(-1), log)
    }
}

/// Runs the examples of `suanpan serve` one after the other, each until it listens and is told to end.
pub(crate) fn runs_examples(world: &World, examples: &str) {
    let mut ran = 0;
    for line in examples.lines() {
        // Addresses that others may use are replaced by any that is free.
        let words: Vec<&str> = line.split_whitespace().skip(1).filter(|word| !word.contains(':')).collect();
        let mut words: Vec<&str> = words.into_iter().filter(|word| *word != "--listen").collect();
        words.extend(["--listen", "127.0.0.1:0"]);
        assert_eq!(Server::start(world, &words).end("-TERM").0, 0, "{line}");
        ran += 1;
    }
    assert!(ran >= 2);
}

/// A simulator that runs.
pub(crate) struct Simulator {
    child: Child,
    /// What it printed until it listened.
    said: String,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Simulator {
    pub(crate) fn start(world: &World, args: &[&str]) -> Simulator {
        let mut child = world.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while said.lines().count() < 2 {
            assert!(out.read_line(&mut said).unwrap() > 0, "it ended before it listened: {said}");
        }
        let address = said.split(" on ").nth(1).and_then(|rest| rest.lines().next()).unwrap().to_owned();
        Simulator { child, said, out, address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// Ends it, and returns what it held true.
    pub(crate) fn end(mut self) -> serde_json::Value {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
        serde_json::from_str(rest.trim()).unwrap()
    }
}

/// Runs the examples of `suanpan simulate` one after the other, each until it listens and is told to end.
pub(crate) fn runs_simulators(world: &World, examples: &str) {
    let lines: Vec<&str> = examples.lines().collect();
    assert!(!lines.is_empty());
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().skip(1).filter(|word| !word.contains(':')).collect();
        let mut words: Vec<&str> = words.into_iter().filter(|word| *word != "--listen").collect();
        words.extend(["--listen", "127.0.0.1:0"]);
        // A card counts its payments, and the others what stands.
        let end = Simulator::start(world, &words).end();
        let count = end.get("standing").or(end.get("payments"));
        assert_eq!(count, Some(&0.into()), "{line}");
    }
}

/// Creates an intent of 10.00 CNY with more fields of a form, and returns the answer.
fn pay(server: &Server, key: &str, more: &str) -> String {
    let form = format!("amount=1000&currency=cny&confirm=true&{more}");
    ask(&server.address, "POST", "/v1/payment_intents", key, &form)
}

/// Sends a form, or asks with an empty one, and returns the answer.
fn ask(address: &str, method: &str, path: &str, key: &str, form: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The JSON behind the head of an answer.
fn json_of(answer: &str) -> serde_json::Value {
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The fields of a card by its number.
fn card(number: &str) -> String {
    format!(
        "payment_method_data[type]=card&payment_method_data[card][number]={number}&\
         payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034"
    )
}

/// What the guide of channels tells to do, with the cards that it names.
#[test]
fn cards_are_charged_over_the_simulated_network_of_the_guide() {
    let world = World::empty();
    let guide =
        std::fs::read_to_string(crate::documents::repository().join("docs/guide/channels.md")).unwrap();
    let file = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let simulator =
        Simulator::start(&world, &["simulate", "channel", "card-network", "--listen", "127.0.0.1:0"]);
    std::fs::write(world.path("channels.toml"), file.replace("127.0.0.1:9583", &simulator.address)).unwrap();
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0", "--channels", "channels.toml"]);
    let key = server.key().unwrap().to_owned();
    let paid = pay(&server, &key, &card("6225000000001004"));
    assert!(paid.starts_with("HTTP/1.1 200") && paid.contains("\"status\":\"succeeded\""), "{paid}");
    let measured = server.get("/metrics");
    assert!(measured.contains("suanpan_channel_line_ready{channel=\"unionpay\"} 1"), "{measured}");
    let declined = pay(&server, &key, &card("6225000000001517"));
    assert!(declined.contains("insufficient_funds"), "{declined}");
    let (status, log) = server.end("-TERM");
    assert_eq!(status, 0, "{log}");
    assert!(!log.contains("6225000000001004"), "{log}");
    let truth = simulator.end();
    assert_eq!((&truth["taken_minor"], &truth["standing"]), (&1_000.into(), &1.into()), "{truth}");
    let books = world.line("ledger balance test/channel/unionpay/receivable").ends(0);
    assert!(books.stdout.contains("10.00"), "{books:?}");
}

/// What the guide says of several channels: the first network cannot be reached, and the payment goes over the second.
#[test]
fn a_payment_goes_on_over_the_second_network_of_the_guide() {
    let world = World::empty();
    let guide =
        std::fs::read_to_string(crate::documents::repository().join("docs/guide/channels.md")).unwrap();
    let blocks = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let file = blocks.into_iter().find(|block| block.contains("[[rule]]")).unwrap();
    let simulator =
        Simulator::start(&world, &["simulate", "channel", "card-network", "--listen", "127.0.0.1:0"]);
    let file = file.replace("127.0.0.1:9583", "127.0.0.1:1").replace("127.0.0.1:9584", &simulator.address);
    std::fs::write(world.path("channels.toml"), file).unwrap();
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0", "--channels", "channels.toml"]);
    let key = server.key().unwrap().to_owned();
    let paid = json_of(&pay(&server, &key, &card("6225000000001004")));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let routing = |line: &str| {
        let line = format!("routing {line} --api http://{} --key {key}", server.address);
        world.line(&line).ends(0).stdout
    };
    let explained = routing(&format!("explain {}", paid["id"].as_str().unwrap()));
    let told = [
        "declined: processing_error",
        "over unionpay_a: the rule prefers it (rule small)",
        "captured",
        "over unionpay_b: no other was left (rule small)",
        "left out: tried before, and did nothing",
    ];
    let mut rest = explained.as_str();
    for words in told {
        rest = rest.split_once(words).unwrap_or_else(|| panic!("{words}: {explained}")).1;
    }
    let simulated = routing("simulate --amount 5000.00 --brand unionpay");
    assert!(simulated.starts_with("  over unionpay_b: no other was left\n"), "{simulated}");
    assert!(
        simulated.contains("unionpay_a") && simulated.contains("left out: above its most"),
        "{simulated}"
    );
    let channels = routing("channels");
    assert!(
        channels.starts_with("unionpay_a           in use    100.0 % card  today 0.00 CNY\n"),
        "{channels}"
    );
    let (status, log) = server.end("-TERM");
    assert_eq!(status, 0, "{log}");
    assert_eq!(simulator.end()["standing"], 1);
    let books = world.line("ledger balance test/channel/unionpay_b/receivable").ends(0);
    assert!(books.stdout.contains("10.00"), "{books:?}");
}

/// What the guide of the checkout page tells to do: a session is opened with its command, and paid on its page.
#[test]
fn the_first_session_of_the_guide_is_paid_on_its_page() {
    let world = World::empty();
    let guide =
        std::fs::read_to_string(crate::documents::repository().join("docs/guide/checkout.md")).unwrap();
    let command = guide.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let fields = command.split(" -d ").skip(1).map(|field| {
        let field = field.trim().trim_end_matches('\\').trim().trim_matches('"');
        let (name, value) = field.split_once('=').unwrap();
        let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("{name}={value}")
    });
    let form = fields.collect::<Vec<_>>().join("&");
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0"]);
    let key = server.key().unwrap().to_owned();
    let session = json_of(&ask(&server.address, "POST", "/v1/checkout/sessions", &key, &form));
    let page = session["url"].as_str().unwrap_or_else(|| panic!("{session}"));
    let page = page.strip_prefix(&format!("http://{}", server.address)).unwrap();
    let shown = server.get(page);
    assert!(shown.contains("data-state=\"choose\"") && shown.contains("Jasmine pearls, 100 g"), "{shown}");
    let token = shown.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let paid = ask(&server.address, "POST", page, &key, &format!("token={token}&seen=0&test=pm_card_visa"));
    assert!(paid.starts_with("HTTP/1.1 303"), "{paid}");
    assert!(server.get(page).contains("data-state=\"paid\""));
    let path = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
    let session = json_of(&ask(&server.address, "GET", &path, &key, ""));
    assert_eq!((&session["status"], &session["payment_status"]), (&"complete".into(), &"paid".into()));
    assert!(session["success_url"].as_str().unwrap().contains("{CHECKOUT_SESSION_ID}"), "{session}");
    let (status, log) = server.end("-TERM");
    assert!(status == 0 && !log.contains(session["id"].as_str().unwrap()), "{log}");
}

/// What the guide says of the clearing network: an account is signed up with the code of its bank, paid from and paid back;
/// one that pays later is told of by a notification.
#[test]
fn an_account_is_signed_up_and_paid_from_over_the_simulated_network_of_the_guide() {
    let world = World::empty();
    let guide =
        std::fs::read_to_string(crate::documents::repository().join("docs/guide/channels.md")).unwrap();
    assert!(guide.contains("suanpan simulate channel clearing\n"));
    let mut files = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let file = files.find(|file| file.contains("[[clearing]]")).unwrap();
    let args = ["simulate", "channel", "clearing", "--listen", "127.0.0.1:0", "--truth", "truth.ndjson"];
    let simulator = Simulator::start(&world, &args);
    std::fs::write(world.path("channels.toml"), file.replace("127.0.0.1:9592", &simulator.address)).unwrap();
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0", "--channels", "channels.toml"]);
    let key = server.key().unwrap().to_owned();
    let post = |path: &str, form: &str| json_of(&ask(&server.address, "POST", path, &key, form));
    let customer = post("/v1/customers", "name=Zhang")["id"].as_str().unwrap().to_owned();
    // The fields of the guide's own command.
    let command = guide.split("/v1/bank_agreements -u").nth(1).unwrap().split("\ncurl").next().unwrap();
    let fields: Vec<&str> =
        command.split("-d ").skip(1).map(|it| it.split_whitespace().next().unwrap()).collect();
    let form = fields.join("&").replace("cus_…", &customer);
    let sign_up = |form: &str, phone: &str| {
        let asked = post("/v1/bank_agreements", form);
        assert_eq!(asked["status"], "requires_confirmation", "{asked}");
        let path = format!("/v1/bank_agreements/{}", asked["id"].as_str().unwrap());
        let wrong = post(&format!("{path}/confirm"), "code=none");
        assert_eq!(wrong["last_error"]["code"], "incorrect_verification_code", "{wrong}");
        let code = ask(&simulator.address, "GET", &format!("/codes/{phone}"), "", "");
        let code = code.split("\r\n\r\n").nth(1).unwrap().trim().to_owned();
        let active = post(&format!("{path}/confirm"), &format!("code={code}"));
        assert_eq!(active["status"], "active", "{active}");
        assert_eq!(json_of(&ask(&server.address, "GET", &path, &key, "")), active);
        active["payment_method"].as_str().unwrap().to_owned()
    };
    let method = sign_up(&form, "13800138000");
    let later =
        form.replace("6217000000000000100", "6217000000000000201").replace("13800138000", "13800138001");
    let later = sign_up(&later, "13800138001");
    let by = |method: &str| {
        let form =
            format!("customer={customer}&payment_method={method}&payment_method_types[]=bank_agreement");
        json_of(&pay(&server, &key, &format!("{form}&off_session=true")))
    };
    let paid = by(&method);
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let waiting = by(&later);
    assert_eq!(waiting["status"], "processing", "{waiting}");
    let path = format!("/v1/payment_intents/{}", waiting["id"].as_str().unwrap());
    let began = std::time::Instant::now();
    while json_of(&ask(&server.address, "GET", &path, &key, ""))["status"] != "succeeded" {
        assert!(began.elapsed().as_secs() < 20, "the bank never pays");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    while !server.get("/metrics").contains("suanpan_notifications_taken_total{channel=\"epcc\"} 2") {
        assert!(began.elapsed().as_secs() < 20, "the network tells nothing");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let forged = ask(&server.address, "POST", "/channels/epcc/notifications", "", "<root/>");
    assert!(forged.starts_with("HTTP/1.1 400") && forged.ends_with("failure"), "{forged}");
    let form = format!("payment_intent={}&amount=400", paid["id"].as_str().unwrap());
    assert_eq!(post("/v1/refunds", &form)["status"], "succeeded");
    let (status, log) = server.end("-TERM");
    assert_eq!(status, 0, "{log}");
    assert!(!log.contains("62170000") && !log.contains("13800138000"), "{log}");
    let truth = simulator.end();
    let sums = (&truth["taken_minor"], &truth["refunded_minor"], &truth["standing"]);
    assert_eq!(sums, (&2_000.into(), &400.into(), &2.into()), "{truth}");
    let told = std::fs::read_to_string(world.path("truth.ndjson")).unwrap();
    assert_eq!(told.lines().count(), 3, "{told}");
    let books = world.line("ledger balance test/channel/epcc/receivable").ends(0);
    assert!(books.stdout.contains("16.00"), "{books:?}");
}

/// A wallet of the guide: its simulator and its port there, its payment method, its channel, and codes of its customers.
struct Wallet {
    simulator: &'static str,
    port: &'static str,
    method: &'static str,
    channel: &'static str,
    pays: &'static str,
    is_poor: &'static str,
}

#[test]
fn codes_are_paid_with_the_simulated_alipay_of_the_guide() {
    codes_are_paid(&Wallet {
        simulator: "alipay",
        port: "127.0.0.1:9588",
        method: "alipay",
        channel: "alipay_cn",
        pays: "281234567890123400",
        is_poor: "281234567890123451",
    });
}

#[test]
fn codes_are_paid_with_the_simulated_wechat_of_the_guide() {
    codes_are_paid(&Wallet {
        simulator: "wechat",
        port: "127.0.0.1:9590",
        method: "wechat_pay",
        channel: "wechat_cn",
        pays: "131234567890123400",
        is_poor: "131234567890123451",
    });
}

/// What the guide says of wallets: a code is shown, scanned at the simulator, and its notification ends the waiting; codes
/// of customers are scanned; a part goes back.
fn codes_are_paid(wallet: &Wallet) {
    let Wallet { method, channel, .. } = wallet;
    let world = World::empty();
    let guide =
        std::fs::read_to_string(crate::documents::repository().join("docs/guide/channels.md")).unwrap();
    assert!(guide.contains(&format!("suanpan simulate channel {}\n", wallet.simulator)));
    let mut files = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let file = files.find(|file| file.contains(wallet.port)).unwrap();
    let args =
        ["simulate", "channel", wallet.simulator, "--listen", "127.0.0.1:0", "--truth", "truth.ndjson"];
    let simulator = Simulator::start(&world, &args);
    std::fs::write(world.path("channels.toml"), file.replace(wallet.port, &simulator.address)).unwrap();
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0", "--channels", "channels.toml"]);
    let key = server.key().unwrap().to_owned();
    let methods = format!("payment_method_types[]={method}&payment_method_types[]=payment_code");
    let shown = json_of(&pay(&server, &key, &format!("{methods}&payment_method_data[type]={method}")));
    assert_eq!(shown["status"], "requires_action", "{shown}");
    let code = shown["next_action"]["display_qr_code"]["data"].as_str().unwrap();
    let picture = shown["next_action"]["display_qr_code"]["image_url_svg"].as_str().unwrap();
    let picture = picture.strip_prefix(&format!("http://{}", server.address)).unwrap();
    let drawn = ask(&server.address, "GET", picture, "", "");
    assert!(drawn.contains("image/svg+xml") && drawn.contains("<svg"), "{drawn}");
    let guessed = ask(&server.address, "GET", &picture.replace("_secret_", "_secret_x"), "", "");
    assert!(guessed.starts_with("HTTP/1.1 404"), "{guessed}");
    let scanned = ask(&simulator.address, "POST", "/scan", "", code);
    assert!(scanned.starts_with("HTTP/1.1 200"), "{scanned}");
    let path = format!("/v1/payment_intents/{}", shown["id"].as_str().unwrap());
    let began = std::time::Instant::now();
    loop {
        let intent = json_of(&ask(&server.address, "GET", &path, &key, ""));
        if intent["status"] == "succeeded" {
            break;
        }
        assert!(began.elapsed().as_secs() < 20, "{intent}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut measured = server.get("/metrics");
    while !measured.contains(&format!("suanpan_notifications_taken_total{{channel=\"{channel}\"}} 1")) {
        assert!(began.elapsed().as_secs() < 20, "{measured}");
        std::thread::sleep(std::time::Duration::from_millis(20));
        measured = server.get("/metrics");
    }
    assert!(ask(&server.address, "GET", picture, "", "").starts_with("HTTP/1.1 410"));
    let path = format!("/channels/{channel}/notifications");
    let forged = ask(&server.address, "POST", &path, "", "out_trade_no=1&sign=x");
    assert!(forged.starts_with("HTTP/1.1 400") && forged.ends_with("failure"), "{forged}");
    let by_code = |code: &str| {
        let by = "payment_method_data[type]=payment_code&payment_method_data[payment_code][code]";
        pay(&server, &key, &format!("{methods}&{by}={code}"))
    };
    assert!(by_code(wallet.pays).contains("\"status\":\"succeeded\""));
    assert!(by_code(wallet.is_poor).contains("insufficient_funds"));
    let form = format!("payment_intent={}&amount=400", shown["id"].as_str().unwrap());
    let refund = json_of(&ask(&server.address, "POST", "/v1/refunds", &key, &form));
    let path = format!("/v1/refunds/{}", refund["id"].as_str().unwrap());
    let began = std::time::Instant::now();
    while json_of(&ask(&server.address, "GET", &path, &key, ""))["status"] != "succeeded" {
        assert!(began.elapsed().as_secs() < 30, "{refund}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (status, log) = server.end("-TERM");
    assert_eq!(status, 0, "{log}");
    assert!(!log.contains(wallet.pays), "{log}");
    let truth = simulator.end();
    assert_eq!((&truth["taken_minor"], &truth["standing"]), (&2_000.into(), &2.into()), "{truth}");
    let movements = world.text("truth.ndjson");
    let taken = movements.lines().filter(|line| line.contains("\"take\"") && line.contains(":1000,"));
    assert_eq!(taken.count(), 2, "{movements}");
    assert_eq!(truth["refunded_minor"], 400, "{truth}");
    let books = world.line(&format!("ledger balance test/channel/{channel}/receivable")).ends(0);
    assert!(books.stdout.contains("16.00"), "{books:?}");
}

#[test]
fn a_server_shows_its_first_key_once_holds_the_store_and_gives_it_back() {
    let world = World::empty();
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0"]);
    let key = server.key().expect("a key at the first start").to_owned();
    assert!(key.starts_with("sk_test_"), "{key}");
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    let held = world.line("ledger open a/b --currency CNY --kind asset").ends(2);
    held.names("store_held", &format!("http://{}", server.address));
    world.line("ledger verify").ends(0);
    let status = world.line(&format!("status --server http://{}", server.address)).ends(0);
    assert!(status.stdout.contains("ready"), "{status:?}");
    assert!(world.line("status --json").ends(0).stdout.contains("\"held\":true"));
    let (status, log) = server.end("-TERM");
    assert_eq!(status, 0, "{log}");
    let secret = world.text("suanpan.master-key");
    assert!(!log.contains(&key) && !log.contains(secret.trim()), "{log}");

    world.line("ledger open a/b --currency CNY --kind asset").ends(0);
    let made = world.line("keys create --name second").ends(0).stdout;
    assert!(made.starts_with("sk_test_") && made.trim() != key, "{made}");
    let listed = world.line("keys list").ends(0).stdout;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(!listed.contains(made.trim()), "{listed}");

    let again = Server::start(&world, &["serve", "--listen", "127.0.0.1:0", "--log", "json"]);
    assert_eq!(again.key(), None, "{}", again.said);
    let (status, log) = again.end("-INT");
    assert_eq!(status, 0, "{log}");
    assert!(log.lines().filter(|line| line.starts_with('{')).count() > 0, "{log}");
}

#[test]
fn customers_are_sent_to_the_public_address() {
    let world = World::empty();
    let args = ["serve", "--listen", "127.0.0.1:0", "--public-url", "https://pay.example.com/shop/"];
    let server = Server::start(&world, &args);
    let key = server.key().unwrap().to_owned();
    let answer = pay(&server, &key, "payment_method=pm_card_threeDSecure2Required");
    assert!(answer.contains("\"https://pay.example.com/shop/authenticate/att_"), "{answer}");
    assert_eq!(server.end("-TERM").0, 0);
    let ran = world.line("serve --listen 127.0.0.1:0 --public-url ftp://pay.example.com").ends(2);
    assert!(ran.stderr.contains("--public-url"), "{ran:?}");
}

#[test]
fn a_server_without_its_master_key_does_not_start() {
    let world = World::empty();
    assert_eq!(Server::start(&world, &["serve", "--listen", "127.0.0.1:0"]).end("-TERM").0, 0);
    std::fs::remove_file(world.path("suanpan.master-key")).unwrap();
    let ran = world.line("serve --listen 127.0.0.1:0").ends(2);
    ran.names("key_missing", "suanpan.master-key");
    assert!(!world.path("suanpan.master-key").exists());
}

#[test]
fn a_server_says_where_it_keeps_the_newest_acknowledgement() {
    let world = World::empty();
    let server = Server::start(&world, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(server.said.contains(" in suanpan.db.acknowledged\n"), "{}", server.said);
    assert_eq!(server.end("-TERM").0, 0);
    let beside = world.text("suanpan.db.acknowledged");
    assert!(beside.contains("record "), "{beside}");
    let asked = ["serve", "--listen", "127.0.0.1:0", "--acknowledged", "elsewhere"];
    let server = Server::start(&world, &asked);
    assert!(server.said.contains(" in elsewhere\n"), "{}", server.said);
    assert_eq!(server.end("-TERM").0, 0);
    assert!(world.text("elsewhere").contains("record "));
    assert_eq!(world.text("suanpan.db.acknowledged"), beside);
}
