//! Addresses, connections and the schema of PostgreSQL.

use super::session::from;
use crate::error::StoreError;
use crate::limits::{IDLE_MS, WRITER_LOCK_MS};
use crate::migrations::Schema;
use crate::source::Engine;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket, Statement};

/// How long a connection may take to be made, unless the address says otherwise.
const CONNECT_MS: u64 = 5_000;
/// How long the other side may leave sent bytes unconfirmed, unless the address says otherwise.
const SILENCE_MS: u64 = 30_000;
/// The oldest version that the tests run on.
const VERSION_MIN: i64 = 150_000;
/// Locks out a second process that would migrate at the same time: `Sunp`.
const MIGRATION_LOCK: i64 = 0x5375_6e70;

/// Where the database is.
pub(crate) struct Address {
    config: Config,
    /// Without the password, for errors.
    pub place: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.place)
    }
}

impl Address {
    pub(crate) fn parse(address: &str) -> Result<Address, StoreError> {
        let place = without_password(address);
        let wrong = |reason: String| StoreError::Address { address: place.clone(), reason };
        let mode = address
            .split_once('?')
            .and_then(|(_, options)| options.split('&').find_map(|option| option.strip_prefix("sslmode=")));
        if let Some(mode) = mode.filter(|mode| *mode != "disable") {
            return Err(wrong(format!(
                "sslmode={mode} asks for TLS, which is not spoken here; use sslmode=disable over a Unix \
                 socket, a private network or a tunnel"
            )));
        }
        let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
            let source =
                std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
            wrong(format!("{error}{source}"))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("no host; add one, or ?host=/run/postgresql for a Unix socket".to_owned()));
        }
        config.ssl_mode(SslMode::Disable);
        if config.get_application_name().is_none() {
            config.application_name("suanpan");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_millis(CONNECT_MS));
        }
        if config.get_tcp_user_timeout().is_none()
            && config.get_hosts().iter().all(|host| matches!(host, Host::Tcp(_)))
        {
            config.tcp_user_timeout(Duration::from_millis(SILENCE_MS));
        }
        Ok(Address { config, place })
    }
}

/// Returns an address as it may be shown.
pub(crate) fn without_password(address: &str) -> String {
    let (address, options) = address.split_once('?').unwrap_or((address, ""));
    let mut shown = match address.split_once("://").zip(address.rsplit_once('@')) {
        Some(((scheme, rest), (_, host))) => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => address.to_owned(),
    };
    let kept: Vec<&str> =
        options.split('&').filter(|option| !option.is_empty() && !option.starts_with("password")).collect();
    if !kept.is_empty() {
        shown = format!("{shown}?{}", kept.join("&"));
    }
    shown
}

/// Waits for what happens on connections.
#[derive(Debug)]
pub(crate) struct Runner(Option<Runtime>);

impl Runner {
    /// For connections that many threads share: one thread moves their bytes.
    pub(crate) fn shared(address: &Address) -> Result<Runner, StoreError> {
        let built = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("suanpan-postgres")
            .enable_all()
            .build();
        Runner::of(address, built)
    }

    /// For a connection of one thread, which moves the bytes itself while it waits.
    pub(crate) fn own(address: &Address) -> Result<Runner, StoreError> {
        Runner::of(address, Builder::new_current_thread().enable_all().build())
    }

    fn of(address: &Address, built: std::io::Result<Runtime>) -> Result<Runner, StoreError> {
        built.map(|runtime| Runner(Some(runtime))).map_err(|error| StoreError::Unavailable {
            at: address.place.clone(),
            reason: format!("no thread could be started for it: {error}"),
        })
    }

    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("the runtime is only taken out at the end").block_on(future)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // It may be dropped where blocking is not allowed.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A connection with its prepared statements.
pub(crate) struct Wire {
    pub client: Client,
    pub prepared: HashMap<&'static str, Statement>,
    /// Warnings since they were last taken.
    warnings: Arc<Mutex<Vec<String>>>,
    /// It must not be used again.
    pub broken: bool,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Wire").field("broken", &self.broken).finish_non_exhaustive()
    }
}

impl Wire {
    /// Connects to a server that can be written; the writer with settings that keep its commits whole. Readers too
    /// read there: after a switch-over another host of the address may be behind. Only who asks for a server that is
    /// read-only in the address itself may read from one.
    pub(crate) async fn connect(address: &Address, writer: bool) -> Result<Wire, StoreError> {
        let at = &address.place;
        let mut config = address.config.clone();
        if writer || config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let (client, connection) = config.connect(NoTls).await.map_err(|error| from(at, &error))?;
        let warnings = Arc::default();
        tokio::spawn(drive(connection, Arc::clone(&warnings)));
        client.batch_execute(PLANS).await.map_err(|error| from(at, &error))?;
        if writer {
            prepare_writer(at, &client).await?;
        }
        Ok(Wire { client, prepared: HashMap::new(), warnings, broken: false })
    }

