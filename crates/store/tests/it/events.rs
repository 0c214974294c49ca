//! Events: packed, read by their places and in lists, named by answers, forgotten; and those of older stores.

use crate::on_all;
use crate::world::{Cell, NOON, World, answer};
use std::path::Path;
use suanpan_store::commit::{CommitError, Within};
use suanpan_store::events::{Event, EventBlock, EventPacker};
use suanpan_store::{Cursor, EventListing, StoreError, open};

on_all!(
    events_are_found_by_their_places,
    every_list_of_events_is_what_filtering_gives,
    an_answer_is_cut_out_of_an_event,
    events_do_not_go_back,
    old_events_are_forgotten,
);

const ALL: EventListing<'static> = EventListing {
    merchant: "acct_0",
    live: false,
    kind: None,
    created_min: None,
    created_max: None,
    after: None,
    before: None,
    limit: 100,
};

const KINDS: [&str; 3] = ["charge.succeeded", "payment_intent.succeeded", "refund.created"];

fn event(place: i64) -> Event {
    let number = usize::try_from(place).unwrap();
    // Large enough that a commit of many is several blocks.
    let body = format!(
        r#"{{"id":"evt_{place:03}","data":{{"object":{{"n":{place}}}}},"x":"{}"}}"#,
        "算".repeat(400)
    );
    Event {
        place,
        id: format!("evt_{place:03}"),
        kind: KINDS[number / 7 % 3],
        merchant: format!("acct_{}", number % 2),
        live: number % 5 == 0,
        body,
    }
}

/// Whether there are events at some places.
fn there(world: &World, places: &[i64]) -> Vec<bool> {
    let ids: Vec<String> = places.iter().map(|place| format!("evt_{place:03}")).collect();
    let at: Vec<Cursor<'_>> =
        places.iter().zip(&ids).map(|(place, id)| Cursor { created: *place, id }).collect();
    world.database.reader().events(&at).unwrap().iter().map(Option::is_some).collect()
}

fn pack(events: &[Event]) -> Vec<EventBlock> {
    EventPacker::new().unwrap().pack(events)
}

/// Even places, in many small commits and in one large one.
fn all_events() -> Vec<Event> {
    (1..=300).map(|number| event(number * 2)).collect()
}

fn filled(world: &World) -> Cell {
    let mut cell = world.cell();
    let events = all_events();
    let (few, many) = events.split_at(60);
    for some in few.chunks(5) {
        cell.with(|commit| commit.events = pack(some)).unwrap();
    }
    cell.with(|commit| {
        commit.events = pack(many);
        assert!(commit.events.len() > 2);
    })
    .unwrap();
    cell
}

fn events_are_found_by_their_places(world: World) {
    let reader = world.database.reader();
    assert_eq!(there(&world, &[5]), [false]);
    let _cell = filled(&world);
    let places = [600, 3, 2, 0, 122, 120, 601, i64::MIN, i64::MAX, 122, 340];
    let ids: Vec<String> = places.iter().map(|place| format!("evt_{place:03}")).collect();
    let at: Vec<Cursor<'_>> =
        places.iter().zip(&ids).map(|(place, id)| Cursor { created: *place, id }).collect();
    let found = reader.events(&at).unwrap();
    for (place, found) in places.iter().zip(&found) {
        let expected = (*place > 0 && *place <= 600 && place % 2 == 0).then(|| event(*place));
        assert_eq!(
            found.as_ref().map(|object| &object.id),
            expected.as_ref().map(|event| &event.id),
            "{place}"
        );
        let (Some(found), Some(expected)) = (found, expected) else { continue };
        assert_eq!((found.kind, found.version, found.created), ("event", 1, *place));
        assert_eq!(
            (&found.merchant, found.live, &found.body),
            (&expected.merchant, expected.live, &expected.body)
        );
    }
    assert_eq!(reader.events(&[]).unwrap(), []);
    assert_eq!(reader.events(&[Cursor { created: 600, id: "evt_598" }]).unwrap(), [None], "another's place");
}

