//! Books by command: what is booked is told again, files may be sent twice, and damage is found by name.

use crate::world::{Ran, World};
use rusqlite::Connection;
use serde_json::Value;

const ENTRIES: &str = "\
reference,debit,credit,amount,currency,code,action,hold
INV-1,bank/main,customer/alice,100.00,CNY,7,,
INV-2,customer/alice,customer/bob,12.30,CNY,,,
H-1,customer/alice,customer/bob,20.00,CNY,,hold,
C-1,customer/alice,customer/bob,5.00,CNY,,capture,H-1
H-2,customer/alice,customer/bob,3.00,CNY,,hold,
";

/// Makes a store with accounts, entries, a key and a backup: what examples name.
pub(crate) fn prepare(world: &World) {
    world.write("entries.csv", ENTRIES);
    world.write(
        "more.ndjson",
        "{\"reference\":\"INV-3\",\"postings\":[{\"debit\":\"bank/main\",\"credit\":\"customer/bob\",\"amount\":\"1.00\",\"currency\":\"CNY\"}]}\n",
    );
    world.write(
        "old-books.csv",
        "id,debit,credit,amount,currency,booked_at\n1,old/cash,old/owner,5.00,CNY,2020-01-01\n2,old/cash,old/owner,6.00,CNY,2020-01-02T10:00:00+08:00\n",
    );
    world.line("ledger open bank/main old/cash --currency CNY --kind asset").ends(0);
    world.line("ledger open customer/alice customer/bob customer/empty old/owner --currency CNY --kind liability --floor 0").ends(0);
    world.line("ledger post entries.csv").ends(0);
    world.line("keys create --merchant acct_1").ends(0);
    world.line("ledger proof INV-1 --reference -o proof.json").ends(0);
    world.line("backup thursday.db").ends(0);
}

/// Returns the id of the one key of the store.
pub(crate) fn key(world: &World) -> String {
    let listed = world.line("keys list --merchant acct_1 --json").ends(0).stdout;
    let key: Value = serde_json::from_str(&listed).unwrap();
    key["id"].as_str().unwrap().to_owned()
}

fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let lines = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| (line["name"].as_str().unwrap().to_owned(), line["verdict"].as_str().unwrap().to_owned()))
        .filter(|(_, verdict)| verdict != "ok")
        .collect()
}

/// Changes a store by SQL, as nobody should, and returns what `verify` names.
fn damaged(change: impl FnOnce(&Connection)) -> (Vec<(String, String)>, String) {
    let world = World::empty();
    prepare(&world);
    assert_eq!(verdicts(&world.line("ledger verify --json").ends(0)), []);
    let connection = Connection::open(world.path("suanpan.db")).unwrap();
    let triggers: Vec<String> = {
        let mut found = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let names = found.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    };
    assert!(triggers.len() >= 4, "{triggers:?}");
    for trigger in triggers {
        connection.execute(&format!("DROP TRIGGER {trigger}"), []).unwrap();
    }
    change(&connection);
    drop(connection);
    let ran = world.line("ledger verify --json").ends(1);
    (verdicts(&ran), ran.stdout)
}

fn violated(found: &[(String, String)]) -> Vec<&str> {
    found.iter().filter(|(_, verdict)| verdict == "violated").map(|(name, _)| name.as_str()).collect()
}

