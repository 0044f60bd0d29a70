#!/usr/bin/python3
"""faults.t - a session is killed at each of its system calls, and each of them fails

Whatever happens, no message that was not marked goes, none goes without QUIT, every answer is
right or an error, nothing hangs, and the next session opens and agrees with what is there
(lib/faulty.py).  strace does it: SIGKILL as a call is entered; an error in place of a call.  First
losses are planted, and must be found.

By default the session is killed once at each call, and each fails with one error, which
$RESTANTE_SEED chooses; RESTANTE_FAULTS=all takes all of them.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import shutil
import sys
import time
import types

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import faulty  # noqa: E402
from server import BUILD, Server  # noqa: E402
from writers import room  # noqa: E402

ALL = os.environ.get("RESTANTE_FAULTS") == "all"
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(2), "big"))
ERRORS = ["EIO", "ENOSPC", "EDQUOT", "ENOMEM", "EINTR", "ESTALE"]
JOBS = os.cpu_count() or 1
EVERY = range(1, len(faulty.BASES) + 1)

# name: (options, whether an index is there, what is deleted, what is fetched)
SCENARIOS = {
    "first open": ([], False, (), (1, 3)),
    "open with an index": ([], True, (), (6,)),
    "every message fetched": (["mail.mark_seen=yes"], False, (), EVERY),
    "deleted": ([], False, (1, 3, 4, 5), (2,)),
    "deleted, with an index": ([], True, (2, 4), (1,)),
    "RFC 918: deleted": (["server.protocol=pop1"], False, EVERY, EVERY),
    "RFC 918: fetched, with an index": (["server.protocol=pop1"], True, (), EVERY),
    "into the trash": (["mail.on_delete=trash"], False, (2, 6), ()),
}

t = check.Checks()


class Scenario:
    def __init__(self, server, place, name):
        self.name, number = name, list(SCENARIOS).index(name)
        options, self.index, self.delete, self.fetch = SCENARIOS[name]
        self.boxes = [
            faulty.Box(server, place, "%d-%d" % (number, job), options, quota=bool(self.delete))
            for job in range(JOBS)
        ]

    def prepare(self, box):
        box.make()
        if self.index:
            box.afterwards()

    def session(self, box, *inject):
        prefix = ["strace", "-qq", "-o", box.trace, *inject]
        return box.session(self.delete, self.fetch, prefix)

    def points(self):
        """of a session in which nothing fails"""
        box = self.boxes[0]
        self.prepare(box)
        play, status, log = self.session(box)
        wrong = box.problems(play)
        whole = play.told >= {"STAT", "UIDL", "QUIT"} and len(play.marked) == len(self.delete)
        t.ok(
            not wrong and status == 0 and whole and play.bye.startswith("+OK"),
            self.name + ": nothing fails, all is as it should be",
            "%s, %s, %s\n%s" % (wrong, status, play.bye, log),
        )
        return faulty.points(box.trace)

    def fault(self, box, point, what):
        """problems of one session; None: the fault was not met"""
        call, when = point
        self.prepare(box)
        how = "signal=KILL" if what == "KILL" else "error=%s:syscall=getpid" % what
        play, status, log = self.session(
            box, "-e", "trace=" + call, "-e", "inject=%s:%s:when=%d" % (call, how, when)
        )
        said = box.trace.read_text(errors="replace")
        wrong = box.problems(play, what != "KILL", what in ("ENOSPC", "EDQUOT")) + box.afterwards()
        if what != "KILL" and (status is None or status < 0 or "bug" in log):
            wrong.append("it ended by %s" % status)
        if wrong:
            wrong.append("told: %s, %s\n%s" % (sorted(play.told), play.bye, log))
            wrong.append(said[-300:])
        return wrong if wrong or "INJECTED" in said or "killed by SIGKILL" in said else None


def chosen(points, step):
    """pairs of a point and what happens there; step: of so many one, unless all are wanted"""
    if ALL:
        return [(point, what) for point in points for what in ["KILL", *ERRORS]]
    return [
        (point, what)
        for number, point in enumerate(points)
        if number % step == SEED % step
        for what in ("KILL", ERRORS[(SEED + number + number // len(ERRORS)) % len(ERRORS)])
    ]


def every(scenario):
    """each call of a scenario, killed and failing"""
    points = scenario.points()
    # where nothing is deleted a third of RFC 918's calls is enough: most are POP3's
    tasks = chosen(points, 1 if scenario.delete or "RFC 918" not in scenario.name else 3)
    started = time.monotonic()
    done = faulty.spread(lambda job, task: scenario.fault(scenario.boxes[job], *task), tasks, JOBS)
    bad = [(task, wrong) for task, wrong in done if wrong]
    met = sum(wrong is not None for _, wrong in done)
    text = "\n".join("%s %d: %s: %s" % (*p, what, "\n  ".join(w)) for (p, what), w in bad[:12])
    t.ok(not bad, "%s: whatever fails, nothing is wrong" % scenario.name, "%d times\n%s" % (len(bad), text))
    t.ok(
        met >= len(tasks) * 8 // 10 and len(points) > 30,
        "%s: the faults were met" % scenario.name,
        "%d of %d" % (met, len(tasks)),
    )
    t.note(
        "%s: %d system calls, %d runs, %d met, %.1f s"
        % (scenario.name, len(points), len(tasks), met, time.monotonic() - started)
    )


# --- what is planted, and found ------------------------------------------------------------------
def add(box, row):
    box.write("maildirsize", (box.top / "maildirsize").read_bytes() + row)


BYE, OFF = "+OK bye, 1 deleted, 5 left", "+OK bye, 2 deleted, 4 left"
ONE, TWO, THREE = list(faulty.MESSAGES)[:3]
# name: (what is done to the box and to what the client knows, a word of what is found)
PLANTED = {
    "one that was not marked is gone": (lambda box, play: (box.top / TWO).unlink(), "message 2: 0 files"),
    "one that was marked is there": (lambda box, play: box.write(ONE, faulty.MESSAGES[ONE]), "message 1 is"),
    "it went without QUIT": (lambda box, play: setattr(play, "bye", None), "message 1: 0 files"),
    "an octet is missing": (lambda box, play: box.write(THREE, faulty.MESSAGES[THREE][:-1]), "message 3:"),
    "one is there twice": (lambda box, play: box.write("cur/" + TWO[4:] + ":2,", b"x"), "message 2: 2 files"),
    "a message more": (lambda box, play: box.write("new/1700000009.M9.box", b"x"), "a strange message"),
    "a file more": (lambda box, play: box.write("x", b""), "a strange file: x"),
    "the reply counts too many": (lambda box, play: setattr(play, "bye", OFF), "2 deleted"),
    "fewer went than may not last": (lambda box, play: play.marked.add(2), "may not last"),
    "an octet in maildirsize": (lambda box, play: add(box, b"1 0\n"), "maildirsize"),
    "the password is blamed": (lambda box, play: setattr(play, "blamed", True), "password"),
}


def right(box, bye):
    """the first message was marked, and is gone; what the client knows"""
    box.make()
    (box.top / ONE).unlink()
    add(box, b"%d -1\n" % -len(faulty.MESSAGES[ONE]))
    return types.SimpleNamespace(wrong=[], blamed=False, marked={1}, bye=bye)


def plant(server, place):
    box = faulty.Box(server, place, "planted", quota=True)
    wrong = box.problems(right(box, BYE))
    t.same(wrong, [], "planted: nothing is found where nothing is wrong")
    for name, (act, word) in PLANTED.items():
        play = right(box, "-ERR may not last" if "may not" in name else BYE)
        act(box, play)
        wrong = box.problems(play)
        t.ok(any(word in line for line in wrong), "planted: %s, and it is found" % name, wrong)
    box = faulty.Box(server, place, "planted-trash", ["mail.on_delete=trash"], quota=True)
    wrong = box.problems(right(box, BYE))
    found = "not in the trash: " + faulty.base(ONE) in wrong
    t.ok(found, "planted: not in the trash, and it is found", wrong)


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    if not shutil.which("strace"):
        check.skip_all("no strace")
    t.note("RESTANTE_SEED=%d%s" % (SEED, " RESTANTE_FAULTS=all" if ALL else ""))
    with room(True) as place, Server(anybody=True) as server:
        server.own(place)
        plant(server, place)
        for name in SCENARIOS:
            every(Scenario(server, place, name))
        t.ok(server.wait_idle(), "no process is left")
    t.done()


main()
