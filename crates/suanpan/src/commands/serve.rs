//! `suanpan serve`: payments and books over HTTP, until a signal.

mod acknowledged;
mod logs;
mod signals;

pub(super) use signals::Signals;

use crate::cli::ServeArgs;
use crate::commands::keys::make_key;
use crate::error::{Trouble, status};
use crate::operator;
use crate::secrets::master_key;
use crate::store::{at_store, damaged, file_of, open_or_make, refused};
use crate::terminal::Terminal;
use crate::ways::channels;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use suanpan_engine::{Caller, Clock, Config, Engine, EngineDeliveries, Role};
use suanpan_payments::object::api_key::KeyKind;
use suanpan_payments::settings::Settings;
use suanpan_server::api::Api;
use suanpan_server::limits::streams_max;
use suanpan_server::routes::router;
use suanpan_server::serve::{Limits, serve};
use suanpan_store::Database;
use suanpan_webhooks::target::{Policy, SystemResolver};
use suanpan_webhooks::wire::Wire;
use suanpan_webhooks::worker::{self, Parts, Worker};
use tokio::net::TcpListener;

/// How often a process that waits for its first writer looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long deliveries under way may take to end at shutdown.
const DELIVERY_GRACE: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &ServeArgs, terminal: Terminal) -> Result<u8, Trouble> {
    crate::allocator::be_fast();
    logs::start(args.log, &args.log_filter)?;
    // Before anything that measures.
    suanpan_server::observe::metrics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Trouble::new("threads", format!("the system gives no more threads: {error}"))
            .at("this process")
            .next("raise the limits of this user: ulimit -a")
    })?;
    let ended = runtime.block_on(run_until_stopped(args, terminal));
    // What still hangs on a connection was told to end, and had its time.
    runtime.shutdown_background();
    ended
}

async fn run_until_stopped(args: &ServeArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let signals = Signals::install()?;
    let (listener, address) = listen(&args.listen).await?;
    // Opening a store may block for as long as a migration takes.
    let store = args.store.clone();
    let database = tokio::task::spawn_blocking(move || open_or_make(&store)).await;
    let database = database.map_err(|error| damaged("the store", error))??;
    let known = blocking(|| operator::find(&database))?;
    let key = blocking(|| master_key(&args.master_key, &args.store, known.is_none()))?;
    let url = args.advertise.clone().unwrap_or_else(|| format!("http://{address}"));
    let clock = Clock::system();
    let settings = Settings {
        keep_answers_seconds: args.keep_answers,
        keep_events_seconds: args.keep_events.0,
        private_webhooks: args.allow_private_webhooks,
        ..Settings::with_simulator(key.key, args.public_url.as_deref().unwrap_or(&url))
    };
    let (channels, settings) = channels(args.channels.as_deref(), settings, &clock)?;
    let config = Config {
        cell: args.cell,
        node: node(args, &url, address.port()),
        lease: args.lease,
        settings,
        clock,
    };
    let kept = acknowledged::place(args, &database)?;
    let engine =
        blocking(|| Engine::start_keeping(&database, channels, config, kept.clone()).map_err(at_store))?;
    if let Some(path) = &key.made {
        terminal.hint(&format!(
            "made the master key {}: without a copy of it keys and secrets are lost",
            path.display()
        ));
    }
    let operator = match known {
        Some(operator) => Some((operator, None)),
        None => first_start(&engine, &database, &signals).await?,
    };
    let Some((operator, secret)) = operator else {
        blocking(|| engine.stop());
        return Ok(status::FINE);
    };
    terminal.result(&welcome((args, address), &database, kept.as_deref(), secret.as_deref()))?;
    let config = suanpan_server::api::Config::new(&operator);
    let config = suanpan_server::api::Config { streams: streams_max(args.connections), ..config };
    let api = Api::new(engine.clone(), config);
    let worker = deliver(args, &engine);
    let deliveries = EngineDeliveries::new(engine.clone());
    let cut = {
        let limits = Limits {
            connections: args.connections,
            connections_per_address: args.connections_per_address,
            ..Limits::default()
        };
        let stop = async {
            signals.first().await;
            api.end_streams();
        };
        let serving = serve(listener, router(api.clone()), limits, stop);
        let mut serving = std::pin::pin!(serving);
        loop {
            tokio::select! {
                cut = &mut serving => break cut,
                () = deliveries.changed() => worker.wake(),
            }
        }
    };
    let cut = cut.map_err(|error| damaged("--listen", error))?;
    if cut > 0 {
        tracing::warn!(cut, "connections were cut off");
    }
    if !worker.stop(DELIVERY_GRACE).await {
        tracing::info!("deliveries under way were given up; they are tried again after the next start");
    }
    // Finishes what waits, writes a checkpoint, gives the lease back.
    blocking(|| engine.stop());
    tracing::info!("ended");
    Ok(status::FINE)
}