/// What a list must be, by the slowest way.
fn expected(listing: &EventListing<'_>) -> (Vec<String>, bool) {
    let mut all: Vec<Event> = all_events();
    all.retain(|event| {
        event.merchant == listing.merchant
            && event.live == listing.live
            && listing.kind.is_none_or(|kind| kind == event.kind)
            && listing.created_min.is_none_or(|min| event.place >= min)
            && listing.created_max.is_none_or(|max| event.place <= max)
            && listing.after.is_none_or(|at| event.place < at)
            && listing.before.is_none_or(|at| event.place > at)
    });
    all.reverse();
    let limit = listing.limit as usize;
    let more = all.len() > limit;
    let from = if listing.before.is_some() { all.len().saturating_sub(limit) } else { 0 };
    (all.into_iter().skip(from).take(limit).map(|event| event.id).collect(), more)
}

fn every_list_of_events_is_what_filtering_gives(world: World) {
    let _cell = filled(&world);
    let reader = world.database.reader();
    let places = [None, Some(i64::MIN), Some(2), Some(55), Some(130), Some(600), Some(i64::MAX)];
    for (merchant, live) in [("acct_0", false), ("acct_0", true), ("acct_1", false), ("acct_2", false)] {
        for kind in [None, Some(KINDS[0]), Some(KINDS[2]), Some("none"), Some("")] {
            for limit in [0, 1, 7, 500] {
                for (created_min, created_max) in [
                    (None, None),
                    (Some(50), None),
                    (None, Some(121)),
                    (Some(200), Some(199)),
                    (Some(20), Some(510)),
                ] {
                    for place in places {
                        for (after, before) in [(place, None), (None, place)] {
                            let listing = EventListing {
                                merchant,
                                live,
                                kind,
                                created_min,
                                created_max,
                                after,
                                before,
                                limit,
                            };
                            let page = reader.list_events(&listing).unwrap();
                            let ids: Vec<String> = page.objects.into_iter().map(|object| object.id).collect();
                            assert_eq!((ids, page.more), expected(&listing), "{listing:?}");
                        }
                    }
                }
            }
        }
    }
}

fn an_answer_is_cut_out_of_an_event(world: World) {
    let mut cell = world.cell();
    let event = event(4);
    let object = r#"{"n":4}"#;
    let from = u32::try_from(event.body.find(object).unwrap()).unwrap();
    let within = Some(Within { place: 4, from, to: from + 7 });
    let said = |key| answer(key, Some((200, object.into())));
    cell.with(|commit| commit.answers = vec![answer("later", None)]).unwrap();
    cell.with(|commit| {
        commit.events = pack(std::slice::from_ref(&event));
        for key in ["later", "cut"] {
            commit.answers.push(suanpan_store::commit::Answer { within, ..said(key) });
        }
        commit.answers.push(said("whole"));
    })
    .unwrap();
    let reader = world.database.reader();
    let keys = ["later", "cut", "whole", "none"].map(|key| ("acct_1/test", key));
    let found = reader.answers(&keys).unwrap();
    assert_eq!(found, [Some(said("later")), Some(said("cut")), Some(said("whole")), None]);
    // An answer that is given is not given again, wherever it stands.
    let again = cell.with(|commit| commit.answers = vec![said("cut")]);
    assert!(matches!(again, Err(CommitError::Disagrees(_))), "{again:?}");
    // What names an event that is not there is no answer.
    let nowhere = Some(Within { place: 5, from: 0, to: 2 });
    cell.with(|commit| {
        commit.answers.push(suanpan_store::commit::Answer { within: nowhere, ..said("nowhere") });
    })
    .unwrap();
    let found = reader.answers(&[("acct_1/test", "nowhere"), ("acct_1/test", "cut")]).unwrap();
    let lost = suanpan_store::commit::Answer { within: nowhere, ..answer("nowhere", Some((200, vec![]))) };
    assert_eq!(found, [Some(lost), Some(said("cut"))]);
}

