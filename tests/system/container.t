#!/usr/bin/python3
"""container.t - our example of a container, run by an account that owns nothing

Name spaces are made by an unprivileged account, and in them the smallest there is: one user and one
group, no capabilities, no new privileges, a root that cannot be written, no systemd, no accounts but
one.  What runs there is doc/examples/container as it is installed, with an image as its
Containerfile would make it: "make install" and the machine's own /usr.  No root is needed.

SPDX-License-Identifier: ISC
"""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))
sys.path.insert(0, str(HERE.parent))

import boxed  # noqa: E402
import check  # noqa: E402
import corpus  # noqa: E402
from lib.certs import Certs  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, descendants, process_status  # noqa: E402

# PAM's modules are where the system has them, so only what an image would add is ours
ENTER = """set -e
cd "$IMAGE"
mount --bind . .
cd "$IMAGE"
for place in $BOUND; do mount --rbind -o ro "/$place" "$place"; done
mount --bind "$MAIL" srv/mail
mount -t tmpfs -o mode=1777 state run/restante
mount -t proc proc proc
mount --bind /dev/null dev/null
mount -o remount,bind,ro .
pivot_root . old
umount -l /old
cd /
exec unshare --user --map-user="$ACCOUNT" --map-group="$ACCOUNT" setpriv --no-new-privs setsid "$RUN"
"""
# one account in a name space that has no other; root's number there is nobody's outside
SPACES = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
VMAIL = 5000
NAMELESS = 54321  # a number that nobody gave a name

t = check.Checks()
me = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
drop = {"user": me.pw_uid, "group": me.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}


def tcpserver():
    """the one for IPv6, if it was unpacked, and whether it is"""
    both = boxed.INETDS / "ipv6/usr/bin/tcpserver"
    return (str(both), True) if os.access(both, os.X_OK) else (shutil.which("tcpserver"), False)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Image:
    """a root directory, the mail and the log of one container after another"""

    def __init__(self, top):
        self.top = top
        self.where = dict(line.split("=", 1) for line in boxed.make("directories").splitlines())
        self.root, self.mail, self.log = top / "image", top / "mail", top / "log"
        boxed.make("install", "DESTDIR=%s" % self.root)
        self.example = self.at(self.where["docdir"]) / "examples/container"
        self.bound = [name for name in ("usr/bin", "usr/lib", "usr/lib32", "usr/lib64") if os.path.isdir("/" + name)]
        for name in [*self.bound, "old", "proc", "dev", "srv/mail", "run/restante", "etc/restante", "opt/bin"]:
            self.at(name).mkdir(parents=True, exist_ok=True)
        for name in ("bin", "lib", "lib32", "lib64"):
            if "usr/" + name in self.bound:
                self.at(name).symlink_to("usr/" + name)
        self.at("dev/null").touch()
        self.fill()
        self.mail.mkdir()
        self.ports = free_port(), free_port()
        self.trust = ssl.create_default_context(cafile=self.certs.ca)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "%d:%d" % (me.pw_uid, me.pw_gid), top], check=True)

    def at(self, path):
        return self.root / str(path).lstrip("/")

    def fill(self):
        """the steps of the Containerfile, and what its reader adds: passwords and a certificate"""
        etc = self.at("etc/restante")
        shutil.copy(tcpserver()[0], self.at("opt/bin/tcpserver"))
        shutil.copy(self.example / "restante.conf", etc)
        shutil.copytree(self.example / "pam.d", etc / "pam.d")
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", PASSWORD], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        (etc / "users").write_text("".join("%s:%s" % (user, hashed) for user in ("alice", "bob")))
        (etc / "users").chmod(0o600)
        self.certs = Certs(str(self.top / "certs"))
        made = self.certs.make("localhost")
        (etc / "tls").mkdir()
        for name in ("fullchain.pem", "privkey.pem"):
            shutil.copy(os.path.join(made.dir, name), etc / "tls")
        account = "vmail:x:%d:%d::/srv/mail:/usr/sbin/nologin\n"
        self.at("etc/passwd").write_text(account % (VMAIL, VMAIL))
        self.at("etc/group").write_text("vmail:x:%d:\n" % VMAIL)
        shutil.copy("/etc/ld.so.cache", self.at("etc"))

    def maildir(self, user, *messages):
        top = self.mail / user / "Maildir"
        made = [top.parent, top, *(top / part for part in ("new", "cur", "tmp"))]
        for path in made:
            path.mkdir()
        for name, octets in messages:
            made.append(top / "new" / name)
            made[-1].write_bytes(octets)
        for path in made if os.getuid() == 0 else ():
            os.chown(path, me.pw_uid, me.pw_gid)

    def files(self):
        """all that is in the image and below mail, with what would change if it were written"""
        found = {}
        for top in (self.root, self.mail):
            for path in [top, *top.rglob("*")]:
                st = path.lstat()
                found[str(path.relative_to(self.top))] = (st.st_mode, st.st_size, st.st_mtime_ns)
        return found

    def said(self):
        return self.log.read_text(errors="replace")

    def start(self, account):
        """run of the example, as process 1 of a container"""
        env = {
            "PATH": "/opt/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "IMAGE": str(self.root),
            "BOUND": " ".join(self.bound),
            "MAIL": str(self.mail),
            "ACCOUNT": str(account),
            "RUN": str(pathlib.Path("/") / (self.example / "run").relative_to(self.root)),
            "LISTEN": "%d=starttls %d=implicit" % self.ports,
            "RESTANTE": self.where["sbindir"] + "/restante",
        }
        with open(self.log, "wb") as log:
            return subprocess.Popen(
                [*SPACES, "sh", "-c", ENTER],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                cwd="/",
                start_new_session=True,
                **drop,
            )


