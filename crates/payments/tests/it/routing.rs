//! Which channel a payment goes over, and which one next.

use crate::expect::Expect;
use crate::flows::{cancel, create};
use crate::world::{World, approved, cny, declined, lost, request};
use serde_json::json;
use std::collections::BTreeMap;
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::books::FeePolicy;
use suanpan_payments::command::Command;
use suanpan_payments::decide::routing::simulate;
use suanpan_payments::decision::Context;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::request::routing::SimulateRouting;
use suanpan_payments::routing::health::{ALL_WELL, Circuit, Health, Heard, Standing, Standings};
use suanpan_payments::routing::{
    Asked, Basis, ChannelTerms, Exclusion, Hours, Limit, Match, Range, Route, Routing, Rule, TermsError,
    route,
};

/// Noon in China.
const NOON: i64 = 1_800_000_000 / 86_400 * 86_400 + 4 * 3_600;

fn asked() -> Asked<'static> {
    Asked {
        merchant: "acct_1",
        live: false,
        kind: "card",
        brand: Some("unionpay"),
        country: Some("CN"),
        vault: Some("network"),
        amount_minor: 10_000,
        currency: cny(),
        now: Timestamp::from_seconds(NOON),
        chance: 999_999,
    }
}

fn terms(name: &str, cost_bps: u32) -> ChannelTerms {
    ChannelTerms {
        vault: "network".to_owned(),
        cost: FeePolicy { bps: cost_bps, ..FeePolicy::default() },
        ..ChannelTerms::of(name, &["card"])
    }
}

fn routing() -> Routing {
    Routing { channels: vec![terms("dear", 40), terms("cheap", 20)], ..Routing::default() }
}

fn routed(routing: &Routing, asked: &Asked<'_>) -> Route {
    route(routing, &ALL_WELL, &FeePolicy::default(), asked, &[])
}

/// Why the first channel is left out, after a change of its terms.
fn excluded(change: impl FnOnce(&mut ChannelTerms), asked: &Asked<'_>) -> Option<Exclusion> {
    let mut routing = routing();
    change(&mut routing.channels[0]);
    let route = routed(&routing, asked);
    let candidate =
        route.candidates.iter().find(|candidate| candidate.channel == "dear").must("it was looked at");
    if candidate.excluded.is_some() {
        assert_eq!((route.channel.as_deref(), route.basis), (Some("cheap"), Some(Basis::Only)));
        assert_eq!(route.candidates[1].channel, "dear", "those left out stand last");
    }
    candidate.excluded
}

fn limit(limit: Limit) -> BTreeMap<Currency, Limit> {
    BTreeMap::from([(cny(), limit)])
}

pub(crate) fn payment(min: Option<u64>, max: Option<u64>) -> Limit {
    Limit { payment: Range { min, max }, day_max: None }
}

