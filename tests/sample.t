#!/usr/bin/python3
"""sample.t - doc/examples/log.sample is what the program writes, line for line

Whoever writes a parser for our log tries it on that file.  Here the program does all that the file
tells of, and what differs each time (addresses, ports, pids, names of sessions, seconds, paths) is
replaced; then they are equal.  With --write the file is made anew.

SPDX-License-Identifier: ISC
"""
import base64
import contextlib
import difflib
import os
import pathlib
import re
import signal
import socket
import ssl
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server  # noqa: E402

SAMPLE = HERE.parent / "doc/examples/log.sample"
MANUAL = HERE.parent / "doc/restante.8"
HEAD = """\
# log.sample - what restante writes to the log, for those who write parsers and filters
#
# As syslog puts it into a file.  Every event that a client or a mailbox can cause is here, with
# each set of fields that it can have; restante(8) explains them.  A test compares this file with
# what the program writes.  Lines of the level debug are left out.
"""
QUIET = {"auth.failure_delay": "0", "auth.max_failures": "100", "mail.lock_wait": "0"}
MAIL = (
    ("1700000000.M0P1.mail", b"Subject: one\n\none\n"),
    ("1700000001.M1P1.mail", b"Subject: two\n\ntwo\n"),
    ("1700000002.M2P1.mail,W=99", b"Subject: three\n\nthree\n"),
)
# what differs with the machine, lines of the level debug, and what pam_debug says
LEFT_OUT = re.compile(r"\]: (started without root|this process begins|sandbox: |capabilities: |PAM TEXT, .*text=(acct|auth)=)")

t = check.Checks()


class Place(Server):
    """a server for some lines of the log; said: where they go at the end"""

    def __init__(self, said, *options, **more):
        self.said = said
        both = {**QUIET, **dict(option.split("=", 1) for option in options)}
        super().__init__(["%s=%s" % pair for pair in both.items()], **more)
        self.maildir("alice", MAIL)
        self.seen = {}

    def command(self, options=()):
        return super().command([option.replace("{dir}", str(self.dir)) for option in options])

    def service(self, auth, account="pam_permit.so"):
        """PAM from now on"""
        self.write("pam.d/pop3", "auth required %s\naccount required %s\n" % (auth, account))

    @contextlib.contextmanager
    def client(self, *commands):
        with Pop(self.port, self.address) as pop:
            pop.line()
            for command in commands:
                pop.command(command)
            yield pop

    def until(self, *phrases):
        """one more line of each of these: only then goes the next client"""
        for phrase in phrases:
            count = self.seen.get(phrase, 0) + 1
            self.seen[phrase] = len(self.wait_events(phrase, count))
            assert self.seen[phrase] == count, "%s: %s" % (phrase, self.log())

    def stop(self):
        with contextlib.suppress(OSError):
            self.said.append((self.dir, self.log()))
        super().stop()


def login(name="alice", password=PASSWORD):
    return "AUTH PLAIN " + base64.b64encode(b"\0%s\0%s" % (name.encode(), password.encode())).decode()


def sessions(said):
    """logins, and every end of a session that a client brings about"""
    with Place(said) as s:
        with s.client("USER alice", "PASS " + PASSWORD, "STAT") as pop:
            pop.multi("RETR 1")
            pop.multi("TOP 2 0")
            pop.command("DELE 1")
            pop.command("QUIT")
        s.until("LOGOUT")
        with s.client(login(), "STAT"):
            pass
        s.until("LOGOUT")
        with s.client(login()) as pop:
            pop.send(b"NONSENSE\r\n" * 100)
            pop.rest()
        s.until("LOGOUT")
        with s.client(login(), login()) as pop:
            with s.client(login()) as second:
                second.rest()
            s.until("MAILBOX REFUSED")
            for pid in s.processes():
                os.kill(pid, signal.SIGTERM)
            pop.rest()
            s.until("LOGOUT")
    with Place(said, "limits.idle_timeout=1s") as s, s.client(login()) as pop:
        pop.rest()
        s.until("LOGOUT")


