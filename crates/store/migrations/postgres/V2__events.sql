-- Events leave the table of objects: those of one commit lie in one row, or few, compressed; see crates/store/src/events.rs.
-- First: a writer that knows nothing of this must not commit meanwhile, nor take the lease again afterwards, for which it
-- asks by the old name.
UPDATE cell SET epoch = epoch + 1;
ALTER TABLE cell RENAME COLUMN holder TO node;

CREATE TABLE event_block (
    first bigint PRIMARY KEY,
    last  bigint NOT NULL CHECK (last >= first),
    body  bytea  NOT NULL
);
ALTER TABLE event_block ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TRIGGER event_block_unchanged BEFORE UPDATE ON event_block
FOR EACH STATEMENT EXECUTE FUNCTION suanpan_refuse('events are never changed');

-- Which blocks hold events of a merchant, mode and type; the empty type stands for all.
CREATE TABLE event_name (
    merchant text COLLATE "C" NOT NULL,
    live     boolean NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    first    bigint  NOT NULL,
    PRIMARY KEY (merchant, live, kind, first)
);

-- The first twelve letters of an id say the place of the event: milliseconds, and ten bits of microseconds. A clock
-- that was set back may have given two events one place: they share a block.
CREATE TEMPORARY TABLE old_event AS
SELECT (bits >> 10) * 1000 + (bits & 1023) AS place, id, merchant, live, body
FROM (SELECT id, merchant, live, body,
        ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 5, 1)) - 1)::bigint << 55)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 6, 1)) - 1)::bigint << 50)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 7, 1)) - 1)::bigint << 45)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 8, 1)) - 1)::bigint << 40)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 9, 1)) - 1)::bigint << 35)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 10, 1)) - 1)::bigint << 30)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 11, 1)) - 1)::bigint << 25)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 12, 1)) - 1)::bigint << 20)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 13, 1)) - 1)::bigint << 15)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 14, 1)) - 1)::bigint << 10)
        | ((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 15, 1)) - 1)::bigint << 5)
        | (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 16, 1)) - 1)::bigint AS bits
    FROM object WHERE kind = 'event') AS event;
INSERT INTO event_block (first, last, body)
SELECT place, place, convert_to(string_agg(place || chr(9) || merchant || chr(9)
    || CASE WHEN live THEN 'live' ELSE 'test' END || chr(9) || (body::json ->> 'type') || chr(9) || id || chr(9)
    || body || chr(10), '' ORDER BY id), 'UTF8')
FROM old_event GROUP BY place;
INSERT INTO event_name (merchant, live, kind, first)
SELECT merchant, live, '', place FROM old_event UNION
SELECT merchant, live, body::json ->> 'type', place FROM old_event;
DROP TABLE old_event;
DELETE FROM link WHERE name = 'event.type';
DELETE FROM object WHERE kind = 'event';

-- The body of an answer may be a part of an event.
ALTER TABLE answer DROP CONSTRAINT answer_check;
ALTER TABLE answer ADD COLUMN event bigint, ADD COLUMN event_from bigint CHECK (event_from >= 0),
    ADD COLUMN event_to bigint CHECK (event_to >= event_from),
    ADD CHECK ((status IS NULL) = (body IS NULL AND event IS NULL)),
    ADD CHECK ((event IS NULL) = (event_from IS NULL) AND (event IS NULL) = (event_to IS NULL));
