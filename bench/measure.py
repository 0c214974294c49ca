"""Runs one process and measures it; fills and drops the page cache."""

import ctypes
import mmap
import os
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 20


@dataclass
class Run:
    """One finished process."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    status: int
    stdout: str
    stderr: str


def run(command, environment=None):
    """Runs a command to its end.

    Peak memory is the larger of what the kernel reports for the ended child and the highest mark
    seen in /proc while it ran. The first also counts this Python process at the moment of the fork
    (about 15 MiB), so for small programs the second is taken alone.
    """
    start = time.perf_counter()
    child = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    marks = [0]
    ended = threading.Event()
    watch = threading.Thread(target=_watch_memory, args=(child.pid, marks, ended))
    watch.start()
    with ThreadPoolExecutor(2) as pool:
        texts = [pool.submit(pipe.read) for pipe in (child.stdout, child.stderr)]
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start
        stdout, stderr = (text.result().decode(errors="replace") for text in texts)
    child.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watch.join()
    reported = usage.ru_maxrss * 1024
    inherited = _status_bytes("self", "VmHWM")
    peak_bytes = max(marks[0], reported) if reported > inherited else marks[0] or reported
    return Run(wall_s, usage.ru_utime + usage.ru_stime, peak_bytes, child.returncode, stdout, stderr)


def _watch_memory(pid, marks, ended):
    """Notes the highest resident size, which the kernel keeps, until the process is gone."""
    while not ended.is_set():
        # Before its `exec` the child still shows this process's memory.
        try:
            if os.readlink(f"/proc/{pid}/exe") != os.readlink("/proc/self/exe"):
                marks[0] = max(marks[0], _status_bytes(pid, "VmHWM"))
        except OSError:
            pass
        ended.wait(0.01)


def _status_bytes(pid, field):
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def median_run(runs):
    """Returns medians of wall and CPU time, and the highest peak."""
    return Run(
        statistics.median(run.wall_s for run in runs),
        statistics.median(run.cpu_s for run in runs),
        max(run.peak_bytes for run in runs),
        0,
        "",
        "",
    )


def warm(paths):
    """Reads files, so that they are in the page cache as far as memory goes."""
    read_all(paths)


def read_all(paths, threads=2):
    """Reads files with a thread for every part, and returns the number of bytes."""
    parts = []
    for path in paths:
        size = os.path.getsize(path)
        step = -(-size // threads) or 1
        parts += [(path, start, min(size, start + step)) for start in range(0, size, step)]
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda part: _read_part(*part), parts))


def _read_part(path, start, end):
    buffer = bytearray(BLOCK_BYTES)
    with open(path, "rb", buffering=0) as file:
        at = start
        while at < end:
            count = os.preadv(file.fileno(), [memoryview(buffer)[: end - at]], at)
            if count == 0:
                break
            at += count
    return at - start


def drop(paths):
    """Drops files from the page cache, and says how much of them is still there (0 to 1)."""
    os.sync()
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if os.geteuid() == 0:
        try:
            Path("/proc/sys/vm/drop_caches").write_text("3\n")
        except OSError:
            pass  # In a container the advice above has to do; the share left tells.
    return cached_share(paths)


def cached_share(paths):
    """Returns the share of the files' pages that is in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    present = total = 0
    for path in paths:
        size = os.path.getsize(path)
        if size == 0:
            continue
        pages = -(-size // mmap.PAGESIZE)
        seen = (ctypes.c_ubyte * pages)()
        # A private mapping may be written, which ctypes asks for; nothing is.
        with open(path, "rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as view:
            anchor = ctypes.c_char.from_buffer(view)
            if libc.mincore(ctypes.c_void_p(ctypes.addressof(anchor)), ctypes.c_size_t(size), seen) != 0:
                raise OSError(ctypes.get_errno(), f"mincore: {path}")
            del anchor
        present += sum(map((1).__and__, seen))
        total += pages
    return present / total if total else 0.0


if __name__ == "__main__":  # `measure.py FILE …`: plain reading, as a process of its own
    print(read_all(sys.argv[1:]))
