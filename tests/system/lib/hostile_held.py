"""hostile_held.py - in the box: sessions that the owner holds up, and who waits for them

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import pwd
import signal
import threading
import time
import traceback

import box
import owner
from hostile import OWNER, TOP, Session, fresh, roots, t, wait_for
from pop import Pop
from rooted import Rooted
from server import process_status

TERM_MOST = 35  # seconds that root's processes may go on behind SIGTERM


def hangs():
    """a file system that never answers: who waits for it is the user, and no more than that"""
    fresh()
    hanging = owner.Hanging(TOP, OWNER)
    try:
        hung(hanging)
    finally:
        hanging.end()


def hung(hanging):
    with Session() as session:
        unit = box.unit_of(session.pop)
        session.pop.send(b"PASS %s\r\n" % box.password_of(OWNER).encode())
        t.ok(hanging.asked.wait(20), "a file system that hangs: the session waits for it")
        main, others = box.processes_of(unit)
        t.same(roots([main, *others]), [], "a file system that hangs: no process of root is held up")
        os.kill(main, signal.SIGKILL)
        gone = wait_for(lambda: not pathlib.Path("/proc/%d" % main).exists())
        t.ok(gone, "a file system that hangs: SIGKILL ends it")


class Held(threading.Thread):
    """
    two sessions inside PAM's that do not answer: one is stopped by its owner, one waits for a file
    system that hangs.  Root's processes wait for them; told to end they do, after a while.  Beside
    all else, as it takes that while.
    """

    USER = "malice"

    def __init__(self):
        super().__init__()
        self.found, self.failed, self.took = {}, None, 0
        self.start()

    def run(self):
        try:
            with Rooted("auth.pam_session=yes", "auth.pam_service=popsession") as server:
                self.hold(server)
        except Exception as error:
            self.failed = "".join(traceback.format_exception(error)[-4:])

    def hold(self, server):
        home = pathlib.Path("/home", self.USER)
        stopped, hung = Pop(server.port), Pop(server.port)
        stopped.login(self.USER, box.password_of(self.USER))
        uid = pwd.getpwnam(self.USER).pw_uid
        pids = server.pids()
        session = next(pid for pid in pids if process_status(pid, "Uid").split()[0] == str(uid))
        owner.act(self.USER, os.kill, session, signal.SIGSTOP)
        owner.act(self.USER, os.rename, home / "Maildir", home / "aside")
        owner.act(self.USER, os.mkdir, home / "Maildir")
        hanging = owner.Hanging(home / "Maildir", self.USER, swallow=True)
        try:
            hung.line()
            hung.expect("USER " + self.USER)
            hung.send(b"PASS %s\r\n" % box.password_of(self.USER).encode())
            self.found["the file system is asked"] = hanging.asked.wait(20)
            self.found["two of root's wait for each"] = len(server.roots()) == 4
            mains = children(server.process.pid)
            started = time.monotonic()
            for pid in mains:
                os.kill(pid, signal.SIGTERM)
            self.found["root's end, once told, in a while"] = wait_for(lambda: not server.roots(), TERM_MOST)
            self.took = time.monotonic() - started
            # that one is in a system call for good
            self.found["and at most one is left that is the user's"] = len(server.pids()) <= 1
        finally:
            hanging.end()
            stopped.close()
            hung.close()

    def end(self):
        self.join()
        t.ok(not self.failed, "sessions that are stopped or hang inside PAM's: to the end", self.failed)
        for what, good in self.found.items():
            t.ok(good, "sessions that are stopped or hang inside PAM's: " + what)
        t.note("inside PAM's: %.1f s from SIGTERM to the end" % self.took)


def children(pid):
    return [int(word) for word in pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()]