def mailboxes(said):
    """messages, sizes and indexes that are not as they should be"""
    with Place(said) as s:
        with s.client(login("nobody-has-this-mailbox")) as pop:
            pop.rest()
        s.until("MAILBOX REFUSED")
        # the index is written after the line
        with s.client(login()) as pop:
            pop.multi("LIST")
            pop.command("QUIT")
            pop.rest()
        s.until("LOGOUT")
        assert s.wait_idle()
        maildir = s.dir / "mail/alice/Maildir"
        index = maildir / "restante.index"
        octets = bytearray(index.read_bytes())
        octets[140] ^= 1  # in the first entry
        index.write_bytes(octets)
        with s.client(login(), "RETR 3") as pop:
            pop.body()
            pop.command("QUIT")
        s.until("LOGOUT")
        # a message that cannot be read is nobody's fault but its owner's
        s.own(s.write("mail/alice/Maildir/new/1700000003.M3P1.mail", "Subject: four\n")).chmod(0)
        with s.client(login()) as pop:
            pop.multi("LIST")
            pop.command("QUIT")
        s.until("LOGOUT")


def failures(said):
    """logins that fail, for each reason, and those of which nobody knows"""
    with Place(said) as s:
        with s.client("USER alice", "PASS mistaken", login("x, ip=[198.51.100.1]"), login("bob", "mistaken"), "QUIT"):
            s.until("DISCONNECTED")
        for auth, account in (
            ("pam_debug.so", "pam_debug.so acct=perm_denied"),
            ("pam_debug.so", "pam_debug.so acct=acct_expired"),
            ("pam_debug.so", "pam_debug.so acct=new_authtok_reqd"),
        ):
            s.service(auth, account)
            with s.client(login(), "QUIT"):
                s.until("DISCONNECTED")
        s.service("pam_debug.so auth=authinfo_unavail")
        with s.client(login(), "QUIT"):
            s.until("LOGIN DEFERRED", "DISCONNECTED")
        s.write("text", "expires in 3 days\n")
        s.service("pam_echo.so file=%s/text" % s.dir + "\nauth required pam_permit.so")
        with s.client(login(), "QUIT"):
            s.until("LOGOUT")
    guessing = ("auth.failure_delay=100ms", "auth.throttle_delay=300ms", "auth.throttle_exempt=")
    with Place(said, *guessing, "auth.throttle_directory={dir}/throttle", address="::1") as s:
        # more than are needed: one in 32 is taken for one of those before it
        with s.client(*(login("carol", "guess-%d" % number) for number in range(10)), "QUIT"):
            s.until("THROTTLED", "DISCONNECTED")


def strangers(said):
    """connections without a login; and IPv6"""
    with Place(said, "auth.cleartext_from=", address="::1") as s, s.client("USER alice", login(), "QUIT"):
        s.until("DISCONNECTED")
    with Place(said, "limits.login_timeout=1s", address="::1") as s, s.client() as pop:
        pop.rest()
        s.until("DISCONNECTED")


def proxies(said):
    """what a proxy tells of its client, and one that tells nothing"""
    header = b"PROXY TCP4 203.0.113.9 203.0.113.1 40000 110\r\n"
    with Place(said, "network.proxy_from=127.0.0.1", "auth.cleartext_from=203.0.113.9") as s:
        with Pop(s.port, s.address) as pop:
            pop.send(header)
            pop.line()
            pop.command(login("alice", "mistaken"))
            pop.command(login())
            pop.command("QUIT")
        s.until("LOGOUT")
        with Pop(s.port, s.address) as pop:
            pop.send(b"USER alice\r\n")
            pop.rest()
        s.until("PROXY FAILED")


