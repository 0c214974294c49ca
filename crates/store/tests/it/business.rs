//! Objects, names, answers and jobs.

use crate::on_all;
use crate::world::{NOON, World, answer, hash_of, job, link, object};
use suanpan_store::commit::CommitError;

on_all!(
    objects_change_by_version,
    an_object_may_change_twice_in_a_commit,
    what_identifies_an_object_never_changes,
    a_unique_name_is_taken_once,
    names_find_objects,
    an_answer_is_given_once,
    answers_are_forgotten_from_the_old_end,
    jobs_are_put_replaced_and_done,
    nothing_of_a_refused_commit_stays,
    zero_bytes_and_long_keys_are_refused,
    questions_have_limits,
    readers_see_whole_commits_while_they_are_written,
);

fn objects_change_by_version(world: World) {
    let mut cell = world.cell();
    let reader = world.database.reader();
    cell.with(|commit| commit.objects = vec![object("pi_1", 1, 1), object("pi_2", 2, 1)]).unwrap();
    cell.with(|commit| commit.objects = vec![object("pi_1", 1, 2)]).unwrap();
    let found = reader.objects(&["pi_2", "pi_0", "pi_1"]).unwrap();
    assert_eq!(found, [Some(object("pi_2", 2, 1)), None, Some(object("pi_1", 1, 2))]);
    assert_eq!(reader.objects(&[]).unwrap(), []);

    for (wrong, says) in [
        (object("pi_1", 1, 1), "pi_1 is there already"),
        (object("pi_1", 1, 2), "pi_1 is not there in version 1"),
        (object("pi_1", 1, 4), "pi_1 is not there in version 3"),
        (object("pi_3", 1, 2), "pi_3 is not there in version 1"),
        (object("pi_3", 1, 0), "pi_3 has version 0"),
    ] {
        let error =
            cell.with(|commit| commit.objects = vec![object("pi_9", 1, 1), wrong.clone()]).unwrap_err();
        let CommitError::Disagrees(text) = &error else { panic!("{error}") };
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(reader.objects(&["pi_9"]).unwrap(), [None]);
}

fn an_object_may_change_twice_in_a_commit(world: World) {
    let mut cell = world.cell();
    let reader = world.database.reader();
    cell.with(|commit| commit.objects = (1..=3).map(|version| object("pi_1", 1, version)).collect()).unwrap();
    cell.with(|commit| commit.objects = vec![object("pi_1", 1, 4), object("pi_1", 1, 5)]).unwrap();
    assert_eq!(reader.objects(&["pi_1"]).unwrap(), [Some(object("pi_1", 1, 5))]);
    let skipped = cell.with(|commit| commit.objects = vec![object("pi_1", 1, 6), object("pi_1", 1, 8)]);
    assert!(matches!(skipped, Err(CommitError::Disagrees(_))));
}

fn what_identifies_an_object_never_changes(world: World) {
    let mut cell = world.cell();
    cell.with(|commit| commit.objects = vec![object("pi_1", 1, 1)]).unwrap();
    let right = object("pi_1", 1, 2);
    let mut wrong = vec![right.clone(); 4];
    wrong[0].kind = "refund";
    wrong[1].merchant = "acct_2".to_owned();
    wrong[2].live = true;
    wrong[3].created = 2;
    for wrong in wrong {
        let error = cell.with(|commit| commit.objects = vec![wrong.clone()]).unwrap_err();
        assert!(matches!(error, CommitError::Disagrees(_)), "{error}");
    }
    cell.with(|commit| commit.objects = vec![right]).unwrap();
}

fn a_unique_name_is_taken_once(world: World) {
    let mut cell = world.cell();
    cell.with(|commit| commit.links = vec![link("email", "a@b.cn", "cus_1", true)]).unwrap();
    // Naming the same object again is no second object.
    cell.with(|commit| {
        commit.links = vec![link("email", "a@b.cn", "cus_1", true), link("email", "c@d.cn", "cus_1", true)];
    })
    .unwrap();
    let taken = |error: CommitError| match error {
        CommitError::Taken { name, key } => format!("{name} {key}"),
        other => panic!("{other}"),
    };
    let error = cell.with(|commit| {
        commit.links = vec![link("email", "new", "cus_2", true), link("email", "c@d.cn", "cus_2", true)];
    });
    assert_eq!(taken(error.unwrap_err()), "email c@d.cn");
    let error = cell.with(|commit| {
        commit.links = vec![link("email", "e", "cus_2", true), link("email", "e", "cus_3", true)];
    });
    assert_eq!(taken(error.unwrap_err()), "email e");
    let found = world.database.reader().unique(&[("email", "new"), ("email", "c@d.cn"), ("phone", "a@b.cn")]);
    assert_eq!(found.unwrap(), [None, Some("cus_1".to_owned()), None]);
}

fn names_find_objects(world: World) {
    let mut cell = world.cell();
    cell.with(|commit| {
        commit.objects = vec![object("re_1", 10, 1), object("re_2", 30, 1), object("re_3", 20, 1)];
        commit.links = vec![
            link("refund.intent", "pi_1", "re_1", false),
            link("refund.intent", "pi_1", "re_2", false),
            link("refund.intent", "pi_1", "re_3", false),
            link("refund.intent", "pi_1", "re_3", false),
            link("refund.reference", "r", "re_1", true),
        ];
    })
    .unwrap();
    cell.with(|commit| commit.links = vec![link("refund.intent", "pi_1", "re_3", false)]).unwrap();
    let reader = world.database.reader();
    assert_eq!(reader.linked("refund.intent", "pi_1", 10).unwrap(), ["re_2", "re_3", "re_1"]);
    assert_eq!(reader.linked("refund.intent", "pi_1", 2).unwrap(), ["re_2", "re_3"]);
    assert_eq!(reader.linked("refund.reference", "r", 10).unwrap(), ["re_1"]);
    assert_eq!(reader.linked("refund.intent", "pi_2", 10).unwrap(), [""; 0]);
}

fn an_answer_is_given_once(world: World) {
    let mut cell = world.cell();
    let reader = world.database.reader();
    let given = answer("k", Some((200, b"{}".to_vec())));
    cell.with(|commit| commit.answers = vec![answer("k", None), answer("empty", Some((204, vec![])))])
        .unwrap();
    let keys = [("acct_1/test", "k"), ("acct_1/live", "k"), ("acct_1/test", "empty")];
    let empty = Some(answer("empty", Some((204, vec![]))));
    assert_eq!(reader.answers(&keys).unwrap(), [Some(answer("k", None)), None, empty.clone()]);
    cell.with(|commit| commit.answers = vec![given.clone()]).unwrap();
    assert_eq!(reader.answers(&keys).unwrap(), [Some(given.clone()), None, empty]);

    let mut other_request = answer("pending", Some((200, vec![])));
    cell.with(|commit| commit.answers = vec![answer("pending", None)]).unwrap();
    other_request.digest = hash_of(1, 1);
    for wrong in [given, answer("k", None), other_request] {
        let error = cell.with(|commit| commit.answers = vec![wrong.clone()]).unwrap_err();
        assert!(matches!(error, CommitError::Disagrees(_)), "{error}");
    }
    cell.with(|commit| {
        commit.answers = vec![answer("both", None), answer("both", Some((402, b"no".to_vec())))];
    })
    .unwrap();
    let found = reader.answers(&[("acct_1/test", "both")]).unwrap();
    assert_eq!(found, [Some(answer("both", Some((402, b"no".to_vec()))))]);
}

fn answers_are_forgotten_from_the_old_end(world: World) {
    let mut cell = world.cell();
    cell.with(|commit| {
        for key in 0..5 {
            let mut old = answer(&key.to_string(), Some((200, vec![])));
            old.created = NOON + key;
            commit.answers.push(old);
        }
    })
    .unwrap();
    let lease = cell.lease;
    assert_eq!(cell.store.forget_answers(&lease, NOON + 3, 2).unwrap(), 2);
    assert_eq!(cell.store.forget_answers(&lease, NOON + 3, 2).unwrap(), 1);
    assert_eq!(cell.store.forget_answers(&lease, NOON + 3, 2).unwrap(), 0);
    let keys: Vec<String> = (0..5).map(|key| key.to_string()).collect();
    let keys: Vec<(&str, &str)> = keys.iter().map(|key| ("acct_1/test", key.as_str())).collect();
    let there: Vec<bool> =
        world.database.reader().answers(&keys).unwrap().iter().map(Option::is_some).collect();
    assert_eq!(there, [false, false, false, true, true]);
    // Forgotten keys can be used anew.
    cell.with(|commit| commit.answers = vec![answer("0", None)]).unwrap();
}

fn jobs_are_put_replaced_and_done(world: World) {
    let mut cell = world.cell();
    let reader = world.database.reader();
    let ids = |at, limit| -> Vec<String> {
        reader.jobs_due("webhook", at, limit).unwrap().into_iter().map(|job| job.id).collect()
    };
    cell.with(|commit| commit.jobs = vec![job("c", 30), job("b", 20), job("a", 20), job("z", 10)]).unwrap();
    assert_eq!(ids(20, 10), ["z", "a", "b"]);
    assert_eq!(ids(20, 1), ["z"]);
    assert_eq!(ids(9, 10), [""; 0]);

    let later = suanpan_store::commit::Job { kind: "inquiry", ..job("z", 40) };
    cell.with(|commit| {
        commit.jobs = vec![later.clone(), job("a", 5)];
        commit.jobs_done = vec!["b".to_owned(), "a".to_owned(), "never".to_owned()];
    })
    .unwrap();
    // What is put under an id that is done stays.
    assert_eq!(ids(i64::MAX, 10), ["a", "c"]);
    assert_eq!(reader.jobs_due("inquiry", 40, 10).unwrap(), std::slice::from_ref(&later));
    let between = |after, before, limit| -> Vec<String> {
        reader.jobs_between(after, before, limit).unwrap().into_iter().map(|job| job.id).collect()
    };
    assert_eq!(between("", "~", 10), ["a", "c", "z"]);
    assert_eq!(between("a", "z", 10), ["c"]);
    assert_eq!(between("a", "~", 1), ["c"]);
    assert_eq!(reader.jobs(&["z", "b"]).unwrap(), [Some(later), None]);
    assert_eq!(reader.sizes().unwrap().jobs, 3);
}

fn nothing_of_a_refused_commit_stays(world: World) {
    let mut cell = world.cell();
    cell.with(|commit| commit.links = vec![link("n", "k", "x", true)]).unwrap();
    let head = cell.head;
    let mut commit = cell.next(5);
    commit.objects = vec![object("pi_1", 1, 1)];
    commit.links = vec![link("l", "k", "pi_1", false), link("n", "k", "y", true)];
    commit.answers = vec![answer("k", None)];
    commit.jobs = vec![job("j", 1)];
    assert!(matches!(cell.store.commit(&commit), Err(CommitError::Taken { .. })));
    let reader = world.database.reader();
    assert_eq!(reader.objects(&["pi_1"]).unwrap(), [None]);
    assert_eq!(reader.linked("l", "k", 1).unwrap(), [""; 0]);
    assert_eq!(reader.answers(&[("acct_1/test", "k")]).unwrap(), [None]);
    assert_eq!(reader.jobs_due("webhook", i64::MAX, 1).unwrap(), []);
    assert_eq!(reader.record(2).unwrap(), None);
    assert_eq!(cell.store.head().unwrap(), head);
    commit.links.pop();
    cell.put(&commit).unwrap();
}

fn zero_bytes_and_long_keys_are_refused(world: World) {
    let mut cell = world.cell();
    let long = "k".repeat(suanpan_store::BYTES_PER_KEY + 1);
    for key in ["a\0b", &long] {
        assert!(matches!(
            cell.with(|commit| commit.answers = vec![answer(key, None)]),
            Err(CommitError::Disagrees(_))
        ));
    }
    // The longest keys of all fit the indexes.
    let key = "k".repeat(suanpan_store::BYTES_PER_KEY);
    let mut widest = object(&key, 1, 1);
    widest.merchant = key.clone();
    cell.with(|commit| {
        commit.objects = vec![widest];
        commit.links = vec![link("n", &key, &key, false), link("n", &key, &key, true)];
        commit.answers = vec![answer(&key, None)];
        commit.jobs = vec![job(&key, 1)];
    })
    .unwrap();
    assert_eq!(world.database.reader().linked("n", &key, 5).unwrap(), [key.clone(), key]);
}

fn questions_have_limits(world: World) {
    let reader = world.database.reader();
    let many = vec!["x"; suanpan_store::ROWS_PER_ANSWER + 1];
    assert_eq!(reader.objects(&many).unwrap_err().code(), "store_too_much");
    assert_eq!(reader.jobs_due("webhook", 0, u32::MAX).unwrap_err().code(), "store_too_much");
}

fn readers_see_whole_commits_while_they_are_written(world: World) {
    let mut cell = world.cell();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (reader, done) = (world.database.reader(), &done);
                scope.spawn(move || {
                    let mut reads = 0;
                    while !done.load(std::sync::atomic::Ordering::Acquire) || reads == 0 {
                        let seq = reader.standing().unwrap().unwrap().head.seq;
                        let id = format!("pi_{seq}");
                        assert_eq!(reader.objects(&[&id]).unwrap()[0].is_some(), seq > 0);
                        assert_eq!(reader.record(seq).unwrap().is_some(), seq > 0);
                        assert_eq!(
                            reader.linked("seq", &seq.to_string(), 5).unwrap().len(),
                            usize::from(seq > 0)
                        );
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for seq in 1..=60_u64 {
            let id = format!("pi_{seq}");
            cell.with(|commit| {
                commit.objects = vec![object(&id, 1, 1)];
                commit.links = vec![link("seq", &seq.to_string(), &id, false)];
            })
            .unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
    });
}
