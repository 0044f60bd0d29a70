"""inside_log.py - in the box: the journal, fail2ban, exit statuses, endings of all kinds

SPDX-License-Identifier: ISC
"""
import base64
import concurrent.futures
import os
import pathlib
import re
import socket
import struct
import time

import box
import corpus
import inside_process
from pop import Pop

FORGED = (
    "x, ip=[198.51.100.1]",
    "x], ip=[198.51.100.2]",
    "x ip=[198.51.100.3], ",
    "a\x1b[2Jb",
    "LOGIN FAILED, ip=[198.51.100.4]",
    "x\u2028ip=[198.51.100.5]",
    "y" * 200,
)


def fields(t):
    """each value of a session is a field of its own"""
    after = box.now()
    with box.login("alice") as pop:
        port = box.port_of(pop)
        size = len(pop.multi("RETR 1"))
        pop.multi("TOP 2 0")
        pop.expect("DELE 1")
        pop.expect("QUIT")
    box.deliver("alice", box.MAIL[:1])
    entries = box.journal(after, "POP3_USER=alice", want=2)
    logins, logouts = box.phrase(entries, "LOGIN"), box.phrase(entries, "LOGOUT")
    t.same((len(logins), len(logouts)), (1, 1), "journal: one LOGIN, one LOGOUT")
    if not (logins and logouts):
        return
    head, last = logins[0], logouts[0]
    t.same(
        [
            head.get(name)
            for name in ("SYSLOG_IDENTIFIER", "POP3_IP", "POP3_PORT", "POP3_METHOD", "POP3_TLS", "_UID")
        ],
        ["pop3d", "127.0.0.1", str(port), "USER", "none", "0"],
        "journal: LOGIN has its fields, and root wrote it",
    )
    # POP3_LEFT_BYTES may be left out: nobody has asked for all sizes.  If it is there it is right.
    size_left = str(sum(len(corpus.wire(stored)) for _, stored in box.MAIL[1:]))
    t.ok(
        last.get("POP3_LEFT_BYTES", size_left) == size_left,
        "journal: left_bytes is right, or not there",
        last.get("POP3_LEFT_BYTES"),
    )
    want = {
        "POP3_REASON": "quit",
        "POP3_RETR": "1",
        "POP3_RETR_BYTES": str(size),
        "POP3_TOP": "1",
        "POP3_DELE": "1",
        "POP3_DELE_BYTES": str(size),
        "POP3_LEFT": "2",
        "POP3_TLS": "none",
        "POP3_IP": "127.0.0.1",
        "SYSLOG_IDENTIFIER": "pop3d",
    }
    t.same({name: last.get(name) for name in want}, want, "journal: LOGOUT counts what was done")
    t.same(head.get("POP3_SESSION"), last.get("POP3_SESSION"), "journal: both have the session's name")
    line = (
        r"LOGOUT, ip=\[127\.0\.0\.1\], port=\[\d+\], user=alice, reason=quit, retr=1, retr_bytes=\d+, "
        r"top=1, top_bytes=\d+, "
        r"dele=1, dele_bytes=\d+, left=2, (left_bytes=\d+, )?tls=none, time=\S+, session=\w+"
    )
    t.ok(
        re.fullmatch(line, last["MESSAGE"]), "journal: and the line reads as the manual says", last["MESSAGE"]
    )


def syslog(t, program):
    """without the journal's own way: the same text through /dev/log"""
    after = box.now()
    with box.dropin(box.options(program, "log.target=syslog")):
        with box.login("bob") as pop:
            pop.expect("QUIT")
    entries = [entry for entry in box.journal(after, "_TRANSPORT=syslog", "SYSLOG_IDENTIFIER=pop3d", want=2)]
    words = [entry["MESSAGE"].split(",")[0] for entry in entries]
    t.same(words, ["LOGIN", "LOGOUT"], "syslog: the same lines")


def fail_as(name):
    """one failed login; by AUTH PLAIN any octet can stand in a name"""
    with Pop(110, timeout=30) as pop:
        pop.line()
        return pop.command("AUTH PLAIN " + base64.b64encode(b"\0" + name.encode() + b"\0mistaken").decode())


def failures(t):
    """names that would have somebody else banned"""
    # the journal's short form has whole seconds: let those before us pass
    time.sleep(1)
    after = box.now()
    with concurrent.futures.ThreadPoolExecutor(len(FORGED)) as pool:
        replies = list(pool.map(fail_as, FORGED))
    t.ok(all(reply.startswith("-ERR") for reply in replies), "forged names: all refused", replies)
    with Pop(110, "::1", timeout=30) as pop:
        pop.line()
        pop.expect("USER alice")
        pop.command("PASS mistaken")
    entries = box.phrase(
        box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=2 * (len(FORGED) + 1)), "LOGIN FAILED"
    )
    t.same(len(entries), len(FORGED) + 1, "forged names: one line for each failure")
    head = r"LOGIN FAILED, ip=\[(127\.0\.0\.1|::1)\], port=\[\d+\], method=(PLAIN|USER), tls=none, "
    head += r"reason=\w+, user=[^, \[\]]+, session=\w+"
    t.same(
        [entry["MESSAGE"] for entry in entries if not re.fullmatch(head, str(entry["MESSAGE"]))],
        [],
        "forged names: each line has the address once, before the name",
    )
    t.same(
        {entry["POP3_IP"] for entry in entries},
        {"127.0.0.1", "::1"},
        "forged names: the field has the client's address",
    )
    fail2ban(t, after, len(entries))


