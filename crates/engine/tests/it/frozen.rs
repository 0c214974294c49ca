//! What the books refuse: nobody waits for it without end, and channels are not asked for it.

use crate::routing::with_second;
use crate::world::{Gate, World, body, call, id, on_each, pay, refund};
use serde_json::json;
use suanpan_engine::{BooksAnswer, BooksCommand, Refused};
use suanpan_ledger::account::AccountChange;
use suanpan_ledger::rejection::Rejection;
use suanpan_money::Currency;

on_each!(
    a_payment_whose_entry_is_refused_is_answered_and_ends_when_the_books_take_it,
    what_the_books_would_refuse_is_not_asked_of_a_channel,
    what_a_channel_said_is_taken_in_where_the_next_one_is_refused,
);

fn change(world: &World, change: AccountChange) {
    change_of(world, "test/merchant/acct_m/pending", change);
}

fn change_of(world: &World, path: &'static str, change: AccountChange) {
    let cny = Currency::parse("CNY").unwrap();
    let find = world.engine().query(move |book| book.find(path, cny).unwrap());
    let (number, _) = world.runtime().block_on(find).unwrap();
    let command = BooksCommand::Change(vec![(number, change)]);
    let (answer, _) = world.runtime().block_on(world.engine().books(command)).unwrap();
    assert_eq!(answer, BooksAnswer::Changed(vec![Ok(())]));
}

fn a_payment_whose_entry_is_refused_is_answered_and_ends_when_the_books_take_it(world: World) {
    let first = world.done(pay("pm_card_visa", json!({})));
    world.set_gate(Gate::Slow);
    let (engine, command) = (world.engine().clone(), pay("pm_card_visa", json!({"metadata": {"n": "2"}})));
    let waits = world.runtime().spawn(async move { engine.call(call(Some("key"), command)).await });
    let sent = |world: &World| world.list("payment_intent").into_iter().find(|it| it["id"] != first["id"]);
    world.until("the request is sent", |world| sent(world).is_some());
    change(&world, AccountChange::Freeze { debits: false, credits: true });
    world.until("the outcome is refused", |_| world.host.truth(&attempt(&world)).is_some());
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert!(!waits.is_finished());
    world.clock.advance_seconds(25);
    let answered = world.runtime().block_on(waits).unwrap().unwrap();
    assert_eq!((answered.status, &body(&answered)["status"]), (200, &json!("processing")));
    // A repeat is told the same, and the channel is not asked again.
    let asked = world.sent().len();
    let again = world.call(Some("key"), pay("pm_card_visa", json!({"metadata": {"n": "2"}}))).unwrap();
    assert!(again.replayed);
    assert_eq!(again.body, answered.body);
    change(&world, AccountChange::Unfreeze { debits: false, credits: true });
    world.until("it is booked", |world| world.object(&id(&body(&answered)))["status"] == "succeeded");
    assert_eq!(world.sent().len(), asked);
    world.expect_books((20_000, 0), (19_880, 0), 120);
    let again = world.call(Some("key"), pay("pm_card_visa", json!({"metadata": {"n": "2"}}))).unwrap();
    assert_eq!(again.body, answered.body, "an answer that was given stands");
}

/// The newest attempt.
fn attempt(world: &World) -> String {
    id(&world.list("attempt").remove(0))
}

fn what_a_channel_said_is_taken_in_where_the_next_one_is_refused(mut world: World) {
    with_second(&mut world);
    world.set_gate(Gate::Shut);
    world.done(pay("pm_card_visa", json!({})));
    change_of(
        &world,
        "test/channel/second/receivable",
        AccountChange::Freeze { debits: true, credits: false },
    );
    let answered = world.call(None, pay("pm_card_visa", json!({}))).unwrap();
    assert_eq!(
        (answered.status, &body(&answered)["error"]["decline_code"]),
        (402, &json!("processing_error"))
    );
    assert_eq!((world.sent_to_second().len(), world.list("attempt").len()), (1, 3));
}

fn what_the_books_would_refuse_is_not_asked_of_a_channel(world: World) {
    let paid = world.done(pay("pm_card_visa", json!({})));
    let asked = world.sent().len();
    change(&world, AccountChange::Freeze { debits: false, credits: true });
    let refused = world.call(None, pay("pm_card_visa", json!({}))).unwrap_err();
    assert_eq!(refused, Refused::Books(Rejection::CreditsFrozen));
    assert_eq!(world.list("payment_intent").len(), 1);
    change(&world, AccountChange::Unfreeze { debits: false, credits: true });
    change(&world, AccountChange::Freeze { debits: true, credits: false });
    let refused = world.call(None, refund(&id(&paid), 100)).unwrap_err();
    assert_eq!(refused, Refused::Books(Rejection::DebitsFrozen));
    assert_eq!(world.sent().len(), asked);
    change(&world, AccountChange::Unfreeze { debits: true, credits: false });
    world.done(refund(&id(&paid), 100));
}
