"""Measures checkout pages that listen: memory of the server for each, and how long after a commit a page is told.

    python3 bench/checkout.py [--pages 10000] [--payments 1000] [--rate 50] [--build]

The server and the pages run on this machine. For each page a checkout session is opened and its events are listened to;
the memory of the server is read when it has started, when all sessions are there and listened to, and at the end. Then
some are paid with a test card, as customers do on the page, at a steady rate; the time is from the answer to the payment,
which is given right after its commit, to the event at the page.
"""

import argparse
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

from payments import ROOT, TARGET, Server

LINE = re.compile(r"(\d+) told, (\d+) lost, p50 ([\d.]+) ms, p99 ([\d.]+) ms, p99.9 ([\d.]+) ms")


class Pages(Server):
    """A server that takes as many connections as there are pages, and some more."""

    connections = 0

    def options(self):
        return ["--connections", str(self.connections), "--connections-per-address", str(self.connections)]


def descriptors(count):
    """Allows this process and those it starts so many files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        sys.exit(f"{count} open files are needed, {most} are allowed: ulimit -Hn {count}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--payments", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--build", action="store_true")
    args = parser.parse_args()
    if args.build:
        build = ["cargo", "build", "--release", "--locked", "--package"]
        subprocess.run([*build, "suanpan"], cwd=ROOT, check=True)
        subprocess.run([*build, "suanpan-server", "--example", "checkout_load"], cwd=ROOT, check=True)
    # Pages take three quarters of the connections.
    Pages.connections = args.pages * 3 // 2 + 100
    descriptors(Pages.connections + 1_000)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server = Pages(folder, str(folder / "cell.sqlite"))
        before = server.memory_mib()
        command = [str(TARGET / "examples" / "checkout_load"), f"127.0.0.1:{server.port}", server.key, str(args.pages),
                   str(args.payments), str(args.rate)]
        load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        print(load.stdout.readline().strip(), flush=True)
        listening = server.memory_mib()
        out, _ = load.communicate("\n")
        found = LINE.search(out)
        if not found:
            sys.exit(f"{' '.join(command)}: {out}")
        after = server.memory_mib()
        server.stop()
    each = (listening - before) * 1024 / args.pages
    print("| pages | memory before | listening | a page | after | told | lost | p50 | p99 | p99.9 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    print(f"| {args.pages:,} | {before:.0f} MiB | {listening:.0f} MiB | {each:.1f} KiB | {after:.0f} MiB | {found[1]} | "
          f"{found[2]} | {found[3]} ms | {found[4]} ms | {found[5]} ms |")


if __name__ == "__main__":
    main()
