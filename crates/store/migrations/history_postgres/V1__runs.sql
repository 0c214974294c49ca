-- Sorted runs of entries, made from the journal and made again from it at any time.
CREATE TABLE history_run (
    id        bigint PRIMARY KEY CHECK (id > 0),
    kind      bigint NOT NULL CHECK (kind IN (1, 2)),
    level     bigint NOT NULL CHECK (level >= 0),
    first     bigint NOT NULL CHECK (first >= 0),
    past      bigint NOT NULL CHECK (past > first),
    seq       bigint NOT NULL CHECK (seq > 0),
    hash      bytea  NOT NULL CHECK (length(hash) = 32),
    pages     bigint NOT NULL CHECK (pages >= 0),
    directory bytea  NOT NULL
);
CREATE UNIQUE INDEX history_run_first ON history_run (kind, first);
CREATE UNIQUE INDEX history_run_past ON history_run (kind, past);
ALTER TABLE history_run ALTER COLUMN directory SET STORAGE EXTERNAL;

CREATE TABLE history_page (
    run    bigint NOT NULL REFERENCES history_run (id),
    number bigint NOT NULL CHECK (number >= 0),
    body   bytea  NOT NULL,
    PRIMARY KEY (run, number)
);
ALTER TABLE history_page ALTER COLUMN body SET STORAGE EXTERNAL;