@contextlib.contextmanager
def container(image, account):
    """from its start until nothing of it is left; yields (what unshare became, process 1 inside)"""
    process = image.start(account)
    try:
        end = time.monotonic() + 20
        for port in image.ports:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > end:
                        raise RuntimeError("it does not listen: " + image.said()[-800:]) from None
                    time.sleep(0.05)
        yield process, descendants(process.pid)[0]
    finally:
        process.kill()
        process.wait()


def connect(image, way="clear", address="127.0.0.1"):
    pop = Pop(image.ports[way == "tls"], address)
    if way == "stls":
        greeting = pop.line()
        pop.expect("STLS")
        pop.buffer = greeting + b"\r\n"
    if way != "clear":
        pop.socket = image.trust.wrap_socket(
            pop.socket, server_hostname="localhost", suppress_ragged_eofs=False
        )
    return pop


MESSAGE = ("1700000000.M0P1.s", b"Subject: one\n\n.dot\n")


def session(image, user, way, address):
    """a whole session, each octet accounted for; the message is gone afterwards"""
    stored = image.mail / user / "Maildir/new" / MESSAGE[0]
    stored.write_bytes(MESSAGE[1])
    if os.getuid() == 0:
        os.chown(stored, me.pw_uid, me.pw_gid)
    with t.holds("a session (%s) from %s" % (way, address)), connect(image, way, address) as pop:
        pop.login(user)
        assert pop.multi("RETR 1") == corpus.wire(MESSAGE[1]), "RETR"
        pop.expect("DELE 1")
        pop.expect("QUIT")
        assert pop.rest() == b"", "octets behind QUIT"
        assert not stored.exists(), "the message is still there"


def confined(pid):
    """what process 1 may do, and where it cannot write"""
    for name, want in (("CapEff", "0" * 16), ("CapPrm", "0" * 16), ("NoNewPrivs", "1")):
        t.same(process_status(pid, name), want, "no power: %s is %s" % (name, want))
    for kind in ("uid", "gid"):
        rows = pathlib.Path("/proc/%d/%s_map" % (pid, kind)).read_text().splitlines()
        t.same([row.split()[2] for row in rows], ["1"], "one %s is mapped, and no other" % kind)
    words = {}
    for place in ("", "etc", "etc/restante", "usr/bin", "srv"):
        try:
            with open("/proc/%d/root/%s/written" % (pid, place), "wb"):
                words[place] = "it was written"
        except OSError as error:
            words[place] = error.strerror
    t.same(set(words.values()), {"Read-only file system"}, "its root cannot be written, by anybody")


def refused(image, name="a wrong password is refused"):
    with t.holds(name), connect(image, "tls") as pop:
        pop.line()
        pop.expect("USER alice")
        pop.expect("PASS mistaken", "-ERR [AUTH]")
        pop.expect("QUIT")
    t.ok(
        re.search(r"LOGIN FAILED, ip=\[127\.0\.0\.1\], .*reason=auth, user=alice", image.said()),
        "and standard error, the container's log, has it",
        image.said()[-600:],
    )


def clear(image):
    """a password in clear: refused as the example has it, permitted if it says so"""
    with t.holds("in clear from loopback: refused"), connect(image) as pop:
        pop.line()
        pop.expect("USER alice", "-ERR [AUTH]")
        pop.expect("QUIT")
    path = image.at("etc/restante/restante.conf")
    text = path.read_text()
    path.write_text(text.replace("cleartext_from =", "throttle_exempt =\ncleartext_from = 127.0.0.1", 1))
    session(image, "alice", "clear", "127.0.0.1")
    refused(image, "a wrong password that counts is refused")
    path.write_text(text)