fn events_do_not_go_back(world: World) {
    let mut cell = filled(&world);
    assert_eq!(cell.store.load().unwrap().newest_event, Some(600));
    let head = cell.head;
    for events in [vec![pack(&[event(600)])], vec![pack(&[event(702)]), pack(&[event(700)])]] {
        let refused = cell.with(|commit| commit.events = events.concat());
        assert!(matches!(refused, Err(CommitError::Disagrees(_))), "{refused:?}");
        assert_eq!(cell.store.head().unwrap(), head);
    }
    assert_eq!(there(&world, &[700, 702]), [false, false]);
}

/// How many names there are; none where nobody else can look.
fn names(world: &World) -> Option<u64> {
    const COUNT: &str = "SELECT count(*) FROM event_name";
    if world.address.starts_with("postgres") {
        return Some(suanpan_testkit::cluster().sql(&world.address, COUNT).trim().parse().unwrap());
    }
    let raw = (!world.address.ends_with(":memory:"))
        .then(|| rusqlite::Connection::open(&world.address).unwrap())?;
    let count: i64 = raw.query_row(COUNT, [], |row| row.get(0)).unwrap();
    u64::try_from(count).ok()
}

fn old_events_are_forgotten(world: World) {
    let mut cell = filled(&world);
    let lease = cell.lease;
    let before = names(&world);
    let blocks = 12 + pack(&all_events()[60..]).len() as u64;
    assert!(before.is_none_or(|names| names > blocks));
    // The small commits have five each: 2 to 10, 12 to 20, and so on.
    assert_eq!(cell.store.forget_events(&lease, 46, 3).unwrap(), 3);
    assert_eq!(cell.store.forget_events(&lease, 46, 3).unwrap(), 1, "42 to 50 is too new");
    assert_eq!(cell.store.forget_events(&lease, 46, 3).unwrap(), 0);
    let reader = world.database.reader();
    assert_eq!(there(&world, &[2, 40, 42, 46, 600]), [false, false, true, true, true]);
    for kind in [None, Some(KINDS[0]), Some(KINDS[1])] {
        let listing = EventListing { kind, limit: 500, ..ALL };
        let page = reader.list_events(&listing).unwrap();
        let ids: Vec<String> = page.objects.into_iter().map(|object| object.id).collect();
        let mut left = expected(&listing).0;
        left.retain(|id| id.as_str() > "evt_040");
        assert_eq!(ids, left);
    }
    assert_eq!(cell.store.forget_events(&lease, i64::MAX, 1_000).unwrap(), blocks - 4);
    assert_eq!(there(&world, &[42, 600]), [false, false]);
    assert_eq!(names(&world), Some(0).filter(|_| before.is_some()), "names of blocks that are gone");
    let other = suanpan_store::commit::Lease { epoch: lease.epoch + 1, ..lease };
    let fenced = cell.store.forget_events(&other, NOON, 1);
    assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "{fenced:?}");
}

/// Makes a store as it was before events were packed, with three events among its objects, two of them at one place.
const BEFORE: &str = r#"
    INSERT INTO cell (one, cell, epoch, holder, expires, seq, hash, entries, at, checkpoint)
    VALUES (1, 7, 3, 'old', 0, 0, $ZEROS, 0, 0, 0);
    INSERT INTO object (id, kind, merchant, live, created, version, body) VALUES
    ('pi_1', 'payment_intent', 'acct_0', $FALSE, 5, 1, '{"id":"pi_1"}'),
    ('evt_01jd8sy7pz5r00000000000000', 'event', 'acct_0', $FALSE, 5, 1,
        '{"id":"evt_01jd8sy7pz5r00000000000000","type":"charge.succeeded","note":"算盘\t"}'),
    ('evt_01jd8sy7pz5s0zzzzzzzzzzzzz', 'event', 'acct_0', $TRUE, 5, 1,
        '{"id":"evt_01jd8sy7pz5s0zzzzzzzzzzzzz","type":"refund.created"}'),
    ('evt_01jd8sy7pz5rzzzzzzzzzzzzzz', 'event', 'acct_9', $TRUE, 5, 1,
        '{"id":"evt_01jd8sy7pz5rzzzzzzzzzzzzzz","type":"refund.created"}');
    INSERT INTO link (name, key, created, id) VALUES
    ('event.type', 'acct_0/test/charge.succeeded', 5, 'evt_01jd8sy7pz5r00000000000000'),
    ('other', 'k', 5, 'pi_1');
    INSERT INTO answer (scope, key, digest, status, body, created) VALUES
    ('acct_1/test', 'given', $ZEROS, 200, $BODY, 9), ('acct_1/test', 'pending', $ZEROS, NULL, NULL, 9);