def fail2ban(t, after, count):
    """the stock filter finds each failure, and nobody but the client"""
    # unpacked: installed it would ban
    top = pathlib.Path("inetds").resolve()
    if not (top / "usr/bin/fail2ban-regex").exists():
        return t.skip("fail2ban", "not there (see tests/system/inetds)")
    modules = {**os.environ, "PYTHONPATH": str(top / "usr/lib/python3/dist-packages")}
    log = pathlib.Path("/run/fail2ban.log")
    log.write_text(box.short(after, "pop3d"))
    found = box.run(
        "/usr/bin/python3",
        str(top / "usr/bin/fail2ban-regex"),
        *("-c", str(top / "etc/fail2ban"), "-o", "ip"),
        str(log),
        str(top / "etc/fail2ban/filter.d/courier-auth.conf"),
        env=modules,
    ).split()
    t.same(
        (len(found), set(found)),
        (count, {"127.0.0.1", "::1"}),
        "fail2ban: its own courier-auth filter finds each failure and no forged address",
    )


def no_secrets(t):
    """not a password, right or wrong, in all of the journal"""
    box.run("journalctl", "--sync")
    text = box.run("journalctl", "--no-pager", "-o", "verbose", "-a")
    words = [box.password_of(user) for user in ("alice", "bob", "root", "locked")] + [
        "mistaken",
        box.shadow("alice"),
    ]
    t.same([word for word in words if word in text], [], "journal: no password in it")


def endings(t, program):
    """whatever a client does is a success to systemd"""
    after = box.now()
    with box.dropin(
        box.options(program, "limits.login_timeout=1s", "limits.idle_timeout=1s", "auth.failure_delay=100ms")
    ):
        with Pop(110) as pop:
            pop.line()
            for word in ("1", "2", "3"):
                pop.expect("USER bob")
                pop.command("PASS mistaken" + word)
            pop.rest()
        with Pop(110) as before, box.login("bob") as inside:
            before.line()
            before.rest()
            inside.rest()
        for said in (
            b"",
            b"USER bob\r\n",
            b"USER bob\r\nPASS " + box.password_of("bob").encode() + b"\r\nRETR 1\r\n",
        ):
            with Pop(110) as pop:
                pop.line()
                pop.send(said)
                pop.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with Pop(110) as pop:
            pop.send(b"\0\xff garbage \r\n" * 200)
            pop.rest()
        t.ok(box.wait_no_sessions(15), "endings: all sessions end")
    reasons = {entry.get("POP3_REASON") for entry in box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=5)}
    t.ok({"timeout"} <= reasons, "endings: the log has the reasons", reasons)


def nothing_failed(t):
    """after all that: systemd has seen no failure, not even one that it forgot since"""
    t.same(
        box.run("systemctl", "list-units", "--failed", "--no-legend", "--plain", "restante*").strip(),
        "",
        "systemd: no unit has failed",
    )
    entries = [
        str(entry["MESSAGE"])
        for entry in box.journal(0, "_PID=1")
        if "restante" in str(entry.get("UNIT", "")) and entry["UNIT"] not in inside_process.killed
    ]
    t.ok(entries, "systemd: its lines about our units can be read")
    bad = [line for line in entries if "Failed with result" in line or "status=" in line]
    t.same(bad, [], "systemd: and none ever had")


def wrong_socket(t, program):
    """Accept=no: a listening socket is no connection"""
    units = pathlib.Path("/run/systemd/system")
    for port, name, how in ((1110, "standard", "socket"), (1111, "passed", "null")):
        unit = "wrong-" + name
        (units / (unit + ".socket")).write_text("[Socket]\nListenStream=127.0.0.1:%d\n" % port)
        (units / (unit + ".service")).write_text(
            "[Service]\nExecStart=%s\nStandardInput=%s\nStandardOutput=journal\nStandardError=journal\n"
            % (program, how)
        )
        after = box.now()
        box.run("systemctl", "daemon-reload")
        box.run("systemctl", "start", unit + ".socket")
        with socket.create_connection(("127.0.0.1", port), 10):
            said = box.journal(after, "SYSLOG_IDENTIFIER=pop3d")
            exits = box.journal(after, "_PID=1", "UNIT=%s.service" % unit, "EXIT_CODE=exited")
        box.run("systemctl", "stop", unit + ".socket", unit + ".service")
        t.same({entry["EXIT_STATUS"] for entry in exits}, {"72"}, "listening socket, %s: status 72" % name)
        text = " ".join(str(entry["MESSAGE"]) for entry in said)
        t.ok(
            "listening socket" in text and "Accept=yes" in text,
            "listening socket, %s: the log says what to set" % name,
            text,
        )
    box.run("systemctl", "reset-failed")
