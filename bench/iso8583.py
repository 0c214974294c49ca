"""Measures how fast ISO 8583 messages are read and written, beside other libraries on the same bytes.

    python3 bench/iso8583.py [--rounds 5]

Peers: the crates `iso8583-core` and `iso8583-codec-rs`, in the program of bench/iso8583, and `pyiso8583`, which is
installed into bench/venv-iso8583. `pyiso8583` is an oracle as well: it must write the same bytes as we do in ASCII,
EBCDIC and packed digits.
"""

import argparse
import collections
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "bench" / "iso8583" / "Cargo.toml"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "bench" / "iso8583" / "target"))

PEER = """
import copy, sys, time
import iso8583, iso8583.specs

texts = [bytes.fromhex(text) for text in sys.argv[1:4]]
spec = copy.deepcopy(iso8583.specs.default_ascii)
decoded, _ = iso8583.decode(texts[0], spec)
assert bytes(iso8583.encode(decoded, spec)[0]) == texts[0], "ASCII"

ebcdic = copy.deepcopy(spec)
for name, field in ebcdic.items():
    field["len_enc"] = field["data_enc"] = "cp037"
ebcdic["p"]["data_enc"] = ebcdic["1"]["data_enc"] = "b"
assert bytes(iso8583.encode(dict(decoded), ebcdic)[0]) == texts[1], "EBCDIC"

packed = copy.deepcopy(spec)
digits = "t 2 3 4 7 11 12 13 14 18 22 25 32".split()
for name, field in packed.items():
    field["len_enc"] = "bcd"
    # Its lengths of BCD are as many bytes as len_type says: 1 for two digits, 2 for three.
    field["len_type"] = (field["len_type"] + 1) // 2
    if name in digits:
        field.update(data_enc="b", len_count="nibbles")
        field.update({"right_pad" if field["len_type"] else "left_pad": "0"})
packed["p"]["data_enc"] = packed["1"]["data_enc"] = "b"
assert bytes(iso8583.encode(dict(decoded), packed)[0]) == texts[2], "packed digits"

def measure(step, work):
    started = time.perf_counter()
    count = 0
    while time.perf_counter() - started < 0.4:
        for _ in range(20):
            work()
        count += 20
    print("pyiso8583", step, count / (time.perf_counter() - started), sep="\\t")

measure("decode", lambda: iso8583.decode(texts[0], spec))
measure("encode", lambda: iso8583.encode(decoded, spec))
measure("decode, encode", lambda: iso8583.encode(iso8583.decode(texts[0], spec)[0], spec))
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    wanted = arguments.parse_args()
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    build = ["cargo", "build", "--quiet", "--release", "--manifest-path", MANIFEST]
    subprocess.run(build, check=True, env=environment)
    venv = ROOT / "bench" / "venv-iso8583"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pyiso8583"], check=True)

    found = collections.defaultdict(list)
    for _ in range(wanted.rounds):
        program = [TARGET / "release" / "suanpan-bench-iso8583", "1"]
        told = subprocess.run(program, check=True, capture_output=True, text=True).stdout.splitlines()
        peer = [python, "-c", PEER, *told[:3]]
        told += subprocess.run(peer, check=True, capture_output=True, text=True).stdout.splitlines()
        for line in told[3:]:
            contender, step, rate = line.split("\t")
            found[contender, step].append(float(rate))
    print(f"message of {len(told[0]) // 2} bytes\n")
    print("| contender | step | messages/s |\n|---|---|---:|")
    for (contender, step), rates in found.items():
        print(f"| {contender} | {step} | {statistics.median(rates):,.0f} |")


if __name__ == "__main__":
    main()