#[test]
fn each_term_leaves_out_and_says_why() {
    let strings = |text: &str| std::iter::once(text.to_owned()).collect();
    let usd = Currency::parse("USD").must("a currency");
    let hours = |from_minute, to_minute| Some(Hours { from_minute, to_minute });
    type Change = Box<dyn Fn(&mut ChannelTerms)>;
    let table: Vec<(Change, Option<Exclusion>)> = vec![
        (Box::new(|_| {}), None),
        (Box::new(|terms| terms.drained = true), Some(Exclusion::Drained)),
        (Box::new(move |terms| terms.currencies = [usd].into()), Some(Exclusion::Currency)),
        (Box::new(|terms| terms.currencies = [cny()].into()), None),
        (Box::new(move |terms| terms.brands = strings("visa")), Some(Exclusion::Brand)),
        (Box::new(move |terms| terms.countries = strings("US")), Some(Exclusion::Country)),
        (Box::new(|terms| terms.vault = "other".to_owned()), Some(Exclusion::Vault)),
        (Box::new(|terms| terms.limits = limit(payment(Some(10_001), None))), Some(Exclusion::BelowMinimum)),
        (Box::new(|terms| terms.limits = limit(payment(Some(10_000), Some(10_000)))), None),
        (Box::new(|terms| terms.limits = limit(payment(None, Some(9_999)))), Some(Exclusion::AboveMaximum)),
        (
            Box::new(|terms| terms.limits = limit(Limit { day_max: Some(9_999), ..Limit::default() })),
            Some(Exclusion::DayLimit),
        ),
        (Box::new(|terms| terms.limits = limit(Limit { day_max: Some(10_000), ..Limit::default() })), None),
        (Box::new(move |terms| terms.hours = hours(12 * 60, 12 * 60 + 1)), None),
        (Box::new(move |terms| terms.hours = hours(0, 12 * 60)), Some(Exclusion::Hours)),
        (Box::new(move |terms| terms.hours = hours(12 * 60 + 1, 0)), Some(Exclusion::Hours)),
        (Box::new(move |terms| terms.hours = hours(22 * 60, 6 * 60)), Some(Exclusion::Hours)),
        (Box::new(move |terms| terms.hours = hours(11 * 60, 6 * 60)), None),
    ];
    for (at, (change, expected)) in table.into_iter().enumerate() {
        assert_eq!(excluded(change, &asked()), expected, "row {at}");
    }
    // What is not known of a card leaves out nothing.
    let unknown = Asked { brand: None, country: None, ..asked() };
    assert_eq!(excluded(|terms| terms.countries = ["US".to_owned()].into(), &unknown), None);
    // What it takes in another mode, or of another kind, is not looked at.
    let none = routed(&routing(), &Asked { live: true, ..asked() });
    assert_eq!((none.channel.clone(), none.candidates.len()), (None, 0));
    assert_eq!(none.why_none("card"), "no channel takes card in this mode");
    assert_eq!(routed(&routing(), &Asked { kind: "alipay", ..asked() }).candidates, []);
}

#[test]
fn the_better_score_wins_and_the_first_among_equals() {
    let route = routed(&routing(), &asked());
    assert_eq!((route.channel.as_deref(), route.basis), (Some("cheap"), Some(Basis::Score)));
    // 0.60 % of 100.00 less 0.20 % and 0.40 %, in millionths of a minor unit.
    assert_eq!([route.candidates[0].score, route.candidates[1].score], [40_000_000, 20_000_000]);
    let mut equal = routing();
    equal.channels[1].cost = equal.channels[0].cost;
    assert_eq!(routed(&equal, &asked()).channel.as_deref(), Some("dear"));
    // Whoever fails often is dearer than it seems: 60 at 50 % less 20 against 60 less 40.
    let standings = |success_ppm| {
        let standing = Standing { success_ppm, ..Standing::default() };
        Standings([("cheap".to_owned(), standing)].into())
    };
    let over =
        |success_ppm| route_with(&routing(), &standings(success_ppm), &asked()).channel.must("a channel");
    assert_eq!((over(700_000).as_str(), over(500_000).as_str()), ("cheap", "dear"));
}

fn route_with(routing: &Routing, standings: &Standings, asked: &Asked<'_>) -> Route {
    route(routing, standings, &FeePolicy::default(), asked, &[])
}

