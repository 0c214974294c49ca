//! Where the two databases truly differ. SQLite runs in this process: a prepared statement in a loop is the
//! fastest. PostgreSQL is a round trip away: it gets whole columns as arrays.

use crate::sql::{Sql, statements};

statements! { SQLITE:
    LITE_NOW = "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)";
    LITE_PUT_ACCOUNT = "INSERT INTO account (number, path, currency, body) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (number) DO UPDATE SET path = excluded.path, currency = excluded.currency, body = excluded.body";
    LITE_ADD_OBJECT = "INSERT INTO object (id, kind, merchant, live, created, version, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING";
    LITE_SET_OBJECT = "UPDATE object SET version = ?6, body = ?7 WHERE id = ?1 AND kind = ?2 AND merchant = ?3
        AND live = ?4 AND created = ?5 AND version = ?8";
    LITE_ADD_UNIQUE = "INSERT INTO link_unique (name, key, id) VALUES (?1, ?2, ?3) ON CONFLICT (name, key) DO NOTHING";
    LITE_ADD_LINK = "INSERT INTO link (name, key, created, id)
        VALUES (?1, ?2, COALESCE(?4, (SELECT created FROM object WHERE id = ?3), 0), ?3) ON CONFLICT DO NOTHING";
    // Places only rise: the blocks of two writers would not be found in each other.
    LITE_ADD_EVENTS = "INSERT INTO event_block (first, last, body) SELECT ?1, ?2, ?3
        WHERE ?1 > COALESCE((SELECT last FROM event_block ORDER BY first DESC LIMIT 1), ?1 - 1)";
    LITE_ADD_EVENT_NAME = "INSERT INTO event_name (merchant, live, kind, first) VALUES (?1, ?2, ?3, ?4)";
    LITE_PUT_ANSWER = "INSERT INTO answer (scope, key, digest, status, body, created, event, event_from, event_to)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (scope, key) DO UPDATE SET status = excluded.status, body = excluded.body,
        event = excluded.event, event_from = excluded.event_from, event_to = excluded.event_to
        WHERE answer.status IS NULL AND answer.digest = excluded.digest";
    LITE_DROP_JOB = "DELETE FROM job WHERE id = ?1";
    LITE_PUT_JOB = "INSERT INTO job (id, kind, due, body) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, due = excluded.due, body = excluded.body";
    LITE_PUT_PAGE = "INSERT INTO balance_page (number, body) VALUES (?1, ?2)
        ON CONFLICT (number) DO UPDATE SET body = excluded.body";
    LITE_DROP_HOLD = "DELETE FROM hold WHERE id = ?1";
    LITE_PUT_HOLD = "INSERT INTO hold (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    // Answers lie in the order in which they were first asked for, so that the old ones are the first rows: an
    // index by time would cost each commit more than it helps here.
    LITE_FORGET_ANSWERS = "DELETE FROM answer WHERE rowid IN (SELECT rowid FROM
        (SELECT rowid, created FROM answer ORDER BY rowid LIMIT ?2) WHERE created < ?1)";
    LITE_OBJECT = "SELECT id, kind, merchant, live, created, version, body FROM object WHERE id = ?1";
    LITE_JOB = "SELECT id, kind, due, body FROM job WHERE id = ?1";
    LITE_DROP_EVENT_NAME = "DELETE FROM event_name WHERE merchant = ?1 AND live = ?2 AND kind = ?3 AND first = ?4";
    LITE_DROP_EVENT_BLOCK = "DELETE FROM event_block WHERE first = ?1";
    // Objects are never deleted, so that their last row number is their count, but for the events that an older store
    // had among them; answers may be deleted, from the old end.
    LITE_SIZES = "SELECT (SELECT COALESCE(MAX(rowid), 0) FROM object),
        (SELECT COALESCE(MAX(rowid) - MIN(rowid) + 1, 0) FROM answer),
        (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size())";
}

