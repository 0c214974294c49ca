//! A PostgreSQL of one's own, in a temporary directory, on a Unix socket.
//!
//! A shell keeps it: it runs as the user `postgres` when the tests run as root, takes orders by its standard
//! input, and stops the server and removes the directory when that ends, however the test process ended.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Where Debian has the programs of a version, newest first.
const FOLDERS: &[&str] =
    &["/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin"];

const KEEPER: &str = r#"
set -u
bin=$1
dir=$(mktemp -d /tmp/suanpan-postgres-XXXXXX) || exit 1
finish() {
    [ -f "$dir/data/postmaster.pid" ] && "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
cd "$dir" || exit 1
"$bin/initdb" -D data -U suanpan -A trust -E UTF8 --locale=C --no-sync --no-instructions >initdb.log 2>&1 \
    || { echo "error initdb: $(tail -n 3 initdb.log | tr '\n' ' ')"; exit 1; }
cat >>data/postgresql.conf <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
shared_buffers = 64MB
max_wal_size = 4GB
max_connections = 200
log_line_prefix = '%m [%p] '
CONF
start() {
    "$bin/pg_ctl" -D data -w -t 60 -l server.log start >/dev/null 2>&1
}
answer() {
    if [ "$1" = 0 ]; then echo "ok $dir"; else echo "error $2: $(tail -n 3 server.log | tr '\n' ' ')"; fi
}
start; answer $? start
while read -r order argument; do
    case $order in
        start) start; answer $? start ;;
        stop) "$bin/pg_ctl" -D data -w -m "$argument" stop >/dev/null 2>&1; answer $? stop ;;
        set) echo "$argument" >>data/postgresql.conf; "$bin/pg_ctl" -D data reload >/dev/null 2>&1; answer $? set ;;
        *) echo "error unknown order $order" ;;
    esac
done
"#;

/// A running server. It is stopped and removed when this is dropped, or when the process ends.
#[derive(Debug)]
pub struct Cluster {
    keeper: Mutex<Keeper>,
    folder: String,
    databases: AtomicU32,
    programs: &'static str,
}

#[derive(Debug)]
struct Keeper {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

/// A line of `postgresql.conf`, such as `synchronous_standby_names = 'nobody'`.
pub type Setting<'a> = &'a str;

/// Returns the server that the tests of this process share, started when it is first wanted.
///
/// # Panics
/// When PostgreSQL is not installed or does not start: then the tests cannot show what they are to show.
pub fn cluster() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

impl Cluster {
    /// Starts a server of its own, for tests that stop it or change its settings.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Cluster {
        let programs = FOLDERS.iter().find(|folder| Path::new(folder).join("postgres").exists());
        let Some(programs) = programs else {
            panic!(
                "PostgreSQL is needed for this test and is not installed: \
                 on Debian, `apt-get install postgresql-15` (looked in {})",
                FOLDERS.join(", ")
            );
        };
        let mut command = if is_root() {
            // PostgreSQL refuses to run as root.
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "bash", "-c", KEEPER, "keeper", programs]);
            command
        } else {
            let mut command = Command::new("bash");
            command.args(["-c", KEEPER, "keeper", programs]);
            command
        };
        let started = command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.unwrap_or_else(|error| panic!("PostgreSQL's keeper does not start: {error}"));
        let orders = child.stdin.take();
        let stdout = child.stdout.take().unwrap_or_else(|| panic!("PostgreSQL's keeper has no output"));
        let mut keeper = Keeper { child, orders, answers: BufReader::new(stdout).lines() };
        let folder = keeper.answer();
        Cluster { keeper: Mutex::new(keeper), folder, databases: AtomicU32::new(0), programs }
    }

    /// Returns the address of a new, empty database.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// Returns the address of a database.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        format!("postgres://suanpan@localhost/{name}?host={}", self.folder)
    }

    /// Runs SQL by `psql` as the superuser, in the database with a name or an address, and returns what it
    /// prints, without headings.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, for SQL that may fail.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let name = database.split('?').next().unwrap_or(database);
        let name = name.rsplit('/').next().unwrap_or(name);
        let output = Command::new(format!("{}/psql", self.programs))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", &self.folder, "-U", "suanpan"])
            .args(["-d", name, "-c", sql])
            .output()
            .map_err(|error| format!("psql does not start: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Changes a setting that needs no restart.
    ///
    /// # Panics
    /// When it cannot be changed.
    pub fn set(&self, setting: Setting<'_>) {
        self.order(&format!("set {setting}"));
    }

    /// Stops the server: `fast` ends its connections in order, `immediate` as if it had crashed.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&self, how: &str) {
        self.order(&format!("stop {how}"));
    }

    /// Starts it again.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        self.order("start");
    }

    fn order(&self, order: &str) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = keeper.orders.as_mut().map(|orders| writeln!(orders, "{order}"));
        assert!(matches!(sent, Some(Ok(()))), "PostgreSQL's keeper is gone");
        keeper.answer();
    }
}

impl Keeper {
    /// Waits for the answer to an order: the folder of the server.
    fn answer(&mut self) -> String {
        let line = self.answers.next().and_then(Result::ok).unwrap_or_default();
        match line.split_once(' ') {
            Some(("ok", folder)) => folder.to_owned(),
            _ => panic!("PostgreSQL does not do as it should: {line}"),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The end of its input tells the keeper to clean up.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == 0
    })
}
