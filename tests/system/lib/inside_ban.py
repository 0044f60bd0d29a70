"""inside_ban.py - in the box: fail2ban reads the journal by our filter and jail, and bans

SPDX-License-Identifier: ISC
"""
import base64
import pathlib
import shutil
import subprocess
import time

import ban
import box
from pop import Pop

SOCKET = "/run/fail2ban-test.sock"
BANNED = pathlib.Path("/run/banned")
RECORD = "[Definition]\nactionban = echo <ip> >>%s\nactionunban =\n" % BANNED
# nothing of the machine's: one jail, ours, that writes down whom it bans
LOCAL = "[DEFAULT]\nbanaction = record\nbanaction_allports = record\nignoreself = false\n[sshd]\nenabled = false\n"


def fail(address, source, names):
    """a wrong login by each name, three to a connection"""
    for first in range(0, len(names), 3):
        with Pop(110, address, source=source) as pop:
            pop.line()
            for name in names[first : first + 3]:
                said = base64.b64encode(b"\0%s\0mistaken" % name.encode()).decode()
                assert pop.command("AUTH PLAIN " + said).startswith("-ERR"), name


def forge(user, address):
    """somebody with a shell writes what looks like our line"""
    line = "LOGIN FAILED, ip=[%s], port=[1], method=USER, tls=none, reason=auth, user=x, session=%d"
    for number in range(12):
        box.run("runuser", "-u", user, "--", "logger", "-t", "pop3d", line % (address, number))


def settled(fail2ban):
    """true once the jail is there"""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        done = subprocess.run(
            fail2ban.command("fail2ban-client", "-s", SOCKET, "status", "restante"),
            env=fail2ban.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode == 0:
            return True
        time.sleep(0.1)
    return False


def wait_banned(count):
    end = time.monotonic() + 20
    while True:
        found = BANNED.read_text().split()
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.05)


def bans(t, page):
    top = ban.find("inetds")
    if not (top and ban.reads_journals(top)):
        return t.skip("fail2ban: the jail bans", "it, or python3-systemd, is not there (see tests/system/inetds)")
    if str(top) != "/":
        shutil.rmtree("/etc/fail2ban", ignore_errors=True)
        shutil.copytree(top / "etc/fail2ban", "/etc/fail2ban")
    page.apply("fail2ban")
    # the page has put our files into force: nothing else is
    fail2ban = ban.Fail2ban(top, "/etc/fail2ban")
    pathlib.Path("/etc/fail2ban/action.d/record.conf").write_text(RECORD)
    pathlib.Path("/etc/fail2ban/jail.d/zz-test.local").write_text(LOCAL)
    pathlib.Path("/etc/fail2ban/fail2ban.local").write_text("[Definition]\ndbfile = None\nlogtarget = /run/fail2ban.log\n")
    BANNED.write_text("")
    words = ("-s", SOCKET, "-p", "/run/fail2ban-test.pid", "-f", "-x", "start")
    with subprocess.Popen(
        fail2ban.command("fail2ban-server", *words),
        env=fail2ban.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            watched(t, fail2ban)
        finally:
            server.terminate()
    return None


def watched(t, fail2ban):
    """many failures of two strangers, fewer of a third, and of one that somebody made up"""
    after = box.now()
    if not t.ok(settled(fail2ban), "fail2ban: reads our jail", pathlib.Path("/run/fail2ban.log").read_text()[-1500:]):
        return
    forge("bob", "198.51.100.66")
    forged = ["x%d, ip=[198.51.100.%d], reason=auth, user=y" % (number, number) for number in range(5)]
    names = forged + ["alice", "bob", "root", "nosuchname", "x@example.org"]
    fail("192.0.2.1", "198.51.100.7", names[:9])
    fail("192.0.2.1", "192.0.2.7", names)
    fail("2001:db8::1", "2001:db8::7", names)
    banned = wait_banned(2)
    lines = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d"), "LOGIN FAILED")
    t.same(len(lines), 12 + 9 + 10 + 10, "fail2ban: the journal has each failure, and the lines that were made up")
    t.same(sorted(banned), ["192.0.2.7", "2001:db8::7"], "fail2ban: bans the two that failed ten times, and nobody else")
    found = [ip for ip, _ in fail2ban.found("systemd-journal", ban.OURS)]
    t.same(
        {ip: found.count(ip) for ip in found if not ip.startswith("127.")},
        {"198.51.100.7": 9, "192.0.2.7": 10, "2001:db8::7": 10},
        "fail2ban: in the journal each failure is found once",
    )
    # what the page says of it: of the names that PAM was asked about
    found = {ip for ip, _ in fail2ban.found("systemd-journal", "pam-generic")}
    t.same(found, {"198.51.100.7", "192.0.2.7", "2001:db8::7"}, "fail2ban: pam_unix logs the client's address, too")
