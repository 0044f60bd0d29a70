#!/usr/bin/python3
"""load.t - many clients, slow clients, clients that mean harm: nothing lost, nothing left, memory bounded

Figures (time, memory of a session) are diagnostics; what is checked is bounds that hold on any
machine.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import resource
import socket
import statistics
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import corpus  # noqa: E402
from pop import Closed, Pop  # noqa: E402
from server import BUILD, Server, process_stat, process_status  # noqa: E402

TOGETHER = 200  # sessions that fetch at once
IDLE = 1000  # sessions held
STORM = 1000  # connections that come to nothing
LINE = 1 << 30  # octets of one command line
MEMORY = 8 * 1024  # KiB that a process may ever have had, whatever a client sends
MEMORY_IDLE = 1024  # KiB of its own (PSS) that a session at rest may have

t = check.Checks()


def letters(user, count):
    """count messages of user, each another and unlike any other user's"""
    return [
        (
            "%d.M%dP1.load" % (1700000000 + n, n),
            b"From: a@example.org\nTo: %s\nSubject: %d\n\n.%s\n"
            % (user.encode(), n, b"\n..x\n".join([user.encode()] * (n * 37 + 1))),
        )
        for n in range(count)
    ]


def in_threads(work, items):
    """work(item) for all at once; the errors, each with its item"""
    errors = []

    def one(item):
        try:
            work(item)
        except Exception as error:
            errors.append("%s: %s %s" % (item, type(error).__name__, check.cut(error, 200)))

    threads = [threading.Thread(target=one, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def none_left(server, what):
    t.ok(
        server.wait_idle(15),
        what + ": no process is left, no zombie either",
        "\n".join(
            "%d %s %s" % (pid, process_stat(pid), process_status(pid, "Name")) for pid in server.processes()
        ),
    )
    t.same(set(server.statuses()), {0}, what + ": every process of the supervisor's ended with status 0")


def together(server):
    """all log in, then all fetch, every second one deletes"""
    users = ["many%d" % n for n in range(TOGETHER)]
    mail = {user: letters(user, 10) for user in users}
    for user in users:
        server.maildir(user, mail[user])
    ready = threading.Barrier(TOGETHER)

    def session(user):
        with Pop(server.port, timeout=60) as pop:
            pop.login(user)
            ready.wait(60)
            for number, (_, stored) in enumerate(mail[user], 1):
                where = check.same_octets(pop.multi("RETR %d" % number), corpus.wire(stored))
                if where:
                    raise AssertionError("message %d: %s" % (number, where))
                if user[-1] in "02468":
                    pop.expect("DELE %d" % number)
            pop.expect("QUIT")

    started = time.monotonic()
    errors = in_threads(session, users)
    t.note("%d sessions at once: %.1f s" % (TOGETHER, time.monotonic() - started))
    t.ok(not errors, "%d at once: each got each octet of its own mail" % TOGETHER, "\n".join(errors[:5]))
    none_left(server, "%d at once" % TOGETHER)
    wrong = [
        user
        for user in users
        if [path.name.split(":")[0] for path in server.left(user)]
        != ([] if user[-1] in "02468" else [name for name, _ in mail[user]])
    ]
    t.ok(not wrong, "%d at once: what was deleted is gone, all else is there" % TOGETHER, wrong[:5])
    logouts = [line for line in server.events("LOGOUT") if line["user"].startswith("many")]
    t.same(
        (len(logouts), {(line["reason"], line["retr"]) for line in logouts}),
        (TOGETHER, {("quit", "10")}),
        "%d at once: one line in the log for each" % TOGETHER,
    )
    t.same(
        len({line.get("session") for line in logouts}),
        TOGETHER,
        "%d at once: no two sessions have one name in the log" % TOGETHER,
    )


def figures(pids):
    """PSS of each process in KiB; None where we may not look"""
    found = []
    for pid in pids:
        try:
            text = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text()
        except OSError:
            return None
        found.append(int(text.partition("\nPss:")[2].split()[0]))
    return found


def idle(server):
    """sessions that have logged in and say nothing"""
    users = ["idle%d" % n for n in range(IDLE)]
    for user in users:
        server.maildir(user, letters(user, 5))
    sessions = {}

    def login(part):
        for user in users[part::20]:
            sessions[user] = Pop(server.port, timeout=60)
            sessions[user].login(user)
            sessions[user].expect("STAT")

    started = time.monotonic()
    errors = in_threads(login, range(20))
    t.ok(not errors, "%d idle: all have logged in" % IDLE, "\n".join(errors[:5]))
    t.note("%d logins: %.1f s" % (IDLE, time.monotonic() - started))
    measure(server)

    def fetch(part):
        for user in users[part::20]:
            number, stored = part % 5 + 1, letters(user, 5)[part % 5][1]
            if sessions[user].multi("RETR %d" % number) != corpus.wire(stored):
                raise AssertionError(user)
            sessions[user].expect("QUIT")
            sessions[user].close()

    errors = in_threads(fetch, range(20))
    t.ok(not errors, "%d idle: each still has its own mail" % IDLE, "\n".join(errors[:5]))
    none_left(server, "%d idle" % IDLE)


def measure(server):
    """the processes of IDLE idle sessions"""
    pids = server.processes()
    states = [process_stat(pid)[0] for pid in pids]
    t.same(len(pids), IDLE, "%d idle: one process for each session" % IDLE)
    t.ok("Z" not in states, "%d idle: no zombie" % IDLE)
    pss = figures(pids)
    rss = [int((process_status(pid, "VmRSS") or "0").split()[0]) for pid in pids]
    t.note("RSS of an idle session: mean %d KiB, most %d KiB" % (statistics.mean(rss), max(rss)))
    if pss is None:
        t.skip(
            "%d idle: memory of its own that a session has" % IDLE,
            "only root may read smaps_rollup of these processes",
        )
        return
    t.note(
        "PSS of an idle session: mean %d KiB, most %d KiB; all: %d KiB"
        % (statistics.mean(pss), max(pss), sum(pss))
    )
    t.ok(max(pss) <= MEMORY_IDLE, "%d idle: none has more than %d KiB of its own" % (IDLE, MEMORY_IDLE))


def storm(server):
    """connections that end as they like: at once, by a reset, in the middle of a word, of a login"""

    def come_to_nothing(part):
        for number in range(part, STORM, 10):
            with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
                if number % 4 == 1:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif number % 4 == 2:
                    connection.sendall(b"USE")
                elif number % 4 == 3:
                    connection.sendall(b"USER many1\r\nPASS wonderland\r\n")

    started, before = time.monotonic(), len(server.statuses())
    errors = in_threads(come_to_nothing, range(10))
    t.ok(not errors, "storm: the supervisor took all connections", "\n".join(errors[:5]))
    none_left(server, "storm")
    # a reset that came early enough is taken from the listen queue and is no connection at all
    t.note(
        "%d connections, %d of them started: %.1f s"
        % (STORM, len(server.statuses()) - before, time.monotonic() - started)
    )
    with t.holds("storm: afterwards a login works as before"):
        with Pop(server.port) as pop:
            pop.login("many1")
            assert pop.command("STAT").startswith("+OK 10 ")
            pop.expect("QUIT")
    t.ok(
        "many1" not in [line["user"] for line in server.events("LOGOUT") if line["dele"] != "0"],
        "storm: nothing was deleted",
    )


def one_line(server):
    """a line of a gigabyte before and after the login: one -ERR, and memory as ever"""
    block = b"x" * (1 << 20)
    server.maildir("endless", letters("endless", 3))
    with Pop(server.port, timeout=60) as pop:
        pop.line()
        for state in ("login", "session"):
            if state == "session":
                for command in ("USER endless", "PASS wonderland"):
                    pop.expect(command)
            started = time.monotonic()
            with t.holds("endless line, %s: answered once, by -ERR" % state):
                for _ in range(LINE // len(block)):
                    pop.send(block)
                pop.send(b"\r\nCAPA\r\n")
                assert pop.line().startswith(b"-ERR"), "no -ERR"
                assert pop.line().startswith(b"+OK"), "more than one reply, or none to the next command"
                pop.body()
            peaks = [int((process_status(pid, "VmHWM") or "0").split()[0]) for pid in server.processes()]
            t.note(
                "%d octets in one line, %s: %.1f s; VmHWM %s KiB"
                % (LINE, state, time.monotonic() - started, peaks)
            )
            t.ok(
                peaks and 0 < max(peaks) < MEMORY,
                "endless line, %s: no process ever had %d KiB" % (state, MEMORY),
            )
        with t.holds("endless line: the session is as good as new"):
            assert pop.multi("RETR 1") == corpus.wire(letters("endless", 3)[0][1])
            pop.expect("QUIT")
    none_left(server, "endless line")


def stopped_reader(server):
    """a client that asks for mail, and does not read it"""
    size = 30 << 20
    server.maildir("stopped", [("1700000000.M0P1.load", b"Subject: big\n\n" + b"big\n" * (size // 4))])
    with Pop(server.port) as pop:
        pop.login("stopped")
        started = time.monotonic()
        pop.send(b"DELE 1\r\nRSET\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n")
        found = server.wait_events("LOGOUT", 1, "stopped", 15)
        t.note("a reader that stops is left after %.1f s (stall_timeout 1 s)" % (time.monotonic() - started))
    t.same(
        [line["reason"] for line in found],
        ["stall"],
        "reader that stops: stall_timeout ends it, and the log says so",
    )
    t.same(len(server.left("stopped")), 1, "reader that stops: the QUIT behind it deletes nothing")


def slow_writer(server):
    """a client that sends an octet now and then"""

    def drip(pop, seconds):
        started = time.monotonic()
        try:
            while time.monotonic() - started < seconds:
                pop.send(b"N")
                time.sleep(0.25)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return time.monotonic() - started

    with Pop(server.port) as pop:
        pop.line()
        took = drip(pop, 8)
        found = server.wait_events("DISCONNECTED", 1, None, 3)
    t.ok(
        took < 7 and [line["reason"] for line in found] == ["timeout"],
        "slow writer: login_timeout counts from the greeting, not from the last octet",
        "%.1f s %s" % (took, found),
    )
    server.maildir("slow", letters("slow", 2))
    with Pop(server.port) as pop:
        pop.login("slow")
        pop.expect("DELE 1")
        took = drip(pop, 8)
        found = server.wait_events("LOGOUT", 1, "slow", 3)
    t.ok(
        took < 7 and [line["reason"] for line in found] == ["timeout"],
        "slow writer: idle_timeout counts from the last command",
        "%.1f s %s" % (took, found),
    )
    t.same(len(server.left("slow")), 2, "slow writer: what it marked is still there")


def silent(server):
    """nothing at all, before the login and after it"""
    with Pop(server.port) as before, Pop(server.port) as after:
        after.login("slow")
        before.line()
        try:
            words = [before.rest(), after.rest()]
        except (TimeoutError, Closed):
            words = [b"nothing", b"nothing"]
    t.ok(
        all(word == b"" or word.startswith(b"-ERR") for word in words),
        "silent client: the timeouts end it",
        words,
    )


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files < IDLE + 100:
        check.skip_all("only %d descriptors are permitted, %d are needed" % (files, IDLE + 100))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    started = time.monotonic()
    with Server(anybody=True) as server:
        together(server)
        storm(server)
        idle(server)
        one_line(server)
    short = ["limits.login_timeout=2s", "limits.idle_timeout=2s", "limits.stall_timeout=1s"]
    with Server(short, anybody=True) as server:
        slow_writer(server)
        silent(server)
        stopped_reader(server)
        none_left(server, "slow and silent clients")
    t.note("%.1f s in all" % (time.monotonic() - started))
    t.done()


main()
