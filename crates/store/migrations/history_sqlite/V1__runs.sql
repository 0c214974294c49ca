-- Sorted runs of entries, made from the journal and made again from it at any time.
PRAGMA application_id = 1400204913;

CREATE TABLE history_run (
    id        INTEGER PRIMARY KEY CHECK (id > 0),
    kind      INTEGER NOT NULL CHECK (kind IN (1, 2)),
    level     INTEGER NOT NULL CHECK (level >= 0),
    first     INTEGER NOT NULL CHECK (first >= 0),
    past      INTEGER NOT NULL CHECK (past > first),
    seq       INTEGER NOT NULL CHECK (seq > 0),
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    pages     INTEGER NOT NULL CHECK (pages >= 0),
    directory BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX history_run_first ON history_run (kind, first);
CREATE UNIQUE INDEX history_run_past ON history_run (kind, past);

CREATE TABLE history_page (
    run    INTEGER NOT NULL REFERENCES history_run (id),
    number INTEGER NOT NULL CHECK (number >= 0),
    body   BLOB    NOT NULL,
    PRIMARY KEY (run, number)
) STRICT;
