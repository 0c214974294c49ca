#!/usr/bin/env python3
"""Readers of statements beside Python peers, in the same run.

    cargo build --release && python3 bench/statements.py [--megabytes 200] [--rounds 3]

Makes a camt.053 and an MT940 of that size in bench/data, reads both with `suanpan formats show` (which reads and
checks all of it), and a part of each with a peer: `mt-940` from PyPI, installed into bench/venv, and the event
parser of Python's own ElementTree, which only parses and takes nothing out. Prints a table for RESULTS.md.
"""

import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "bench" / "data"
BINARY = ROOT / "target" / "release" / "suanpan"
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


def ours(path):
    started = time.perf_counter()
    subprocess.run([BINARY, "formats", "show", path, "--limit", "1"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def peer(python, program, path):
    done = subprocess.run([python, "-c", program, path], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--megabytes", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    wanted = arguments.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    venv = ROOT / "bench" / "venv-statements"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "mt-940"], check=True)
    print("| format | MB | suanpan MB/s | peer MB/s | ratio |\n|---|---:|---:|---:|---:|")
    for name, make, program in [("MT940", mt940, PEER_MT940), ("camt.053", camt, PEER_XML)]:
        large, part = DATA / f"{name}.large", DATA / f"{name}.part"
        make(large, wanted.megabytes * 1_000_000)
        make(part, min(wanted.megabytes * 1_000_000, PEER_BYTES_MAX))
        own, theirs = [], []
        for _ in range(wanted.rounds):
            own.append(large.stat().st_size / 1e6 / ours(large))
            theirs.append(part.stat().st_size / 1e6 / peer(python, program, part))
        a, b = statistics.median(own), statistics.median(theirs)
        print(f"| {name} | {large.stat().st_size / 1e6:.0f} | {a:.0f} | {b:.1f} | {a / b:.1f} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"\npeak of all children, peers among them: {peak // 1024} MiB", file=sys.stderr)


if __name__ == "__main__":
    main()
