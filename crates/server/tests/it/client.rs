//! A server on a free port of this machine over a new store, and a client that sends exactly the bytes it is
//! told to.

use axum::http::{HeaderMap, Response};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use suanpan_channels::card_sim::{CardSim, Host, HostSettings};
use suanpan_channels::{
    AccountInput, Call, ChannelAnswer, HttpChannel, Notification, NotificationError, Request, Step,
};
use suanpan_engine::{Channels, Clock, Config, Engine, Gateway, Role, Way};
use suanpan_payments::routing::ChannelTerms;
use suanpan_payments::settings::Settings;
use suanpan_server::api::{self, Api};
use suanpan_server::bootstrap;
use suanpan_server::routes::router;
use suanpan_server::serve::{Limits, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Everything that was logged by all servers of this process, at the finest level.
pub(crate) static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log_everything() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Log).init();
    });
}

/// What was logged that should not happen.
fn warnings() -> String {
    let logged = String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned();
    logged.lines().filter(|line| line.contains("suanpan")).collect::<Vec<_>>().join("\n")
}

/// A channel that answers by itself, for what is said over HTTP about agreements with banks. The one that goes out is tried
/// over its simulator, with the engine.
struct Bank;

impl Bank {
    const NAME: &str = "bank";
}

impl HttpChannel for Bank {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn next(&self, request: &Request, _heard: &[Response<Vec<u8>>]) -> Step {
        let approved = |name: &str| ChannelAnswer::Approved {
            channel_id: name.to_owned(),
            authorization_code: None,
            issuer_data: None,
        };
        let code = request.authorization_code.as_deref();
        Step::Is(match request.call {
            Call::SignUp => ChannelAnswer::Awaiting { show: None, expires_at: request.now.seconds() + 300 },
            Call::ConfirmSignUp if code == Some("123456") => approved("C1081421000051:EP1"),
            Call::ConfirmSignUp => {
                let code = "incorrect_verification_code".to_owned();
                ChannelAnswer::Declined { code, retryable: true }
            }
            _ => approved("EP2"),
        })
    }

    fn seal_account(&self, _account: &AccountInput) -> Option<String> {
        Some("sealed".to_owned())
    }

    fn notification(
        &self,
        _headers: &HeaderMap,
        _body: &[u8],
        _now: suanpan_money::Timestamp,
    ) -> Result<Notification, NotificationError> {
        Err(NotificationError::Untold)
    }
}