"#;

/// Makes the schema as its first step left it, with something in it.
fn older(sql: &str, (zeros, body, no, yes): (&str, &str, &str, &str)) -> String {
    // The checksum is not looked at; steps that were done are told by their numbers.
    let table = "CREATE TABLE suanpan_migrations
        (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));";
    let filled =
        BEFORE.replace("$ZEROS", zeros).replace("$BODY", body).replace("$FALSE", no).replace("$TRUE", yes);
    format!("{sql}\n{table}\n{filled}")
}

fn look_at_older(world: &World, refuses: impl Fn(&str)) {
    let reader = world.database.reader();
    // 01jd8sy7pz5r: milliseconds, and microseconds in the last ten bits; the second is a microsecond later.
    let listing = |live, kind| EventListing { live, kind, ..ALL };
    for (live, kind, id) in [
        (false, None, "evt_01jd8sy7pz5r00000000000000"),
        (false, Some("charge.succeeded"), "evt_01jd8sy7pz5r00000000000000"),
        (true, None, "evt_01jd8sy7pz5s0zzzzzzzzzzzzz"),
        (true, Some("refund.created"), "evt_01jd8sy7pz5s0zzzzzzzzzzzzz"),
    ] {
        let page = reader.list_events(&listing(live, kind)).unwrap();
        let [found] = page.objects.as_slice() else { panic!("{page:?}") };
        assert_eq!((found.id.as_str(), found.merchant.as_str()), (id, "acct_0"));
        assert_eq!(reader.events(&[Cursor { created: found.created, id }]).unwrap(), [Some(found.clone())]);
    }
    let first = reader.list_events(&listing(false, None)).unwrap().objects.remove(0);
    let second = reader.list_events(&listing(true, None)).unwrap().objects.remove(0);
    assert_eq!(second.created, first.created + 1);
    let twin = Cursor { created: first.created, id: "evt_01jd8sy7pz5rzzzzzzzzzzzzzz" };
    assert_eq!(reader.events(&[twin]).unwrap()[0].as_ref().unwrap().merchant, "acct_9");
    assert!(first.body.ends_with(r#","note":"算盘\t"}"#), "{}", first.body);
    assert_eq!(
        reader.objects(&["pi_1", &first.id]).unwrap().iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(reader.linked("event.type", "acct_0/test/charge.succeeded", 9).unwrap(), [""; 0]);
    assert_eq!(reader.linked("other", "k", 9).unwrap(), ["pi_1"]);
    let answers = reader.answers(&[("acct_1/test", "given"), ("acct_1/test", "pending")]).unwrap();
    assert_eq!(answers[0].as_ref().unwrap().answered, Some((200, b"{}".to_vec())));
    assert_eq!(answers[1].as_ref().unwrap().answered, None);
    // Who wrote before must not go on, nor come back.
    refuses(
        "UPDATE cell SET epoch = epoch + 1, holder = 'old', expires = 9 WHERE one = 1 AND cell = 7 AND epoch = 4",
    );
    assert_eq!(reader.standing().unwrap().unwrap().lease.epoch, 4);
    let mut cell = world.cell();
    cell.with(|commit| {
        commit.events = pack(&[Event { place: second.created + 1, ..event(2) }]);
        commit.answers = vec![suanpan_store::commit::Answer {
            digest: [0; 32],
            ..answer("pending", Some((200, b"{}".to_vec())))
        }];
    })
    .unwrap();
}

/// Writes a statement that notes the first step as done, with the checksum that it has in a new database.
const NOTED: &str =
    "SELECT 'INSERT INTO suanpan_migrations VALUES (1, ''' || name || ''', ''' || applied_on || ''', '''
    || checksum || ''')' FROM suanpan_migrations WHERE version = 1";

/// The first step of the schema as it was.
fn first_step(engine: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine).join("V1__cell.sql");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn events_of_older_files_are_packed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.sqlite");
    let sql = older(&first_step("sqlite"), ("zeroblob(32)", "CAST('{}' AS BLOB)", "0", "1"));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(&sql).unwrap();
    let fresh = World::file();
    let noted = rusqlite::Connection::open(&fresh.address)
        .unwrap()
        .query_row(NOTED, [], |row| row.get::<_, String>(0));
    raw.execute_batch(&noted.unwrap()).unwrap();
    drop(raw);
    look_at_older(&World::at(&path.display().to_string()), |sql| {
        let raw = rusqlite::Connection::open(&path).unwrap();
        assert!(raw.execute_batch(sql).is_err());
    });
}

#[test]
fn events_of_older_databases_are_packed() {
    let cluster = suanpan_testkit::cluster();
    let address = cluster.database();
    let zeros = "decode(repeat('00', 32), 'hex')";
    cluster
        .sql(&address, &older(&first_step("postgres"), (zeros, "convert_to('{}', 'UTF8')", "false", "true")));
    let noted = cluster.sql(&World::postgres().address, NOTED);
    cluster.sql(&address, &noted);
    look_at_older(&World::at(&address), |sql| {
        assert!(cluster.try_sql(&address, sql).is_err());
    });
}

#[test]
fn a_block_that_cannot_be_read_hides_only_itself() {
    let world = World::file();
    let mut cell = filled(&world);
    let within = |place| Some(Within { place, from: 0, to: 5 });
    cell.with(|commit| {
        for (key, place) in [("here", 4), ("broken", 14)] {
            let said = answer(key, Some((200, b"{\"id\"".to_vec())));
            commit.answers.push(suanpan_store::commit::Answer { within: within(place), ..said });
        }
    })
    .unwrap();
    let raw = rusqlite::Connection::open(&world.address).unwrap();
    // 12 to 20.
    let broken =
        "DROP TRIGGER event_block_unchanged; UPDATE event_block SET body = x'28b52ffd00' WHERE first = 12";
    raw.execute_batch(broken).unwrap();
    let reader = world.database.reader();
    let at = |place, id| reader.events(&[Cursor { created: place, id }]);
    assert!(matches!(at(14, "evt_014"), Err(StoreError::Damaged { .. })));
    assert!(at(4, "evt_004").unwrap()[0].is_some());
    let found = reader.answers(&[("acct_1/test", "broken"), ("acct_1/test", "here")]).unwrap();
    assert_eq!(found[0].as_ref().unwrap().within, within(14));
    assert_eq!(found[1].as_ref().unwrap().answered, Some((200, b"{\"id\"".to_vec())));
    // It goes with the others when it is old.
    assert_eq!(cell.store.forget_events(&cell.lease, 31, 9).unwrap(), 3);
    assert_eq!(there(&world, &[4, 14, 24, 32]), [false, false, false, true]);
}

#[test]
fn a_lease_is_not_taken_in_a_newer_schema() {
    let world = World::file();
    let mut writer = world.database.writer().unwrap();
    let newer = "INSERT INTO suanpan_migrations (version, name, applied_on, checksum)
        VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')";
    rusqlite::Connection::open(&world.address).unwrap().execute_batch(newer).unwrap();
    let error = writer.acquire(7, "node", std::time::Duration::from_secs(1)).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    drop(open(&world.address).unwrap_err());
}