/// The record that holds the entries.
fn record(connection: &Connection) -> (i64, Vec<u8>) {
    connection
        .query_row("SELECT seq, body FROM record WHERE entries > 0", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

#[test]
fn a_changed_amount_is_found_by_the_root_the_chain_and_the_balances() {
    let (found, evidence) = damaged(|connection| {
        let (seq, mut body) = record(connection);
        // 12.30 CNY is 1,230 minor units: the varint 0xce 0x09.
        let at = body.windows(2).rposition(|bytes| bytes == [0xce, 0x09]).unwrap();
        body[at] = 0xcf;
        connection.execute("UPDATE record SET body = ?1 WHERE seq = ?2", (body, seq)).unwrap();
    });
    assert_eq!(violated(&found), ["chain", "roots", "balances", "books"], "{evidence}");
    assert!(
        evidence.contains("customer/bob CNY: the records add up to debits 0, credits 1731"),
        "{evidence}"
    );
}

#[test]
fn a_deleted_record_is_named_and_nothing_is_said_that_needs_it() {
    let (found, evidence) = damaged(|connection| {
        let (seq, _) = record(connection);
        connection.execute("DELETE FROM record WHERE seq = ?1", [seq]).unwrap();
    });
    assert_eq!(violated(&found), ["records"], "{evidence}");
    assert!(evidence.contains("record 5 is missing"), "{evidence}");
    assert!(found.iter().any(|(name, verdict)| name == "balances" && verdict == "skipped"), "{evidence}");
}

#[test]
fn records_cut_off_at_the_end_are_missed() {
    let (found, evidence) = damaged(|connection| {
        connection.execute("DELETE FROM record WHERE seq = (SELECT max(seq) FROM record)", []).unwrap();
    });
    assert_eq!(violated(&found), ["records"], "{evidence}");
}

#[test]
fn a_swapped_hash_is_found_by_the_chain_alone() {
    let (found, evidence) = damaged(|connection| {
        let (seq, _) = record(connection);
        connection.execute("UPDATE record SET hash = zeroblob(32) WHERE seq = ?1", [seq]).unwrap();
    });
    assert_eq!(violated(&found), ["chain"], "{evidence}");
    assert!(evidence.contains("record 5: the hash is"), "{evidence}");
    assert!(evidence.contains("record 6: the hash is"), "{evidence}");
}

#[test]
fn a_changed_balance_is_named_by_its_account() {
    let (found, evidence) = damaged(|connection| {
        let mut body: Vec<u8> = connection
            .query_row("SELECT body FROM balance_page WHERE number = 0", [], |row| row.get(0))
            .unwrap();
        // Account 0 is the bank: its debits stand first, behind a byte for the version.
        body[1] += 1;
        connection.execute("UPDATE balance_page SET body = ?1 WHERE number = 0", [body]).unwrap();
    });
    assert_eq!(violated(&found), ["balances", "books"], "{evidence}");
    assert!(evidence.contains("bank/main CNY: the records add up to debits 10000"), "{evidence}");
}

#[test]
fn a_hold_that_was_taken_away_and_an_account_that_was_changed_are_found() {
    let (found, evidence) = damaged(|connection| {
        assert_eq!(connection.execute("DELETE FROM hold", []).unwrap(), 1);
    });
    assert_eq!(violated(&found), ["holds", "books"], "{evidence}");
    let (found, evidence) = damaged(|connection| {
        connection
            .execute("UPDATE account SET path = 'customer/eve' WHERE path = 'customer/bob'", [])
            .unwrap();
    });
    assert_eq!(violated(&found), ["accounts"], "{evidence}");
}

#[test]
fn a_file_may_be_sent_again_and_a_batch_is_booked_wholly_or_not_at_all() {
    let world = World::empty();
    prepare(&world);
    let ran = world.line("ledger post entries.csv").ends(0);
    assert!(ran.stdout.contains("accepted  0\nexist     5\n"), "{ran:?}");
    world.write(
        "over.csv",
        "id,debit,credit,amount,currency\n11,customer/bob,customer/alice,1.00,CNY\n12,customer/bob,customer/alice,99.00,CNY\n",
    );
    let ran = world.line("ledger post over.csv").ends(1);
    assert!(ran.stdout.contains("refused  over.csv:3  "), "{ran:?}");
    assert!(ran.stdout.contains("exceeds_floor\naccepted  0\n"), "{ran:?}");
    let ran = world.line("ledger post over.csv --each").ends(1);
    assert!(ran.stdout.contains("accepted  1\nexist     0\nrefused   1\n"), "{ran:?}");
    let ran = world.line("ledger balance customer/bob --json").ends(0);
    let balance: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(balance["balance"], "16.30");
    world.line("ledger verify").ends(0);
}

#[test]
fn wrong_rows_are_named_by_file_row_and_column() {
    let world = World::empty();
    prepare(&world);
    for (content, code, place) in [
        ("id,debit,credit,amount,currency\n1,a,b,1.001,CNY\n", "entry", "x.csv:2:amount"),
        ("id,debit,credit,amount,currency\nx,a,b,1.00,CNY\n", "entry", "x.csv:2:id"),
        ("id,debit,credit,amount,currency\n1,a,b,1.00,XXY\n", "entry", "x.csv:2:currency"),
        ("id,debit,credit,amount,currency\n1,a,b,-1.00,CNY\n", "entry", "x.csv:2:amount"),
        ("id,debit,credit,amount\n1,a,b,1.00\n", "entry", "x.csv:2:currency"),
        ("id,debit,credit,amuont,currency\n", "unknown_column", "x.csv:1:amuont"),
        ("id,debit,credit,amount,currency\n,a,b,1.00,CNY\n", "entry", "x.csv:2:id"),
        ("id,debit,credit,amount,currency,action\n1,a,b,1.00,CNY,pay\n", "entry", "x.csv:2:action"),
        ("id,debit,credit,amount,currency,linked\n1,a,b,1.00,CNY,true\n", "entry", "x.csv:2:linked"),
        ("id,debit,credit,amount,currency\n1,a,b\n", "entry", "x.csv:2"),
        ("{\"id\":1,\"debit\":\"a\",\"credit\":\"b\",\"amount\":1.5}\n", "entry", "x.csv:1:amount"),
        ("{\"id\":1,\"from\":\"a\"}\n", "unknown_field", "x.csv:1:from"),
    ] {
        world.write("x.csv", content);
        world.line("ledger post x.csv --dry-run").ends(2).names(code, place);
    }
}

#[test]
fn what_was_booked_is_told_again_now_and_at_past_moments() {
    let world = World::empty();
    prepare(&world);
    let statement = world.line("ledger statement customer/alice --csv").ends(0).stdout;
    let balances: Vec<&str> = statement.lines().skip(1).map(|line| line.split(',').nth(9).unwrap()).collect();
    assert_eq!(balances, ["100.00", "87.70", "87.70", "82.70", "82.70", "82.70"]);
    let balance = world.line("ledger balance customer/alice --at 2020-01-01 --json").ends(0).stdout;
    assert!(balance.contains("\"balance\":\"0.00\""), "{balance}");
    let total: Value =
        serde_json::from_str(&world.line("ledger trial-balance --json").ends(0).stdout).unwrap();
    assert_eq!(
        (&total["currencies"][0]["debits"], &total["currencies"][0]["debits_held"]),
        (&"117.30".into(), &"3.00".into())
    );
    world.line("ledger import old-books.csv").ends(0);
    let statement = world.line("ledger statement old/cash --csv").ends(0).stdout;
    assert!(statement.contains("2020-01-02T02:00:00Z,"), "{statement}");
    let later: Value =
        serde_json::from_str(&world.line("ledger trial-balance --at 2100-01-01 --json").ends(0).stdout)
            .unwrap();
    assert_eq!(later["currencies"][0]["debits"], "128.30");
}

#[test]
fn a_proof_holds_for_its_key_and_not_when_it_is_changed() {
    let world = World::empty();
    prepare(&world);
    let key = world.text("suanpan.signing-key.pub").trim().to_owned();
    let ran = world.run(&["ledger", "proof", "verify", "proof.json", "--key", &key, "--json"]).ends(0);
    assert!(ran.stdout.contains("\"posted_minor\":10000"), "{ran:?}");
    let mut proof: Value = serde_json::from_str(&world.text("proof.json")).unwrap();
    proof["index"] = 1.into();
    world.write("changed.json", proof.to_string());
    let ran = world.run(&["ledger", "proof", "verify", "changed.json", "--key", &key]).ends(1);
    assert!(ran.stdout.contains("does not hold"), "{ran:?}");
    world.line("ledger proof NOT-THERE --reference").ends(2).names("entry_unknown", "suanpan.db");
}

#[test]
fn frozen_accounts_refuse_and_closed_ones_stay_closed() {
    let world = World::empty();
    prepare(&world);
    world.line("ledger freeze customer/bob --debits").ends(0);
    world.write("x.csv", "id,debit,credit,amount,currency\n9,customer/bob,customer/alice,1.00,CNY\n");
    let ran = world.line("ledger post x.csv").ends(1);
    assert!(ran.stdout.contains("debits_frozen"), "{ran:?}");
    world.line("ledger unfreeze customer/bob").ends(0);
    world.line("ledger post x.csv").ends(0);
    let ran = world.line("ledger close customer/bob").ends(1);
    assert!(ran.stdout.contains("balance_not_zero"), "{ran:?}");
    assert!(world.line("ledger close customer/empty").ends(0).stdout.contains("closed"));
    let ran = world.line("ledger balance customer/alcie").ends(2);
    ran.names("account_unknown", "customer/alcie");
    assert!(ran.stderr.contains("did you mean `customer/alice`?"), "{ran:?}");
}

#[test]
fn a_backup_is_a_store_and_nothing_is_overwritten() {
    let world = World::empty();
    prepare(&world);
    world.line("backup thursday.db").ends(2).names("file_exists", "thursday.db");
    world.line("restore thursday.db restored.db").ends(0);
    world.line("ledger verify --store restored.db").ends(0);
    world.line("restore thursday.db restored.db").ends(2).names("file_exists", "restored.db");
    world.line("ledger accounts --store nothing.db").ends(2).names("store_missing", "nothing.db");
    assert!(!world.path("nothing.db").exists());
}

#[test]
fn the_journal_is_archived_and_proved_without_the_store() {
    let world = World::empty();
    prepare(&world);
    let first = world.line("ledger archive kept --until 2").ends(0);
    assert!(first.stdout.contains("it ends with record 2"), "{}", first.stdout);
    let second: Value =
        serde_json::from_str(&world.line("ledger archive kept --json").ends(0).stdout).unwrap();
    assert_eq!(second["stretches_added"], 1);
    assert!(world.line("ledger archive kept").ends(0).stdout.contains("up to date"));
    std::fs::rename(world.path("suanpan.db"), world.path("away.db")).unwrap();
    let proved: Value =
        serde_json::from_str(&world.line("ledger archive kept --check --json").ends(0).stdout).unwrap();
    assert_eq!((&proved["hash"], &proved["records"]), (&second["hash"], &second["last_record"]));
    assert_eq!(proved["entries"], 5);

    let plain = std::fs::read_dir(world.path("kept")).unwrap().map(|entry| entry.unwrap().path());
    let mut plain = plain;
    let plain = plain.find(|path| path.to_string_lossy().contains("lines-000000000003")).unwrap();
    let mut bytes = std::fs::read(&plain).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&plain, bytes).unwrap();
    let found = world.line("ledger archive kept --check").ends(1);
    assert!(found.stderr.contains("archive_changed"), "{}", found.stderr);
}

#[test]
fn an_archive_of_another_past_is_not_gone_on_with() {
    let world = World::empty();
    prepare(&world);
    world.line("backup older.db").ends(0);
    world.line("ledger post more.ndjson").ends(0);
    world.line("ledger archive kept").ends(0);
    let ahead = world.line("ledger archive kept --store older.db").ends(2);
    assert!(
        ahead.stderr.contains("archive_fork") && ahead.stderr.contains("the store has none"),
        "{ahead:?}"
    );
    let other = "reference,debit,credit,amount,currency\nOTHER,bank/main,customer/bob,9.00,CNY\n";
    world.write("other.csv", other);
    world.line("ledger post other.csv --store older.db").ends(0);
    let forked = world.line("ledger archive kept --store older.db").ends(2);
    assert!(forked.stderr.contains("the store has another one"), "{forked:?}");
    world.line("ledger archive kept --check").ends(0);
}
