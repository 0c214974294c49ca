-- Who may write the history, and runs that are not whole yet (0) or were replaced (2) beside those that count (1).
ALTER TABLE history_run ADD COLUMN state INTEGER NOT NULL DEFAULT 1 CHECK (state IN (0, 1, 2));
DROP INDEX history_run_first;
DROP INDEX history_run_past;
CREATE UNIQUE INDEX history_run_first ON history_run (kind, first) WHERE state = 1;
CREATE UNIQUE INDEX history_run_past ON history_run (kind, past) WHERE state = 1;

CREATE TABLE history_writer (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL CHECK (epoch >= 0)
) STRICT;
INSERT INTO history_writer (one, epoch) VALUES (1, 0);
