"""inside_table.py - in the box: which directive of a unit breaks which PAM module, as doc/HARDENING says

Each row of its table is a unit of its own: the installed one without its confinement, and then
that directive alone.  One login and session goes through all modules at once.  If that does
not work as it should, each module is tried by itself.

SPDX-License-Identifier: ISC
"""
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import socketserver
import threading
import time

import box
import corpus
import inside_tls
from pop import Closed, Pop
from stage import EMPTY, PROGRAM, TICKETS, where

PLACE = pathlib.Path("/run/rows")
HOMES = pathlib.Path("/home/rows")
WORD = "Right-1"
LASTLOG = pathlib.Path("/var/log/lastlog")
RECORD = 292  # octets of an account's record in it
FIRST = 30000  # uid of the first row, port too
STORED = b"Subject: one\n\n.dot\n"
NETWORK = ("127.0.0.1", 4444)

LIFTED = """
[Service]
LockPersonality=no
RestrictRealtime=no
RestrictNamespaces=no
MemoryDenyWriteExecute=no
SystemCallArchitectures=
RestrictAddressFamilies=
CapabilityBoundingSet=~
"""

FAILLOCK = """auth required pam_faillock.so preauth silent
auth [success=1 default=bad] pam_unix.so
auth [default=die] pam_faillock.so authfail
account required pam_faillock.so
"""
# to tell right passwords from wrong ones, with no privilege at all
BASE = """auth required pam_userdb.so db=%s/users crypt=none
account required pam_permit.so
session required pam_permit.so
""" % PLACE
# what a module, or what stands for modules that do so, adds to that
MODULES = {
    "pam_unix": "auth required pam_unix.so\naccount required pam_unix.so\n",
    "pam_faillock": FAILLOCK,
    "pam_userdb": "",
    "pam_pwdfile": "auth required pam_pwdfile.so pwdfile %s/pwdfile\n" % PLACE,
    "pam_listfile": "auth required pam_listfile.so item=user sense=allow file=%s/list onerr=fail\n" % PLACE,
    "pam_succeed_if": "auth required pam_succeed_if.so quiet user ingroup rows\n",
    "pam_access": "account required pam_access.so nodefgroup accessfile=%s/access\n" % PLACE,
    "pam_exec": "auth required pam_exec.so %s/true\n" % PLACE,
    "pam_limits": "session required pam_limits.so conf=%s/limits\n" % PLACE,
    "pam_mkhomedir": "session required pam_mkhomedir.so skel=%s/skel\n" % PLACE,
    "pam_lastlog": "session required pam_lastlog.so silent\n",
    "pam_namespace": "session required pam_namespace.so\n",
    "pam_keyinit": "session required pam_keyinit.so force revoke\n",
    "a file in the home": "session required pam_exec.so %s/home\n" % PLACE,
    "a file in /var": "session required pam_exec.so %s/var\n" % PLACE,
    "a daemon": "auth required pam_exec.so %s/daemon\n" % PLACE,
    "the network": "auth required pam_exec.so %s/network\n" % PLACE,
}
SCRIPTS = {
    "true": "exit 0",
    "home": 'f=%s/$PAM_USER/.secret; read -r word <"$f" && echo "$word" >"$f"' % HOMES,
    "var": 'echo >"/var/lib/rows/$PAM_USER"',
    "daemon": "exec %s/connect" % PLACE,
    "network": "exec timeout 2 %s/reach" % PLACE,
    "reach": "exec 3<>/dev/tcp/%s/%d" % NETWORK,
}
CONNECT = """#!/usr/bin/python3 -IS
import socket
socket.socket(socket.AF_UNIX).connect("%s/daemon.socket")
"""


sessions = []


