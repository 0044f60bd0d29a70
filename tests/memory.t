#!/usr/bin/python3
"""memory.t - what a session holds on to when there are very many messages, and when there are few

Peaks are VmHWM of /proc/PID/status: what the process had of memory at once, its own and what it
shares (libraries, its text), the most of all processes of the session.  As the kernel tells it
until the process has gone, the last moments of a process may be missed.

$RESTANTE_MESSAGES (1000000) messages, links to few files; of the limit of 64 MiB, 8 hold for any
number.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, Server, process_status  # noqa: E402
from writers import maildir, room  # noqa: E402

MANY = int(os.environ.get("RESTANTE_MESSAGES") or 1000000)
MOST = (8 + 56 * MANY / 1000000) * 1024  # KiB
IDLE = 10  # sessions at rest
IDLE_MOST = 1024  # KiB (PSS) that each of them has
FILES = 16  # that the messages are links to
BODY = b"Subject: x\n\n" + b"Hello\n" * 20

t = check.Checks()


def name(number):
    """37 octets, delivered in no order, as directories show them"""
    seconds = 1700000000 + number * 7919 % MANY
    return "%d.M%06dP%05d.mail.example" % (seconds, number % 1000000, number % 32749)


def fill(top, own):
    """nine of ten have been seen"""
    started = time.monotonic()
    for number in range(FILES):
        path = top / "tmp" / str(number)
        path.write_bytes(BODY)
        own(path)
    directory = {part: os.open(top / part, os.O_RDONLY) for part in ("tmp", "new", "cur")}
    for number in range(MANY):
        part, flags = ("new", "") if number % 10 == 0 else ("cur", ":2,S")
        os.link(
            str(number % FILES),
            name(number) + flags,
            src_dir_fd=directory["tmp"],
            dst_dir_fd=directory[part],
        )
    for fd in directory.values():
        os.close(fd)
    for number in range(FILES):
        os.unlink(top / "tmp" / str(number))
    t.note("%d messages made in %.1f s" % (MANY, time.monotonic() - started))


class Peak:
    """the most that any process of the server's has had, watched from a thread"""

    def __init__(self, server):
        self.server, self.most, self.ended = server, 0, False
        self.pids, self.looked = [], 0
        self.thread = threading.Thread(target=self.watch)

    def look(self, again=False):
        if again or time.monotonic() > self.looked + 0.1:
            self.pids, self.looked = self.server.processes(), time.monotonic()
        for pid in self.pids:
            figure = process_status(pid, "VmHWM")
            if figure:
                self.most = max(self.most, int(figure.split()[0]))

    def watch(self):
        while not self.ended:
            self.look()
            time.sleep(0.002)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()


def lines(pop, command):
    """how many a multi-line response has; it is not kept"""
    pop.expect(command)
    count, tail = pop.buffer.count(b"\n"), pop.buffer[-5:]
    pop.buffer = b""
    while tail != b"\r\n.\r\n":
        octets = pop.socket.recv(1 << 20)
        if not octets:
            raise AssertionError(command + ": the connection was closed")
        count += octets.count(b"\n")
        tail = (tail + octets)[-5:]
    return count - 1


def session(server, what, want, work):
    """one session of which the memory is watched, after each command too"""
    told = []
    started = [time.monotonic()]

    def tell(command):
        peak.look(True)
        told.append("%s %d KiB %.2f s" % (command, peak.most, time.monotonic() - started[0]))
        started[0] = time.monotonic()

    with t.holds("%s: every command is answered" % what), Peak(server) as peak:
        with Pop(server.port, timeout=300) as pop:
            pop.login("many")
            tell("login")
            count = int(pop.expect("STAT").split()[1])
            assert count == want, "STAT: %d" % count
            tell("STAT")
            work(pop, tell)
            pop.expect("QUIT")
            tell("QUIT")
            assert server.wait_idle(60), "it has not ended"
            tell("end")
    t.note("%s: %s" % (what, ", ".join(told)))
    t.ok(peak.most and peak.most <= MOST, "%s: at most %d KiB" % (what, MOST), "%d KiB" % peak.most)


def everything(count):
    def work(pop, tell):
        for command in ("LIST", "UIDL"):
            shown = lines(pop, command)
            assert shown == count, "%s: %d" % (command, shown)
            tell(command)
        assert pop.multi("RETR 1").startswith(b"Subject: x\r\n")
        tell("RETR")
        pop.expect("DELE %d" % count)
        tell("DELE")

    return work


def nothing(pop, tell):
    pop.expect("NOOP")
    tell("NOOP")


def many(server, top):
    maildir(top, server.own)
    fill(top, server.own)
    session(server, "first open", MANY, everything(MANY))
    session(server, "second open", MANY - 1, nothing)
    session(server, "third open", MANY - 1, everything(MANY - 1))
    path = top / "tmp/one"
    path.write_bytes(BODY)
    server.own(path)
    path.rename(top / "new/1700000000.M0P0.late")
    session(server, "after one delivery", MANY - 1, everything(MANY - 1))


def pss(pid):
    text = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text()
    return int(text.partition("\nPss:")[2].split()[0])


def idle(server, place):
    sessions = []
    for number in range(IDLE):
        top = maildir(place / ("few%d" % number), server.own)
        for message in range(10):
            path = top / "new" / name(message)
            path.write_bytes(BODY)
            server.own(path)
    try:
        for number in range(IDLE):
            sessions.append(Pop(server.port))
            sessions[-1].login("few%d" % number)
            for command in ("LIST", "UIDL"):
                sessions[-1].multi(command)
            sessions[-1].multi("RETR 1")
        figures = [pss(pid) for pid in server.processes()]
    except PermissionError:
        t.skip("%d idle sessions" % IDLE, "only root may read smaps_rollup of these processes")
        return
    finally:
        for pop in sessions:
            pop.close()
    t.note("PSS with 10 messages: mean %d KiB, most %d KiB" % (statistics.mean(figures), max(figures)))
    t.ok(
        max(figures) <= IDLE_MOST,
        "%d idle sessions: none has more than %d KiB of its own" % (IDLE, IDLE_MOST),
    )
    t.ok(server.wait_idle(), "%d idle sessions: all end" % IDLE)


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    with room(True) as place:
        with Server(["mail.maildir=%s/%%u" % place], anybody=True) as server:
            idle(server, place)
            many(server, place / "many")
    t.done()


main()