def written(image, before, after):
    """what differs is in a Maildir"""
    odd = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    outside = [name for name in odd if not re.match(r"mail/[a-z]+/Maildir(/|$)", name)]
    return [name for name in outside if name != "image/etc/restante/restante.conf"]


def stopped(image, process, pid):
    """as a runtime does it: who is logged in is told, nothing is deleted, nothing is left"""
    with connect(image, "tls") as pop:
        pop.login("bob")
        pop.expect("DELE 1")
        os.kill(pid, signal.SIGTERM)
        rest = pop.rest()
    t.ok(rest.startswith(b"-ERR [SYS/TEMP]"), "SIGTERM to the container: the client is told", rest)
    with t.holds("and the container ends"):
        t.same(process.wait(10), 0, "with status 0")
    t.ok((image.mail / "bob/Maildir/new" / MESSAGE[0]).exists(), "and nothing is deleted")


def first(image, addresses):
    """with an account that has a name"""
    before = image.files()
    with container(image, VMAIL) as (process, pid):
        confined(pid)
        for way, address in (("stls", "127.0.0.1"), *(("tls", address) for address in addresses)):
            session(image, "alice", way, address)
        refused(image)
        clear(image)
        log = image.said()
        t.same(log.count("started without root"), 1, "what is left out without root is said once")
        t.ok("system call filters and Landlock are in force" in log, "and what holds", log[:600])
        t.same(re.findall(r"sandbox: .*|FAILED, status=.*|BUG.*", log), [], "there is nothing to complain of")
        state = pathlib.Path("/proc/%d/root/run/restante" % pid)
        kept = sorted(path.name for path in (state / "state").iterdir())
        t.same(
            ([path.name for path in state.iterdir()], "throttle" in kept, "unprivileged" in kept),
            (["state"], True, True),
            "what it remembers is in the state directory: %s" % " ".join(kept),
        )
        stopped(image, process, pid)
    t.same(written(image, before, image.files()), [], "nothing else was written")


def second(image):
    """a restart, with an account that has none"""
    with container(image, NAMELESS) as (process, pid):
        session(image, "alice", "tls", "127.0.0.1")
        with t.holds("the mail of before is there"), connect(image, "tls") as pop:
            pop.login("bob")
            assert pop.command("UIDL 1") == "+OK 1 " + MESSAGE[0]
            pop.expect("QUIT")
        t.same(
            [line for line in image.said().splitlines() if "no-account" in line], [], "a number needs no name"
        )
        crowd = descendants(process.pid)
        listener = next(one for one in crowd if process_status(one, "Name") == "tcpserver")
        os.kill(listener, signal.SIGKILL)
        t.same(process.wait(10), 1, "a tcpserver that dies ends the container, status 1: it can be restarted")


def as_root(image):
    """root in its name space, and nobody outside of it: no account is there to change to"""
    process = image.start(0)
    try:
        t.same(process.wait(20), 64, "root's number inside: not served")
    finally:
        process.kill()
        process.wait()
    t.ok("run: not as root" in image.said(), "and run says why", image.said())


def packages(image):
    """the Containerfile installs what scripts/packages says that building takes"""
    listed, section = set(), ""
    for line in (HERE.parent.parent / "scripts/packages").read_text().splitlines():
        word = line.split("#")[0].strip()
        section = word if word.startswith("[") else section
        if word and word != section and section == "[build]":
            listed.add(word)
    text = (image.example / "Containerfile").read_text()
    there = set(re.sub(r"\\\n", "", text).partition("FROM debian:12-slim")[0].split())
    t.ok(len(listed) > 8, "scripts/packages has a list for building", listed)
    t.same(sorted(listed - there), [], "the Containerfile has all of it")


def main():
    if not os.access(BUILD / "restante", os.X_OK) or not (BUILD / "Makefile").exists():
        check.skip_all("nothing is built in %s" % BUILD)
    if subprocess.run([*SPACES, "true"], stderr=subprocess.DEVNULL, **drop).returncode:
        check.skip_all("an unprivileged account can make no name spaces here")
    program, both = tcpserver()
    if not program:
        check.skip_all("no tcpserver (package: ucspi-tcp, or tests/system/inetds)")
    with tempfile.TemporaryDirectory(prefix="restante-container.") as top:
        os.chmod(top, 0o755)
        image = Image(pathlib.Path(top))
        packages(image)
        image.maildir("alice")
        image.maildir("bob", MESSAGE)
        with t.holds("the first run: to its end"):
            first(image, ("127.0.0.1", "::1") if both else ("127.0.0.1",))
        if not both:
            t.skip("a session from ::1", "this tcpserver knows IPv4 alone (tests/system/inetds)")
        with t.holds("the second run: to its end"):
            second(image)
        with t.holds("root: to its end"):
            as_root(image)
    t.done()


main()
