//! The log of a cell: its content goes into the file in a thread of its own, beside the commits.
//!
//! SQLite would do it within a commit, and whoever waits for that one would wait 60 ms longer. While commits go on the
//! log never ends up empty by itself, so after the long part, which disturbs nobody, the next commit moves the little
//! that came meanwhile. The one after that begins the log anew, unless a reader still needs it.

use super::connect::{LOG_PAGES, connect_log};
use super::session::from;
use crate::error::StoreError;
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pages in the log that are left to a commit: some 5 ms.
const REST_PAGES: i64 = 1_024;
/// How often the long part is done before that at most, as commits add to the log meanwhile: each round takes a part of
/// the one before.
const ROUNDS: u32 = 4;
/// The wait before it is tried again when a reader needs the log, or after a failure; it doubles while nothing changes.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Pages in the log after which a commit moves them itself if the thread could not: 512 MiB.
const PAGES_MAX: u32 = 16 * LOG_PAGES;

/// Moves the log of one file, as long as this is kept.
#[derive(Debug)]
pub(super) struct Mover {
    shared: Arc<(Mutex<State>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    /// The log is long enough to be moved.
    due: bool,
    /// Nearly all of it is moved: the next commit does the rest.
    ready: bool,
    /// The thread's last try ended with an error.
    failed: bool,
    ended: bool,
}

// A panic while the lock was held left whole values: each change is one assignment.
fn lock(shared: &(Mutex<State>, Condvar)) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mover {
    /// Moves the log from here on when the commits of a connection have made it long.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(super) fn of(connection: &mut Connection, path: &Path) -> Result<Mover, StoreError> {
        let at = path.display().to_string();
        let shared = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let noted = Arc::clone(&shared);
        let hook = move |log: &mut Wal, pages: i32| {
            let pages = u32::try_from(pages).unwrap_or(0);
            if pages < LOG_PAGES {
                return Ok(());
            }
            let mut state = lock(&noted);
            let mine = std::mem::take(&mut state.ready) || state.failed && pages >= PAGES_MAX;
            state.due = !mine;
            drop(state);
            if mine {
                // The commit is done whatever becomes of this.
                let _ = log.checkpoint();
            } else {
                noted.1.notify_one();
            }
            Ok(())
        };
        connection.wal_hook(Some(hook)).map_err(|error| from(&at, error))?;
        let (given, path) = (Arc::clone(&shared), path.to_owned());
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || run(&given, &path));
        let thread = thread.map_err(|error| StoreError::Unavailable { at, reason: error.to_string() })?;
        Ok(Mover { shared, thread: Some(thread) })
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        lock(&self.shared).ended = true;
        self.shared.1.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &(Mutex<State>, Condvar), path: &Path) {
    let mut connection = None;
    let mut pause = PAUSE;
    loop {
        let waited = shared.1.wait_while(lock(shared), |state| !state.due && !state.ended);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return;
        }
        state.due = false;
        drop(state);
        let done = match connection.take() {
            Some(open) => Ok(open),
            None => connect_log(path),
        };
        let done = done.and_then(|open| move_most(&open, path).map(|most| (open, most)));
        let mut state = lock(shared);
        state.failed = done.is_err();
        match done {
            Ok((open, most)) => {
                connection = Some(open);
                state.ready = most;
                if most {
                    pause = PAUSE;
                    continue;
                }
            }
            // The next commit asks for it again.
            Err(error) => tracing::warn!(%error, "the log of the database could not be moved into it"),
        }
        drop(shared.1.wait_timeout_while(state, pause, |state| !state.ended));
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Moves nearly all of the log; false when a reader still needs what was there before.
fn move_most(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let mut seen = 0;
    for _ in 0..ROUNDS {
        let (pages, moved): (i64, i64) = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
            .map_err(|error| from(&path.display().to_string(), error))?;
        if moved < seen {
            return Ok(false);
        }
        if pages - moved <= REST_PAGES {
            break;
        }
        seen = pages;
    }
    Ok(true)
}
