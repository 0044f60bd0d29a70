"""server.py - the program under test on a loopback port of its own, and what it leaves behind

A Server lives in a temporary directory: Maildirs, a private PAM directory, configuration, log
and exit statuses.  It runs without root; a test that is root itself lets it run as "nobody", so
that the same steps are taken everywhere.

SPDX-License-Identifier: ISC
"""
import contextlib
import importlib.util
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BUILD") or os.environ.get("top_builddir") or ".").resolve()
PASSWORD = "wonderland"

# the system's own, which every account may run; ours may lie in somebody's home
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable

# pam_exec hands the password over on standard input; any user name will do.  To PAM a script that
# says no is a broken module: pam_deny says it better.
PAM_PASSWORD = """\
auth [success=1 default=ignore] pam_exec.so quiet expose_authtok %s
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
"""
PAM_ANYBODY = "auth required pam_permit.so\naccount required pam_permit.so\n"


class Server:
    def __init__(
        self,
        options=(),
        address="127.0.0.1",
        anybody=False,
        environment=None,
        tls=None,
        names=False,
        port=0,
        secrets="",
    ):
        """
        options: more "section.key=value"; anybody: every password is right (and costs nothing)
        tls: how network.tls shall be, with a certificate for localhost by an authority in ca
        names: other names are looked for in the folder tls
        port: 0 for any that is free
        secrets: what auth.secrets_file holds; none without
        """
        self.account = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="restante-test."))
        self.address = address
        self.process = None
        self.tls, self.port = tls, port
        self.host = "localhost" if tls else address  # as clients are told
        try:
            self.dir.chmod(0o755)
            self.own(self.dir)
            self.program = self.dir / "restante"
            shutil.copy(BUILD / "restante", self.program)
            self.program.chmod(0o755)
            self.write("spawn.py", (HERE / "spawn.py").read_text())
            self.pam(anybody)
            self.write("restante.conf", "")
            self.own(self.make("mail"))
            if secrets:
                options = ["auth.secrets_file=%s" % self.write("secrets", secrets, 0o600), *options]
            if tls:
                options = [*self.secure(), *options]
            if names:
                options = ["tls.directory=%s/tls" % self.dir, *options]
            self.start(options, environment or {})
        except BaseException:
            self.stop()
            raise

    # --- files -------------------------------------------------------------------------------
    def own(self, path):
        if os.getuid() == 0:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)
        return path

    def make(self, name):
        path = self.dir / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name, text, mode=0o644):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return self.own(path)

    def secure(self):
        """the relay and a certificate; the options that name them"""
        where = HERE.parent.parent / "lib/certs.py"
        spec = importlib.util.spec_from_file_location("certs", where)
        certs = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(certs)
        self.relay = self.dir / "restante-tls"
        shutil.copy(os.environ.get("RESTANTE_TLS") or BUILD / "restante-tls", self.relay)
        self.certs = certs.Certs(str(self.own(self.make("certs"))))
        self.ca = self.certs.ca
        self.lay(self.certs.make("localhost"))
        return [
            "network.tls=" + self.tls,
            "tls.relay=%s" % self.relay,
            "tls.ticket_directory=%s/tickets" % self.dir,
            "tls.certificate=%s/tls/fullchain.pem" % self.dir,
            "tls.private_key=%s/tls/privkey.pem" % self.dir,
        ]

    def lay(self, cert, names=("privkey.pem", "fullchain.pem"), where="tls"):
        """what is served from now on: files of cert, each replaced at once"""
        self.own(self.make(where))
        for name in names:
            new = self.dir / where / (name + ".new")
            shutil.copy(os.path.join(cert.dir, name), new)
            new.chmod(0o600)
            os.rename(self.own(new), self.dir / where / name)

    def pam(self, anybody):
        self.make("pam.d")
        check = self.write(
            "check-password", '#!/bin/sh\nIFS= read -r word; [ "$word" = %s ]\n' % PASSWORD, 0o755
        )
        self.write("pam.d/pop3", PAM_ANYBODY if anybody else PAM_PASSWORD % check)
        self.write("pam.d/other", "auth required pam_deny.so\naccount required pam_deny.so\n")

    def maildir(self, user, messages=()):
        """make user's Maildir; messages: (file name in new, octets)"""
        top = self.dir / "mail" / user
        for part in ("", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
            (top / part).mkdir()
            self.own(top / part)
        for name, octets in messages:
            path = top / "Maildir/new" / name
            path.write_bytes(octets)
            self.own(path)
        return top / "Maildir"

    def left(self, user):
        """the message files in user's Maildir"""
        top = self.dir / "mail" / user / "Maildir"
        return sorted(p for part in ("new", "cur") for p in (top / part).iterdir())

    # --- the server --------------------------------------------------------------------------
    def drop(self):
        """for subprocess: run it as our account"""
        if os.getuid() != 0:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def command(self, options=()):
        """the program with all its settings"""
        settings = [
            "auth.pam_confdir=%s" % (self.dir / "pam.d"),
            "auth.pam_service=pop3",
            "mail.user=%s" % self.account.pw_name,
            "mail.maildir=%s/mail/%%u/Maildir" % self.dir,
            "log.target=stderr",
            *options,
        ]
        command = [str(self.program), "-c", str(self.dir / "restante.conf")]
        for setting in settings:
            command += ["-o", setting]
        return command

    def supervise(self, command, **more):
        """start a supervisor; its standard error, and so the program's, is our log"""
        with open(self.dir / "log", "ab") as log:
            return subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                **more,
                **self.drop(),
            )

    def start(self, options, environment):
        self.own(self.write("statuses", ""))
        self.process = self.supervise(
            [PYTHON, self.dir / "spawn.py", self.address, str(self.port), self.dir / "statuses", *self.command(options)],
            stdout=subprocess.PIPE,
            env={**os.environ, "HOME": str(self.dir), **environment},
        )
        self.port = int(self.process.stdout.readline())

    def stop(self):
        """end everything, remove everything"""
        if self.process:
            started = self.processes()
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in [self.process.pid, *started]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- what can be seen of it ----------------------------------------------------------------
    def log(self):
        return (self.dir / "log").read_text(errors="replace")

    def events(self, phrase, user=None):
        """the lines of one event as dictionaries"""
        found = []
        for line in self.log().splitlines():
            match = re.search(r"(?:^|[]:>] )%s, (.*)" % re.escape(phrase), line)
            if match:
                pairs = dict(p.split("=", 1) for p in match[1].split(", ") if "=" in p)
                if user is None or pairs.get("user") == user:
                    found.append(pairs)
        return found

    def wait_events(self, phrase, count, user=None, seconds=10):
        """events(), once there are count of them or time is up"""
        end = time.monotonic() + seconds
        while True:
            found = self.events(phrase, user)
            if len(found) >= count or time.monotonic() > end:
                return found
            time.sleep(0.02)

    def statuses(self):
        return [int(line.split()[1]) for line in (self.dir / "statuses").read_text().splitlines()]

    def processes(self):
        """pids of all that the supervisor started, orphans and zombies too"""
        return descendants(self.process.pid)

    def wait_idle(self, seconds=10):
        """true once no process of ours is left"""
        end = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True


def descendants(top):
    """pids below top in the process tree"""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = process_stat(int(entry))
            if stat:
                children.setdefault(stat[1], []).append(int(entry))
    found, queue = [], [top]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def process_stat(pid):
    """(state, parent) of a process, None if it is gone"""
    try:
        rest = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return rest[0], int(rest[1])


def process_status(pid, field):
    """one field of /proc/PID/status as text, None if it is gone"""
    try:
        text = pathlib.Path("/proc/%d/status" % pid).read_text()
    except OSError:
        return None
    match = re.search(r"^%s:\s*(.*)$" % field, text, re.M)
    return match[1] if match else None
