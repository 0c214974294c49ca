//! An engine over a fresh database, the host that it talks to, and what tests ask of both.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use suanpan_channels::card_sim::{CardSim, Host, HostSettings};
use suanpan_channels::{
    CardInput, Channel, ChannelAnswer, Exchange, Lost, Request, TokenizedCard, VaultError, Wire,
};
use suanpan_engine::{
    Answered, Asker, Call, Caller, Channels, Clock, Config, Engine, IdempotencyKey, Refused, Role, Way,
};
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::command::Command;
use suanpan_payments::decision::JobBody;
use suanpan_payments::settings::Settings;
use suanpan_store::commit::Job;
use suanpan_store::{Cursor, Database, EventListing, Listing, open};
use tokio::runtime::Runtime;

pub(crate) const CELL: u32 = 7;
pub(crate) const NOON: i64 = 1_790_000_000;
/// Longer than any job takes that is not waiting for the clock.
const SOON: Duration = Duration::from_secs(20);

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    File,
    Postgres,
}

/// Makes a test for each kind of database out of a function that takes a [`World`].
macro_rules! on_each {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::world::{Kind, World};

            #[test]
            fn in_memory() {
                super::$name(World::new(Kind::Memory));
            }

            #[test]
            fn in_a_file() {
                super::$name(World::new(Kind::File));
            }

            #[test]
            fn on_postgres() {
                super::$name(World::new(Kind::Postgres));
            }
        }
    )+};
}
pub(crate) use on_each;

/// What the wire to the host does with requests that are not inquiries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Gate {
    /// Carries them.
    Open = 0,
    /// Swallows them, and says nothing for an hour.
    SwallowRequest = 1,
    /// Carries them, and says nothing for an hour.
    SwallowAnswer = 2,
    /// Carries them twice, as a network may.
    Twice = 3,
    /// Loses them and inquiries, and says so.
    Broken = 4,
    /// Carries them, and takes a second.
    Slow = 5,
    /// Cannot send them, and says so.
    Shut = 6,
    /// Cannot send them, and says so after half a second.
    SlowShut = 7,
}

/// A wire with a gate before the host.
struct Gated {
    host: Arc<Host>,
    gate: AtomicU8,
    sent: Mutex<Vec<String>>,
}

impl Gated {
    fn before(host: Arc<Host>) -> Arc<Gated> {
        Arc::new(Gated { host, gate: AtomicU8::new(0), sent: Mutex::new(Vec::new()) })
    }
}

impl Wire for Gated {
    fn exchange(&self, request: &[u8]) -> Exchange {
        let long = Duration::from_secs(3_600);
        let inquiry = String::from_utf8_lossy(request).contains("inquire");
        self.sent.lock().unwrap().push(String::from_utf8_lossy(request).into_owned());
        match self.gate.load(Ordering::SeqCst) {
            1 if !inquiry => Exchange { answer: Err(Lost::Connection), latency: long },
            2 if !inquiry => Exchange { latency: long, ..self.host.exchange(request) },
            3 if !inquiry => {
                let _ = self.host.exchange(request);
                self.host.exchange(request)
            }
            5 if !inquiry => Exchange { latency: Duration::from_secs(1), ..self.host.exchange(request) },
            7 if !inquiry => Exchange { answer: Err(Lost::NotSent), latency: Duration::from_millis(500) },
            6 => Exchange { answer: Err(Lost::NotSent), latency: Duration::ZERO },
            4 => Exchange { answer: Err(Lost::Connection), latency: Duration::ZERO },
            _ => self.host.exchange(request),
        }
    }
}

/// The simulator under another name.
struct Second;

impl Channel for Second {
    fn name(&self) -> &'static str {
        "second"
    }

    fn build(&self, request: &Request) -> Option<Vec<u8>> {
        CardSim.build(request)
    }

    fn read(&self, request: &Request, answer: &[u8]) -> ChannelAnswer {
        CardSim.read(request, answer)
    }

    fn tokenize(
        &self,
        card: &CardInput,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<TokenizedCard, VaultError> {
        CardSim.tokenize(card, key, now)
    }
}

