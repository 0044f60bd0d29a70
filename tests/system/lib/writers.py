"""writers.py - processes that change a Maildir as a delivery agent and an IMAP server would

Each writer has messages of its own: nobody else renames them but the program under test, which
may move them to cur or delete them.  It writes down when each came and when it went, by a clock
that all processes share, so that what a session shows can be judged afterwards.

SPDX-License-Identifier: ISC
"""
import contextlib
import functools
import json
import os
import pathlib
import random
import shutil
import tempfile
import time
import zlib

LINES = b"The quick brown fox\njumps over the lazy dog,\n.\n..and nobody\n\n.knows why it still does.\n" * 50
FLAGS = ("", "S", "RS", "FS", "FRS", "T")
PHASE = 0.4  # seconds
EVER = float("inf")
NEVER = (EVER, EVER)


def stored(base):
    """the file of a message: nobody else's, and the same at each call"""
    base = base.partition(",")[0].encode()
    body = LINES[: zlib.crc32(base) % 4000]
    return b"From: a@example.org\nSubject: %s\n\n%s\nend of %s" % (base, body, base)


@contextlib.contextmanager
def room(quick):
    """a directory for mail that all may enter; quick: where making and removing files takes no time"""
    where = "/dev/shm" if quick and os.access("/dev/shm", os.W_OK) else None
    path = pathlib.Path(tempfile.mkdtemp(prefix="restante-test.", dir=where))
    try:
        path.chmod(0o755)
        yield path
    finally:
        shutil.rmtree(path)


def maildir(top, own):
    """an empty Maildir; own: what gives a path to its owner"""
    for part in ("", "new", "cur", "tmp"):
        (top / part).mkdir(parents=True)
        own(top / part)
    return top


@functools.lru_cache(maxsize=None)
def order(base):
    """key of the order of messages: when they were delivered, then the octets of the name"""
    return int(base.partition(".")[0]), base.encode()


def size_on_wire(octets):
    """nothing in stored() has CRs, and its last line has no end"""
    return len(octets) + octets.count(b"\n") + 2


class Writer:
    def __init__(self, top, number, seed, holds):
        """top: the Maildir; holds: how many messages it tries to have"""
        self.top, self.number, self.holds = str(top), number, holds
        self.random = random.Random("%d writer %d" % (seed, number))
        self.born = {}  # base name: when it may have come, when it had come
        self.died = {}  # base name: when it may have gone, when it had gone
        self.path = {}  # base name: where it was last, of those that may be there
        self.bases = []  # the same, to choose from
        self.count = 0

    def name(self):
        """anywhere in the order: clocks differ, queues are slow"""
        self.count += 1
        base = "%d.M%dP%dQ%d.stress" % (
            1700000000 + self.random.randrange(10000),
            self.random.randrange(1000000),
            self.number,
            self.count,
        )
        if self.random.random() < 0.5:
            base += ",S=%d" % len(stored(base))
        if self.random.random() < 0.3:
            base += ",W=%d" % size_on_wire(stored(base))
        return base

    def deliver(self, where="new"):
        base = self.name()
        temporary, path = self.top + "/tmp/" + base, self.top + "/new/" + base
        if where == "cur":
            path = self.top + "/cur/" + base + ":2,S"
        with open(temporary, "wb") as file:
            file.write(stored(base))
        before = time.monotonic()
        if self.random.random() < 0.5:
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
        self.born[base] = before, time.monotonic()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        self.path[base] = path
        self.bases.append(base)

    def choose(self):
        return self.random.choice(self.bases)

    def forget(self, base):
        del self.path[base]
        self.bases.remove(base)

    def find(self, base):
        """whether it is there still, after the program had it elsewhere"""
        for part in ("new", "cur", "new", "cur"):
            for name in os.listdir(self.top + "/" + part):
                if name.partition(":")[0] == base:
                    self.path[base] = "%s/%s/%s" % (self.top, part, name)
                    return True
        self.forget(base)
        return False

    def rename(self):
        """other flags; from new that is the way to cur, and mostly it is there already"""
        base = self.choose()
        path = "%s/cur/%s:2,%s" % (self.top, base, self.random.choice(FLAGS))
        try:
            os.rename(self.path[base], path)
        except FileNotFoundError:
            self.find(base)
        else:
            self.path[base] = path

    def delete(self):
        base = self.choose()
        before = time.monotonic()
        try:
            os.unlink(self.path[base])
        except FileNotFoundError:
            self.find(base)
        else:
            self.died[base] = before, time.monotonic()
            self.forget(base)

    def step(self, kind="any"):
        roll = self.random.random()
        if kind == "new" or (kind == "any" and (len(self.bases) < 2 or roll < 0.3)):
            self.deliver()
        elif len(self.bases) > 1 and roll < 0.6:
            self.rename()
        elif len(self.bases) * self.random.uniform(0.5, 1.5) > self.holds:
            self.delete()

    def work(self, until, pause):
        """
        pause: so many seconds between two steps, on the average; they come in bursts
        All writers agree by the clock that for some time both directories change often, for some
        nothing does, and for some one of them does now and then.
        """
        while (now := time.monotonic()) < until:
            kind = ("any", "none", "new", "cur")[int(now / PHASE) % 4]
            if kind == "none":
                time.sleep(PHASE - now % PHASE)
                continue
            for _ in range(self.random.choice((1, 1, 2, 5))):
                self.step(kind)
            time.sleep(self.random.expovariate(1 / pause) * (1 if kind == "any" else 20))


def process(work, become, where):
    """
    work() in a process, as the account become (uid, gid; None: ours); what it returns goes to
    the file where, as JSON
    """
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if become:
            os.setgroups([])
            os.setresgid(become[1], become[1], become[1])
            os.setresuid(become[0], become[0], become[0])
        result = work()
        with open(where, "w") as file:
            json.dump(result, file)
        status = 0
    except BaseException as error:
        print("# %s: %s" % (where, repr(error)[:500]), flush=True)
    finally:
        os._exit(status)