#[test]
fn a_channel_that_rests_gets_nothing_and_one_that_is_tried_may() {
    let circuit = |circuit| {
        let standing = Standing { circuit, ..Standing::default() };
        route_with(&routing(), &Standings([("cheap".to_owned(), standing)].into()), &asked())
    };
    assert_eq!(circuit(Circuit::Open).channel.as_deref(), Some("dear"));
    assert_eq!(circuit(Circuit::Trial).channel.as_deref(), Some("cheap"));
    let mut alone = routing();
    alone.channels.truncate(1);
    let open = Standing { circuit: Circuit::Open, ..Standing::default() };
    let none = route_with(&alone, &Standings([("dear".to_owned(), open)].into()), &asked());
    assert!(none.channel.is_none() && none.is_for_now());
    assert_eq!(none.why_none("card"), "dear: circuit_open");
    alone.channels[0].brands = ["visa".to_owned()].into();
    assert!(!routed(&alone, &asked()).is_for_now(), "that will not pass");
    // Though it rests, too.
    let both = route_with(&alone, &Standings::resting(["dear"].into_iter()), &asked());
    assert_eq!((both.is_for_now(), both.why_none("card").as_str()), (false, "dear: brand"));
    // What has been taken today and is not known passes no limit.
    alone.channels[0].brands.clear();
    alone.channels[0].limits = limit(Limit { day_max: Some(1_000_000), ..Limit::default() });
    let taken = |taken| Standing { taken: [((false, cny()), taken)].into(), ..Standing::default() };
    let with = |taken_today| {
        let standings = Standings([("dear".to_owned(), taken(taken_today))].into());
        route_with(&alone, &standings, &asked()).channel.is_some()
    };
    assert_eq!([with(Some(990_000)), with(Some(990_001)), with(None)], [true, false, false]);
    let live = Standing { taken: [((true, cny()), Some(1_000_000))].into(), ..Standing::default() };
    let live = Standings([("dear".to_owned(), live)].into());
    assert!(route_with(&alone, &live, &asked()).channel.is_some(), "each mode has its own");
}

#[test]
fn the_first_rule_that_fits_decides() {
    let rule = |name: &str, when: Match| Rule { name: name.to_owned(), when, ..Rule::default() };
    let other = Match { merchants: ["acct_2".to_owned()].into(), ..Match::default() };
    let large = Range { min: Some(10_001), max: None };
    let large = Match { amounts: [(cny(), large)].into(), ..Match::default() };
    let cards = Match { kinds: ["card".to_owned()].into(), ..Match::default() };
    let mut routing = routing();
    routing.rules = vec![
        Rule { never: ["dear".to_owned()].into(), ..rule("not mine", other) },
        Rule { never: ["dear".to_owned()].into(), ..rule("large", large) },
        Rule { prefer: vec!["dear".to_owned()], ..rule("cards", cards) },
        Rule { only: ["cheap".to_owned()].into(), ..rule("too late", Match::default()) },
    ];
    let route = routed(&routing, &asked());
    assert_eq!((route.channel.as_deref(), route.basis), (Some("dear"), Some(Basis::Preferred)));
    assert_eq!(route.rule.as_deref(), Some("cards"));
    let route = routed(&routing, &Asked { amount_minor: 10_001, ..asked() });
    assert_eq!((route.channel.as_deref(), route.rule.as_deref()), (Some("cheap"), Some("large")));
    assert_eq!(route.candidates[1].excluded, Some(Exclusion::Rule));
    // A preferred channel that cannot take it gives way.
    routing.channels[0].drained = true;
    assert_eq!(routed(&routing, &asked()).channel.as_deref(), Some("cheap"));
}

