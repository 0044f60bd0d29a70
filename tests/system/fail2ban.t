#!/usr/bin/python3
"""fail2ban.t - whoever fails to log in is banned, and nobody else, whatever the login name says

Real lines of the real program, in a file as syslog writes it, read by fail2ban-regex with our
filter and with the stock one: forged names, every reason, IPv4 and IPv6, all other events; and how
long the longest lines take.  No root is needed.  The journal, and a jail that bans, are in
recipes.t.

SPDX-License-Identifier: ISC
"""
import base64
import os
import pathlib
import re
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import ban  # noqa: E402
import check  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server  # noqa: E402

EXAMPLES = HERE.parent.parent / "doc/examples"

# names that would have somebody else banned, hide the failure, or count it twice
FORGED = (
    b", ip=[198.51.100.1]",
    b"x], ip=[198.51.100.2], reason=auth, user=y",
    b"x ip=[198.51.100.3], ",
    b"x\r\nLOGIN FAILED, ip=[198.51.100.4], reason=auth, user=x, session=1",
    b"x\nNov 21 10:00:00 mail pop3d[1]: LOGIN FAILED, ip=[198.51.100.5], reason=auth, user=x, session=1",
    b"LOGIN FAILED, ip=[198.51.100.6]",
    b"pop3d[1]: LOGIN FAILED, ip=[198.51.100.7], reason=auth, user=x",
    b"reason=auth",
    b"reason=expired, user=x",
    b"expired,",
    b"user=x",
    b"x\xe2\x80\xa8ip=[198.51.100.8]",
    b"x\xc2\x85ip=[198.51.100.9]",
    b"x\xe2\x80\xae]01.001.15.891[=pi",
    b"\x1b[2K\x1b[1G",
    b"Fran\xc3\xa7oise.\xe6\x97\xa5\xe6\x9c\xac",
    b"\xff\xfe\x80 not UTF-8",
    b"%(__prefix_line)s<HOST>%s%n",
    b"\\g<host> \\d+ .*",
    b"2001:db8::1",
    b"root@[IPv6:2001:db8::2]",
    b"y" * 200,
    b"<HOST>",
    b" ",
    b"-",
    b"a, " * 60,
    b"=[" * 80,
)
REASONS = {"expired": False, "denied": True, "acct_expired": False}

t = check.Checks()


def plain(user, password):
    return "AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password).decode()


def fail(port, address):
    """each name once, in as few connections as may be; then a login that is right, and other events"""
    with Pop(port, address) as pop:
        pop.line()
        for number, name in enumerate(FORGED):
            pop.expect(plain(name, b"mistaken-%d" % number), "-ERR")
        pop.expect("USER alice")
        pop.expect("PASS mistaken", "-ERR")
        # the same once more, by another mechanism: no failure of its own
        pop.expect(plain(b"alice", b"mistaken"), "-ERR")
        pop.expect(plain(b"alice", PASSWORD.encode()))
        pop.expect("QUIT")
    with Pop(port, address) as pop:
        pop.line()
        pop.send(b"LOGIN FAILED, ip=[198.51.100.10], reason=auth, user=x, session=1\r\n" * 30)
        pop.rest()


def refuse(server):
    """what PAM says of accounts, one after the other; the lines of it"""
    for word in REASONS:
        acct = "new_authtok_reqd" if word == "expired" else word if "_" in word else "perm_denied"
        server.write(
            "pam.d/" + word,
            "auth required pam_permit.so\naccount required pam_debug.so acct=%s\n" % acct,
        )
        with Server(["auth.pam_service=" + word, "auth.failure_delay=0", "auth.pam_confdir=%s/pam.d" % server.dir]) as s:
            with Pop(s.port) as pop:
                pop.line()
                pop.expect(plain(b"bob", b"whatever"), "-ERR")
            s.wait_events("DISCONNECTED", 1)
            yield word, s.log()


def syslog(text):
    """as it stands in a file"""
    return "".join("Nov 21 10:00:00 mail %s\n" % line for line in text.split("\n") if line)


def same(fail2ban, log, which, want, what):
    """want: the address of each line, in order"""
    found = fail2ban.found(log, which)
    t.same([ip for ip, _ in found], want, "%s: %s" % (which, what))
    return found


def forged(fail2ban, room):
    log = room / "forged.log"
    said = ""
    for address in ("127.0.0.1", "::1"):
        with Server(["auth.failure_delay=0", "auth.max_failures=100"], address) as server:
            server.maildir("alice")
            fail(server.port, address)
            server.wait_events("DISCONNECTED", 1)
            said += server.log()
    with Server() as server:
        reasons = dict(refuse(server))
    log.write_text(syslog(said))
    names = len(FORGED) + 1
    t.same(log.read_text().count("LOGIN FAILED, ip="), 2 * names, "the log has one line for each failure")
    want = ["127.0.0.1"] * names + ["::1"] * names
    for which in (ban.OURS, ban.STOCK):
        found = same(fail2ban, log, which, want, "each failure once, its address the client's, whatever the name")
        if which == ban.OURS:
            t.ok(("127.0.0.1", "alice") in found, "%s: it tells the user, too" % which, found)
    for word, text in reasons.items():
        (room / "reason.log").write_text(syslog(text))
        want = ["127.0.0.1"] if REASONS[word] else []
        t.ok("reason=%s," % word.replace("acct_", "account-") in text, "reason %s is in the log" % word, text)
        same(fail2ban, room / "reason.log", ban.OURS, want, "%s is %scounted" % (word, "" if want else "not "))
    return log


