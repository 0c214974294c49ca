//! A shop: `suanpan serve`, a wallet that `suanpan simulate` plays, and the calls of the shop's own server.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server and a wallet as processes.
pub(crate) struct Shop {
    pub(crate) address: String,
    key: String,
    wallet: String,
    processes: Vec<Child>,
    _folder: TempDir,
}

const ITEMS: &str = "mode=payment&success_url=SHOP/healthz?paid={CHECKOUT_SESSION_ID}&cancel_url=SHOP/healthz\
    &client_reference_id=T-20261128-0042\
    &line_items[0][price_data][currency]=cny&line_items[0][price_data][unit_amount]=12800\
    &line_items[0][price_data][product_data][name]=%E8%8C%89%E8%8E%89%E9%BE%99%E7%8F%A0%20Jasmine%20pearls%2C%20100%20g\
    &line_items[0][quantity]=2\
    &line_items[1][price_data][currency]=cny&line_items[1][price_data][unit_amount]=4200\
    &line_items[1][price_data][product_data][name]=Porcelain%20cup";

impl Shop {
    pub(crate) fn open() -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let start = |args: &[&str], until: &str| {
            let mut child = Command::new(env!("CARGO_BIN_EXE_suanpan"))
                .args(args)
                .current_dir(folder.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut said = String::new();
            while !said.contains(until) {
                assert!(out.read_line(&mut said).unwrap() > 0, "it ended before it listened: {said}");
            }
            said.push_str(&String::from_utf8_lossy(out.buffer()));
            // Whoever prints to a pipe that nobody reads would end.
            std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
            (child, said)
        };
        let (wallet, said) = start(&["simulate", "channel", "alipay", "--listen", "127.0.0.1:0"], "keys for");
        let at = said.split(" on ").nth(1).and_then(|rest| rest.lines().next()).unwrap().to_owned();
        let channels = format!(
            "[wallets]\ntest = {{ alipay = \"alipay_cn\" }}\n[[alipay]]\nname = \"alipay_cn\"\n\
             gateway = \"http://{at}\"\napp_id = \"2021000000000001\"\n\
             private_key_file = \"alipay-keys/app-private-key.pem\"\n\
             wallet_public_key_file = \"alipay-keys/wallet-public-key.pem\"\nsubject = \"SUANPAN TEST SHOP\"\n"
        );
        std::fs::write(folder.path().join("channels.toml"), channels).unwrap();
        let args =
            ["serve", "--channels", "channels.toml", "--listen", "127.0.0.1:0", "--log-filter", "warn"];
        let (server, said) = start(&args, "reference  ");
        let line = |begin: &str| said.lines().find_map(|line| line.strip_prefix(begin)).unwrap().to_owned();
        let (address, key) = (line("listening  "), line("test key   "));
        let shop = Shop { address, key, wallet: at, processes: vec![server, wallet], _folder: folder };
        let account = shop.get("/v1/account")["id"].as_str().unwrap().to_owned();
        shop.post(&format!("/v1/accounts/{account}"), "business_profile[name]=Moonlit+Tea+House");
        shop
    }

    /// Opens a session, and returns its object.
    pub(crate) fn session(&self, more: &str) -> Value {
        self.post("/v1/checkout/sessions", &format!("{}{more}", ITEMS.replace("SHOP", &self.address)))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, form: &str) -> Value {
        self.ask("POST", path, form)
    }

    fn ask(&self, method: &str, path: &str, form: &str) -> Value {
        let key = format!("authorization: Bearer {}\r\n", self.key);
        let answer = send(self.address.trim_start_matches("http://"), method, path, &key, form);
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// A customer of the wallet scans a code and pays.
    pub(crate) fn scan(&self, code: &str) {
        let answer = send(&self.wallet, "POST", "/scan", "", code);
        assert!(answer.starts_with("paid "), "{answer}");
    }

    /// The code that is shown for a session.
    pub(crate) fn code(&self, session: &Value) -> String {
        let intent = self.intent(session);
        intent["next_action"]["display_qr_code"]["data"]
            .as_str()
            .unwrap_or_else(|| panic!("{intent}"))
            .to_owned()
    }

    pub(crate) fn intent(&self, session: &Value) -> Value {
        self.get(&format!("/v1/payment_intents/{}", session["payment_intent"].as_str().unwrap()))
    }

    /// A customer who keeps some money with the platform, in minor units.
    pub(crate) fn payer(&self, amount: i64) -> String {
        let customer = self.post("/v1/customers", "")["id"].as_str().unwrap().to_owned();
        let fund = format!("/v1/test_helpers/customers/{customer}/fund_cash_balance");
        self.post(&fund, &format!("amount={amount}&currency=cny"));
        customer
    }

    /// What a customer keeps and can spend, in minor units.
    pub(crate) fn kept(&self, customer: &str) -> i64 {
        self.get(&format!("/v1/customers/{customer}/cash_balance"))["available"]["cny"].as_i64().unwrap()
    }

    /// Where the payment of a session stands.
    pub(crate) fn status(&self, session: &Value) -> String {
        self.intent(session)["status"].as_str().unwrap().to_owned()
    }

    /// Waits until a session has a status.
    pub(crate) fn until(&self, session: &Value, status: &str) {
        let path = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
        let began = Instant::now();
        while self.get(&path)["status"] != status {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", self.get(&path));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn send(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

impl Drop for Shop {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
