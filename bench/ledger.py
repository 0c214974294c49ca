"""Measures entries of the books per second through the engine, beside one row per transaction on PostgreSQL.

    python3 bench/ledger.py [--seconds 60] [--only sqlite,postgres,postgres3,peer,batches,million] [--build]

Everything runs on this machine: SQLite in a file, PostgreSQL 15 from Debian's packages with fsync on, and three
PostgreSQL nodes of which the primary waits for one of two standbys. All checks of the ledger are on; the history of
accounts is built behind the commits, and how far it lagged at most stands beside each rate. The peer is `pgbench` with
a script that does what ledgers on PostgreSQL usually do: lock both accounts, check, insert the entry, change both
balances, commit; 32 connections, prepared statements, the same 10,000 accounts, half of them among 20.
"""

import argparse
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LOAD = TARGET / "release" / "examples" / "ledger_load"
PG = pathlib.Path("/usr/lib/postgresql/15/bin")

PEER_SCHEMA = """
CREATE TABLE account (id int PRIMARY KEY, debits bigint NOT NULL, credits bigint NOT NULL, floor bigint NOT NULL);
CREATE TABLE transfer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, debit int NOT NULL, credit int NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0), at timestamptz NOT NULL DEFAULT now());
CREATE INDEX transfer_debit ON transfer (debit, id);
CREATE INDEX transfer_credit ON transfer (credit, id);
INSERT INTO account SELECT n, 0, 0, -1000000000000 FROM generate_series(0, 9999) n;
"""

# Locks are taken in the order of ids, as careful users do, so that nothing deadlocks.
PEER_SCRIPT = r"""
\set hot random(0, 1)
\if :hot
\set debit random(0, 19)
\else
\set debit random(0, 9999)
\endif
\set credit (:debit + random(1, 9999)) % 10000
\set amount random(1, 10000)
\set first least(:debit, :credit)
\set second greatest(:debit, :credit)
BEGIN;
SELECT credits - debits - floor FROM account WHERE id IN (:first, :second) ORDER BY id FOR UPDATE;
INSERT INTO transfer (debit, credit, amount) VALUES (:debit, :credit, :amount);
UPDATE account SET debits = debits + :amount WHERE id = :debit;
UPDATE account SET credits = credits + :amount WHERE id = :credit;
COMMIT;
"""

SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "listen_addresses": "127.0.0.1",
}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Node:
    """A PostgreSQL server of its own, started as the user postgres when this runs as root."""

    def __init__(self, folder, name, primary=None):
        self.data, self.port, self.name = folder / name, free_port(), name
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if primary is None:
            self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync")
        else:
            self.run("pg_basebackup", "-D", self.data, "-h", "127.0.0.1", "-p", primary.port, "-U", "postgres", "-R",
                     "-X", "stream", "-c", "fast")
        settings = dict(SETTINGS, port=str(self.port), unix_socket_directories=str(folder))
        if primary is not None:
            settings["primary_conninfo"] = (
                f"host=127.0.0.1 port={primary.port} user=postgres application_name={name}")
        with open(self.data / "postgresql.auto.conf", "a", encoding="utf-8") as conf:
            conf.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
        self.run("pg_ctl", "-D", self.data, "-l", folder / f"{name}.log", "-w", "start")

    def run(self, program, *words):
        command = [*self.user, str(PG / program), *map(str, words)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/tmp")
        if done.returncode != 0:
            log = self.data.parent / f"{self.name}.log"
            sys.exit(f"{program}: {done.stdout}{log.read_text() if log.exists() else ''}")
        return done.stdout

    def sql(self, text, database="postgres"):
        return self.run("psql", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-d", database, "-At", "-v",
                        "ON_ERROR_STOP=1", "-c", text)

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


def load(address, seconds, batch=8190, accounts=10_000, in_flight=3):
    """Runs the load and returns its words."""
    command = [str(LOAD), address, str(seconds), str(batch), str(accounts), str(in_flight)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}{done.stdout}")
    found = re.search(r"(\d+) transfers in ([\d.]+) s: (\d+) transfers/s, .*p50 (\S+), p99 (\S+), history at most "
                      r"(\d+) behind", done.stdout)
    if not found:
        sys.exit(f"{' '.join(command)}: {done.stdout}")
    slowest = max(re.findall(r"rows in ([\d.]+)(µs|ms|s)\b", done.stdout),
                  key=lambda time: float(time[0]) * {"µs": 1, "ms": 1e3, "s": 1e6}[time[1]])
    return {"rate": int(found[3]), "p50": found[4], "p99": found[5], "lag": int(found[6]),
            "statement": "".join(slowest), "count": int(found[1])}


def report(name, result):
    print(f"| {name} | {result['rate']:,} | {result['p50']} | {result['p99']} | {result['lag']:,} | "
          f"{result['statement']} |", flush=True)


def peer(node, seconds):
    node.sql("CREATE DATABASE peer")
    for statement in PEER_SCHEMA.strip().split(";\n"):
        if statement.strip():
            node.sql(statement, "peer")
    with tempfile.NamedTemporaryFile("w", suffix=".sql", delete=False) as script:
        script.write(PEER_SCRIPT)
    os.chmod(script.name, 0o644)
    out = node.run("pgbench", "-h", "127.0.0.1", "-p", node.port, "-U", "postgres", "-n", "-M", "prepared", "-c", 32,
                   "-j", 2, "-T", seconds, "-f", script.name, "peer")
    rate = float(re.search(r"tps = ([\d.]+)", out)[1])
    latency = re.search(r"latency average = ([\d.]+) ms", out)[1]
    print(f"| one row per transaction, 32 connections, PostgreSQL | {rate:,.0f} | mean {latency} ms | | | |", flush=True)
    return rate


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--only", default="sqlite,postgres,postgres3,peer,batches,million")
    arguments.add_argument("--build", action="store_true", help="build the program first")
    given = arguments.parse_args()
    only, seconds = given.only.split(","), given.seconds
    if given.build:
        subprocess.run(["cargo", "build", "--release", "--package", "suanpan-engine", "--example", "ledger_load"],
                       cwd=ROOT, check=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="suanpan-ledger-"))
    if os.geteuid() == 0:
        shutil.chown(folder, pwd.getpwnam("postgres").pw_name)
    nodes = []
    print("| | transfers/s | p50 of a batch | p99 | history behind, entries | slowest statement |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    try:
        if "sqlite" in only:
            report("SQLite, batches of 8,190", load(str(folder / "sqlite.db"), seconds))
        if "batches" in only:
            for batch, in_flight in ((1, 64), (50, 64), (1000, 8)):
                place = str(folder / f"batch{batch}.db")
                report(f"SQLite, batches of {batch:,}, {in_flight} under way",
                       load(place, max(seconds // 6, 5), batch, in_flight=in_flight))
        if "million" in only:
            report("SQLite, 1 million accounts", load(str(folder / "million.db"), seconds, accounts=1_000_000))
        if "postgres" in only or "peer" in only:
            nodes.append(Node(folder, "one"))
            if "postgres" in only:
                nodes[0].sql("CREATE DATABASE books")
                report("PostgreSQL, batches of 8,190", load(nodes[0].url("books"), seconds))
            if "peer" in only:
                peer(nodes[0], max(seconds // 2, 5))
            nodes.pop().stop()
        if "postgres3" in only:
            nodes.append(Node(folder, "primary"))
            nodes += [Node(folder, name, primary=nodes[0]) for name in ("standby1", "standby2")]
            nodes[0].sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby1, standby2)'")
            nodes[0].sql("SELECT pg_reload_conf()")
            for _ in range(50):
                if nodes[0].sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'").strip() == "2":
                    break
                time.sleep(0.2)
            else:
                sys.exit("the standbys do not follow")
            nodes[0].sql("CREATE DATABASE books")
            report("three PostgreSQL nodes, ANY 1 of 2", load(nodes[0].url("books"), seconds))
    finally:
        for node in reversed(nodes):
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
