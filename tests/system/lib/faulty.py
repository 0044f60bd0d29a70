"""faulty.py - one session of a small mailbox in which something fails, and what must hold then

A Box is a Maildir of which every octet is known.  A session plays a fixed dialogue; whatever fails
in it, each answer must be right, an error, or missing together with the connection, and what is on
disk afterwards must be what the client may believe.

SPDX-License-Identifier: ISC
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading

import corpus
import first
from pop import Closed, Pop

PATIENCE = 10.0 * float(os.environ.get("RESTANTE_PATIENCE") or 1)  # seconds
LINES = b".leading dot\nplain\r\n..two\nlong %s\n" % (b"x" * 300)
# file name: content; more than one buffer, no last line end, nothing at all
MESSAGES = {
    "new/1700000001.M1.box": b"Subject: one\n\n" + LINES * 3,
    "new/1700000002.M2.box": b"Subject: two\n\n" + LINES * 200,
    "new/1700000003.M3.box": b"Subject: three\n\n.no end",
    "cur/1700000004.M4.box:2,": b"Subject: four\r\n\r\n" + LINES,
    "cur/1700000005.M5.box:2,S": b"",
    "cur/1700000006.M6.box:2,RS": b"Subject: six\n\n" + LINES * 5,
}
OURS = {"restante.index", "restante.index.tmp", "restante.lock"}
KNOWN = {*OURS, "maildirsize", ".Trash", "new", "cur", "tmp"}


def base(name):
    return name.partition(":")[0].rpartition("/")[2]


BASES = [base(name) for name in MESSAGES]
QUOTED = [first.quoted(octets) for octets in MESSAGES.values()]
WIRE = [corpus.wire(octets) for octets in MESSAGES.values()]
SIZES = [len(octets) for octets in WIRE]


def counted(contents):
    """what maildirsize tells of them; an empty one is not counted"""
    sizes = [len(octets) for octets in contents if octets]
    return sum(sizes), len(sizes)


def stuffed(octets):
    return re.sub(rb"(?m)^\.", b"..", octets) + b".\r\n"


def top(octets, lines):
    head, mark, body = octets.partition(b"\r\n\r\n")
    return head + mark + b"".join(body.splitlines(True)[:lines])


class Wrong(Exception):
    """an answer that no fault excuses"""


class Play(Pop):
    """the client; it notes what it was told"""

    def __init__(self, connection):
        connection.settimeout(PATIENCE)
        self.socket, self.buffer = connection, b""
        self.told, self.blamed, self.wrong = set(), False, []
        self.marked = set()
        self.bye = None  # None: QUIT was not sent; "": no reply

    def play(self, delete=(), fetch=()):
        """the whole dialogue, to the end of the connection"""
        try:
            self.login("box", "x")
        except (AssertionError, Closed, ConnectionError) as error:
            self.blamed = str(error).startswith("PASS: -ERR") and "[SYS/" not in str(error)
            self.socket.shutdown(socket.SHUT_WR)
            return self.rest()
        try:
            self.look()
            self.fetch(fetch)
            self.delete(delete)
            self.bye = ""
            self.send(b"QUIT\r\n")
            self.bye = self.line().decode()
            self.told.add("QUIT")
        except (Closed, ConnectionError):
            pass
        return self.rest()

    def status(self):
        line = self.line()
        if line[:1] not in (b"+", b"-"):
            raise Wrong("no status line: %r" % line[:80])
        return line.decode() if line[:1] == b"+" else None

    def rows(self, wanted):
        """of LIST or UIDL, complete"""
        if not self.status():
            return
        rows = self.body().decode().split("\r\n")[:-1]
        odd = [(row, want) for row, want in zip(rows, wanted) if row != want]
        # what cannot be read has no size; one call failed, so it is one message
        excused = [1 for row, want in odd if row == want.split()[0] + " 0"]
        if len(rows) != len(wanted) or len(odd) != len(excused) or len(odd) > 1:
            raise Wrong("rows: %r" % (odd or rows))

    def look(self):
        self.send(b"STAT\r\nLIST\r\nUIDL\r\n")
        status = self.status()
        if status:
            count, octets = map(int, status.split()[1:3])
            if count != len(SIZES) or sum(SIZES) - octets not in {0, *SIZES}:
                raise Wrong("STAT: " + status)
        self.told.add("STAT")
        self.rows(["%d %d" % row for row in enumerate(SIZES, 1)])
        self.rows(["%d %s" % row for row in enumerate(BASES, 1)])
        self.told.add("UIDL")

    def body_of(self, want):
        """the body is want; if the connection ends within it, the beginning of want, without an end"""
        want, got = stuffed(want), self.buffer
        try:
            while len(got) < len(want):
                more = self.socket.recv(1 << 16)
                if not more:
                    raise Closed()
                got += more
        finally:
            self.buffer = got[len(want):]
            if got[: len(want)] != want[: len(got)]:
                raise Wrong("body: %r" % check_part(got, want))

    def fetch(self, numbers):
        for n in numbers:
            self.send(b"RETR %d\r\n" % n)
            status = self.status()
            if status and status != "+OK %d octets" % SIZES[n - 1]:
                raise Wrong("RETR %d: %s" % (n, status))
            if status:
                self.body_of(WIRE[n - 1])
            self.send(b"TOP %d 2\r\n" % n)
            if self.status():
                self.body_of(top(WIRE[n - 1], 2))
            self.told.add("RETR %d" % n)

    def delete(self, numbers):
        self.send(b"".join(b"DELE %d\r\n" % n for n in numbers))
        for n in numbers:
            if self.status():
                self.marked.add(n)
            self.told.add("DELE")


class PlayFirst(Play, first.First):
    """the same for RFC 918: the mailbox whole; told and marked are as if it were POP3"""

    def play(self, delete=(), fetch=()):
        try:
            self.login("box", "x")
            refused = self.open("RDEL INBOX" if delete else "RETR INBOX")
            if refused and not refused.startswith("-ERR [SYS/"):
                raise Wrong("no count, and no fault: " + refused)
            if refused is None:
                self.told |= {"STAT", "UIDL"}
                self.take()
                self.acknowledge(bool(delete))
            self.send(b"QUIT\r\n")
            self.line()
            self.told.add("QUIT")
        except AssertionError as error:
            self.blamed = "PASS: -ERR" in str(error) and "[SYS/" not in str(error)
        except (Closed, ConnectionError):
            pass
        self.socket.shutdown(socket.SHUT_WR)
        return self.rest()

    def take(self):
        """all are announced; what came is a beginning of them, in order, and at last all of it"""
        if self.count != sum(first.MARK + len(want) for want in QUOTED):
            raise Wrong("#%d" % self.count)
        try:
            self.receive()
        finally:
            self.sent = self.parse(self.got)
        if sum(first.MARK + len(QUOTED[n - 1]) for n in self.sent) != self.count:
            raise Wrong("#%d, and messages %s came" % (self.count, self.sent))

    def parse(self, got):
        numbers, at = [], 0
        for n, want in enumerate(QUOTED, 1):
            whole = first.FROM.match(got, at) and got[at + first.MARK :].startswith(want)
            if whole:
                numbers.append(n)
                at += first.MARK + len(want)
        rest = got[at + first.MARK :]
        if rest and not any(want.startswith(rest) for want in QUOTED):
            raise Wrong("after messages %s: %r" % (numbers, rest[:80]))
        return numbers

    def acknowledge(self, deletes):
        self.marked |= {*self.sent} if deletes else set()
        self.bye = ""
        self.send(b"RCVD\r\n")
        self.bye = self.line().decode().replace("+OK ", "+OK bye, ")


def check_part(got, want):
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), 0)
    return "octet %d: %r, not %r" % (at, got[at : at + 40], want[at : at + 40])


class Box:
    def __init__(self, server, place, name, options=(), quota=False):
        self.server, self.top, self.quota = server, place / name, quota
        settings = ["mail.maildir=%s" % self.top, "mail.lock_wait=0", "auth.failure_delay=0", *options]
        self.command, self.log = server.command(settings), server.dir / ("log-" + name)
        self.client = PlayFirst if "server.protocol=pop1" in options else Play
        self.plain = [word.replace("protocol=pop1", "protocol=pop3") for word in self.command]
        self.trace = server.own(server.make("trace-" + name)) / "trace"

    def make(self):
        """as it is before the first session"""
        shutil.rmtree(self.top, ignore_errors=True)
        for part in ("", "new", "cur", "tmp"):
            (self.top / part).mkdir()
            self.server.own(self.top / part)
        for name, octets in MESSAGES.items():
            self.write(name, octets)
        # what only just changed is read again and again: how often depends on the clock
        for part in ("new", "cur"):
            os.utime(self.top / part, (1700000000, 1700000000))
        if self.quota:
            self.write("maildirsize", b"10000000S\n%12d %12d\n" % counted(MESSAGES.values()))

    def write(self, name, octets):
        (self.top / name).write_bytes(octets)
        self.server.own(self.top / name)

    def run(self, act, prefix=(), environment=None, plain=False):
        """a session in which act(Play) is the client; (Play, exit status, log); plain: of POP3"""
        ours, theirs = socket.socketpair()
        with open(self.log, "w+", encoding="utf-8", errors="replace") as log, ours:
            process = subprocess.Popen(
                [*map(str, prefix), *(self.plain if plain else self.command)],
                stdin=theirs, stdout=theirs, stderr=log, cwd="/", start_new_session=True,
                env={**os.environ, **(environment or {})}, **self.server.drop(),
            )
            theirs.close()
            play, status = (Play if plain else self.client)(ours), None
            try:
                act(play)
                status = process.wait(PATIENCE)
            except (AssertionError, Closed, OSError, Wrong, subprocess.TimeoutExpired) as error:
                play.wrong.append("%s: %s" % (type(error).__name__, error))
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.seek(0)
            return play, status, log.read()

    def session(self, delete=(), fetch=(), prefix=(), environment=None):
        """the whole dialogue"""
        return self.run(lambda play: play.play(delete, fetch), prefix, environment)

    # --- what is there ---------------------------------------------------------------------
    def files(self, *parts):
        """base name: contents of its files"""
        found = {}
        for part in parts:
            where = self.top / part
            for path in where.iterdir() if where.is_dir() else ():
                found.setdefault(base(path.name), []).append(path.read_bytes())
        return found

    def problems(self, play, told=True, full=False):
        """what must not be, after a session; told: whether it ended by itself; full: with no room left"""
        wrong = [*play.wrong]
        if play.blamed:
            wrong.append("the client is told that its password is wrong")
        there, trash = self.files("new", "cur"), self.files(".Trash/new", ".Trash/cur")
        for number, (name, octets) in enumerate(MESSAGES.items(), 1):
            found = there.get(base(name), [])
            may_go = number in play.marked and play.bye is not None
            if found != [octets] and not (found == [] and may_go):
                wrong.append("message %d: %d files" % (number, len(found)))
            if found and may_go and play.bye.startswith("+OK"):
                wrong.append("message %d is there after +OK" % number)
        # where there is no room for the trash deleting must still make some
        if "mail.on_delete=trash" in self.command and not full:
            gone = {name: [octets] for name, octets in CONTENT.items() if name not in there}
            wrong += ["not in the trash: " + name for name in gone if trash.get(name) != gone[name]]
        wrong += ["a strange file: " + name for name in {*os.listdir(self.top)} - KNOWN]
        wrong += ["a strange message: " + name for name in {*there, *trash} - {*BASES}]
        return wrong + (self.judge_end(play, there) if told else [])

    def judge_end(self, play, there):
        wrong = []
        gone, bye = len(BASES) - len(there), play.bye or ""
        odd = bye.startswith("+OK") and bye != "+OK bye, %d deleted, %d left" % (gone, len(there))
        if odd or ("may not last" in bye and gone != len(play.marked)):
            wrong.append("%s; there are %d" % (play.bye, len(there)))
        if self.quota and (self.top / "maildirsize").exists():
            lines = (self.top / "maildirsize").read_text().splitlines()[1:]
            rows = [list(map(int, row.split())) for row in lines]
            want = counted(found[0] for found in there.values())
            if tuple(map(sum, zip(*rows))) != want:
                wrong.append("maildirsize: %r, not %r" % (rows, want))
        return wrong

    def afterwards(self):
        """the next session opens and tells of what is there, exactly; problems"""
        there = self.files("new", "cur")
        left = [n for n, name in enumerate(BASES, 1) if name in there]
        play, status, _ = self.run(lambda play: self.compare(play, left), plain=True)
        return ["the next session: %s, %s" % (status, play.wrong)] if play.wrong or status != 0 else []

    @staticmethod
    def compare(play, left):
        play.login("box", "x")
        want = ["+OK %d %d" % (len(left), sum(SIZES[n - 1] for n in left))]
        got = [play.command("STAT")]
        for command, values in (("LIST", SIZES), ("UIDL", BASES)):
            got += play.multi(command).decode().split("\r\n")[:-1]
            want += ["%d %s" % (i, values[n - 1]) for i, n in enumerate(left, 1)]
        for i, n in enumerate(left, 1):
            got.append(play.multi("RETR %d" % i))
            want.append(WIRE[n - 1])
        play.expect("QUIT")
        play.rest()
        play.wrong += ["%r, not %r" % pair for pair in zip(got, want) if pair[0] != pair[1]]


CONTENT = {base(name): octets for name, octets in MESSAGES.items()}


def spread(work, tasks, jobs):
    """(task, work(job, task)) of all tasks, each job in a thread; told to end, none begins another task"""
    over = threading.Event()

    def part(job):
        return [(task, work(job, task)) for task in tasks[job::jobs] if not over.is_set()]

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            return [result for results in list(pool.map(part, range(jobs))) for result in results]
        finally:
            over.set()


def points(path):
    """(call, which of its kind) of a trace, from where the session begins"""
    count, found, begun = {}, [], False
    for line in pathlib.Path(path).read_text(errors="replace").splitlines():
        match = re.match(r"(\w+)\(", line)
        if not match:
            continue
        count[match[1]] = count.get(match[1], 0) + 1
        begun = begun or "PR_SET_NO_NEW_PRIVS" in line
        # no error is ever the answer of these: brk's is the old end of memory
        if begun and match[1] not in ("brk", "exit_group", "rt_sigreturn"):
            found.append((match[1], count[match[1]]))
    return found
