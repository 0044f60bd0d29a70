#!/usr/bin/python3
"""shortage.t - memory that runs out at each allocation, writes that take less, a disk that is full

Memory: by lib/nomem.c, in the monitor that becomes the session and in the PAM process, at one
allocation or from one on.  The answers are right or errors, nothing is lost, nobody crashes
(lib/faulty.py).  Short writes: all goes as ever.  A full disk: all works, deleting above all.

The TLS relay's library allocates thousands of times: so many of them are taken as RELAY_RUNS says,
the first of them by $RESTANTE_SEED; all with RESTANTE_FAULTS=all.

SPDX-License-Identifier: ISC
"""
import contextlib
import ctypes
import os
import pathlib
import re
import shlex
import ssl
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
FIGURES = struct.Struct("11I")  # struct figures of nomem.c
DELETE, FETCH = (1, 3, 4, 5), (2, 6)
RELAY_RUNS = 200
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(2), "big"))
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

    def __init__(self, server, place, job, so, options=(), delete=DELETE):
        self.box = faulty.Box(server, place, "short%d%s" % (job, "-first" if options else ""), options, quota=True)
        self.delete, self.so, self.path = delete, so, server.own(server.write("figures%d" % job, ""))

    def session(self, who=9, first=0, last=0, most=0):
        """(problems, Play, figures)"""
        self.box.make()
        self.path.write_bytes(FIGURES.pack(who, first, last, most, *[0] * 7))
        play, status, log = self.box.session(
            self.delete, FETCH, environment={"LD_PRELOAD": str(self.so), "NOMEM": str(self.path)}
        )
        figures = FIGURES.unpack(self.path.read_bytes())
        if who == 2:  # libpam itself makes that of some failures, and the C library crashes
            play.blamed, figures = False, (*figures[:10], 0)
        return judge(self.box.problems(play) + self.box.afterwards(), play, status, log, figures)


def judge(wrong, play, status, log, figures):
    """wrong, with how its processes ended, and what else is to be known"""
    if status is None or status < 0 or figures[10] or re.search("bug|killed by|signal", log):
        wrong.append("it ended by %s, one of its processes by %d" % (status, figures[10]))
    if wrong:
        wrong.append("told: %s, %s\n%s" % (sorted(play.told), play.bye, log))
    return wrong, play, figures


def whole(play, delete=DELETE):
    """every command was answered well"""
    told = play.told >= {"STAT", "UIDL", "QUIT"} and len(play.marked) == len(delete)
    return told and play.bye.startswith("+OK")


def memory(shorts, what="memory", processes=PROCESSES):
    wrong, play, figures = shorts[0].session()
    counts = dict(zip(PROCESSES, figures[5:8]))
    t.same(counts.pop(1), 0, what + ": the login process allocates none")
    good = whole(play, shorts[0].delete) and not wrong and all(counts.values())
    if not t.ok(good, what + ": with all of it, all is as it should be", (counts, wrong)):
        return
    counts = {who: count for who, count in counts.items() if who in processes}
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
        t.ok(not bad, "%s: %s: without it, nothing is wrong" % (what, name), "%d times\n%s" % (len(bad), text))
        met = sum(figures[4] > 0 for _, _, figures in mine)
        t.ok(met == len(mine), "%s: %s: it ran out" % (what, name), "%d of %d" % (met, len(mine)))
    t.note("%s: %s allocations, %d runs, %.1f s" % (what, counts, len(tasks), time.monotonic() - started))


def writes(short):
    for most in (1, 7, 100, 4000):
        wrong, play, figures = short.session(most=most)
        t.ok(
            whole(play, short.delete) and not wrong and figures[9] > 1,
            "writes that take %d octets: all is as it should be" % most,
            "%d of them, %s" % (figures[9], wrong),
        )


# --- the TLS relay -----------------------------------------------------------------------------
class Veiled(faulty.Box):
    """a box that is reached by TLS, through a relay that lacks memory while failing"""

    def __init__(self, server, place, job, so, settings):
        self.path = server.own(server.write("relay-figures%d" % job, ""))
        # the relay has an environment of its own
        words = "LD_PRELOAD=%s NOMEM=%s exec %s" % (so, self.path, server.relay)
        script = server.write("relay%d" % job, '#!/bin/sh\n%s "$@"\n' % words, 0o755)
        super().__init__(server, place, "veiled%d" % job, [*settings, "tls.relay=%s" % script], quota=True)
        self.context, self.failing = ssl.create_default_context(cafile=server.ca), False

    def run(self, act, prefix=(), environment=None, plain=False):
        return super().run(lambda play: self.veil(play, act), prefix, environment, plain)

    def veil(self, play, act):
        """an alert or an early end tells the client enough; to hang or to lie does not"""
        try:
            play.socket = self.context.wrap_socket(play.socket, server_hostname="localhost")
            act(play)
        except (ssl.SSLError, ConnectionError) as error:
            if not self.failing or isinstance(error, ssl.SSLCertVerificationError):
                raise
        finally:
            play.socket.close()

    def lacking(self, first=0, last=0):
        """(problems, Play, figures) of a session, and problems of the one after it"""
        self.make()
        self.path.write_bytes(FIGURES.pack(0 if first else 9, first, last, 0, *[0] * 7))
        self.failing = first > 0
        play, status, log = self.session(DELETE, FETCH)
        figures, self.failing = FIGURES.unpack(self.path.read_bytes()), False
        self.path.write_bytes(FIGURES.pack(9, 0, 0, 0, *[0] * 7))
        return judge(self.problems(play) + self.afterwards(), play, status, log, figures)


def relay(server, place):
    server.tls = "implicit"
    settings = server.secure()
    boxes = [Veiled(server, place, job, server.dir / "nomem.so", settings) for job in range(JOBS)]
    wrong, play, figures = boxes[0].lacking()
    count = figures[5]
    good = whole(play) and not wrong and count > RELAY_RUNS
    if not t.ok(good, "memory: by TLS, with all of it, all is as it should be", (count, wrong)):
        return
    step = 1 if os.environ.get("RESTANTE_FAULTS") == "all" else count // RELAY_RUNS
    chosen = range(1 + SEED % step, count + 1, step)
    tasks = [(n, (n, FOREVER)[i % 2]) for i, n in enumerate(chosen)]
    if step == 1:
        tasks = [(n, last) for n in chosen for last in (n, FOREVER)]
    started = time.monotonic()
    done = faulty.spread(lambda job, task: boxes[job].lacking(*task), tasks, JOBS)
    bad = [(task, wrong) for task, (wrong, _, _) in done if wrong]
    text = "\n".join("%d to %d: %s" % (*task, "\n  ".join(w)) for task, w in bad[:8])
    t.ok(not bad, "memory: relay: without it, nothing is wrong", "%d times\n%s" % (len(bad), text))
    met = sum(figures[4] > 0 for _, (_, _, figures) in done)
    t.ok(met >= len(tasks) * 9 // 10, "memory: relay: it ran out", "%d of %d" % (met, len(tasks)))
    served = sum(whole(play) for _, (_, play, _) in done)
    t.note(
        "memory: %d allocations of the relay, %d runs, %d met, %d clients served, %.1f s, RESTANTE_SEED=%d"
        % (count, len(tasks), met, served, time.monotonic() - started, SEED)
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
            first = [Short(server, place, job, server.dir / "nomem.so", ["server.protocol=pop1"], range(1, 7))
                     for job in range(JOBS)]
            memory(first, "RFC 918", [0])
            writes(first[0])
            relay(server, place)
        full_disks(server, place)
        t.ok(server.wait_idle(), "no process is left")
    t.done()


main()