def forms(fail2ban, room, log):
    """as today's syslog daemons write lines"""
    text = log.read_text()
    want = [ip for ip, _ in fail2ban.found(log, ban.OURS)]
    for name, which, head in (
        ("ISO 8601", ban.OURS, r"2026-11-21T10:00:00.123456+00:00 mail \1[\2]: "),
        ("RFC 5424", ban.OURS + "[logtype=rfc5424]", r"<21>1 2026-11-21T10:00:00.123456+00:00 mail \1 \2 - - "),
        ("no host", ban.OURS, r"Nov 21 10:00:00 \1[\2]: "),
    ):
        (room / "form.log").write_text(re.sub(r"^\S+ \S+ \S+ mail (\w+)\[(\d+)\]: ", head, text, flags=re.M))
        same(fail2ban, room / "form.log", which, want, "the same lines in the form of %s" % name)


def others(fail2ban, room, log):
    """lines of other programs that quote a stranger, or of ours at another place"""
    line = next(line for line in log.read_text().splitlines() if "LOGIN FAILED" in line)
    said = line.split(": ", 1)[1]
    lines = (
        "Nov 21 10:00:00 mail sshd[7]: Invalid user pop3d[1]: %s" % said,
        "Nov 21 10:00:00 mail pop3d[7]: PAM TEXT, user=x, text=%s" % said,
        "Nov 21 10:00:00 mail smtpd[7]: %s" % said,
        "Nov 21 10:00:00 mail pop3d[7]: %s" % said.replace("LOGIN FAILED", "LOGIN"),
        "Nov 21 10:00:00 mail pop3d[7]: %s" % said.replace("LOGIN FAILED", "LOGIN DEFERRED"),
        "Nov 21 10:00:00 mail pop3d[7]: %s" % said.replace("127.0.0.1", "mail.example.org"),
        "Nov 21 10:00:00 mail pop3d[7]: %s" % said.replace("127.0.0.1", "-"),
    )
    (room / "others.log").write_text("\n".join(lines) + "\n")
    same(fail2ban, room / "others.log", ban.OURS, [], "what others quote is no failure, nor is a name an address")
    (room / "others.log").write_text("".join(line + "\n" for line in lines) + line + "\n")
    same(fail2ban, room / "others.log", ban.OURS, ["127.0.0.1"], "and a real one behind that is found")


def sample(fail2ban):
    """the sample that we install: the failures in it, and nothing else"""
    log = EXAMPLES / "log.sample"
    lines = [line for line in log.read_text().splitlines() if "LOGIN FAILED" in line]
    want = [line.split("ip=[")[1].split("]")[0] for line in lines if "expired," not in line]
    t.ok(len(lines) > len(want) > 2, "the sample has failures of each kind", lines)
    same(fail2ban, log, ban.OURS, want, "each failure in the sample is found, and nothing else")


def quick(fail2ban, room, log):
    """the longest and worst lines cost about as much as any other"""
    every = log.read_text().splitlines()
    line = next(line for line in every if "user=alice," in line)
    name = (" ip=[1.2.3.4], user=" * 400)[:7000]
    worst = [
        line.replace("user=alice", "user=" + name),
        line.replace("user=alice", "user=" + "a" * 7000),
        line.replace("reason=auth", "x=y, " * 1500 + "reason=auth"),
        line.replace("reason=auth", "x=y, " * 1500),
        line.replace("127.0.0.1", "1." * 3500),
        line.replace("127.0.0.1", ":" * 7000),
        "Nov 21 10:00:00 " + "mail " * 1500 + line,
    ]
    seconds, found = [], []
    for lines in ([line], worst):
        (room / "long.log").write_text("".join(line + "\n" for line in lines * (2000 // len(lines))))
        started = time.monotonic()
        found.append(len(fail2ban.found(room / "long.log", ban.OURS)))
        seconds.append(time.monotonic() - started)
    t.note("fail2ban-regex: 2000 ordinary lines %.2f s, 2000 of the worst %.2f s" % tuple(seconds))
    t.same(found[0], 2000, "each of 2000 lines is found")
    t.ok(seconds[1] < 10 * seconds[0], "no line makes the filter slow", seconds)


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    with Server() as place:
        top = ban.find()
        if not top:
            check.skip_all("no fail2ban here (see tests/system/inetds)")
        fail2ban = ban.with_ours(top, EXAMPLES / "fail2ban", place.dir / "fail2ban")
        with t.holds("forged names: to the end"):
            log = forged(fail2ban, place.dir)
        with t.holds("other lines: to the end"):
            forms(fail2ban, place.dir, log)
            others(fail2ban, place.dir, log)
            quick(fail2ban, place.dir, log)
        with t.holds("sample: to the end"):
            sample(fail2ban)
    t.done()


main()
