//! Lists and their cursors, compared with sorting and cutting everything.

use crate::on_all;
use crate::world::{World, link, object};
use suanpan_store::commit::Object;
use suanpan_store::{Cursor, Listing};

on_all!(
    pages_go_both_ways,
    lists_are_cut_by_creation,
    lists_of_linked_objects_go_both_ways,
    every_list_is_what_sorting_gives,
);

const ALL: Listing<'static> = Listing {
    kind: "payment_intent",
    merchant: "acct_1",
    live: false,
    link: None,
    created_min: None,
    created_max: None,
    after: None,
    before: None,
    limit: 100,
};

/// Two objects are made at each moment, so that ids decide.
fn objects() -> Vec<Object> {
    (0..20).map(|number: i64| object(&format!("pi_{:02}", 19 - number), number / 2, 1)).collect()
}

fn filled(world: &World) {
    let mut cell = world.cell();
    cell.with(|commit| {
        commit.objects = objects();
        commit.links = objects().iter().step_by(3).map(|object| link("by", "k", &object.id, false)).collect();
        for (id, of) in [("x1", 0), ("x2", 1), ("x3", 2)] {
            let mut other = object(id, 5, 1);
            match of {
                0 => other.kind = "refund",
                1 => other.merchant = "acct_2".to_owned(),
                _ => other.live = true,
            }
            commit.links.push(link("by", "k", id, false));
            commit.objects.push(other);
        }
    })
    .unwrap();
}

/// What a list must be, by the slowest way.
fn expected(listing: &Listing<'_>) -> (Vec<String>, bool) {
    let linked: Vec<String> = objects().iter().step_by(3).map(|object| object.id.clone()).collect();
    let mut all: Vec<Object> = objects()
        .into_iter()
        .filter(|object| listing.link.is_none() || linked.contains(&object.id))
        .filter(|object| listing.created_min.is_none_or(|min| object.created >= min))
        .filter(|object| listing.created_max.is_none_or(|max| object.created <= max))
        .filter(|object| {
            listing.after.is_none_or(|at| (object.created, object.id.as_str()) < (at.created, at.id))
        })
        .filter(|object| {
            listing.before.is_none_or(|at| (object.created, object.id.as_str()) > (at.created, at.id))
        })
        .collect();
    all.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    let limit = listing.limit as usize;
    let more = all.len() > limit;
    let from = if listing.before.is_some() { all.len().saturating_sub(limit) } else { 0 };
    let ids = all.into_iter().skip(from).take(limit).map(|object| object.id).collect();
    (ids, more)
}

fn found(world: &World, listing: &Listing<'_>) -> (Vec<String>, bool) {
    let page = world.database.reader().list(listing).unwrap();
    (page.objects.into_iter().map(|object| object.id).collect(), page.more)
}

fn pages_go_both_ways(world: World) {
    filled(&world);
    let (ids, more) = found(&world, &Listing { limit: 3, ..ALL });
    assert_eq!((ids.join(" "), more), ("pi_01 pi_00 pi_03".to_owned(), true));
    let at = Cursor { created: 8, id: "pi_03" };
    let (ids, more) = found(&world, &Listing { limit: 3, after: Some(at), ..ALL });
    assert_eq!((ids.join(" "), more), ("pi_02 pi_05 pi_04".to_owned(), true));
    let at = Cursor { created: 7, id: "pi_04" };
    let (ids, more) = found(&world, &Listing { limit: 3, before: Some(at), ..ALL });
    assert_eq!((ids.join(" "), more), ("pi_03 pi_02 pi_05".to_owned(), true));
    let (ids, more) = found(&world, &Listing { limit: 5, before: Some(at), ..ALL });
    assert_eq!((ids.join(" "), more), ("pi_01 pi_00 pi_03 pi_02 pi_05".to_owned(), false));
    assert_eq!(found(&world, &ALL).0.len(), 20);
    assert_eq!(found(&world, &Listing { limit: 0, ..ALL }), (vec![], true));
}

fn lists_are_cut_by_creation(world: World) {
    filled(&world);
    let (ids, _) = found(&world, &Listing { created_min: Some(3), created_max: Some(4), ..ALL });
    assert_eq!(ids.join(" "), "pi_11 pi_10 pi_13 pi_12");
    let (ids, _) = found(&world, &Listing { created_min: Some(5), created_max: Some(4), ..ALL });
    assert_eq!(ids.len(), 0);
    let widest = Listing { created_min: Some(i64::MIN), created_max: Some(i64::MAX), ..ALL };
    assert_eq!(found(&world, &widest).0.len(), 20);
}

fn lists_of_linked_objects_go_both_ways(world: World) {
    filled(&world);
    let linked = Listing { link: Some(("by", "k")), limit: 2, ..ALL };
    let (ids, more) = found(&world, &linked);
    assert_eq!((ids.join(" "), more), ("pi_01 pi_04".to_owned(), true));
    let at = Cursor { created: 7, id: "pi_04" };
    let (ids, more) = found(&world, &Listing { before: Some(at), ..linked });
    assert_eq!((ids.join(" "), more), ("pi_01".to_owned(), false));
    assert_eq!(found(&world, &Listing { link: Some(("by", "other")), ..linked }), (vec![], false));
}

fn every_list_is_what_sorting_gives(world: World) {
    filled(&world);
    let cursors: Vec<Option<(i64, String)>> = [None]
        .into_iter()
        .chain(objects().into_iter().step_by(4).map(|object| Some((object.created, object.id))))
        .chain([Some((4, "pi".to_owned())), Some((-1, "z".to_owned())), Some((99, "a".to_owned()))])
        .collect();
    let as_cursor = |place: &'_ Option<(i64, String)>| -> Option<(i64, String)> { place.clone() };
    for link in [None, Some(("by", "k"))] {
        for limit in [1, 4, 50] {
            for created_min in [None, Some(2)] {
                for created_max in [None, Some(7)] {
                    for place in &cursors {
                        for back in [false, true] {
                            let place = as_cursor(place);
                            let cursor = place.as_ref().map(|(created, id)| Cursor { created: *created, id });
                            let (after, before) = if back { (None, cursor) } else { (cursor, None) };
                            let listing =
                                Listing { link, limit, created_min, created_max, after, before, ..ALL };
                            assert_eq!(found(&world, &listing), expected(&listing), "{listing:?}");
                        }
                    }
                }
            }
        }
    }
}
