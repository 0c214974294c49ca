-- One file holds one cell: where its journal stands, who may write it, and all its objects.
PRAGMA application_id = 1400204912;

CREATE TABLE cell (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    cell       INTEGER NOT NULL CHECK (cell >= 0),
    epoch      INTEGER NOT NULL CHECK (epoch >= 0),
    holder     TEXT    NOT NULL,
    expires    INTEGER NOT NULL,
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    entries    INTEGER NOT NULL CHECK (entries >= 0),
    at         INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL CHECK (checkpoint >= 0 AND checkpoint <= seq)
) STRICT;

CREATE TRIGGER cell_forward BEFORE UPDATE ON cell
WHEN NEW.cell <> OLD.cell OR NEW.epoch < OLD.epoch OR NEW.seq < OLD.seq OR NEW.entries < OLD.entries
    OR NEW.at < OLD.at OR NEW.checkpoint < OLD.checkpoint
BEGIN SELECT RAISE(ABORT, 'the cell never goes back'); END;
CREATE TRIGGER cell_kept BEFORE DELETE ON cell
BEGIN SELECT RAISE(ABORT, 'the cell is never deleted'); END;

-- The body stands last, so that the rest is read without it.
CREATE TABLE record (
    seq     INTEGER PRIMARY KEY CHECK (seq > 0),
    first   INTEGER NOT NULL CHECK (first >= 0),
    entries INTEGER NOT NULL CHECK (entries >= 0),
    at      INTEGER NOT NULL,
    epoch   INTEGER NOT NULL CHECK (epoch > 0),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),
    root    BLOB    NOT NULL CHECK (length(root) = 32),
    body    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_first ON record (first, seq);

CREATE TRIGGER record_unchanged BEFORE UPDATE ON record
BEGIN SELECT RAISE(ABORT, 'journal records are never changed'); END;
CREATE TRIGGER record_kept BEFORE DELETE ON record
BEGIN SELECT RAISE(ABORT, 'journal records are never deleted'); END;

CREATE TABLE account (
    number   INTEGER PRIMARY KEY CHECK (number >= 0),
    path     TEXT    NOT NULL CHECK (path <> ''),
    currency INTEGER NOT NULL CHECK (currency >= 0),
    body     BLOB    NOT NULL,
    UNIQUE (path, currency)
) STRICT;

CREATE TRIGGER account_named BEFORE UPDATE ON account
WHEN NEW.number <> OLD.number OR NEW.path <> OLD.path OR NEW.currency <> OLD.currency
BEGIN SELECT RAISE(ABORT, 'an account keeps its number, path and currency'); END;
CREATE TRIGGER account_kept BEFORE DELETE ON account
BEGIN SELECT RAISE(ABORT, 'accounts are never deleted'); END;

CREATE TABLE balance_page (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    body   BLOB    NOT NULL
) STRICT;

CREATE TABLE hold (
    id   BLOB PRIMARY KEY CHECK (length(id) = 16),
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE object (
    id       TEXT    NOT NULL UNIQUE CHECK (id <> ''),
    kind     TEXT    NOT NULL CHECK (kind <> ''),
    merchant TEXT    NOT NULL,
    live     INTEGER NOT NULL CHECK (live IN (0, 1)),
    created  INTEGER NOT NULL,
    version  INTEGER NOT NULL CHECK (version > 0),
    body     TEXT    NOT NULL
) STRICT;
-- By merchant first: what a merchant does at one time lies together, whatever kinds of objects it makes.
CREATE INDEX object_list ON object (merchant, live, kind, created, id);

CREATE TABLE link (
    name    TEXT    NOT NULL CHECK (name <> ''),
    key     TEXT    NOT NULL,
    created INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    PRIMARY KEY (name, key, created, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE link_unique (
    name TEXT NOT NULL CHECK (name <> ''),
    key  TEXT NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    scope   TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),
    status  INTEGER CHECK (status BETWEEN 100 AND 999),
    body    BLOB,
    created INTEGER NOT NULL,
    UNIQUE (scope, key),
    CHECK ((status IS NULL) = (body IS NULL))
) STRICT;

CREATE TABLE job (
    id   TEXT    NOT NULL UNIQUE CHECK (id <> ''),
    kind TEXT    NOT NULL CHECK (kind <> ''),
    due  INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;
CREATE INDEX job_due ON job (kind, due, id);
