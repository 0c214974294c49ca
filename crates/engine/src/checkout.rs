//! What the page of a checkout session asks of the engine beside calls.

use crate::command::{Call, Caller, Refused};
use crate::engine::Engine;
use crate::watch::Watch;
use suanpan_payments::command::Command;
use suanpan_payments::decide::confirm::pending_ask;
use suanpan_payments::object::attempt::Attempt;
use suanpan_payments::state::attempt::AttemptStatus;

impl Engine {
    /// Begins to watch a checkout session; none when it has as many watches as it may.
    #[must_use]
    pub fn watch(&self, session: &str) -> Option<Watch> {
        self.shared().watches.begin(session)
    }

    /// Asks a channel now whether its customer has paid, rather than when the next inquiry is due: the customer says so
    /// and looks. What comes of it is written as of any inquiry. Where no channel waits for a customer nobody is asked:
    /// for some channels an inquiry about anything else undoes it.
    ///
    /// # Errors
    /// When nothing could be read or written now.
    pub async fn ask_now(&self, attempt: &str) -> Result<(), Refused> {
        let Some(stored) = self.stored(attempt.to_owned()).await? else { return Ok(()) };
        let Ok(attempt) = serde_json::from_str::<Attempt>(&stored.body) else { return Ok(()) };
        if attempt.status != AttemptStatus::AwaitingCustomer {
            return Ok(());
        }
        let Some(ask) = pending_ask(&attempt, &stored.merchant, stored.live) else { return Ok(()) };
        let outcome = self.channels().inquire(&ask, self.clock()).await;
        let call = Call {
            caller: Caller { merchant: stored.merchant, live: stored.live },
            idempotency: None,
            request_id: None,
            command: Command::Outcome { ask, outcome },
        };
        match self.call(call).await {
            // It was known already, by a notification or an inquiry that was due.
            Ok(_) | Err(Refused::Rule(_)) => Ok(()),
            Err(refused) => Err(refused),
        }
    }
}
