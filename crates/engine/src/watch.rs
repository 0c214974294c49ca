//! Whoever waits for something to happen to a checkout session: woken by the commit that does it, and never by asking.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use suanpan_payments::decide::checkout::session_of;
use suanpan_payments::decision::ObjectKind;
use suanpan_store::commit::Object;
use tokio::sync::watch;

/// Watches of one session: some windows of one customer. Whoever wants more takes places away from others.
const WATCHES_OF_SESSION: usize = 8;

/// All watches, by session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watches {
    sessions: Arc<Mutex<HashMap<Box<str>, watch::Sender<()>>>>,
    /// Sessions that are watched, so that commits need not ask for the lock when there are none.
    count: Arc<AtomicUsize>,
}

/// Waits for commits that move a session or its payment.
#[derive(Debug)]
pub struct Watch {
    session: Box<str>,
    /// None only while this is dropped.
    told: Option<watch::Receiver<()>>,
    watches: Watches,
}

impl Watch {
    /// Waits for the next such commit; returns at once when there was one since this was last called, or made. Also
    /// returns when this process writes no more. Can be given up at any time.
    pub async fn changed(&mut self) {
        let Some(told) = &mut self.told else { return std::future::pending().await };
        if told.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Under the lock, so that nobody begins to watch in between.
        let mut sessions = self.watches.lock();
        drop(self.told.take());
        if sessions.get(&self.session).is_some_and(|tell| tell.receiver_count() == 0) {
            sessions.remove(&self.session);
            self.watches.count.store(sessions.len(), Ordering::SeqCst);
        }
    }
}

impl Watches {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, watch::Sender<()>>> {
        // Each change is one insertion or removal.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to watch a session; none when it has as many watches as it may. What is read after this is followed by
    /// everything that it lacks.
    pub(crate) fn begin(&self, session: &str) -> Option<Watch> {
        let mut sessions = self.lock();
        let tell = sessions.entry(session.into()).or_insert_with(|| watch::Sender::new(()));
        if tell.receiver_count() >= WATCHES_OF_SESSION {
            return None;
        }
        let told = tell.subscribe();
        self.count.store(sessions.len(), Ordering::SeqCst);
        Some(Watch { session: session.into(), told: Some(told), watches: self.clone() })
    }

    /// Wakes those who watch the sessions that a commit moved, itself or their payment.
    pub(crate) fn tell(&self, objects: &[Object]) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        for object in objects {
            let of_intent;
            let session = match ObjectKind::parse(object.kind) {
                Some(ObjectKind::CheckoutSession) => object.id.as_str(),
                Some(ObjectKind::PaymentIntent) => match session_of(&object.body) {
                    Some(session) => {
                        of_intent = session;
                        of_intent.as_str()
                    }
                    None => continue,
                },
                _ => continue,
            };
            if let Some(tell) = self.lock().get(session) {
                let _ = tell.send(());
            }
        }
    }

    /// Wakes everybody: this process may not know any more what is committed.
    pub(crate) fn tell_all(&self) {
        for tell in self.lock().values() {
            let _ = tell.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    fn object(kind: &'static str, id: &str, body: &str) -> Object {
        Object {
            id: id.to_owned(),
            kind,
            merchant: "acct_m".to_owned(),
            live: false,
            created: 0,
            version: 1,
            body: body.to_owned(),
        }
    }

    fn is_told(watch: &mut Watch) -> bool {
        let changed = std::pin::pin!(watch.changed());
        changed.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_watch_is_woken_by_its_session_and_its_payment_and_by_nothing_else() {
        let watches = Watches::default();
        let (mut one, mut other) = (watches.begin("cs_1").unwrap(), watches.begin("cs_2").unwrap());
        assert!(!is_told(&mut one));
        watches.tell(&[object("checkout.session", "cs_1", "{}"), object("payment_intent", "pi_9", "{}")]);
        assert_eq!((is_told(&mut one), is_told(&mut other)), (true, false));
        assert!(!is_told(&mut one), "it is told once");
        let intent = object("payment_intent", "pi_2", r#"{"checkout_session":"cs_2"}"#);
        watches.tell(std::slice::from_ref(&intent));
        watches.tell(&[intent]);
        assert_eq!((is_told(&mut one), is_told(&mut other)), (false, true));
        watches.tell_all();
        assert_eq!((is_told(&mut one), is_told(&mut other)), (true, true));
    }

    #[test]
    fn watches_are_bounded_and_leave_nothing_behind() {
        let watches = Watches::default();
        let held: Vec<_> = (0..WATCHES_OF_SESSION).map(|_| watches.begin("cs_1").unwrap()).collect();
        assert!(watches.begin("cs_1").is_none());
        assert!(watches.begin("cs_2").is_some());
        drop(held);
        assert!(watches.begin("cs_1").is_some());
        assert_eq!((watches.lock().len(), watches.count.load(Ordering::SeqCst)), (0, 0));
    }
}
