#!/usr/bin/python3
"""shortage.t - memory that runs out at each allocation, writes that take less, a disk that is full

Memory: by lib/nomem.c, in the monitor that becomes the session and in the PAM process, at one
allocation or from one on.  The answers are right or errors, nothing is lost, nobody crashes
(lib/faulty.py).  Short writes: all goes as ever.  A full disk: all works, deleting above all.

SPDX-License-Identifier: ISC
"""
import contextlib
import ctypes
import os
import pathlib
import re
import shlex
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import faulty  # noqa: E402
from server import BUILD, Server  # noqa: E402
from writers import room  # noqa: E402

JOBS = os.cpu_count() or 1
FOREVER = 2**32 - 1
PROCESSES = {0: "monitor and session", 1: "login", 2: "PAM"}
FIGURES = struct.Struct("10I")  # struct figures of nomem.c
DELETE, FETCH = (1, 3, 4, 5), (2, 6)
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000

t = check.Checks()


def compile_object(where):
    """trouble, None if there was none"""
    command = [*shlex.split(os.environ.get("CC") or "cc"), "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE"]
    command += ["-o", where / "nomem.so", HERE / "lib/nomem.c"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode else None


class Short:
    """a box whose sessions lack something"""

    def __init__(self, server, place, job, so):
        self.box = faulty.Box(server, place, "short%d" % job, quota=True)
        self.so, self.path = so, server.own(server.write("figures%d" % job, ""))

    def session(self, who=9, first=0, last=0, most=0):
        """(problems, Play, figures)"""
        self.box.make()
        self.path.write_bytes(FIGURES.pack(who, first, last, most, *[0] * 6))
        play, status, log = self.box.session(
            DELETE, FETCH, environment={"LD_PRELOAD": str(self.so), "NOMEM": str(self.path)}
        )
        if who == 2:
            play.blamed = False  # libpam itself makes that of some failures
        wrong = self.box.problems(play) + self.box.afterwards()
        if status is None or status < 0 or re.search("bug|killed by|signal", log):
            wrong.append("it ended by %s" % status)
        if wrong:
            wrong.append("told: %s, %s\n%s" % (sorted(play.told), play.bye, log))
        return wrong, play, FIGURES.unpack(self.path.read_bytes())


def whole(play):
    """every command was answered well"""
    told = play.told >= {"STAT", "UIDL", "QUIT"} and len(play.marked) == len(DELETE)
    return told and play.bye.startswith("+OK")


def memory(shorts):
    wrong, play, figures = shorts[0].session()
    counts = dict(zip(PROCESSES, figures[5:8]))
    t.same(counts.pop(1), 0, "memory: the login process allocates none")
    good = whole(play) and not wrong and all(counts.values())
    if not t.ok(good, "memory: with all of it, all is as it should be", (counts, wrong)):
        return
    tasks = [
        (who, first, last)
        for who, count in counts.items()
        for first in range(1, count + 1)
        for last in (first, FOREVER)
    ]
    started = time.monotonic()
    done = faulty.spread(lambda job, task: shorts[job].session(*task), tasks, JOBS)
    for who in counts:
        name = PROCESSES[who]
        mine = [(task, wrong, figures) for task, (wrong, _, figures) in done if task[0] == who]
        bad = [(task, wrong) for task, wrong, _ in mine if wrong]
        text = "\n".join("%d to %d: %s" % (a, b, "\n  ".join(w)) for (_, a, b), w in bad[:8])
        t.ok(not bad, "memory: %s: without it, nothing is wrong" % name, "%d times\n%s" % (len(bad), text))
        met = sum(figures[4] > 0 for _, _, figures in mine)
        t.ok(met == len(mine), "memory: %s: it ran out" % name, "%d of %d" % (met, len(mine)))
    t.note("memory: %s allocations, %d runs, %.1f s" % (counts, len(tasks), time.monotonic() - started))


def writes(short):
    for most in (1, 7, 100, 4000):
        wrong, play, figures = short.session(most=most)
        t.ok(
            whole(play) and not wrong and figures[9] > 1,
            "writes that take %d octets: all is as it should be" % most,
            "%d of them, %s" % (figures[9], wrong),
        )


# --- a full disk -------------------------------------------------------------------------------
@contextlib.contextmanager
def disk(place, options):
    """a small file system; it goes with our mount name space, whatever happens"""
    (place / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "restante-test", place / "disk"], check=True)
    try:
        yield place / "disk"
    finally:
        subprocess.run(["umount", place / "disk"], check=True)
        (place / "disk").rmdir()


def unshare():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mount name space")


def fill(top):
    """no octet, no file more; how many files that took"""
    count = 0
    with contextlib.suppress(OSError), open(top / "big", "wb", buffering=0) as big:
        while True:
            big.write(b"x" * 512)
    with contextlib.suppress(OSError):
        while True:
            (top / ("file%d" % count)).touch()
            count += 1
    return count


def full(server, place, what, options, before):
    """before: whether there has been a session while there was room"""
    settings = "size=200k,nr_inodes=40,uid=%d,mode=755" % server.account.pw_uid
    with disk(place, settings) as top:
        box = faulty.Box(server, top, "box", options)
        box.make()
        if before:
            box.afterwards()
        t.ok(fill(top) > 0 and os.statvfs(top).f_bavail == 0, "full disk, %s: it is full" % what)
        play, status, log = box.session(DELETE, FETCH)
        wrong = box.problems(play, full=True) + box.afterwards()
        t.ok(
            whole(play) and not wrong and status == 0,
            "full disk, %s: everything works, and deletes" % what,
            "%s, %s, %s\n%s" % (play.bye, sorted(play.told), wrong, log),
        )


def full_disks(server, place):
    if os.getuid() != 0:
        t.skip("full disk", "only root mounts one")
        return
    unshare()
    full(server, place, "first open", [], False)
    full(server, place, "with index and lock", [], True)
    full(server, place, "into the trash", ["mail.on_delete=trash"], False)


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    with room(True) as place, Server(anybody=True) as server:
        server.own(place)
        trouble = compile_object(server.dir)
        shorts = [Short(server, place, job, server.dir / "nomem.so") for job in range(JOBS)]
        if t.ok(not trouble, "nomem.c compiles", trouble):
            memory(shorts)
            writes(shorts[0])
        full_disks(server, place)
        t.ok(server.wait_idle(), "no process is left")
    t.done()


main()