def tls(said):
    """in TLS; and what does not come about"""
    with Place(said, tls="auto") as s:
        trust = ssl.create_default_context(cafile=s.ca)
        with s.client("STLS") as pop:
            pop.socket = trust.wrap_socket(pop.socket, server_hostname="localhost")
            pop.command(login("alice", "mistaken"))
            pop.command(login())
            pop.command("QUIT")
            session = pop.socket.session
            pop.socket.unwrap()
        s.until("LOGOUT")
        # the session once more, and it breaks off
        with s.client("STLS") as pop:
            pop.socket = trust.wrap_socket(pop.socket, server_hostname="localhost", session=session)
            pop.command(login())
        s.until("LOGOUT")
        with s.client() as pop:
            pop.send(b"STLS\r\nUSER alice\r\n")
            pop.rest()
        s.until("DISCONNECTED")
        with s.client("STLS") as pop:
            pop.send(b"GET / HTTP/1.0\r\n\r\n")
            pop.rest()
        s.until("TLS FAILED", "DISCONNECTED")
        (s.dir / "tls/privkey.pem").unlink()
        with Pop(s.port) as pop:
            pop.rest()
        s.until("FAILED")


STEPS = (sessions, mailboxes, failures, strangers, proxies, tls)


class Names:
    """what differs each time, in the order in which it is met"""

    def __init__(self, form, first):
        self.form, self.next, self.known = form, first, {}

    def of(self, match):
        if match[0] not in self.known:
            self.known[match[0]] = self.form % self.next
            self.next += 1
        return self.known[match[0]]


def sample_of(said):
    """the file, of all that was said: (directory, text)"""
    ports, pids, names = Names("port=[%d]", 40001), Names("pop3d[%d]", 4711), Names("session=ab%d", 12)
    lines = []
    for directory, text in said:
        for line in text.split("\n"):
            if not line or LEFT_OUT.search(line):
                continue
            for pattern, new in (
                (r"^pop3d\[\d+\]", pids.of),
                (r"\bport=\[\d+\]", ports.of),
                (r"\bsession=\w+", names.of),
                (r"\bip=\[127\.0\.0\.1\]", "ip=[192.0.2.7]"),
                (r"\bproxy=\[127\.0\.0\.1\]", "proxy=[203.0.113.1]"),
                (r"\bip=\[::1\]", "ip=[2001:db8::7]"),
                (r"\btime=[\d.]+", "time=0.412"),
                (re.escape(str(directory)), "/etc/restante"),
            ):
                line = re.sub(pattern, new, line)
            # one who guesses: how many before he is slowed down is chance
            if lines and lines[-1].endswith(" mail %s\n" % line):
                continue
            seconds = len(lines)
            lines.append("Nov 21 10:%02d:%02d mail %s\n" % (seconds // 60, seconds % 60, line))
    return HEAD + "".join(lines)


def phrases():
    """the events that the manual lists"""
    text = MANUAL.read_text()
    section = text[text.index("\n.Sh LOG\n") : text.index("\n.Sh SIGNALS\n")]
    return re.findall(r"^\.It (?:Li )?\"?([A-Z][A-Z ]+[A-Z])\"?$", section, re.M)


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    said = []
    for step in STEPS:
        with t.holds("%s: to the end" % step.__name__):
            step(said)
    made = sample_of(said)
    if "--write" in sys.argv:
        SAMPLE.write_text(made)
    found = SAMPLE.read_text() if SAMPLE.exists() else ""
    diff = "\n".join(difflib.unified_diff(found.splitlines(), made.splitlines(), "log.sample", "written", "", "", 0, ""))
    t.ok(not diff, "the sample is what the program writes", diff)
    # what a client cannot cause; each of these is a fault of ours, or of the machine
    faults = {"LOGIN PROCESS FAILED", "TLS PROCESS FAILED", "FAILED", "BUG"}
    listed = set(phrases()) - faults
    t.ok(len(listed) > 6, "the manual lists events", listed)
    t.same({phrase for phrase in listed if "]: %s, " % phrase not in found}, set(), "the sample has each of them")
    t.done()


main()
