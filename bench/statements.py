#!/usr/bin/env python3
"""Readers of statements beside Python peers, in the same run.

    cargo build --release && python3 bench/statements.py [--megabytes 200] [--rounds 3] [--no-peers]

Makes a camt.053 and an MT940 of that size in bench/data, reads both with `suanpan formats show` (which reads and
checks all of it), once printing one record and once all as CSV, and a part of each with a peer: `mt-940` from
PyPI, installed into bench/venv-statements, and the event parser of Python's own ElementTree, which only parses and
takes nothing out. Prints a table for RESULTS.md and removes the large files.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "bench" / "data"
BINARY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "suanpan"
PEER_BYTES_MAX = 8_000_000

PEER_MT940 = """
import sys, time, mt940
text = open(sys.argv[1]).read()
started = time.perf_counter()
transactions = mt940.models.Transactions()
transactions.parse(text)
print(len(transactions), time.perf_counter() - started)
"""

PEER_XML = """
import sys, time, xml.etree.ElementTree as tree
started, entries = time.perf_counter(), 0
for _, element in tree.iterparse(sys.argv[1]):
    if element.tag.endswith("}Ntry"):
        entries += 1
        element.clear()
print(entries, time.perf_counter() - started)
"""


def mt940(path, size):
    total, written, number = 0, 0, 0
    with open(path, "w") as out:
        written += out.write(":20:BENCH\n:25:DE02120300000000202051\n:28C:1/1\n:60F:C261125EUR0,00\n")
        while written < size:
            cents = number * 7919 % 1_000_000
            total -= cents
            written += out.write(
                f":61:2611261126D{cents // 100},{cents % 100:02d}NTRFREF{number}//B{number}\n"
                f":86:116?00SEPA?20EREF+INV-{number}?21SVWZ+Invoice {number}?30COBADEFF"
                "?31DE02120300000000202051?32Meier GmbH\n"
            )
            number += 1
        sign = "D" if total < 0 else "C"
        out.write(f":62F:{sign}261126EUR{abs(total) // 100},{abs(total) % 100:02d}\n-\n")


def camt(path, size):
    written, number = 0, 0
    with open(path, "w") as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
            "<GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>\n"
        )
        while written < size:
            cents = number * 7919 % 1_000_000
            amount = f'<Amt Ccy="EUR">{cents // 100}.{cents % 100:02d}</Amt>'
            written += out.write(
                f"<Ntry>\n  {amount}\n  <CdtDbtInd>CRDT</CdtDbtInd>\n  <Sts><Cd>BOOK</Cd></Sts>\n"
                "  <BookgDt><Dt>2026-11-25</Dt></BookgDt>\n  <ValDt><Dt>2026-11-25</Dt></ValDt>\n"
                f"  <AcctSvcrRef>B{number}</AcctSvcrRef>\n  <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
                "<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>\n  <NtryDtls><TxDtls>\n"
                f"    <Refs><EndToEndId>INV-{number}</EndToEndId></Refs>{amount}\n"
                "    <RltdPties><Dbtr><Pty><Nm>Meier GmbH</Nm></Pty></Dbtr></RltdPties>\n"
                f"    <RmtInf><Ustrd>Invoice {number}</Ustrd></RmtInf>\n  </TxDtls></NtryDtls>\n</Ntry>\n"
            )
            number += 1
        out.write("</Stmt></BkToCstmrStmt></Document>\n")


def ours(path, *options):
    """Returns the seconds that it took and the peak of its resident set in MiB."""
    # By way of `time`: measured from here, the peak would be at least this interpreter's own.
    command = ["/usr/bin/time", "-f", "%M", BINARY, "--quiet", "formats", "show", path, *options]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return time.perf_counter() - started, int(done.stderr.split()[-1]) / 1024


def peer(python, program, path):
    done = subprocess.run([python, "-c", program, path], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--megabytes", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--no-peers", action="store_true")
    wanted = arguments.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    venv = ROOT / "bench" / "venv-statements"
    python = venv / "bin" / "python"
    if not wanted.no_peers and not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "mt-940"], check=True)
    print("| format | MB | MB/s | all as CSV, MB/s | peak MiB | peer MB/s | times the peer |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, make, program in [("MT940", mt940, PEER_MT940), ("camt.053", camt, PEER_XML)]:
        large, part = DATA / f"{name}.large", DATA / f"{name}.part"
        make(large, wanted.megabytes * 1_000_000)
        make(part, min(wanted.megabytes * 1_000_000, PEER_BYTES_MAX))
        size = large.stat().st_size / 1e6
        own, rows, theirs, peaks = [], [], [], []
        for _ in range(wanted.rounds):
            for speeds, options in [(own, ["--limit", "1"]), (rows, ["--format", "csv"])]:
                seconds, peak = ours(large, *options)
                speeds.append(size / seconds)
                peaks.append(peak)
            if not wanted.no_peers:
                theirs.append(part.stat().st_size / 1e6 / peer(python, program, part))
        large.unlink()
        part.unlink()
        a, b, peak = statistics.median(own), statistics.median(rows), max(peaks)
        against = ""
        if theirs:
            c = statistics.median(theirs)
            against = f"{c:.1f} | {a / c:.1f}"
        print(f"| {name} | {size:,.0f} | {a:.0f} | {b:.0f} | {peak:.0f} | {against or ' | '} |")


if __name__ == "__main__":
    main()