statements! { POSTGRES:
    PG_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    // Waits for a transaction of ours whose end is not known.
    PG_STANDING_LOCKED = "SELECT cell, epoch, node, expires, seq, hash, entries, at, checkpoint FROM cell
        WHERE one = 1 FOR UPDATE";
    // Changes nothing, but is written, so that its commit waits for the standbys: all before it is safe then.
    PG_TOUCH = "UPDATE cell SET expires = expires WHERE one = 1";
    PG_PUT_ACCOUNTS = "INSERT INTO account (number, path, currency, body)
        SELECT * FROM UNNEST(?1::bigint[], ?2::text[], ?3::bigint[], ?4::bytea[])
        ON CONFLICT (number) DO UPDATE SET path = excluded.path, currency = excluded.currency, body = excluded.body";
    // Without ON CONFLICT, which would look up each id twice: one that is there already ends the transaction.
    PG_ADD_OBJECTS = "INSERT INTO object (id, kind, merchant, live, created, version, body)
        SELECT * FROM UNNEST(?1::text[], ?2::text[], ?3::text[], ?4::boolean[], ?5::bigint[], ?6::bigint[], ?7::text[])";
    PG_SET_OBJECTS = "UPDATE object o SET version = n.version, body = n.body
        FROM UNNEST(?1::text[], ?2::text[], ?3::text[], ?4::boolean[], ?5::bigint[], ?6::bigint[], ?7::text[], ?8::bigint[])
        AS n (id, kind, merchant, live, created, version, body, needs)
        WHERE o.id = n.id AND o.kind = n.kind AND o.merchant = n.merchant AND o.live = n.live
        AND o.created = n.created AND o.version = n.needs";
    PG_ADD_UNIQUE = "INSERT INTO link_unique (name, key, id) SELECT * FROM UNNEST(?1::text[], ?2::text[], ?3::text[])
        ON CONFLICT (name, key) DO NOTHING";
    // Which of the names were taken by another object.
    PG_TAKEN = "SELECT n.name, n.key FROM UNNEST(?1::text[], ?2::text[], ?3::text[]) AS n (name, key, id)
        JOIN link_unique l ON l.name = n.name AND l.key = n.key WHERE l.id <> n.id LIMIT 1";
    PG_ADD_LINKS = "INSERT INTO link (name, key, created, id)
        SELECT n.name, n.key, COALESCE(n.created, (SELECT o.created FROM object o WHERE o.id = n.id), 0), n.id
        FROM UNNEST(?1::text[], ?2::text[], ?3::text[], ?4::bigint[]) AS n (name, key, id, created)";
    // The same for the rare commit that names an object again: looking each name up first costs all others much.
    PG_ADD_LINKS_AGAIN = "INSERT INTO link (name, key, created, id)
        SELECT n.name, n.key, COALESCE(n.created, (SELECT o.created FROM object o WHERE o.id = n.id), 0), n.id
        FROM UNNEST(?1::text[], ?2::text[], ?3::text[], ?4::bigint[]) AS n (name, key, id, created)
        ON CONFLICT DO NOTHING";
    PG_ADD_EVENTS = "INSERT INTO event_block (first, last, body)
        SELECT n.first, n.last, n.body FROM UNNEST(?1::bigint[], ?2::bigint[], ?3::bytea[]) AS n (first, last, body)
        WHERE n.first > COALESCE((SELECT b.last FROM event_block b ORDER BY b.first DESC LIMIT 1), n.first - 1)";
    PG_ADD_EVENT_NAMES = "INSERT INTO event_name (merchant, live, kind, first)
        SELECT * FROM UNNEST(?1::text[], ?2::boolean[], ?3::text[], ?4::bigint[])";
    PG_PUT_ANSWERS = "INSERT INTO answer (scope, key, digest, status, body, created, event, event_from, event_to)
        SELECT * FROM UNNEST(?1::text[], ?2::text[], ?3::bytea[], ?4::bigint[], ?5::bytea[], ?6::bigint[],
        ?7::bigint[], ?8::bigint[], ?9::bigint[])
        ON CONFLICT (scope, key) DO UPDATE SET status = excluded.status, body = excluded.body,
        event = excluded.event, event_from = excluded.event_from, event_to = excluded.event_to
        WHERE answer.status IS NULL AND answer.digest = excluded.digest";
    PG_DROP_JOBS = "DELETE FROM job WHERE id = ANY(?1::text[])";
    PG_PUT_JOBS = "INSERT INTO job (id, kind, due, body)
        SELECT * FROM UNNEST(?1::text[], ?2::text[], ?3::bigint[], ?4::text[])
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, due = excluded.due, body = excluded.body";
    PG_PUT_PAGES = "INSERT INTO balance_page (number, body) SELECT * FROM UNNEST(?1::bigint[], ?2::bytea[])
        ON CONFLICT (number) DO UPDATE SET body = excluded.body";
    PG_DROP_HOLDS = "DELETE FROM hold WHERE id = ANY(?1::bytea[])";
    PG_PUT_HOLDS = "INSERT INTO hold (id, body) SELECT * FROM UNNEST(?1::bytea[], ?2::bytea[])
        ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    PG_FORGET_ANSWERS = "DELETE FROM answer WHERE ctid = ANY(ARRAY
        (SELECT ctid FROM answer WHERE created < ?1 ORDER BY created LIMIT ?2))";
    PG_DROP_EVENT_NAMES = "DELETE FROM event_name n
        USING UNNEST(?1::text[], ?2::text[]::boolean[], ?3::text[], ?4::text[]::bigint[]) AS d (merchant, live, kind, first)
        WHERE n.merchant = d.merchant AND n.live = d.live AND n.kind = d.kind AND n.first = d.first";
    PG_DROP_EVENT_BLOCKS = "DELETE FROM event_block WHERE first = ANY(?1::text[]::bigint[])";
    PG_OBJECTS = "SELECT id, kind, merchant, live, created, version, body FROM object WHERE id = ANY(?1::text[])";
    PG_JOBS = "SELECT id, kind, due, body FROM job WHERE id = ANY(?1::text[])";
    PG_UNIQUES = "SELECT l.name, l.key, l.id FROM UNNEST(?1::text[], ?2::text[]) AS n (name, key)
        JOIN link_unique l ON l.name = n.name AND l.key = n.key";
    PG_ANSWERS = "SELECT a.scope, a.key, a.digest, a.status, a.body, a.created, a.event, a.event_from, a.event_to
        FROM UNNEST(?1::text[], ?2::text[]) AS n (scope, key)
        JOIN answer a ON a.scope = n.scope AND a.key = n.key";
    PG_SIZES = "SELECT (SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = 'object'::regclass),
        (SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = 'answer'::regclass),
        pg_database_size(current_database())";
}

/// Returns a statement as PostgreSQL wants it: `?N` becomes `$N`. No statement has a `?` elsewhere.
pub(crate) fn for_postgres(text: &str) -> String {
    text.replace('?', "$")
}
