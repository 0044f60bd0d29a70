"""inside_move.py - in the box: a running xinetd serves POP3 by something else, then by us

For qmail-pop3d stands old_pop.py, as there is no package of it; Courier's server is the real one,
unpacked, with its login left out.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import time

import box
from pop import Pop

HEADING = "A running xinetd: from qmail-pop3d, or from Courier"
FILE = pathlib.Path("/etc/xinetd.d/pop3")
SERVICE = """service pop3
{
\tdisable = no
\tsocket_type = stream
\tprotocol = tcp
\twait = no
\tuser = root
\tflags = NODELAY
\tinstances = 40
\tserver = %s
\tserver_args = %s
}
"""
# times, as qmail and Courier name files, in an order that is not that of the names' octets
NAMES = {
    "qmail": ("new/999999999.7.mail", "cur/1700000000.1234.mail:2,S", "new/1700000001.99.mail", "cur/1700000002.9.mail:2,"),
    "courier": (
        "cur/1700000000.M7P3V000000000000FD01I0000000000A1B2C3_0.mail,S=24:2,S",
        "new/1700000001.M8P4V000000000000FD01I0000000000A1B2C4_0.mail,S=24",
        "cur/1700000002.M1P1V000000000000FD01I0000000000A1B2C5_0.mail,S=24:2,RS",
    ),
}


def mailbox(user, names):
    """with the times of the files as they were delivered"""
    who = pwd.getpwnam(user)
    top = pathlib.Path(who.pw_dir, "Maildir")
    shutil.rmtree(top)
    box.deliver(user, [])
    for number, name in enumerate(names):
        path = top / name
        path.write_text("Subject: %d\n\nbody %d\n" % (number, number) + "x\n" * number)
        os.chown(path, who.pw_uid, who.pw_gid)
        when = int(path.name.split(".")[0])
        os.utime(path, (when, when))


def listing(pop):
    """what a client can compare: unique-ids and octets, in order, and the last message"""
    ids = pop.multi("UIDL").decode().split("\r\n")
    sizes = pop.multi("LIST").decode().split("\r\n")
    return [line.split()[-1] for line in ids if line], sizes, pop.multi("RETR %d" % len(sizes[:-1]))


def greeting_changes(old):
    """the greeting of the new one, once xinetd has read its files"""
    end = time.monotonic() + 10
    while True:
        with Pop(110) as pop:
            greeting = pop.line()
        if greeting != old or time.monotonic() > end:
            return greeting
        time.sleep(0.05)


def moves(t, page):
    xinetd = next((top for top in ("/run/shared/inetds/usr/sbin/xinetd", "/usr/sbin/xinetd") if os.access(top, os.X_OK)), None)
    if not xinetd:
        return t.skip("xinetd: a move", "not there (see tests/system/inetds)")
    box.run("systemctl", "stop", "restante.socket")
    shutil.rmtree("/etc/xinetd.d", ignore_errors=True)
    FILE.parent.mkdir()
    pathlib.Path("/etc/xinetd.conf").write_text("includedir /etc/xinetd.d\n")
    try:
        move(t, page, xinetd, "qmail", *qmail())
        if server := courier():
            move(t, page, xinetd, "courier", *server)
        else:
            t.skip("courier: a move", "not there (see tests/system/inetds)")
    finally:
        box.run("systemctl", "start", "restante.socket")
    return None


def qmail():
    """the server and its arguments, in the places that it has there"""
    for path in ("/var/qmail/bin/qmail-popup", "/var/qmail/bin/qmail-pop3d", "/bin/checkpassword"):
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/run/shared/tests/system/lib/old_pop.py", path)
        os.chmod(path, 0o755)
    return "/var/qmail/bin/qmail-popup", "mail.example.org /bin/checkpassword /var/qmail/bin/qmail-pop3d Maildir"


def courier():
    top = pathlib.Path("/run/shared/inetds")
    program = top / "usr/lib/courier/courier/courierpop3d"
    if not program.exists():
        return None
    libraries = "LD_LIBRARY_PATH=%s/usr/lib:%s/usr/lib/x86_64-linux-gnu" % (top, top)
    home = pwd.getpwnam("alice").pw_dir
    who = "--reuid=alice --regid=alice --clear-groups"
    return "/usr/bin/setpriv", "%s env %s AUTHENTICATED=alice %s %s/Maildir" % (who, libraries, program, home)


def move(t, page, xinetd, name, server, arguments):
    mailbox("alice", NAMES[name])
    FILE.write_text(SERVICE % (server, arguments))
    command = [xinetd, "-f", "/etc/xinetd.conf", "-dontfork", "-pidfile", "/run/xinetd.pid"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            old = connected()
            changed(t, page, name, old)
        finally:
            process.terminate()


def back(t, name, greeting, new):
    """the old file and the same signal; and forth again"""
    changed = FILE.read_text()
    for text, want in (((FILE.parent / "pop3.old").read_text(), greeting), (changed, new)):
        FILE.write_text(text)
        os.kill(int(pathlib.Path("/run/xinetd.pid").read_text()), signal.SIGHUP)
        end = time.monotonic() + 10
        while kind(found := greeting_changes(None)) != kind(want) and time.monotonic() < end:
            time.sleep(0.05)
        t.same(kind(found), kind(want), "%s: the way %s" % (name, "back" if want is greeting else "forth"))


def kind(greeting):
    """without what differs each time"""
    return re.sub(rb"<[^>]*>|[0-9a-f]{8}", b"", greeting)


def connected():
    """the first connection, once xinetd listens"""
    end = time.monotonic() + 10
    while True:
        try:
            return Pop(110)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def changed(t, page, name, old):
    """a session before, one on the way, one after"""
    greeting = old.line()
    with old:
        if name == "qmail":
            old.expect("USER alice")
            old.expect("PASS " + box.password_of("alice"))
        before = listing(old)
        page.apply(HEADING)
        new = greeting_changes(greeting)
        t.ok(new != greeting, "%s: xinetd starts the new server" % name, FILE.read_text())
        t.same(listing(old), before, "%s: the session that was there goes on" % name)
        old.expect("QUIT")
    with t.holds("%s: a session with the new server" % name), box.login("alice") as pop:
        after = listing(pop)
        pop.expect("QUIT")
        pop.rest()
    names = [pathlib.Path(path).name.split(":")[0] for path in NAMES[name]]
    t.same(after[0], names, "%s: the unique-ids are the files' names, in the order of delivery" % name)
    t.same(after[1:], before[1:], "%s: the sizes, and the message, are the same, in the same order" % name)
    back(t, name, greeting, new)
    given = (pathlib.Path(pwd.getpwnam("alice").pw_dir) / "Maildir/courierpop3dsizelist").exists()
    t.same(given, name == "courier", "%s: the file that tells of ids of its own" % name)
    t.same(before[0] == after[0], not given, "%s: the unique-ids are %s" % (name, "others" if given else "the same"))
    text = FILE.read_text()
    t.ok("server_args" not in text and "instances = 40" in text, "%s: the rest of the file is as it was" % name, text)
    t.ok("server_args" in (FILE.parent / "pop3.old").read_text(), "%s: and the old one is kept" % name)