#[test]
fn shares_and_exploration_come_out_as_told() {
    let mut routing = routing();
    routing.rules = vec![Rule {
        name: "halves".to_owned(),
        shares: [("dear".to_owned(), 30), ("cheap".to_owned(), 70)].into(),
        ..Rule::default()
    }];
    let count = |routing: &Routing, chances: u64, basis: Basis| {
        let over = |chance| routed(routing, &Asked { chance, ..asked() });
        let dear = (0..chances).map(over).filter(|route| route.channel.as_deref() == Some("dear"));
        dear.inspect(|route| assert_eq!(route.basis, Some(basis))).count()
    };
    assert_eq!(count(&routing, 1_000, Basis::Share), 300);
    // A share of what is left out falls to the others.
    routing.channels[0].drained = true;
    assert_eq!(count(&routing, 1_000, Basis::Share), 0);
    routing.channels[0].drained = false;
    routing.rules.clear();
    routing.explore_ppm = 20_000;
    assert_eq!(count(&routing, 1_000_000, Basis::Exploration), 20_000);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let rule =
        |name: &str| Rule { name: name.to_owned(), prefer: vec!["dear".to_owned()], ..Rule::default() };
    let check = |rules| Routing { rules, ..routing() }.check();
    assert_eq!(check(vec![rule("a"), rule("b")]), Ok(()));
    assert_eq!(check(vec![rule("a"), rule("a")]), Err(TermsError::SameName("a".to_owned())));
    let nothing = Rule { prefer: Vec::new(), ..rule("a") };
    assert_eq!(check(vec![nothing]), Err(TermsError::SaysNothing("a".to_owned())));
    for field in 0..4 {
        let mut wrong = rule("a");
        match field {
            0 => wrong.only = ["gone".to_owned()].into(),
            1 => wrong.never = ["gone".to_owned()].into(),
            2 => wrong.prefer = vec!["gone".to_owned()],
            _ => wrong.shares = [("gone".to_owned(), 1)].into(),
        }
        let missing = TermsError::NoSuchChannel { rule: "a".to_owned(), channel: "gone".to_owned() };
        assert_eq!(check(vec![wrong]), Err(missing));
    }
    let mut bounds = routing();
    bounds.channels[0].limits = limit(payment(Some(2), Some(1)));
    assert_eq!(bounds.check(), Err(TermsError::Bounds { of: "dear".to_owned() }));
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn a_circuit_opens_rests_longer_each_time_and_closes_by_an_answer() {
    let mut health = Health::default();
    for _ in 0..5 {
        assert!(!health.note(Heard::Answer, at(0)));
    }
    for second in 0..4 {
        assert!(!health.note(Heard::Silence, at(second)), "fewer than ten say nothing");
    }
    assert!(health.note(Heard::Silence, at(4)), "half of ten are silent");
    assert_eq!((health.circuit(at(18)), health.circuit(at(19))), (Circuit::Open, Circuit::Trial));
    // What was sent before it opened says nothing more.
    assert!(!health.note(Heard::Silence, at(19)));
    assert_eq!(health.circuit(at(19)), Circuit::Trial);
    // Neither does an answer to something else say that payments are answered.
    assert!(!health.note(Heard::Answer, at(19)));
    assert_eq!(health.circuit(at(19)), Circuit::Trial);
    let mut now = 19;
    for rest in [30, 60, 120, 240, 300, 300] {
        health.tried(at(now));
        assert_eq!(health.circuit(at(now)), Circuit::Open, "one trial at a time");
        health.note(Heard::Silence, at(now + 1));
        assert_eq!(health.circuit(at(now + rest)), Circuit::Open);
        now += rest + 1;
        assert_eq!(health.circuit(at(now)), Circuit::Trial, "after {rest}");
    }
    health.tried(at(now));
    assert_eq!(
        health.circuit(at(now + 60)),
        Circuit::Trial,
        "a trial of which nothing is heard is forgotten"
    );
    for heard in [Heard::Decline, Heard::Success, Heard::Waiting] {
        let mut health = health.clone();
        assert!(health.note(heard, at(now)), "{heard:?} is an answer to a payment");
        assert_eq!(health.circuit(at(now)), Circuit::Closed);
    }
    // While it rests, an answer to an inquiry lets the next payment try.
    health.tried(at(now));
    health.note(Heard::Silence, at(now));
    assert_eq!(health.circuit(at(now)), Circuit::Open);
    health.note(Heard::Answer, at(now));
    assert_eq!(health.circuit(at(now)), Circuit::Trial);
}

#[test]
fn silence_of_long_ago_opens_nothing() {
    let mut health = Health::default();
    for second in 0..100 {
        assert!(!health.note(Heard::Silence, at(second * 7)), "never ten within a minute");
    }
}

#[test]
fn success_is_counted_over_the_last_ones() {
    let mut health = Health::default();
    assert_eq!(health.success_ppm(), 1_000_000);
    health.note(Heard::Decline, at(0));
    assert_eq!(health.success_ppm(), 909_090, "10 supposed of 11");
    for _ in 0..500 {
        health.note(Heard::Success, at(0));
    }
    assert_eq!(health.success_ppm(), 1_000_000);
}

/// A world in which two more channels share the vault of the first.
fn three() -> World {
    let mut world = World::new();
    let first = world.settings.routing.channels[0].clone();
    for name in ["second", "third"] {
        world.settings.routing.channels.push(ChannelTerms { name: name.to_owned(), ..first.clone() });
    }
    world
}

fn pay(world: &mut World) -> String {
    let intent = world.done(&create(json!({
        "amount": 10_000, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa",
    })));
    intent["id"].as_str().must("an id").to_owned()
}

#[test]
fn a_channel_that_did_nothing_gives_way_to_the_next() {
    let mut world = three();
    let id = pay(&mut world);
    let first = world.value(&id)["latest_attempt"].clone();
    let told = world.told().len();
    let (status, intent) = world.outcome(&id, declined("processing_error"));
    assert_eq!((status, &intent["status"]), (200, &json!("processing")));
    assert_eq!(world.told().len(), told, "nobody is told of a failure");
    let first = world.value(first.as_str().must("an attempt"));
    assert_eq!((&first["status"], &first["decline_code"]), (&json!("declined"), &json!("processing_error")));
    assert!(first["internal"]["token"].as_str().must("a token").is_empty(), "only the next one has the card");
    let second = world.value(intent["latest_attempt"].as_str().must("an attempt"));
    assert_eq!((&second["channel"], &second["tried"]), (&json!("second"), &json!(["card_sim"])));
    assert_eq!(second["routing"], json!({"basis": "score"}));
    assert_eq!(
        second["internal"]["route"]["candidates"][2],
        json!({
            "channel": "card_sim", "excluded": "tried", "success_ppm": 1_000_000, "score": 60_000_000,
        })
    );
    let (status, intent) = world.outcome(&id, approved());
    assert_eq!((status, &intent["status"]), (200, &json!("succeeded")));
    assert_eq!(world.books.posted.len(), 3, "the channel, the merchant and our fee");
    assert!(world.books.posted.keys().any(|account| account.path == "test/channel/second/receivable"));
    assert!(world.jobs.is_empty());
}

#[test]
fn the_cascade_ends_after_three() {
    let mut world = three();
    let fourth = ChannelTerms { name: "fourth".to_owned(), ..world.settings.routing.channels[0].clone() };
    world.settings.routing.channels.push(fourth);
    let id = pay(&mut world);
    for _ in 0..2 {
        assert_eq!(world.outcome(&id, declined("processing_error")).0, 200);
    }
    let (status, error) = world.outcome(&id, declined("processing_error"));
    assert_eq!((status, &error["error"]["code"]), (402, &json!("processing_error")));
    let intent = world.value(&id);
    assert_eq!((&intent["status"], &intent["attempts_made"]), (&json!("requires_payment_method"), &json!(3)));
    assert!(world.jobs.is_empty() && world.books.posted.is_empty());
}

#[test]
fn what_somebody_decided_or_nobody_knows_is_not_tried_elsewhere() {
    for code in ["insufficient_funds", "do_not_honor", "card_velocity_exceeded", "fraudulent", "unheard_of"] {
        let mut world = three();
        let id = pay(&mut world);
        assert_eq!(world.outcome(&id, declined(code)).0, 402, "{code}");
        assert_eq!(world.value(&id)["attempts_made"], 1);
    }
    let mut world = three();
    let id = pay(&mut world);
    let first = world.value(&id)["latest_attempt"].clone();
    for _ in 0..5 {
        world.outcome(&id, lost());
        assert_eq!(world.value(&id)["latest_attempt"], first, "unknown stays where it is");
    }
    assert!(matches!(world.refused(&cancel(&id)), Rejection::InProgress { .. }));
    // Only when the channel has said that nothing was done the next one is asked.
    world.outcome(&id, declined("processing_error"));
    assert_ne!(world.value(&id)["latest_attempt"], first);
    // And what the first one says after all is not taken in again.
    let ask = world.ask(world.value(&id)["latest_attempt"].as_str().must("an attempt")).must("a request");
    let late = Command::Outcome {
        ask: suanpan_payments::decision::ChannelAsk {
            object: first.as_str().must("an id").to_owned(),
            reference: first.as_str().must("an id").to_owned(),
            ..ask
        },
        outcome: approved(),
    };
    assert!(matches!(world.refused(&late), Rejection::AttemptState { .. }));
}

#[test]
fn whoever_has_gone_is_not_charged_over_another_channel() {
    let mut world = three();
    let id = pay(&mut world);
    world.now = world.now.plus_seconds(200);
    assert_eq!(world.outcome(&id, declined("processing_error")).0, 200, "in time");
    world.outcome(&id, lost());
    // From the confirmation on, not from the attempt before.
    world.now = world.now.plus_seconds(101);
    assert_eq!(world.outcome(&id, declined("processing_error")).0, 402);
    assert_eq!(world.value(&id)["status"], "requires_payment_method");
}

#[test]
fn no_channel_is_said_with_its_reasons() {
    let mut world = World::new();
    let resting = Standing { circuit: Circuit::Open, ..Standing::default() };
    world.standings.0.insert("card_sim".to_owned(), resting);
    let pay = create(json!({
        "amount": 10_000, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa",
    }));
    let refused = world.refused(&pay);
    assert_eq!(
        refused.to_string(),
        "No channel takes this payment now: card_sim: circuit_open. Try again in a little while."
    );
    assert_eq!((refused.status(), refused.retryable()), (503, true));
    world.standings.0.clear();
    world.settings.routing.channels[0].currencies = [Currency::parse("USD").must("a currency")].into();
    let refused = world.refused(&pay);
    assert_eq!(refused.to_string(), "No channel takes this payment: card_sim: currency");
    assert_eq!((refused.status(), refused.retryable()), (400, false));
    assert!(world.objects.is_empty(), "nothing was begun");
}

#[test]
fn a_card_stays_readable_when_the_channel_that_took_it_in_is_gone() {
    let mut world = three();
    let method = world.done(&Command::CreatePaymentMethod {
        request: Box::new(request(json!({"type": "card", "card": {
            "number": "4242424242424242", "exp_month": 12, "exp_year": 2040,
        }}))),
    });
    world.settings.routing.channels.remove(0);
    let intent = world.done(&create(json!({
        "amount": 10_000, "currency": "cny", "confirm": true, "payment_method": method["id"],
    })));
    let attempt = world.value(intent["latest_attempt"].as_str().must("an attempt"));
    assert_eq!(attempt["channel"], "second");
}

#[test]
fn a_simulation_knows_where_a_new_card_would_be_kept() {
    let mut world = World::new();
    let other = ChannelTerms { vault: "elsewhere".to_owned(), ..ChannelTerms::of("cheap", &["card"]) };
    world.settings.routing.channels.push(other);
    world.settings.routing.channels[0].cost = FeePolicy { bps: 50, ..FeePolicy::default() };
    let asked: SimulateRouting =
        request(json!({"amount": 10_000, "currency": "cny", "payment_method_type": "card"}));
    let ctx = Context {
        now: world.now,
        merchant: "acct_test",
        live: false,
        random: [1; 32],
        settings: &world.settings,
        standings: &ALL_WELL,
    };
    let told = simulate(&asked, None, &ctx).must("a route");
    assert_eq!(told.route.channel.as_deref(), Some("card_sim"));
}
