"""ban.py - fail2ban, unpacked or installed: its programs, and what a filter finds

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import re
import shutil
import subprocess

OURS = "restante"
STOCK = "courier-auth"


class Fail2ban:
    def __init__(self, top, conf):
        """top: where it was unpacked, or /; conf: the folder of its configuration"""
        self.top, self.conf, self.env = top, conf, environment(top)

    def command(self, name, *words):
        # installed, the program's first line may name another interpreter
        return ["/usr/bin/python3", str(self.top / "usr/bin" / name), "-c", str(self.conf), *map(str, words)]

    def run(self, name, *words):
        done = subprocess.run(
            self.command(name, *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError("%s: %d: %s" % (name, done.returncode, (done.stdout + done.stderr)[-800:]))
        return done.stdout

    def found(self, log, which, *words):
        """[(address, user)] of each match of a filter, one a line of the log that it takes for a failure"""
        text = self.run("fail2ban-regex", *words, "-o", "<ip> <F-USER>", log, which)
        return [tuple(line.split(" ", 1)) for line in text.splitlines() if re.match(r"[0-9a-f.:]+ ", line)]


def environment(top):
    """unpacked it finds its modules, and systemd's, beside it"""
    return {**os.environ, "PYTHONPATH": str(top / "usr/lib/python3/dist-packages"), "LC_ALL": "C.UTF-8"}


def reads_journals(top):
    """true if python3-systemd is there"""
    done = subprocess.run(
        ["/usr/bin/python3", "-c", "import systemd.journal"], env=environment(top), stderr=subprocess.DEVNULL
    )
    return done.returncode == 0


def find(unpacked=None):
    """where tests/system/inetds has unpacked it, else /, if it is there, else None"""
    unpacked = unpacked or os.environ.get("INETDS") or os.environ.get("top_builddir", ".") + "/inetds"
    tops = (pathlib.Path(unpacked).resolve(), pathlib.Path("/"))
    return next((top for top in tops if (top / "usr/bin/fail2ban-regex").exists()), None)


def with_ours(top, examples, room):
    """Fail2ban with a copy of its configuration in room, and our filter and jail in there"""
    shutil.copytree(top / "etc/fail2ban", room)
    for part in ("filter.d", "jail.d"):
        for file in (pathlib.Path(examples) / part).iterdir():
            shutil.copy(file, pathlib.Path(room) / part)
    return Fail2ban(top, room)
