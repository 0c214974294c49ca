#!/usr/bin/env python3
"""Measures one table of RESULTS.md: `cargo xtask bench TABLE` calls it.

Data come from `suanpan generate day` and stay in bench/data. Every run is a fresh process; rounds
are interleaved, so that a slow minute of the machine falls on all; times are medians, peaks are
maxima. Every answer is compared with the generator's truth, and a wrong one ends the table.
The table is printed, and each run is one line of bench/results.ndjson; `--save` also puts the
table into RESULTS.md.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import charts
import measure

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
DATA = BENCH / "data"
SUANPAN = ROOT / "target/release/suanpan"
PYTHON = BENCH / "venv/bin/python"
PEERS = {"clickhouse": "chdb", "duckdb": "duckdb", "polars": "polars"}  # engine, package
MILLION = 1_000_000


class Trouble(Exception):
    """Something that ends the table, told without a trace."""


# ---------------------------------------------------------------------------------------- tables


def table_csv(options):
    """CSV, files in the page cache, beside query engines."""
    day = Day(options.records or 50 * MILLION)
    contenders = [Suanpan(day, threads=options.threads)]
    contenders += [Peer(engine, form, day, options.threads) for engine in options.peers for form in ("group", "join")]
    runs = contest(contenders, options.rounds, prepare=lambda: measure.warm(day.files()))
    return versus(f"CSV, {day.millions()}, page cache", runs)


def table_parquet(options):
    """The same day as Parquet."""
    day = Day(options.records or 50 * MILLION, form="parquet")
    contenders = [Suanpan(day, threads=options.threads)]
    contenders += [Peer(engine, form, day, options.threads) for engine in options.peers for form in ("group", "join")]
    runs = contest(contenders, options.rounds, prepare=lambda: measure.warm(day.files()))
    return versus(f"Parquet, {day.millions()}, page cache", runs)


def table_cold(options):
    """CSV from disk, beside reading the files and doing nothing else."""
    day = Day(options.records or 50 * MILLION)
    shares = []

    def prepare():
        shares.append(measure.drop(day.files()))
        if shares[-1] > 0.01:
            raise Trouble(f"{shares[-1]:.0%} of the files is still in the page cache after dropping it")

    contenders = [Suanpan(day, threads=options.threads), PlainRead(day)]
    runs = contest(contenders, options.rounds, prepare)
    plain = runs[contenders[1]]
    bytes_read = sum(os.path.getsize(path) for path in day.files())
    rows = [
        [contender.name, seconds(run.wall_s), seconds(run.cpu_s), f"{bytes_read / run.wall_s / 1e6:,.0f}",
         f"{run.wall_s / plain.wall_s:.2f}"]
        for contender, run in runs.items()
    ]
    head = ["", "wall s", "CPU s", "MB/s", "times plain reading"]
    return f"CSV, {day.millions()}, page cache empty", head, rows


def table_memory(options):
    """The same job within 64 MiB."""
    day = Day(options.records or 50 * MILLION)
    limits = [None, "2GiB", "256MiB", "64MiB"]
    contenders = [Suanpan(day, threads=options.threads, memory=limit) for limit in limits]
    runs = contest(contenders, options.rounds, prepare=lambda: measure.warm(day.files()))
    rows = [
        [contender.name, seconds(run.wall_s), seconds(run.cpu_s), mebibytes(run.peak_bytes),
         "yes" if within(run.peak_bytes, contender.memory) else "NO"]
        for contender, run in runs.items()
    ]
    head = ["", "wall s", "CPU s", "peak MiB", "within its limit"]
    return f"Memory limits, CSV, {day.millions()}, page cache", head, rows


def table_faults(options):
    """More and more differences."""
    records = options.records or 5 * MILLION
    faults = {"default": None, "3 %": "differences-3.toml", "30 %": "differences-30.toml"}
    days = {name: Day(records, faults=file) for name, file in faults.items()}
    contenders = {name: Suanpan(day, threads=options.threads) for name, day in days.items()}
    files = [path for day in days.values() for path in day.files()]
    runs = contest(list(contenders.values()), options.rounds, prepare=lambda: measure.warm(files))
    base = per_row(runs[contenders["default"]], days["default"])
    rows = [
        [name, seconds(runs[it].wall_s), seconds(runs[it].cpu_s), mebibytes(runs[it].peak_bytes),
         f"{per_row(runs[it], days[name]) * 1e9:.0f}", f"{per_row(runs[it], days[name]) / base:.2f}"]
        for name, it in contenders.items()
    ]
    head = ["differences", "wall s", "CPU s", "peak MiB", "ns a row", "times the default"]
    return f"Differences, CSV, {days['default'].millions()}, page cache", head, rows


def table_shapes(options):
    """Keys that are not all different, and rows that come in order."""
    records = options.records or 12 * MILLION
    shapes = {
        "all keys different": [],
        "Zipf 1.2": ["--keys", "zipf"],
        f"one key {records * 10 // 12:,} times": ["--keys", f"one-hot:{records * 10 // 12}"],
        "all keys null": ["--keys", "null"],
        "sorted by key": ["--order", "sorted"],
    }
    days = {name: Day(records, more=more) for name, more in shapes.items()}
    contenders = {name: Suanpan(day, threads=options.threads) for name, day in days.items()}
    runs = contest(
        list(contenders.values()),
        options.rounds,
        prepare_for=lambda contender: measure.warm(contender.day.files()),
    )
    base = per_row(runs[contenders["all keys different"]], days["all keys different"])
    rows = [
        [name, seconds(runs[it].wall_s), seconds(runs[it].cpu_s), mebibytes(runs[it].peak_bytes),
         f"{per_row(runs[it], days[name]) * 1e9:.0f}", f"{per_row(runs[it], days[name]) / base:.2f}"]
        for name, it in contenders.items()
    ]
    head = ["shape", "wall s", "CPU s", "peak MiB", "ns a row", "times all different"]
    return f"Shapes, CSV, {days['all keys different'].millions()}, page cache", head, rows


def table_scaling(options):
    """One and two threads, one to 200 million rows; writes scaling-rows.svg."""
    largest = options.records or 200 * MILLION
    sizes = [size * MILLION for size in (1, 5, 20, 50, 100, 200) if size * MILLION <= largest]
    head = ["records a side", "threads", "wall s", "CPU s", "peak MiB", "million rows/s", "gain of the 2nd thread"]
    rows, lines = [], {"1 thread": [], "2 threads": []}
    for records in sizes or [largest]:
        day = Day(records)
        contenders = [Suanpan(day, threads=threads) for threads in (1, 2)]
        if records == largest:
            contenders.append(Suanpan(day, threads=2, memory="64MiB"))
        runs = contest(contenders, options.rounds, prepare=lambda: measure.warm(day.files()))
        one, two = (runs[contender] for contender in contenders[:2])
        for threads, run, line in ((1, one, "1 thread"), (2, two, "2 threads")):
            gain = f"{one.wall_s / two.wall_s:.2f}" if threads == 2 else ""
            rate = f"{2 * records / run.wall_s / 1e6:.1f}"
            rows.append([f"{records:,}", threads, seconds(run.wall_s), seconds(run.cpu_s),
                         mebibytes(run.peak_bytes), rate, gain])
            lines[line].append((records / 1e6, run.wall_s))
        for small in contenders[2:]:
            run = runs[small]
            rows.append([f"{records:,}", f"2, {small.memory}", seconds(run.wall_s), seconds(run.cpu_s),
                         mebibytes(run.peak_bytes), f"{2 * records / run.wall_s / 1e6:.1f}", ""])
        if day.new:
            day.remove()  # all sizes together would fill a disk
    charts.line_chart(BENCH / "scaling-rows.svg", "Time by number of records (CSV, page cache)",
                      "million records a side", "wall seconds", lines, logarithmic=True)
    return "Scaling, CSV, page cache", head, rows


def table_late(options):
    """A file that comes late: what is run again, beside a full run."""
    day = Day(options.records or 50 * MILLION)
    parts = day.channel_in_parts(10)
    stage = DATA / "late"
    runs = {"nine of ten files": [], "the tenth comes": [], "all ten at once": []}
    for _ in range(options.rounds):
        shutil.rmtree(stage, ignore_errors=True)
        (stage / "channel").mkdir(parents=True)
        for part in parts[:-1]:
            os.link(part, stage / "channel" / part.name)
        measure.warm([day.path("ledger"), *parts])
        late = Suanpan(day, threads=options.threads, right=stage / "channel", out=stage / "out")
        runs["nine of ten files"].append(late.run(judge=False, checkpoint=True))
        os.link(parts[-1], stage / "channel" / parts[-1].name)
        runs["the tenth comes"].append(late.run(checkpoint=True, resume=True))
        after = digest(stage / "out")
        full = Suanpan(day, threads=options.threads, right=stage / "channel", out=stage / "full")
        runs["all ten at once"].append(full.run())
        if digest(stage / "full") != after:
            raise Trouble("the late file and the full run have different digests")
    middle = {name: measure.median_run(each) for name, each in runs.items()}
    base = middle["all ten at once"].wall_s
    rows = [[name, seconds(run.wall_s), seconds(run.cpu_s), mebibytes(run.peak_bytes), f"{run.wall_s / base:.2f}"]
            for name, run in middle.items()]
    head = ["", "wall s", "CPU s", "peak MiB", "times the full run"]
    return f"A late file, CSV, {day.millions()}, page cache", head, rows


TABLES = {name.removeprefix("table_"): table for name, table in list(globals().items()) if name.startswith("table_")}


# ----------------------------------------------------------------------------------- contenders


@dataclass
class Day:
    """A generated day, made when it is first asked for."""

    records: int
    form: str = "csv"
    faults: str | None = None
    more: list = field(default_factory=list)

    def __post_init__(self):
        words = [str(self.records), self.form, Path(self.faults or "default").stem, *self.more]
        self.directory = DATA / "-".join(words).replace("--", "").replace(":", "-")
        self.new = not (self.directory / "truth.json").exists()
        if not self.new:
            return
        # Beside its place until it is whole, so that an interrupted one is not taken for a day.
        unfinished = self.directory.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        command = [SUANPAN, "generate", "day", "--records", self.records, "--seed", 20261111, "--format", self.form]
        command += ["--faults", BENCH / "faults" / self.faults if self.faults else "default", *self.more, unfinished]
        say(f"generate {self.millions()} as {self.form} into {self.directory.relative_to(ROOT)}")
        run = measure.run(command)
        if run.status != 0:
            raise Trouble(f"suanpan generate ended with {run.status}: {run.stderr.strip()}")
        say(f"  {run.wall_s:.1f} s")
        unfinished.rename(self.directory)

    def path(self, stem):
        return self.directory / f"{stem}.{self.form}"

    def files(self):
        return [self.path("ledger"), self.path("channel")]

    def millions(self):
        return f"{self.records / MILLION:g} million records a side"

    def truth(self):
        """Returns the count of every code that a right answer has."""
        return counts(json.loads((self.directory / "truth.json").read_text()), "groups")

    def channel_in_parts(self, number):
        """Cuts the channel's CSV at line ends into files with a header each."""
        whole = self.path("channel")
        folder = self.directory / f"channel-in-{number}"
        parts = [folder / f"channel-{at:02}.csv" for at in range(number)]
        if parts[-1].exists():
            return parts
        folder.mkdir(exist_ok=True)
        with open(whole, "rb") as source:
            header = source.readline()
            size = whole.stat().st_size
            start = source.tell()
            for at, part in enumerate(parts):
                source.seek(max(start, size * (at + 1) // number))
                source.readline()
                end = source.tell() if at + 1 < number else size
                source.seek(start)
                unfinished = part.with_suffix(".part")
                with open(unfinished, "wb") as out:
                    out.write(header)
                    left = end - start
                    while left > 0:
                        piece = source.read(min(left, 8 << 20))
                        out.write(piece)
                        left -= len(piece)
                unfinished.rename(part)
                start = end
        return parts

    def remove(self):
        shutil.rmtree(self.directory)


class Suanpan:
    """This project's command, told nothing but the two files and the generator's rules."""

    def __init__(self, day, threads, memory=None, right=None, out=None):
        self.day, self.threads, self.memory = day, threads, memory
        self.right = right or day.path("channel")
        self.out = out or DATA / "out/suanpan"
        self.name = "suanpan" + (f" --memory {memory}" if memory else "")
        if threads != 2:
            self.name += f" --threads {threads}"

    def run(self, judge=True, checkpoint=False, resume=False):
        if not resume:
            shutil.rmtree(self.out, ignore_errors=True)
        command = [SUANPAN, "reconcile", self.day.path("ledger"), self.right]
        command += ["--rules", self.day.directory / "rules.toml", "--out", self.out]
        command += ["--threads", self.threads, "--quiet"]
        command += ["--memory", self.memory] if self.memory else []
        command += ["--checkpoint"] if checkpoint else []
        command += ["--resume"] if resume else []
        run = measure.run(command)
        if run.status not in (0, 1):  # 1: differences, which the day has
            raise Trouble(f"{self.name} ended with {run.status}: {run.stderr.strip()}")
        if judge:
            summary = json.loads((self.out / "summary.json").read_text())
            compare(self.name, counts(summary, "count"), self.day.truth())
        return run


class Peer:
    """A query engine, asked in one of two forms. See peers.py."""

    def __init__(self, engine, form, day, threads):
        self.engine, self.form, self.day, self.threads = engine, form, day, threads
        self.name = f"{engine}, {form}"

    def run(self):
        out = DATA / "out" / f"{self.engine}-{self.form}.csv"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.unlink(missing_ok=True)
        command = [PYTHON, BENCH / "peers.py", self.engine, self.form, self.day.form, self.day.directory, out]
        run = measure.run([*command, self.threads], {"POLARS_MAX_THREADS": str(self.threads)})
        if run.status != 0:
            raise Trouble(f"{self.name} ended with {run.status}: {run.stderr.strip()[-2000:]}")
        answer = json.loads(run.stdout.splitlines()[-1])
        truth = self.day.truth()
        compare(self.name, answer, {code: truth.get(code, 0) for code in answer})
        return run


class PlainRead:
    """Reads the files with two threads and does nothing with them."""

    name = "reading the files"

    def __init__(self, day):
        self.day = day

    def run(self):
        run = measure.run([sys.executable, BENCH / "measure.py", *self.day.files()])
        if run.status != 0 or int(run.stdout) != sum(map(os.path.getsize, self.day.files())):
            raise Trouble(f"{self.name}: {run.status} {run.stdout} {run.stderr}")
        return run


def contest(contenders, rounds, prepare=None, prepare_for=None):
    """Lets contenders run in turn, `rounds` times, and returns the middle of each."""
    runs = {contender: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            if prepare:
                prepare()
            if prepare_for:
                prepare_for(contender)
            run = contender.run()
            runs[contender].append(run)
            say(f"round {number + 1}: {contender.name}: {run.wall_s:.2f} s, {mebibytes(run.peak_bytes)} MiB")
    for contender, each in runs.items():
        remember(contender.name, each)
    return {contender: measure.median_run(each) for contender, each in runs.items()}


def counts(document, name):
    """Returns the counts by code of a summary.json or truth.json, without the codes that are absent."""
    found = {code: outcome[name] for code, outcome in document["outcomes"].items()}
    return {code: count for code, count in found.items() if count}


def compare(name, answer, truth):
    wrong = {code: (answer.get(code, 0), truth.get(code, 0)) for code in {*answer, *truth}}
    wrong = {code: pair for code, pair in sorted(wrong.items()) if pair[0] != pair[1]}
    if wrong:
        told = ", ".join(f"{code} {said} instead of {true}" for code, (said, true) in wrong.items())
        raise Trouble(f"{name} is wrong: {told}")


def digest(out):
    return json.loads((out / "summary.json").read_text())["digest"]


# --------------------------------------------------------------------------------------- output


def versus(title, runs):
    """Makes a table of contenders, the first of which is the measure of the others."""
    first = next(iter(runs.values()))
    rows = [
        [contender.name, seconds(run.wall_s), seconds(run.cpu_s), mebibytes(run.peak_bytes),
         f"{run.wall_s / first.wall_s:.1f}", f"{run.peak_bytes / first.peak_bytes:.1f}"]
        for contender, run in runs.items()
    ]
    return title, ["", "wall s", "CPU s", "peak MiB", "times the wall", "times the memory"], rows


def markdown(title, head, rows, about):
    lines = [f"**{title}**", "", "| " + " | ".join(head) + " |"]
    lines.append("|" + "---|" + "---:|" * (len(head) - 1))
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, "", about])


def seconds(value):
    return f"{value:.2f}"


def mebibytes(value):
    return f"{value / (1 << 20):,.0f}"


def per_row(run, day):
    return run.wall_s / (2 * day.records)


def within(peak_bytes, limit):
    units = {"MiB": 1 << 20, "GiB": 1 << 30}
    return limit is None or peak_bytes <= int(limit[:-3]) * units[limit[-3:]]


REMEMBERED = []


def remember(name, runs):
    REMEMBERED.append(
        {"name": name, "wall_s": [round(run.wall_s, 3) for run in runs], "cpu_s": [round(run.cpu_s, 3) for run in runs],
         "peak_bytes": [run.peak_bytes for run in runs]}
    )


def say(text):
    print(text, file=sys.stderr, flush=True)


def facts(options):
    """Returns what a figure means nothing without."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    found = {
        "date": time.strftime("%Y-%m-%d"),
        "commit": git.stdout.strip(),
        "cpu": f"{cpu}, {os.cpu_count()} cores",
        "memory_gib": round(memory / (1 << 30)),
        "kernel": platform.release(),
        "rounds": options.rounds,
    }
    if options.table in ("csv", "parquet"):
        code = "import json, sys; from importlib.metadata import version; print(json.dumps({n: version(n) for n in sys.argv[1:]}))"
        names = [PEERS[engine] for engine in options.peers]
        told = subprocess.run([PYTHON, "-c", code, *names], capture_output=True, text=True, check=True)
        found["peers"] = json.loads(told.stdout)
    return found


def about(found):
    words = [f"{found['date']}, commit {found['commit']}, {found['cpu']}, {found['memory_gib']} GiB"]
    words += [f"median of {found['rounds']}"]
    words += [f"{name} {version}" for name, version in found.get("peers", {}).items()]
    return "; ".join(words) + "."


def save(table, text):
    """Puts a table between its marks in RESULTS.md."""
    results = BENCH / "RESULTS.md"
    whole = results.read_text()
    start, end = f"<!-- {table} -->\n", f"<!-- end of {table} -->"
    if start not in whole or end not in whole:
        raise Trouble(f"RESULTS.md has no place marked {start.strip()}")
    before, rest = whole.split(start, 1)
    _, after = rest.split(end, 1)
    results.write_text(f"{before}{start}{text}\n{end}{after}")


def make_venv(engines):
    """Installs the peers beside the data, once."""
    have = PYTHON.exists() and subprocess.run(
        [PYTHON, "-c", f"import {', '.join(PEERS[engine] for engine in engines)}"], capture_output=True
    ).returncode == 0
    if not have and engines:
        say(f"install {', '.join(PEERS[engine] for engine in engines)} into bench/venv")
        subprocess.run([sys.executable, "-m", "venv", BENCH / "venv"], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", BENCH / "requirements.txt"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=[*TABLES, "list"])
    parser.add_argument("--records", type=int, help="records a side (scaling: the largest)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default="clickhouse,duckdb", help=f"of {', '.join(PEERS)}; empty for none")
    parser.add_argument("--save", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--binary", type=Path, help="another build of suanpan")
    options = parser.parse_args()
    options.peers = [engine for engine in options.peers.split(",") if engine]
    unknown = [engine for engine in options.peers if engine not in PEERS]
    if unknown or options.rounds < 1 or options.threads < 1 or (options.records or 1) < 1:
        parser.error(f"unknown peer: {unknown[0]}" if unknown else "numbers must be at least 1")
    if options.table == "list":
        for name, table in TABLES.items():
            print(f"{name:9} {table.__doc__}")
        return 0
    global SUANPAN
    SUANPAN = options.binary or SUANPAN
    try:
        if not os.access(SUANPAN, os.X_OK):
            raise Trouble(f"{SUANPAN} is not there: build it with `cargo build --release`")
        if options.table in ("csv", "parquet"):
            make_venv(options.peers)
        title, head, rows = TABLES[options.table](options)
        found = facts(options)
        text = markdown(title, head, rows, about(found))
        print(text)
        with open(BENCH / "results.ndjson", "a") as file:
            file.write(json.dumps({"table": options.table, "title": title, **found, "runs": REMEMBERED}) + "\n")
        if options.save:
            save(options.table, text)
    except Trouble as trouble:
        say(f"error: {trouble}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