/// Listens on what `--listen` names, and returns the address that came of it.
pub(super) async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), Trouble> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Trouble::new("listen", format!("cannot listen on {address}: {error}"))
            .at("--listen")
            .next("give another address; ss -ltnp shows who has this one")
    })?;
    let address = listener.local_addr().map_err(|error| damaged("--listen", error))?;
    Ok((listener, address))
}

/// Does something that blocks, on a thread whose other tasks go on elsewhere.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// The name under which this process holds the lease, which is where standbys hand requests to. A process that is
/// started again under its name need not wait for its old lease; two processes must never share one. On a file of
/// SQLite the address tells them apart; loopback addresses of several machines do not.
fn node(args: &ServeArgs, url: &str, port: u16) -> String {
    if args.advertise.is_some() || file_of(&args.store.store).is_some() {
        return url.to_owned();
    }
    let host = rustix::system::uname();
    let node = format!("http://{}:{port}", host.nodename().to_string_lossy());
    tracing::warn!(node, "standbys hand requests to this address; give --advertise when it is another");
    node
}

/// Sends events to the servers of merchants, for as long as what is returned lives.
fn deliver(args: &ServeArgs, engine: &Engine) -> Worker {
    // Plain HTTP for events of test mode; each attempt of live mode is judged without it.
    let policy = Policy::of_endpoints(false, args.allow_private_webhooks);
    let clock = engine.clock().clone();
    worker::start(Parts {
        deliveries: Arc::new(EngineDeliveries::new(engine.clone())),
        wire: Wire::new(policy, Arc::new(SystemResolver)),
        settings: worker::Settings::default(),
        clock: Arc::new(move || clock.now()),
        chance: Arc::new(chance),
    })
}

/// A number by chance, to spread attempts. Without the system's chance they are only spread less.
fn chance() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Waits until this process writes, then makes the operator and its first key. None when a signal came first.
async fn first_start(
    engine: &Engine,
    database: &Database,
    signals: &Signals,
) -> Result<Option<(String, Option<String>)>, Trouble> {
    loop {
        if signals.came() {
            return Ok(None);
        }
        if engine.role() == Role::Writer {
            break;
        }
        if let Some(why) = engine.trouble() {
            blocking(|| engine.stop());
            return Err(damaged(database.place(), why));
        }
        // Another process may have made the operator meanwhile.
        if engine.role() == Role::Standby
            && let Some(operator) = blocking(|| operator::find(database))?
        {
            return Ok(Some((operator, None)));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let handle = tokio::runtime::Handle::current();
    let call = |call| {
        let answered = blocking(|| handle.block_on(engine.call(call)));
        answered.map(|answered| answered.body).map_err(refused)
    };
    if let Some(operator) = blocking(|| operator::find(database))? {
        return Ok(Some((operator, None)));
    }
    let operator = operator::make(call)?;
    let caller = Caller { merchant: operator.clone(), live: false };
    let made = make_key(&caller, KeyKind::Secret, &[], Some("first"), call)?;
    Ok(Some((operator, made["secret"].as_str().map(str::to_owned))))
}

fn welcome(
    (args, address): (&ServeArgs, SocketAddr),
    database: &Database,
    kept: Option<&Path>,
    secret: Option<&str>,
) -> String {
    let kept = kept.map_or_else(|| "in memory".to_owned(), |path| format!("in {}", path.display()));
    let mut text = format!(
        "listening  http://{address}\n\
         store      {} ({}), cell {}\n\
         receipts   the newest is kept {kept}\n\
         simulated  cards in test mode: no money moves, 4242 4242 4242 4242 is approved\n\
         live mode  takes no cards yet\n\
         reference  http://{address}/docs\n",
        database.place(),
        database.engine(),
        args.cell,
    );
    if let Some(secret) = secret {
        text.push_str(&format!(
            "test key   {secret}\n           shown this once; more: suanpan keys create\n"
        ));
    }
    text
}
