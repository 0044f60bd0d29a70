#!/usr/bin/python3
"""inside_status.py - all of status.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import cost  # noqa: E402
from stage import PROGRAM, install  # noqa: E402

MANY = [("1700000000.M%dP1.box" % n, b"Subject: %d\n\n%d\n" % (n, n)) for n in range(12)]
EVERY = 5  # seconds between two

t = check.Checks()


def status_of(unit):
    return box.run("systemctl", "show", "-P", "StatusText", unit).strip()


def becomes(unit, want, seconds=EVERY + 5):
    """what it says in the end, for which one has to wait: it is told when it may be"""
    end = time.monotonic() + seconds
    while (said := status_of(unit)) != want and time.monotonic() < end:
        time.sleep(0.05)
    return said


FIRST = "alice from [127.0.0.1]: 12 messages"


def told():
    """three at once, so that there is one wait"""
    with box.login("alice") as pop, box.login("bob") as odd, box.login("carol") as slow:
        unit = box.unit_of(pop)
        t.same(becomes(unit, FIRST), FIRST, "status: who is logged in, from where, how many messages")
        shown = box.run("systemctl", "status", "--no-pager", unit)
        t.ok('Status: "%s"' % FIRST in shown, "status: systemctl status shows it", shown)
        pop.expect("STAT")
        pop.multi("RETR 3")
        t.same(status_of(unit), FIRST, "status: what comes soon after is not told yet")
        for command in ("RETR 99", "RETR 3\t;MAINPID=1", "XYZZY 5"):
            odd.expect(command, "-ERR")
        slow.send(b"RETR 1\r\n")
        want = FIRST + ", RETR 3"
        t.same(becomes(unit, want), want, "status: later it is, though the client says nothing more")
        unit, want = box.unit_of(odd), "bob from [127.0.0.1]: 3 messages, RETR"
        t.same(becomes(unit, want), want, "status: of what a client says only a message's number is told")
        unit, want = box.unit_of(slow), "carol from [127.0.0.1]: 1 message, RETR 1"
        t.same(becomes(unit, want), want, "status: a message that is fetched and not read")
        for session in (pop, odd):
            session.expect("QUIT")


def before_login():
    with box.connect() as pop:
        pop.line()
        unit = box.unit_of(pop)
        pop.expect("USER alice")
        t.same(status_of(unit), "", "status: before a login there is none")
        pop.expect("QUIT")


def mapped():
    with box.login("bob", address="::1") as pop:
        unit, want = box.unit_of(pop), "bob from [::1]: 3 messages"
        t.same(becomes(unit, want), want, "status: IPv6")
        pop.expect("QUIT")


def inside():
    """the session is not the process that systemd started: it is not believed, nor does it try"""
    after = box.now()
    with box.dropin(box.options(PROGRAM, "auth.pam_session=yes")):
        with box.login("bob") as pop:
            unit, want = box.unit_of(pop), "bob from [127.0.0.1], in a PAM session"
            t.same(becomes(unit, want), want, "pam_session: the monitor says who it is")
            pop.expect("STAT")
            pop.expect("QUIT")
    refused = [e["MESSAGE"] for e in box.journal(after, "_PID=1", want=0) if "notification" in e["MESSAGE"]]
    t.same(refused, [], "pam_session: systemd hears from nobody whom it does not listen to")


def quiet():
    """NotifyAccess=none: there is no socket, and nothing is missed"""
    with box.dropin("[Service]\nNotifyAccess=none\n"):
        with box.login("bob") as pop:
            unit = box.unit_of(pop)
            pop.expect("STAT")
            t.same(status_of(unit), "", "NotifyAccess=none: nothing is told")
            pop.expect("QUIT")


def main():
    install()
    box.account("alice", mail=False)
    box.deliver("alice", MANY)
    box.account("bob")
    box.account("carol", mail=False)
    box.deliver("carol", [("1700000000.M0P1.box", (b"x" * 76 + b"\n") * (16 << 20 >> 6))])
    box.run("systemctl", "start", "restante.socket")
    for step in (before_login, told, mapped, inside, quiet):
        try:
            step()
        except Exception:
            t.ok(False, "%s: to its end" % step.__name__, traceback.format_exc())
    t.ok(box.wait_no_sessions(), "at the end no unit is left")
    t.same(
        box.run("systemctl", "list-units", "--failed", "--plain", "--no-legend").strip(),
        "",
        "at the end no unit has failed",
    )
    cost.measure(t, rounds=1, connections=1, others=2)
    t.done()


main()