class Row:
    def __init__(self, number, label, text, tls):
        self.number, self.label, self.text = number, label, text
        self.tls = tls
        self.user, self.port = "row%d" % number, FIRST + number
        self.home = HOMES / self.user
        self.tickets = pathlib.Path(TICKETS) / self.user

    def units(self):
        """a socket and the installed unit with changes behind it"""
        name = "row%d" % self.number
        top = pathlib.Path("/run/systemd/system")
        (top / (name + ".socket")).write_text("[Socket]\nListenStream=127.0.0.1:%d\nAccept=yes\n" % self.port)
        unit = UNIT_TEXT.read_text()
        start = "\n[Service]\nExecStart=\nExecStart=%s -c %s/%s.conf\n" % (PROGRAM, PLACE, name)
        (top / (name + "@.service")).write_text(unit + start + self.text)
        return name + ".socket"

    def configure(self, modules):
        box.pam(BASE + "".join(MODULES[name] for name in modules), self.user)
        (PLACE / (self.user + ".conf")).write_text(
            "[server]\nsandbox = require\n"
            "[auth]\npam_service = %s\npam_session = yes\nfailure_delay = 10ms\n"
            "throttle_exempt =\nthrottle_directory = %s\n"
            "[tls]\ncertificate = %s/fullchain.pem\nprivate_key = %s/privkey.pem\n"
            % (self.user, self.tickets, self.tls.live, self.tls.live)
        )

    def clean(self, home):
        """as if nobody had ever logged in"""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.tickets, ignore_errors=True)
        self.tickets.mkdir(mode=0o700)
        for path in (pathlib.Path("/run/faillock", self.user), pathlib.Path("/var/lib/rows", self.user)):
            path.unlink(missing_ok=True)
        if home:
            shutil.copytree(PLACE / "skel", self.home)
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, FIRST + self.number, FIRST)

    # --- one session -----------------------------------------------------------------------------
    def session(self, modules):
        """what did not go as it should"""
        sessions.append(modules)
        self.configure(modules)
        self.clean("pam_mkhomedir" not in modules)
        try:
            with Pop(self.port, timeout=30) as pop:
                self.dialogue(pop)
        except (AssertionError, Closed, OSError, ValueError):
            return {"login"}
        wrong = {
            "the mailbox": os.listdir(self.home / "Maildir/new"),
            "the throttle": not (self.tickets / "throttle").exists(),
            "pam_faillock": not pathlib.Path("/run/faillock", self.user).exists(),
            "pam_lastlog": not any(record(FIRST + self.number)),
        }
        return {name for name in wrong if wrong[name] and (name in modules or name not in MODULES)}

    def dialogue(self, pop):
        pop.line()
        pop.expect("STLS")
        pop.socket = self.tls.trust.wrap_socket(
            pop.socket, server_hostname="localhost", suppress_ragged_eofs=False
        )
        pop.expect("USER " + self.user)
        pop.expect("PASS mistaken", "-ERR [AUTH]")
        pop.expect("USER " + self.user)
        pop.expect("PASS " + WORD)
        assert pop.multi("RETR 1") == corpus.wire(STORED), "RETR"
        pop.expect("DELE 1")
        pop.expect("QUIT")
        pop.rest()

    def broken(self, told):
        """first as it is told: all modules at once but those that break, and each of these by itself"""
        suspects = [name for name in MODULES if name in told.split(", ")]
        bad = self.session([name for name in MODULES if name not in suspects] if told != "everything" else [])
        if "login" not in bad:
            for name in suspects:
                bad |= {name} if "login" in (own := self.session([name])) else own
            return bad
        return {"everything"} if told == "everything" else self.search()

    def search(self):
        """it is not as it is told"""
        if "login" in (bad := self.session([])):
            return {"everything"}
        half = len(MODULES) // 2
        names = list(MODULES)
        return bad | self.blame(names[:half]) | self.blame(names[half:])

    def blame(self, names):
        bad = self.session(names)
        if "login" not in bad:
            return bad
        half = len(names) // 2
        return self.blame(names[:half]) | self.blame(names[half:]) if half else set(names)


def record(uid):
    with LASTLOG.open("rb") as file:
        file.seek(uid * RECORD)
        return file.read(RECORD)


# --- what the rows need -----------------------------------------------------------------------------
def ground(rows):
    """accounts by hand, as useradd is slow; scripts, files, services"""
    for path in (PLACE, HOMES, pathlib.Path("/var/lib/rows"), pathlib.Path("/run/faillock")):
        path.mkdir(mode=0o755, exist_ok=True)
    word = box.run("openssl", "passwd", "-6", "-stdin", input=WORD + "\n").strip()
    line = "%s:x:%d:%d::%s:/usr/sbin/nologin\n"
    append("passwd", [line % (row.user, FIRST + row.number, FIRST, row.home) for row in rows])
    append("shadow", ["%s:%s:20000:0:99999:7:::\n" % (row.user, word) for row in rows])
    append("group", ["rows:x:%d:\n" % FIRST])
    put("pwdfile", ["%s:%s\n" % (row.user, word) for row in rows])
    put("list", [row.user + "\n" for row in rows])
    put("access", ["+:ALL:127.0.0.0/8\n", "-:ALL:ALL\n"])
    put("limits", ["* - nofile 200\n"])
    box.run(
        *("db_load", "-T", "-t", "hash", PLACE / "users.db"),
        input="".join("%s\n%s\n" % (row.user, WORD) for row in rows),
    )
    for name, text in SCRIPTS.items():
        put(name, ["#!/bin/bash\n", text, "\n"]).chmod(0o755)
    put("connect", [CONNECT % PLACE]).chmod(0o755)
    for part in ("new", "cur", "tmp"):
        (PLACE / "skel/Maildir" / part).mkdir(parents=True)
    put("skel/Maildir/new/1700000000.M0P1.rows", [STORED.decode()])
    put("skel/.secret", ["word\n"])
    LASTLOG.touch()
    pathlib.Path("/etc/security/namespace.conf").write_text("/mnt /mnt-of/ user root\n")
    os.makedirs("/mnt-of", mode=0o000, exist_ok=True)