/// An engine with all that surrounds it.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) host: Arc<Host>,
    /// Another channel that takes the same cards, once it is named in the settings.
    second: Arc<Gated>,
    /// What the next start begins with.
    pub(crate) settings: Settings,
    gated: Arc<Gated>,
    database: Database,
    running: Option<(Runtime, Engine)>,
    /// Keeps the file until the end of the test.
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(kind: Kind) -> World {
        let folder = tempfile::tempdir().unwrap();
        let address = match kind {
            Kind::Memory => "sqlite::memory:".to_owned(),
            Kind::File => folder.path().join("cell.sqlite").display().to_string(),
            Kind::Postgres => suanpan_testkit::cluster().database(),
        };
        let host = Arc::new(Host::new(HostSettings::default()));
        let gated = Gated::before(host.clone());
        let mut world = World {
            clock: Clock::manual(Timestamp::from_seconds(NOON)),
            host,
            second: Gated::before(Arc::new(Host::new(HostSettings::default()))),
            settings: Settings::with_simulator([7; 32], "http://127.0.0.1:8080"),
            gated,
            database: open(&address).unwrap(),
            running: None,
            _folder: folder,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let way = Way::Near(Arc::new(CardSim), self.gated.clone());
        let second = Way::Near(Arc::new(Second), self.second.clone());
        let config = Config {
            cell: CELL,
            node: "node-a".to_owned(),
            lease: Duration::from_secs(10),
            settings: self.settings.clone(),
            clock: self.clock.clone(),
        };
        let engine = {
            let _within = runtime.enter();
            Engine::start(&self.database, Channels::new(vec![way, second]), config).unwrap()
        };
        let began = Instant::now();
        while engine.role() != Role::Writer {
            assert!(began.elapsed() < SOON, "{:?}: {:?}", engine.role(), engine.trouble());
            std::thread::sleep(Duration::from_millis(2));
        }
        self.running = Some((runtime, engine));
    }

    /// Ends the engine with all that it was doing, and starts another over the same database. Whoever waited for
    /// a channel is not answered, and requests under way are forgotten.
    pub(crate) fn crash(&mut self) {
        let (runtime, engine) = self.running.take().unwrap();
        // First the jobs, so that none comes to its end.
        runtime.shutdown_background();
        engine.stop();
        self.start();
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.running.as_ref().unwrap().1
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.running.as_ref().unwrap().0
    }

    pub(crate) fn set_second_gate(&self, gate: Gate) {
        self.second.gate.store(gate as u8, Ordering::SeqCst);
    }

    /// What was sent to the second channel.
    pub(crate) fn sent_to_second(&self) -> Vec<String> {
        self.second.sent.lock().unwrap().clone()
    }

    pub(crate) fn set_gate(&self, gate: Gate) {
        self.gated.gate.store(gate as u8, Ordering::SeqCst);
    }

    /// Returns what was sent to the host until now.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.gated.sent.lock().unwrap().clone()
    }

    /// Does a call and waits for its answer.
    pub(crate) fn call(&self, key: Option<&str>, command: Command) -> Result<Answered, Refused> {
        self.runtime().block_on(self.engine().call(call(key, command)))
    }

    /// Does a call that must succeed and returns its body.
    pub(crate) fn done(&self, command: Command) -> Value {
        let answered = self.call(None, command).unwrap();
        assert_eq!(answered.status, 200, "{}", String::from_utf8_lossy(&answered.body));
        body(&answered)
    }

    /// Sends a call and leaves it alone.
    pub(crate) fn begin(&self, key: Option<&str>, command: Command) {
        let (engine, call) = (self.engine().clone(), call(key, command));
        self.runtime().spawn(async move { engine.call(call).await });
    }

    /// Returns an object as it is stored.
    pub(crate) fn object(&self, id: &str) -> Value {
        let found = self.engine().reader().objects(&[id]).unwrap().remove(0);
        serde_json::from_str(&found.unwrap_or_else(|| panic!("{id} is not there")).body).unwrap()
    }

    /// Returns the bodies of all objects of a kind, the newest first.
    pub(crate) fn list(&self, kind: &str) -> Vec<Value> {
        objects_of(self.engine(), kind)
    }

    /// Returns the bodies of all events, the newest first.
    pub(crate) fn told(&self) -> Vec<Value> {
        let listing = EventListing {
            merchant: "acct_m",
            live: false,
            kind: None,
            created_min: None,
            created_max: None,
            after: None,
            before: None,
            limit: 100,
        };
        let found = self.engine().reader().list_events(&listing).unwrap();
        found.objects.iter().map(|object| serde_json::from_str(&object.body).unwrap()).collect()
    }

    /// Returns an event as it is stored.
    pub(crate) fn event(&self, id: &str) -> Value {
        self.told().into_iter().find(|event| event["id"] == id).unwrap()
    }

    /// Returns the types of all events, sorted.
    pub(crate) fn events(&self) -> Vec<String> {
        let mut types: Vec<String> =
            self.told().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        types.sort();
        types
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, mut so: impl FnMut(&World) -> bool) {
        let began = Instant::now();
        while !so(self) {
            assert!(began.elapsed() < SOON, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the only intent has a status.
    pub(crate) fn until_status(&self, status: &str) -> Value {
        self.until(status, |world| world.list("payment_intent").iter().any(|pi| pi["status"] == status));
        self.list("payment_intent").remove(0)
    }

    /// Returns posted balance and held sum of each account that has any, on its normal side.
    pub(crate) fn balances(&self) -> BTreeMap<String, (i128, u64)> {
        let ask = self.engine().query(|book| {
            book.accounts_and_balances()
                .map(|(account, sums)| {
                    let held = sums.debits_held.max(sums.credits_held);
                    (account.spec.path.clone(), (sums.posted(account.spec.kind), held))
                })
                .filter(|(_, sums)| *sums != (0, 0))
                .collect()
        });
        self.runtime().block_on(ask).unwrap().0
    }

    /// Checks balances: channel, merchant, fees, each posted and held, by the chart of payments in test mode.
    #[track_caller]
    pub(crate) fn expect_books(&self, channel: (i128, u64), merchant: (i128, u64), fees: i128) {
        let want = [
            ("test/channel/card_sim/receivable", channel),
            ("test/merchant/acct_m/pending", merchant),
            ("test/platform/fees", (fees, 0)),
        ];
        let want: BTreeMap<String, (i128, u64)> = want
            .into_iter()
            .filter(|(_, sums)| *sums != (0, 0))
            .map(|(path, sums)| (path.to_owned(), sums))
            .collect();
        assert_eq!(self.balances(), want);
        // What the host holds true is what the books say it owes.
        let cny = Currency::parse("CNY").unwrap();
        let truth = self.host.totals().get(&cny).copied().unwrap_or_default();
        let owed =
            i128::try_from(truth.captured_minor).unwrap() - i128::try_from(truth.refunded_minor).unwrap();
        assert_eq!(owed, channel.0, "the host's own truth");
    }

    /// Returns the jobs that will be due within ten years.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        let far = self.clock.now().plus_seconds(10 * 365 * 86_400).micros();
        let kinds = JobBody::KINDS.into_iter().chain(["webhook"]);
        kinds.flat_map(|kind| self.engine().reader().jobs_due(kind, far, 100).unwrap()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((runtime, engine)) = self.running.take() {
            runtime.shutdown_background();
            engine.stop();
        }
    }
}

/// Reads all objects of a kind, page by page, the newest first.
pub(crate) fn objects_of(engine: &Engine, kind: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut last: Option<(i64, String)> = None;
    loop {
        let after = last.as_ref().map(|(created, id)| Cursor { created: *created, id });
        let listing = Listing {
            kind,
            merchant: "acct_m",
            live: false,
            link: None,
            created_min: None,
            created_max: None,
            after,
            before: None,
            limit: 100,
        };
        let page = engine.reader().list(&listing).unwrap();
        let Some(end) = page.objects.last() else { return all };
        last = Some((end.created, end.id.clone()));
        all.extend(page.objects.iter().map(|object| serde_json::from_str(&object.body).unwrap()));
    }
}

pub(crate) fn caller() -> Caller {
    Caller { merchant: "acct_m".to_owned(), live: false }
}

/// A call of the merchant of the tests; the key's digest is that of the command's text.
pub(crate) fn call(key: Option<&str>, command: Command) -> Call {
    let digest = *blake3::hash(format!("{command:?}").as_bytes()).as_bytes();
    let idempotency = key.map(|key| IdempotencyKey { key: key.to_owned(), asker: Asker::Server, digest });
    Call { caller: caller(), idempotency, request_id: Some("req_1".to_owned()), command }
}

pub(crate) fn request<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Creates and confirms an intent of 100.00 CNY, with members of `more` beside.
pub(crate) fn pay(card: &str, more: Value) -> Command {
    let mut value = json!({"amount": 10_000, "currency": "cny", "confirm": true, "payment_method": card});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Command::CreatePaymentIntent { request: request(value) }
}

pub(crate) fn capture(id: &str, value: Value) -> Command {
    Command::CapturePaymentIntent { id: id.to_owned(), request: request(value) }
}

pub(crate) fn cancel(id: &str) -> Command {
    Command::CancelPaymentIntent { id: id.to_owned(), request: request(json!({})) }
}

pub(crate) fn refund(id: &str, amount: i64) -> Command {
    Command::CreateRefund { request: request(json!({"payment_intent": id, "amount": amount})) }
}

pub(crate) fn body(answered: &Answered) -> Value {
    serde_json::from_slice(&answered.body).unwrap()
}

pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}
