//! The first signal asks to end, the second ends at once.

use crate::error::{Trouble, status};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Signals since the start.
pub(in crate::commands) struct Signals {
    first: watch::Receiver<bool>,
}

impl Signals {
    /// Takes SIGTERM and SIGINT over.
    pub(in crate::commands) fn install() -> Result<Signals, Trouble> {
        let taken = |kind| {
            signal(kind).map_err(|error| {
                Trouble::new("signals", format!("signals cannot be taken over: {error}"))
                    .at("this process")
                    .next("check what the process may do")
            })
        };
        let (mut terminate, mut interrupt) =
            (taken(SignalKind::terminate())?, taken(SignalKind::interrupt())?);
        let (tell, first) = watch::channel(false);
        tokio::spawn(async move {
            for time in 0.. {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if time > 0 {
                    std::process::exit(i32::from(status::INTERRUPTED));
                }
                tracing::info!("asked to end: finishing what waits");
                // Whoever listens sees it; nobody may listen yet.
                let _ = tell.send(true);
            }
        });
        Ok(Signals { first })
    }

    /// Returns whether a signal came.
    pub(in crate::commands) fn came(&self) -> bool {
        *self.first.borrow()
    }

    /// Waits for the first signal.
    pub(in crate::commands) async fn first(&self) {
        let mut first = self.first.clone();
        // The task that tells lives as long as the runtime.
        let _ = first.wait_for(|came| *came).await;
    }
}
