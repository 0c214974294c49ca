"""Measures payments per second over HTTP: create and confirm in one call, out of customers' balances (one commit) and with
a test card of the card simulator (two commits, with the channel between them).

    python3 bench/payments.py [--seconds 20] [--only sqlite,postgres] [--by balance,card] [--build]
    python3 bench/payments.py --against OLD_SUANPAN [--turns 4] [--seconds 6] …

The server, its database and the load generator run on this machine; 64 connections. For each store: the most that
it takes; 70 % of that, offered at a steady rate, with the latency counted from when a request was due; twice the most,
offered at a steady rate over 512 connections, with what was refused, and the memory of the server before and after.
Then the server is started again on what it has written: how long until it answers, and its memory at rest.

With --against another binary and this one take turns, each on a fresh store: the most that each takes, and the ratio of
the medians. The machine differs more from hour to hour than most changes do.
"""

import argparse
import os
import pathlib
import pwd
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from ledger import Node, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
LINE = re.compile(r"(\d+) payments in ([\d.]+) s: (\d+) per second, p50 (\S+), p99 (\S+), p99.9 (\S+), (\d+) times 429, "
                  r"(\d+) other")


class Server:
    """`suanpan serve` in a folder of its own."""

    def __init__(self, folder, store, program=TARGET / "suanpan"):
        self.folder, self.store, self.program, self.port, self.key = folder, store, program, free_port(), None
        self.start()

    def start(self):
        command = [str(self.program), "serve", "--store", self.store, "--listen", f"127.0.0.1:{self.port}",
                   "--log-filter", "warn", "--master-key-file", str(self.folder / "master-key"), *self.options()]
        self.out = open(self.folder / "out", "w+", encoding="utf-8")
        began = time.monotonic()
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=self.out, stderr=subprocess.STDOUT)
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > began + 60:
                sys.exit(f"the server does not start: {(self.folder / 'out').read_text()}")
            time.sleep(0.002)
        self.started_ms = (time.monotonic() - began) * 1_000
        time.sleep(0.3)
        found = re.search(r"sk_test_\w+", (self.folder / "out").read_text())
        self.key = found[0] if found else self.key

    def options(self):
        """More words of the command."""
        return []

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def memory_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def load(self, seconds, connections=64, rate=0, by="card"):
        command = [str(TARGET / "examples" / "payments_load"), f"127.0.0.1:{self.port}", self.key, str(seconds),
                   str(connections), str(rate), by]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        found = LINE.search(done.stdout)
        if not found:
            sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        if int(found[8]):
            print(f"  {done.stderr.strip()}", file=sys.stderr)
        return {"count": int(found[1]), "rate": int(found[3]), "p50": found[4], "p99": found[5], "p999": found[6],
                "busy": int(found[7]), "other": int(found[8])}


def row(store, what, result, memory):
    print(f"| {store} | {what} | {result['rate']:,} | {result['p50']} | {result['p99']} | {result['p999']} | "
          f"{result['busy']:,} | {result['other']} | {memory} |", flush=True)


def measure(name, folder, store, seconds, ways):
    server = Server(folder, store)
    try:
        for by in ways:
            idle = server.memory_mib()
            server.load(3, by=by)
            most = server.load(seconds, by=by)
            row(name, f"{by}: the most, 64 connections", most, f"{idle:.0f} before, {server.memory_mib():.0f} MiB")
            part = server.load(seconds, rate=most["rate"] * 7 // 10, by=by)
            row(name, f"{by}: 70 % of it", part, f"{server.memory_mib():.0f} MiB")
            before = server.memory_mib()
            over = server.load(seconds, connections=512, rate=most["rate"] * 2, by=by)
            row(name, f"{by}: twice as much, 512 connections", over, f"{before:.0f} to {server.memory_mib():.0f} MiB")
        server.stop()
        server.start()
        time.sleep(2)
        print(f"{name}: started on it in {server.started_ms:.0f} ms, {server.memory_mib():.0f} MiB at rest", flush=True)
    finally:
        server.stop()


def compare(name, folder, node, other, given):
    """Lets another binary and this one take turns."""
    for by in given.by.split(","):
        rates = {"old": [], "new": []}
        for turn in range(given.turns):
            for which, program in (("old", other), ("new", TARGET / "suanpan")):
                place = folder / f"{name}-{by}-{turn}-{which}"
                place.mkdir()
                database = f"{by}_{turn}_{which}"
                if node is not None:
                    node.sql(f"CREATE DATABASE {database}")
                # What the turn before has written is on the disk before this one is measured.
                os.sync()
                time.sleep(3)
                server = Server(place, str(place / "shop.db") if node is None else node.url(database), program)
                try:
                    server.load(2, by=by)
                    rates[which].append(server.load(given.seconds, by=by)["rate"])
                finally:
                    server.stop()
                if node is not None:
                    node.sql(f"DROP DATABASE {database}")
                shutil.rmtree(place)
        old, new = (statistics.median(rates[which]) for which in ("old", "new"))
        print(f"{name}, {by}: old {rates['old']}, new {rates['new']} a second, {new / old:.2f} times", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=20)
    arguments.add_argument("--only", default="sqlite,postgres")
    arguments.add_argument("--by", default="balance,card")
    arguments.add_argument("--against", type=pathlib.Path, help="another suanpan, which takes turns with this one")
    arguments.add_argument("--turns", type=int, default=4)
    arguments.add_argument("--build", action="store_true", help="build the programs first")
    given = arguments.parse_args()
    if given.build:
        for words in (["--package", "suanpan"], ["--package", "suanpan-server", "--example", "payments_load"]):
            subprocess.run(["cargo", "build", "--release", *words], cwd=ROOT, check=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="suanpan-payments-"))
    folder.chmod(0o755)
    node = None
    if given.against is None:
        print("| store | offered | payments/s | p50 | p99 | p99.9 | 429 | other | memory |")
        print("|---|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    try:
        for name in given.only.split(","):
            place = folder / name
            place.mkdir()
            if name == "sqlite" and given.against is not None:
                compare("SQLite", place, None, given.against, given)
            elif name == "sqlite":
                measure("SQLite", place, str(place / "shop.db"), given.seconds, given.by.split(","))
            elif name == "postgres":
                data = folder / "data"
                data.mkdir()
                if os.geteuid() == 0:
                    shutil.chown(data, pwd.getpwnam("postgres").pw_name)
                node = Node(data, "one")
                if given.against is not None:
                    compare("PostgreSQL", place, node, given.against, given)
                    continue
                node.sql("CREATE DATABASE shop")
                measure("PostgreSQL", place, node.url("shop"), given.seconds, given.by.split(","))
            else:
                sys.exit(f"--only takes sqlite and postgres, not {name}")
    finally:
        if node is not None:
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