    /// Returns the warnings since the last time.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Every statement has an index for what it asks. The planner judges by how large the tables were when a statement was
/// prepared, often empty, and would go on to read all of them for each commit.
pub(crate) const PLANS: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan; SET jit = off";

/// Moves the bytes of a connection, and notes warnings before the answers that they belong to arrive.
async fn drive(mut connection: Connection<Socket, NoTlsStream>, warnings: Arc<Mutex<Vec<String>>>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message
            && (notice.code().code().starts_with("01") || notice.severity() == "WARNING")
        {
            let text = format!("{} ({})", notice.message(), notice.code().code());
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}

/// No timeout may cut a commit short; a transaction that waits for a writer that is gone ends by itself; and
/// what is acknowledged must be on disk, here and on the standbys that the server waits for. Whatever else was set for
/// the user or the database: `local` would not wait for them, `remote_write` would lose what they have not written.
async fn prepare_writer(at: &str, client: &Client) -> Result<(), StoreError> {
    let settings = format!(
        "SELECT set_config(name, '0', false) FROM pg_settings
             WHERE name IN ('statement_timeout', 'transaction_timeout');
         SELECT set_config(name, 'on', false) FROM pg_settings
             WHERE name = 'synchronous_commit' AND setting NOT IN ('on', 'remote_apply');
         SET lock_timeout = {WRITER_LOCK_MS};
         SET idle_in_transaction_session_timeout = {IDLE_MS}"
    );
    client.batch_execute(&settings).await.map_err(|error| from(at, &error))?;
    let rows = client
        .query(
            "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
            &[&["fsync", "full_page_writes", "synchronous_commit"].as_slice()],
        )
        .await
        .map_err(|error| from(at, &error))?;
    for row in rows {
        let (name, found): (&str, &str) = (row.get(0), row.get(1));
        let (setting, wanted, bad) = match name {
            "fsync" => ("fsync", "on", found == "off"),
            "full_page_writes" => ("full_page_writes", "on", found == "off"),
            _ => ("synchronous_commit", "on", !matches!(found, "on" | "remote_apply")),
        };
        if bad {
            return Err(StoreError::Unsafe { at: at.to_owned(), setting, found: found.to_owned(), wanted });
        }
    }
    Ok(())
}

/// Brings the schema up to date. Another process that tries at the same time waits.
pub(crate) fn migrate(address: &Address, runner: &Runner, schema: Schema) -> Result<(), StoreError> {
    runner.wait(async {
        let at = &address.place;
        let mut wire = Wire::connect(address, false).await?;
        check_version(at, &wire.client).await?;
        if !schema.compare(at, schema_found(at, &wire.client, schema).await?)? {
            return Ok(());
        }
        if address.config.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
            wire = Wire::connect(address, true).await?;
        }
        let fault = |error: tokio_postgres::Error| from(at, &error);
        let client = &mut wire.client;
        // Statements that change tables wait for those who read them, and all others wait behind.
        client.batch_execute("SET lock_timeout = '5s'").await.map_err(fault)?;
        let lock = format!("SELECT pg_advisory_lock({MIGRATION_LOCK})");
        client.batch_execute(&lock).await.map_err(fault)?;
        if schema.compare(at, schema_found(at, client, schema).await?)? {
            schema
                .runner(at, Engine::Postgres)?
                .run_async(client)
                .await
                .map_err(|error| StoreError::Migration { at: at.clone(), reason: error.to_string() })?;
        }
        let unlock = format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})");
        client.batch_execute(&unlock).await.map_err(fault)
    })
}

async fn check_version(at: &str, client: &Client) -> Result<(), StoreError> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding')",
            &[],
        )
        .await
        .map_err(|error| from(at, &error))?;
    let (version, encoding): (i64, &str) = (row.get(0), row.get(1));
    if version < VERSION_MIN {
        let reason = format!("PostgreSQL {} is too old; use 15 or newer", version / 10_000);
        return Err(StoreError::Unsupported { at: at.to_owned(), reason });
    }
    if encoding != "UTF8" {
        let reason = format!("the database is encoded in {encoding}; make one with ENCODING 'UTF8'");
        return Err(StoreError::Unsupported { at: at.to_owned(), reason });
    }
    Ok(())
}

/// The newest step that was done; 0 for none.
async fn schema_found(at: &str, client: &Client, schema: Schema) -> Result<i64, StoreError> {
    let there = client
        .query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&schema.table()])
        .await
        .map_err(|error| from(at, &error))?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let newest = format!("SELECT COALESCE(MAX(version), 0)::bigint FROM {}", schema.table());
    let row = client.query_one(&newest, &[]).await.map_err(|error| from(at, &error))?;
    Ok(row.get(0))
}
