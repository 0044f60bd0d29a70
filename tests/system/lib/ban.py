"""ban.py - fail2ban, unpacked or installed, and a folder of configuration with our files in it

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
    """None of its files is touched: all that we add is in a copy."""

    def __init__(self, places, examples, room):
        """places: where it may be unpacked; examples: our filter.d and jail.d; room: for the copy"""
        self.top = next((top for top in places if (top / "usr/bin/fail2ban-regex").exists()), None)
        if not self.top:
            return
        self.conf = pathlib.Path(room)
        shutil.copytree(self.top / "etc/fail2ban", self.conf)
        for part in ("filter.d", "jail.d"):
            for file in (pathlib.Path(examples) / part).iterdir():
                shutil.copy(file, self.conf / part)
        self.env = environment(self.top)

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


def places(shared=None):
    """where tests/system/inetds has unpacked it, else the system's own"""
    unpacked = pathlib.Path(shared or os.environ.get("INETDS") or os.environ.get("top_builddir", ".") + "/inetds")
    return [unpacked.resolve(), pathlib.Path("/")]
