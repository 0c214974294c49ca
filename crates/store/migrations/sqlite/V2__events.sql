-- Events leave the table of objects: those of one commit lie in one row, or few, compressed; see crates/store/src/events.rs.
-- First: a writer that knows nothing of this must not commit meanwhile, nor take the lease again afterwards, for which it
-- asks by the old name.
UPDATE cell SET epoch = epoch + 1;
ALTER TABLE cell RENAME COLUMN holder TO node;

CREATE TABLE event_block (
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL CHECK (last >= first),
    body  BLOB    NOT NULL
) STRICT;
CREATE TRIGGER event_block_unchanged BEFORE UPDATE ON event_block
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

-- Which blocks hold events of a merchant, mode and type; the empty type stands for all.
CREATE TABLE event_name (
    merchant TEXT    NOT NULL,
    live     INTEGER NOT NULL CHECK (live IN (0, 1)),
    kind     TEXT    NOT NULL,
    first    INTEGER NOT NULL,
    PRIMARY KEY (merchant, live, kind, first)
) STRICT, WITHOUT ROWID;

-- The first twelve letters of an id say the place of the event: milliseconds, and ten bits of microseconds. A clock
-- that was set back may have given two events one place: they share a block.
CREATE TEMP TABLE old_event (place INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (place, id)) WITHOUT ROWID;
INSERT INTO old_event
SELECT (bits >> 10) * 1000 + (bits & 1023), id
FROM (SELECT id,
        ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 5, 1)) - 1) << 55)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 6, 1)) - 1) << 50)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 7, 1)) - 1) << 45)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 8, 1)) - 1) << 40)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 9, 1)) - 1) << 35)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 10, 1)) - 1) << 30)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 11, 1)) - 1) << 25)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 12, 1)) - 1) << 20)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 13, 1)) - 1) << 15)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 14, 1)) - 1) << 10)
        | ((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 15, 1)) - 1) << 5)
        | (instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 16, 1)) - 1) AS bits
    FROM object WHERE kind = 'event');
INSERT INTO event_block (first, last, body)
SELECT place, place, CAST(group_concat(place || char(9) || merchant || char(9)
    || CASE live WHEN 1 THEN 'live' ELSE 'test' END || char(9) || (body ->> 'type') || char(9) || id || char(9)
    || body || char(10), '') AS BLOB)
FROM old_event CROSS JOIN object USING (id) GROUP BY place;
INSERT OR IGNORE INTO event_name (merchant, live, kind, first)
SELECT merchant, live, '', place FROM old_event CROSS JOIN object USING (id);
INSERT OR IGNORE INTO event_name (merchant, live, kind, first)
SELECT merchant, live, body ->> 'type', place FROM old_event CROSS JOIN object USING (id);
DROP TABLE old_event;
DELETE FROM link WHERE name = 'event.type';
DELETE FROM object WHERE kind = 'event';

-- The body of an answer may be a part of an event.
CREATE TABLE answer_new (
    scope      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    status     INTEGER CHECK (status BETWEEN 100 AND 999),
    body       BLOB,
    created    INTEGER NOT NULL,
    event      INTEGER,
    event_from INTEGER CHECK (event_from >= 0),
    event_to   INTEGER CHECK (event_to >= event_from),
    UNIQUE (scope, key),
    CHECK ((status IS NULL) = (body IS NULL AND event IS NULL)),
    CHECK ((event IS NULL) = (event_from IS NULL) AND (event IS NULL) = (event_to IS NULL))
) STRICT;
INSERT INTO answer_new (rowid, scope, key, digest, status, body, created)
SELECT rowid, scope, key, digest, status, body, created FROM answer;
DROP TABLE answer;
ALTER TABLE answer_new RENAME TO answer;
