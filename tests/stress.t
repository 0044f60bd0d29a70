#!/usr/bin/python3
"""stress.t - a Maildir that changes all the time: what sessions show, fetch and delete meanwhile

Several processes deliver, rename and delete, others hold POP3 sessions, one after another and at
once.  All write down what they did and when; when all is quiet it is judged: whether a session
showed what was there, nothing else and nothing twice, and whether it deleted what it was told to.

For $RESTANTE_STRESS seconds (10), from the seed $RESTANTE_SEED (any).

SPDX-License-Identifier: ISC
"""
import json
import os
import pathlib
import random
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import corpus  # noqa: E402
from pop import Closed, Pop  # noqa: E402
from server import BUILD, Server  # noqa: E402
from writers import EVER, NEVER, Writer, maildir, order, process, room, size_on_wire, stored  # noqa: E402

SECONDS = float(os.environ.get("RESTANTE_STRESS") or 10)
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(4), "big"))
WRITERS = 3
READERS = 2
RETRS = 4  # messages that a session fetches
# user: how many messages there are, and how much time; the second are more than a directory
# tells in one system call
BOXES = {"few": (40, 0.5), "many": (4500, 0.5)}

t = check.Checks()
met = {}  # how often what this test is about has happened


class Reader:
    """sessions, one after another, and a record of each"""

    def __init__(self, port, user, number):
        self.port, self.user = port, user
        self.random = random.Random("%d %s reader %d" % (SEED, user, number))
        self.sessions, self.in_use, self.wrong = [], 0, []

    def work(self, until):
        while time.monotonic() < until:
            with Pop(self.port) as pop:
                try:
                    self.session(pop)
                except (AssertionError, Closed, OSError, ValueError) as error:
                    self.wrong.append("%s: %s" % (type(error).__name__, check.cut(error, 300)))
            time.sleep(self.random.uniform(0, 0.02))
        return {"sessions": self.sessions, "in_use": self.in_use, "wrong": self.wrong}

    def session(self, pop):
        if not pop.line().startswith(b"+OK"):
            raise AssertionError("no greeting")
        pop.expect("USER " + self.user)
        seen = {"open": [time.monotonic(), EVER], "deleted": [], "how": "cut"}
        reply = pop.command("PASS x")
        seen["open"][1] = time.monotonic()
        if reply.startswith("-ERR [IN-USE]"):
            self.in_use += 1
            return
        if not reply.startswith("+OK"):
            raise AssertionError("PASS: " + reply)
        self.sessions.append(seen)
        try:
            self.look(pop, seen)
            self.fetch(pop, seen)
            self.end(pop, seen)
        finally:
            seen.setdefault("end", time.monotonic())

    def look(self, pop, seen):
        """STAT, LIST, UIDL, in any order, at once or in turn"""
        commands = ["STAT", "LIST", "UIDL"]
        self.random.shuffle(commands)
        together = self.random.random() < 0.5
        if together:
            pop.send("".join(c + "\r\n" for c in commands).encode())
        for command in commands:
            if not together:
                pop.send(command.encode() + b"\r\n")
            status = pop.line().decode()
            if not status.startswith("+OK"):
                raise AssertionError("%s: %s" % (command, status))
            if command == "STAT":
                seen["STAT"] = int(status.split()[1])
                continue
            rows = [row.split(" ", 1) for row in pop.body().decode().split("\r\n")[:-1]]
            if [int(row[0]) for row in rows] != list(range(1, len(rows) + 1)):
                raise AssertionError("%s: its numbers are not 1, 2, 3..." % command)
            seen[command] = [row[1] for row in rows]
        seen["looked"] = time.monotonic()

    def fetch(self, pop, seen):
        seen["fetched"] = []
        count = len(seen["UIDL"])
        for number in self.random.sample(range(count), min(RETRS, count)):
            status = pop.command("RETR %d" % (number + 1))
            body = pop.body() if status.startswith("+OK") else None
            what = "refused" if body is None else "good"
            if body is not None and body != corpus.wire(stored(seen["UIDL"][number])):
                what = "other content"
            seen["fetched"].append([seen["UIDL"][number], what, time.monotonic()])

    def end(self, pop, seen):
        count = len(seen["UIDL"])
        numbers = self.random.sample(range(count), min(self.random.choice((0, 1, 2, 9)), count // 4))
        for number in numbers:
            pop.expect("DELE %d" % (number + 1))
        if self.random.random() < 0.3:
            seen["end"] = time.monotonic()
            self.cut(pop)
            return
        if self.random.random() < 0.2:
            pop.expect("RSET")
            numbers = []
        seen["how"] = "quit"
        seen["end"] = before = time.monotonic()
        reply = pop.command("QUIT")
        seen["how"] = reply[:60]
        if reply.startswith("+OK"):
            after = time.monotonic()
            seen["deleted"] = [[seen["UIDL"][number], before, after] for number in numbers]

    def cut(self, pop):
        """without QUIT, in the middle of a message perhaps, politely or not"""
        if self.random.random() < 0.5:
            pop.send(b"RETR 1\r\n")
        if self.random.random() < 0.5:
            pop.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# --- a run -------------------------------------------------------------------------------------
def fill(top, count):
    """what is there before anything begins, by the writers that will go on with it"""
    writers = [Writer(top, number, SEED, count // WRITERS) for number in range(WRITERS)]
    for number in range(count):
        writers[number % WRITERS].deliver("new" if number % 10 == 0 else "cur")
    return writers


def run(server, top, user, count, seconds):
    """the histories of all writers and readers"""
    writers = fill(top, count)
    become = (server.account.pw_uid, server.account.pw_gid) if os.getuid() == 0 else None
    if become:
        for part in ("new", "cur"):
            for entry in os.scandir(top / part):
                os.chown(entry.path, *become)
    results = server.own(server.make("results-" + user))
    until = time.monotonic() + seconds

    def write(writer):
        writer.work(until, 0.01)
        return {"born": writer.born, "died": writer.died}

    started = {}
    for number, writer in enumerate(writers):
        started[process(lambda: write(writer), become, results / ("writer%d" % number))] = number
    for number in range(READERS):
        reader = Reader(server.port, user, number)
        started[process(lambda: reader.work(until), None, results / ("reader%d" % number))] = number
    failed = [pid for pid in started if os.waitpid(pid, 0)[1] != 0]
    t.ok(not failed, "%s: every writer and reader came to its end" % user)
    if failed:
        return None
    texts = [json.loads(path.read_text()) for path in sorted(results.iterdir())]
    return [x for x in texts if "born" in x], [x for x in texts if "sessions" in x]


class History:
    """when each message was there, as far as it can be known"""

    def __init__(self, writers, readers):
        self.born, self.died = {}, {}
        for writer in writers:
            self.born.update(writer["born"])
            for base, when in writer["died"].items():
                self.died.setdefault(base, []).append(when)
        for reader in readers:
            for seen in reader["sessions"]:
                for base, before, after in seen["deleted"]:
                    self.died.setdefault(base, []).append([before, after])
        self.gone = {base: tuple(map(min, zip(*whens))) for base, whens in self.died.items()}
        first = min((seen["open"][0] for reader in readers for seen in reader["sessions"]), default=0)
        # most are there all the time, and need not be looked at one by one for each session
        self.stable = {b for b, when in self.born.items() if when[1] < first and b not in self.gone}
        self.moving = {b: when for b, when in self.born.items() if b not in self.stable}

    def gone_from(self, base):
        """when it may have gone; for certain it had by the second"""
        return self.gone.get(base, NEVER)

    def throughout(self, begin, end):
        """what was there all the time"""
        return self.stable | {
            b for b, when in self.moving.items() if when[1] < begin and self.gone_from(b)[0] > end
        }

    def absent(self, base, begin, end):
        """it was certainly not there at any time from begin to end"""
        return base not in self.born or self.born[base][0] > end or self.gone_from(base)[1] < begin

    def left(self):
        return {base for base in self.born if base not in self.died}


# --- what is asked of it -----------------------------------------------------------------------
def none(wrong, name):
    t.ok(not wrong, name, "%d times: %s" % (len(wrong), check.cut(wrong[:3], 900)))


def judge(user, history, readers):
    sessions = [seen for reader in readers for seen in reader["sessions"] if "looked" in seen]
    what = user + ": "
    none([w for reader in readers for w in reader["wrong"]], what + "no session broke, no reply was amiss")
    none(
        [
            (seen["STAT"], len(seen["LIST"]), len(seen["UIDL"]))
            for seen in sessions
            if len({seen["STAT"], len(seen["LIST"]), len(seen["UIDL"])}) != 1
        ],
        what + "STAT, LIST and UIDL tell of the same number of messages",
    )
    none(
        [1 for seen in sessions if len(set(seen["UIDL"])) != len(seen["UIDL"])],
        what + "no message is shown twice",
    )
    none(
        [
            (len(missing), sorted(missing)[:2])
            for seen in sessions
            if (missing := history.throughout(*seen["open"]).difference(seen["UIDL"]))
        ],
        what + "what was there while a session opened is shown in it",
    )
    none(
        [
            u
            for seen in sessions
            for u in set(seen["UIDL"]) - history.stable
            if history.absent(u, *seen["open"])
        ],
        what + "what never was, came later or had gone before is not shown",
    )
    none(
        [1 for seen in sessions if seen["UIDL"] != sorted(seen["UIDL"], key=order)],
        what + "the order is that of the names",
    )
    judge_content(what, history, sessions)
    judge_ends(what, history, sessions, readers)


def judge_content(what, history, sessions):
    lengths = {base: str(size_on_wire(stored(base))) for base in history.born}
    none(
        [
            (base, size, lengths.get(base))
            for seen in sessions
            for base, size in zip(seen["UIDL"], seen["LIST"])
            if size != lengths.get(base) and history.gone_from(base)[0] > seen["looked"]
        ],
        what + "LIST tells the size of each",
    )
    fetched = [f for seen in sessions for f in seen["fetched"]]
    none([f for f in fetched if f[1] == "other content"], what + "RETR brings the message and no other")
    none(
        [f for f in fetched if f[1] == "refused" and history.gone_from(f[0])[0] > f[2]],
        what + "RETR brings every message that was not deleted meanwhile",
    )


def judge_ends(what, history, sessions, readers):
    hows = [seen["how"] for seen in sessions]
    none(
        [how for how in hows if how != "cut" and not how.startswith("+OK")],
        what + "QUIT could delete all it had to",
    )
    spans = sorted((seen["open"][1], seen["end"]) for seen in sessions)
    none([(a, b) for a, b in zip(spans, spans[1:]) if b[0] < a[1]], what + "no two sessions at once")
    in_use = sum(reader["in_use"] for reader in readers)
    deleted = sum(len(seen["deleted"]) for seen in sessions)
    counts = {"sessions": len(hows), "cut": hows.count("cut"), "refused": in_use, "deleted": deleted}
    t.note("%s%s; %d delivered, %d gone" % (what, counts, len(history.born), len(history.died)))
    for name, count in counts.items():
        met[name] = met.get(name, 0) + count


def quiet(server, user, top, history):
    """nobody changes anything any more"""
    what = user + ", all quiet: "
    left = sorted(history.left(), key=order)
    files = [name.partition(":")[0] for part in ("new", "cur") for name in os.listdir(top / part)]
    none(
        sorted(set(files) ^ set(left)),
        what + "those files are left that nobody deleted, and no others",
    )
    t.same(len(files), len(left), what + "there is one file for each")
    for when in ("the next session", "the one after that", "one without an index"):
        if when.startswith("one without"):
            (top / "restante.index").unlink(missing_ok=True)
        with t.holds(what + when + " shows exactly these, in order"):
            with Pop(server.port) as pop:
                pop.login(user, "x")
                shown = [row.partition(b" ")[2].decode() for row in pop.multi("UIDL").splitlines()]
                assert int(pop.command("STAT").split()[1]) == len(left), "STAT"
                difference = set(shown) ^ set(left)
                assert not difference, "%d: %s" % (len(difference), sorted(difference)[:3])
                assert shown == left, "not in order"
                for number in range(1, len(left) + 1, 1 + len(left) // 100):
                    assert pop.multi("RETR %d" % number) == corpus.wire(stored(left[number - 1])), number
                pop.expect("QUIT")
        server.wait_idle()


def box(server, top, user, count, seconds):
    maildir(top, server.own)
    found = run(server, top, user, count, seconds)
    if found is None:
        return
    t.ok(server.wait_idle(15), user + ": no process is left")
    history = History(*found)
    judge(user, history, found[1])
    quiet(server, user, top, history)
    t.same(set(server.statuses()), {0}, user + ": every process of the server's ended with status 0")
    none(
        [line for line in server.log().splitlines() if "bug" in line or "cannot be read" in line],
        user + ": the log has no complaint",
    )


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    t.note("RESTANTE_SEED=%d RESTANTE_STRESS=%g" % (SEED, SECONDS))
    for user, (count, share) in BOXES.items():
        # a minute has time for a disk
        with room(SECONDS < 60 and user == "many") as place:
            settings = ["mail.lock_wait=0", "mail.maildir=%s/%%u" % place]
            with Server(settings, anybody=True) as server:
                box(server, place / user, user, count, SECONDS * share)
    t.ok(
        met and min(met.values()) > 0 and met["sessions"] > 10,
        "there were sessions, some were cut, some deleted, some came while another was there",
        met,
    )
    t.done()


main()
