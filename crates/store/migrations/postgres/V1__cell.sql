-- One schema holds one cell: where its journal stands, who may write it, and all its objects.
-- Texts are ordered by their bytes, as in SQLite.
CREATE TABLE cell (
    one        bigint PRIMARY KEY CHECK (one = 1),
    cell       bigint NOT NULL CHECK (cell >= 0),
    epoch      bigint NOT NULL CHECK (epoch >= 0),
    holder     text   NOT NULL,
    expires    bigint NOT NULL,
    seq        bigint NOT NULL CHECK (seq >= 0),
    hash       bytea  NOT NULL CHECK (length(hash) = 32),
    entries    bigint NOT NULL CHECK (entries >= 0),
    at         bigint NOT NULL,
    checkpoint bigint NOT NULL CHECK (checkpoint >= 0 AND checkpoint <= seq)
) WITH (fillfactor = 10);

-- Refuses what a trigger names in its argument.
CREATE FUNCTION suanpan_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

CREATE TRIGGER cell_forward BEFORE UPDATE ON cell FOR EACH ROW
WHEN (NEW.cell <> OLD.cell OR NEW.epoch < OLD.epoch OR NEW.seq < OLD.seq OR NEW.entries < OLD.entries
    OR NEW.at < OLD.at OR NEW.checkpoint < OLD.checkpoint)
EXECUTE FUNCTION suanpan_refuse('the cell never goes back');
CREATE TRIGGER cell_kept BEFORE DELETE OR TRUNCATE ON cell
FOR EACH STATEMENT EXECUTE FUNCTION suanpan_refuse('the cell is never deleted');

CREATE TABLE record (
    seq     bigint PRIMARY KEY CHECK (seq > 0),
    first   bigint NOT NULL CHECK (first >= 0),
    entries bigint NOT NULL CHECK (entries >= 0),
    at      bigint NOT NULL,
    epoch   bigint NOT NULL CHECK (epoch > 0),
    hash    bytea  NOT NULL CHECK (length(hash) = 32),
    root    bytea  NOT NULL CHECK (length(root) = 32),
    body    bytea  NOT NULL
);
-- Records are compact already: no time is spent on compressing them.
ALTER TABLE record ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX record_first ON record (first, seq);

CREATE TRIGGER record_unchanged BEFORE UPDATE ON record
FOR EACH STATEMENT EXECUTE FUNCTION suanpan_refuse('journal records are never changed');
CREATE TRIGGER record_kept BEFORE DELETE OR TRUNCATE ON record
FOR EACH STATEMENT EXECUTE FUNCTION suanpan_refuse('journal records are never deleted');

CREATE TABLE account (
    number   bigint PRIMARY KEY CHECK (number >= 0),
    path     text COLLATE "C" NOT NULL CHECK (path <> ''),
    currency bigint NOT NULL CHECK (currency >= 0),
    body     bytea  NOT NULL,
    UNIQUE (path, currency)
);

CREATE TRIGGER account_named BEFORE UPDATE ON account FOR EACH ROW
WHEN (NEW.number <> OLD.number OR NEW.path <> OLD.path OR NEW.currency <> OLD.currency)
EXECUTE FUNCTION suanpan_refuse('an account keeps its number, path and currency');
CREATE TRIGGER account_kept BEFORE DELETE OR TRUNCATE ON account
FOR EACH STATEMENT EXECUTE FUNCTION suanpan_refuse('accounts are never deleted');

CREATE TABLE balance_page (
    number bigint PRIMARY KEY CHECK (number >= 0),
    body   bytea  NOT NULL
);
ALTER TABLE balance_page ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE hold (
    id   bytea PRIMARY KEY CHECK (length(id) = 16),
    body bytea NOT NULL
);

CREATE TABLE object (
    id       text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    kind     text COLLATE "C" NOT NULL CHECK (kind <> ''),
    merchant text COLLATE "C" NOT NULL,
    live     boolean NOT NULL,
    created  bigint  NOT NULL,
    version  bigint  NOT NULL CHECK (version > 0),
    body     text COLLATE "C" NOT NULL
) WITH (fillfactor = 85);
-- By merchant first: what a merchant does at one time lies together, whatever kinds of objects it makes.
CREATE INDEX object_list ON object (merchant, live, kind, created, id);

CREATE TABLE link (
    name    text COLLATE "C" NOT NULL CHECK (name <> ''),
    key     text COLLATE "C" NOT NULL,
    created bigint NOT NULL,
    id      text COLLATE "C" NOT NULL,
    PRIMARY KEY (name, key, created, id)
);

CREATE TABLE link_unique (
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    key  text COLLATE "C" NOT NULL,
    id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (name, key)
);

CREATE TABLE answer (
    scope   text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    digest  bytea  NOT NULL CHECK (length(digest) = 32),
    status  bigint CHECK (status BETWEEN 100 AND 999),
    body    bytea,
    created bigint NOT NULL,
    PRIMARY KEY (scope, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX answer_created ON answer (created);

CREATE TABLE job (
    id   text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    kind text COLLATE "C" NOT NULL CHECK (kind <> ''),
    due  bigint NOT NULL,
    body text COLLATE "C" NOT NULL
);
CREATE INDEX job_due ON job (kind, due, id);