/// A server that stops when it goes out of scope.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// A secret test key of the operator.
    pub(crate) key: String,
    /// A secret test key of another merchant.
    pub(crate) other: String,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
    ended: Option<tokio::task::JoinHandle<std::io::Result<usize>>>,
    engine: Engine,
    directory: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The id of the object answered.
    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::with(Limits::default(), |_| {})
    }

    pub(crate) fn with(limits: Limits, change: impl FnOnce(&mut api::Config)) -> Server {
        log_everything();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cell.db");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (engine, key, other, address, ended) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let database = suanpan_store::open(path.to_str().unwrap()).unwrap();
            let host = Host::new(HostSettings::default());
            let gateway =
                Gateway::new("http://127.0.0.1:1", Duration::from_secs(1), Clock::system()).unwrap();
            let ways = vec![Way::Near(Arc::new(CardSim), Arc::new(host)), Way::Http(Arc::new(Bank), gateway)];
            let channels = Channels::new(ways);
            let mut settings = Settings::with_simulator([7; 32], &format!("http://{address}"));
            settings.routing.channels.push(ChannelTerms::of(Bank::NAME, &["bank_agreement"]));
            let config = Config {
                cell: 1,
                node: format!("http://{address}"),
                lease: Duration::from_secs(30),
                settings,
                clock: Clock::system(),
            };
            let engine = Engine::start(&database, channels, config).unwrap();
            let begun = Instant::now();
            while engine.role() != Role::Writer {
                assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", engine.trouble());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let operator = bootstrap::merchant(&engine).await.unwrap();
            let stranger = bootstrap::merchant(&engine).await.unwrap();
            let key = bootstrap::secret_key(&engine, &operator, false).await.unwrap();
            let other = bootstrap::secret_key(&engine, &stranger, false).await.unwrap();
            let mut config = api::Config::new(&operator);
            change(&mut config);
            let api = Api::new(engine.clone(), config);
            let ended = tokio::spawn(serve(listener, router(api.clone()), limits, async move {
                let _ = stopped.await;
                api.end_streams();
            }));
            (engine, key.secret, other.secret, address, ended)
        });
        let (stop, runtime, ended) = (Some(stop), Some(runtime), Some(ended));
        Server { address, key, other, stop, runtime, ended, engine, directory }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends bytes on a new connection and reads until the server closes it.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        Server::raw_to(self.address, bytes)
    }

    /// Sends bytes to an address and reads until it closes.
    pub(crate) fn raw_to(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut text = Vec::new();
        // A reset after the answer is an end as well.
        let _ = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Sends a request and reads its answer.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut bytes =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
        let text = self.raw(&bytes);
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}; {}", warnings()));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Sends a form with a key.
    pub(crate) fn post(&self, key: &str, path: &str, form: &str) -> Reply {
        self.post_as(key, path, form, &[])
    }

    /// Sends a form with a key and more headers.
    pub(crate) fn post_as(&self, key: &str, path: &str, form: &str, more: &[(&str, &str)]) -> Reply {
        let bearer = format!("Bearer {key}");
        let mut headers =
            vec![("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        headers.extend(more);
        self.send("POST", path, &headers, form.as_bytes())
    }

    /// Asks for something with a key.
    pub(crate) fn get(&self, key: &str, path: &str) -> Reply {
        self.send("GET", path, &[("authorization", &format!("Bearer {key}"))], b"")
    }

    /// Makes another key of the operator, in test mode.
    pub(crate) fn make_key(&self, form: &str) -> String {
        let made = self.post(&self.key, "/v1/api_keys", form).json();
        made["secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// Says whether bytes stand anywhere in the files of the store.
    pub(crate) fn stores(&self, bytes: &[u8]) -> bool {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .any(|content| content.windows(bytes.len()).any(|part| part == bytes))
    }

    /// Opens the database as nobody should, with nothing that guards it.
    pub(crate) fn tamper(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.directory.path().join("cell.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        let triggers: Vec<String> = {
            let mut found =
                connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
            let names = found.query_map([], |row| row.get(0)).unwrap();
            names.collect::<Result<_, _>>().unwrap()
        };
        for trigger in triggers {
            connection.execute(&format!("DROP TRIGGER {trigger}"), []).unwrap();
        }
        connection
    }

    /// Starts a process over the same store, which stands by, and returns where it listens.
    pub(crate) fn standby(&self) -> (SocketAddr, Engine) {
        let path = self.directory.path().join("cell.db");
        self.runtime.as_ref().unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let database = suanpan_store::open(path.to_str().unwrap()).unwrap();
            let config = Config {
                cell: 1,
                node: format!("http://{address}"),
                lease: Duration::from_secs(30),
                settings: Settings::with_simulator([7; 32], &format!("http://{address}")),
                clock: Clock::system(),
            };
            let engine = Engine::start(&database, Channels::default(), config).unwrap();
            let api = Api::new(engine.clone(), api::Config::new("acct_nobody"));
            tokio::spawn(serve(listener, router(api), Limits::default(), std::future::pending()));
            (address, engine)
        })
    }

    /// Tells the server to stop and returns how many connections it cut off.
    pub(crate) fn stop(&mut self) -> usize {
        drop(self.stop.take());
        let ended = self.ended.take().unwrap();
        self.runtime.as_ref().unwrap().block_on(ended).unwrap().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.engine.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}