def append(file, lines):
    with open("/etc/" + file, "a") as out:
        out.write("".join(lines))


def put(name, lines):
    path = PLACE / name
    path.write_text("".join(lines))
    return path


class Silent(socketserver.BaseRequestHandler):
    """a server of the network, or a daemon of this machine: it is there"""


def listen():
    daemon = socketserver.ThreadingUnixStreamServer(str(PLACE / "daemon.socket"), Silent)
    os.chmod(PLACE / "daemon.socket", 0o666)
    network = socketserver.ThreadingTCPServer(NETWORK, Silent)
    for server in (daemon, network):
        threading.Thread(target=server.serve_forever, daemon=True).start()


# --- the page -----------------------------------------------------------------------------------------
UNIT, STRICT, BARE = "(the unit)", "(strict.conf)", "(nothing)"
UNIT_TEXT = pathlib.Path(where["systemdsystemunitdir"], "restante@.service")


def page():
    """{directive: what it breaks} as doc/HARDENING has it, and the modules that it says were tried"""
    text = pathlib.Path(where["docdir"], "HARDENING").read_text()
    table = text.split("\n" + "-" * 20, 1)[1].split("\n", 1)[1].split("\n\n", 1)[0]
    rows, last = {}, None
    for line in table.splitlines():
        label, words = line[:46].strip(), line[46:].strip()
        if label:
            last, rows[label] = label, ""
        rows[last] = (rows[last] + " " + words).strip()
    return rows


def directives(label):
    if label == UNIT:
        return ""
    if label == STRICT:
        return pathlib.Path(where["docdir"], "examples/strict.conf").read_text()
    if label == BARE:
        return LIFTED
    return LIFTED + "".join(
        re.sub(r"^-(CAP_\w+)", r"CapabilityBoundingSet=~\1", word) + "\n" for word in label.split("; ")
    )


def visible(text):
    """a name space with a /tmp of its own hides a program that is installed there, as in a build tree"""
    if "PrivateTmp=yes" not in text or not PROGRAM.startswith("/tmp/"):
        return text
    hidden = " ".join((where["sbindir"], where["libexecdir"], str(pathlib.Path(EMPTY).parent)))
    return text + "[Service]\nBindReadOnlyPaths=%s\nBindPaths=%s\n" % (hidden, TICKETS)


def told(bad):
    order = ["everything", "the log", "the mailbox", "the throttle", *MODULES]
    return ", ".join(name for name in order if name in bad) or "nothing"


class Tls:
    """a certificate, and what trusts it"""

    def __init__(self):
        made = inside_tls.certificates()
        self.live, self.trust = inside_tls.lay(made.make("localhost")), box.trust(made.ca)


def table(t):
    """each row of the page"""
    tls, want = Tls(), page()
    rows = [Row(number, label, visible(directives(label)), tls) for number, label in enumerate(want)]
    ground(rows)
    listen()
    sockets = [row.units() for row in rows]
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", *sockets)
    after = box.now()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = dict(zip(want, pool.map(lambda row: row.broken(want[row.label]), rows)))
    logged = {entry.get("POP3_USER") for entry in box.phrase(box.journal(after, "-t", "pop3d"), "LOGOUT")}
    for row in rows:
        if "everything" not in found[row.label] and row.user not in logged:
            found[row.label].add("the log")
    for label in want:
        t.same(told(found[label]), want[label], "doc/HARDENING: what %s breaks" % label)
    t.note("%d rows, %d sessions" % (len(rows), len(sessions)))
    price(t, {row.label: row for row in rows})
    box.run("systemctl", "stop", *sockets)


# --- the price ----------------------------------------------------------------------------------------
PRICED = (UNIT, "PrivateTmp=yes", "ProtectSystem=strict", "PrivateNetwork=yes", STRICT)


def quiet(label, rows):
    units = "row%d@*" % rows[label].number
    while box.run("systemctl", "list-units", "--plain", "--no-legend", units).strip():
        time.sleep(0.01)


def price(t, rows):
    """from the connection to the greeting, the shortest of some, by turns"""
    times = {label: [] for label in (BARE, *PRICED)}
    for _ in range(8):
        for label in random.sample(list(times), len(times)):
            started = time.monotonic()
            with Pop(rows[label].port) as pop:
                pop.line()
                times[label].append(time.monotonic() - started)
                pop.expect("QUIT")
                pop.rest()
            # what systemd has to tidy up is not the next one's
            quiet(label, rows)
    bare = min(times[BARE])
    ratios = {label: min(times[label]) / bare for label in PRICED}
    told = ", ".join("%s %.2f" % pair for pair in ratios.items())
    t.note("a start, against one without any directive: " + told)
    t.ok(ratios[UNIT] < 2, "what the unit has costs a start next to nothing", ratios)
