//! The worker: order, blocked endpoints, recovery, the end of the schedule.

use crate::memory::Memory;
use crate::receiver::{Receiver, wire};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use suanpan_webhooks::deliver::BOUNDS;
use suanpan_webhooks::schedule::ATTEMPTS;
use suanpan_webhooks::wire::Bounds;
use suanpan_webhooks::worker::{Parts, Settings, Worker, start};

fn begin(memory: &Arc<Memory>, settings: Settings) -> Worker {
    let clock = Arc::clone(memory);
    start(Parts {
        deliveries: Arc::clone(memory),
        wire: wire(),
        settings,
        clock: Arc::new(move || clock.now()),
        chance: Arc::new(|| 0),
    })
}

fn settings() -> Settings {
    let bounds = Bounds { total: Duration::from_millis(500), ..BOUNDS };
    Settings { poll: Duration::from_millis(5), bounds, ..Settings::default() }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn events_of_an_endpoint_arrive_in_order_also_when_it_was_down() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    let ids: Vec<String> = (0..20)
        .map(|place| {
            let path = if place == 3 { "/recovers/2" } else { "/status/200" };
            memory.push("we_a", &receiver.url(path))
        })
        .collect();
    let worker = begin(&memory, settings());
    until("the fourth fails", || memory.told().len() == 4).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.received().len(), 4, "those behind it wait");
    for count in [5, 22] {
        memory.skip().unwrap();
        until("the next attempt", || memory.told().len() == count).await;
    }
    assert!(worker.stop(Duration::from_secs(5)).await);
    let got: Vec<String> =
        receiver.received().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    let mut expected: Vec<String> = ids.iter().map(|id| format!("evt_{id}")).collect();
    let again = expected[3].clone();
    expected.splice(3..3, [again.clone(), again]);
    assert_eq!(got, expected);
}

#[tokio::test]
async fn an_event_that_its_receiver_cannot_bear_steps_aside() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    memory.push("we_a", &receiver.url("/status/500"));
    memory.push("we_a", &receiver.url("/status/200"));
    let worker = begin(&memory, settings());
    for count in 1..=3 {
        until("an attempt", || memory.told().len() == count).await;
        memory.skip().unwrap();
    }
    until("the other", || memory.told().len() == 5).await;
    assert_eq!(
        memory.told(),
        ["we_a-0 1 retry", "we_a-0 2 retry", "we_a-0 3 retry", "we_a-0 4 retry", "we_a-1 1 delivered"]
    );
    drop(worker);
}

#[tokio::test]
async fn endpoints_that_do_not_answer_do_not_delay_others() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    for name in 0..3 {
        for _ in 0..5 {
            memory.push(&format!("we_silent{name}"), &receiver.url("/silent"));
        }
    }
    for _ in 0..30 {
        memory.push("we_good", &receiver.url("/status/200"));
    }
    let start = Instant::now();
    let worker = begin(&memory, Settings { lanes: 4, retry_lanes: 2, ..settings() });
    let good = || memory.told().iter().filter(|line| line.ends_with("1 delivered")).count();
    until("the good one has all", || good() == 30).await;
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    until("the others time out", || memory.told().len() == 33).await;
    // Now all of them are due again, and may have two lanes of the four.
    memory.skip().unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let again = receiver.received().iter().filter(|got| got.path == "/silent").count();
    assert_eq!(again, 5, "three before, two now");
    let start = Instant::now();
    memory.push("we_good", &receiver.url("/status/200"));
    worker.wake();
    until("the good one", || good() == 31).await;
    assert!(start.elapsed() < Duration::from_millis(300), "{:?}", start.elapsed());
    drop(worker);
}

#[tokio::test]
async fn a_delivery_is_given_up_after_three_days_and_an_endpoint_that_is_gone_at_once() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    memory.push("we_down", &receiver.url("/closes"));
    memory.push("we_gone", &receiver.url("/status/410"));
    memory.push("we_gone", &receiver.url("/status/200"));
    let first = memory.now();
    let worker = begin(&memory, settings());
    for count in 2..=ATTEMPTS as usize + 1 {
        until("an attempt", || memory.told().len() == count).await;
        let _ = memory.skip();
    }
    let told = memory.told();
    assert!(told.contains(&"we_gone-1 1 disable".to_owned()), "{told:?}");
    assert!(!told.iter().any(|line| line.starts_with("we_gone-2")), "{told:?}");
    assert_eq!(told.last().unwrap(), &format!("we_down-0 {ATTEMPTS} exhausted"));
    assert!(memory.skip().is_none());
    assert!(memory.now().seconds() - first.seconds() >= 72 * 3_600);
    drop(worker);
}

#[tokio::test]
async fn an_outcome_is_told_until_it_is_taken_down_and_sent_once() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    memory.faults.store(3, Ordering::SeqCst);
    memory.push("we_a", &receiver.url("/status/200"));
    let worker = begin(&memory, settings());
    until("it is taken down", || memory.told().len() == 1).await;
    assert_eq!(receiver.received().len(), 1);
    drop(worker);
}

#[tokio::test]
async fn stopping_waits_for_what_is_under_way_and_begins_nothing_more() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    memory.push("we_a", &receiver.url("/silent"));
    memory.push("we_a", &receiver.url("/status/200"));
    let worker = begin(&memory, settings());
    until("it is under way", || receiver.received().len() == 1).await;
    assert!(worker.stop(Duration::from_secs(5)).await);
    assert_eq!(memory.told(), ["we_a-0 1 retry"]);

    memory.skip().unwrap();
    let worker = begin(&memory, settings());
    until("it is under way again", || receiver.received().len() == 2).await;
    assert!(!worker.stop(Duration::from_millis(20)).await, "the grace is over before the attempt");
}

#[tokio::test]
async fn many_endpoints_are_served_at_once() {
    let (memory, receiver) = (Memory::new(), Receiver::start().await);
    for endpoint in 0..100 {
        for _ in 0..5 {
            memory.push(&format!("we_{endpoint}"), &receiver.url("/status/200"));
        }
    }
    let worker = begin(&memory, settings());
    until("all arrive", || memory.told().len() == 500).await;
    assert!(worker.stop(Duration::from_secs(5)).await);
    let mut next = std::collections::BTreeMap::new();
    for got in receiver.received() {
        let (endpoint, place) = got.header("webhook-id").rsplit_once('-').unwrap();
        let place: u64 = place.parse().unwrap();
        let before = next.insert(endpoint.to_owned(), place);
        assert!(before.is_none_or(|before| before < place), "{endpoint}: {before:?} {place}");
    }
}
