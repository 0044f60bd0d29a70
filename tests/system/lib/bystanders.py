"""bystanders.py - those who have nothing to do with it: their files, their octets, their logins

SPDX-License-Identifier: ISC
"""
import hashlib
import pathlib
import statistics
import threading
import time

import box


def victims():
    tops = ("/home/open", "/home/shut", "/srv/canary", "/etc/shadow", "/etc/passwd")
    return [pathlib.Path(path) for path in tops]


def snapshot(tops):
    """path: all that a program could have changed; the change time is left out, root made links"""
    found = {}
    for top in tops:
        for path in [top, *top.rglob("*")]:
            seen = path.lstat()
            octets = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[path] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_size, seen.st_mtime_ns, octets)
    return found


def secrets():
    """octets that only these files have"""
    hashes = (box.shadow(user).encode() for user in ("open", "shut"))
    return [b"OPEN-OCTETS", b"SHUT-OCTETS", b"CANARY-OCTETS", *hashes]


class Bystander:
    """somebody who logs in and reads his mail all the time"""

    def __init__(self, user):
        self.user, self.took, self.failed = user, [], []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while not self.stop.wait(0.2):
            started = time.monotonic()
            try:
                with box.login(self.user) as connection:
                    connection.multi("RETR 1")
                    connection.expect("QUIT")
            except Exception as error:
                self.failed.append(repr(error))
            self.took.append(time.monotonic() - started)

    def end(self, t):
        """a bound for machines that have much else to do"""
        self.stop.set()
        self.thread.join()
        most = max(self.took)
        figures = len(self.took), statistics.median(self.took), most
        t.note("another user meanwhile: %d sessions, median %.3f s, longest %.3f s" % figures)
        t.same(self.failed, [], "another user: each of %d sessions is served" % len(self.took))
        t.ok(most < 5, "another user: none takes longer than 5 s", most)
