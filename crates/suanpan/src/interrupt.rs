//! Ctrl-C and a friendly kill: the first asks the run to stop, the second ends the process at once.

use crate::error::status;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use suanpan_recon::run::Progress;

/// The run that a signal stops, when there is one.
static CURRENT: Mutex<Option<Arc<Progress>>> = Mutex::new(None);
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// While this lives, signals stop the run.
#[derive(Debug)]
pub(crate) struct Guard(());

/// Lets signals stop a run.
pub(crate) fn stops(progress: &Arc<Progress>) -> Guard {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(progress));
    if !INSTALLED.swap(true, Ordering::SeqCst) {
        // Without a handler a signal ends the process, which is what it did before.
        let _ = ctrlc::set_handler(|| {
            let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
            match &*current {
                Some(progress) if !progress.stop.swap(true, Ordering::SeqCst) => {}
                _ => std::process::exit(i32::from(status::INTERRUPTED)),
            }
        });
    }
    Guard(())
}

impl Drop for Guard {
    fn drop(&mut self) {
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
