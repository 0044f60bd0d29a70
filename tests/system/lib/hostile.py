"""hostile.py - in the box: the owner's Maildir, his sessions, and other people's files that he points to

SPDX-License-Identifier: ISC
"""
import contextlib
import os
import pathlib
import time

import box
import check
import owner
from bystanders import snapshot, victims
from pop import Closed, Pop
from server import process_status

OWNER = "mallory"
GOOD = ("cur/1000.good:2,S", b"Subject: good\n\nbody\n")
TOP = pathlib.Path("/home/mallory/Maildir")
CANARY = pathlib.Path("/srv/canary")
OPEN = pathlib.Path("/home/open/Maildir")  # its owner lets everybody read and write: only we say no
SHUT = pathlib.Path("/home/shut/Maildir")
t = check.Checks()


class Ear:
    """a socket that remembers what it heard"""

    def __init__(self, plain):
        self.plain, self.heard = plain, []

    def recv(self, most):
        octets = self.plain.recv(most)
        self.heard.append(octets)
        return octets

    def __getattr__(self, name):
        return getattr(self.plain, name)


class Session:
    """the owner's: it takes all it can get; what it heard is kept for its end"""

    all_heard = []

    def __init__(self):
        self.pop = Pop(110, timeout=30)
        self.pop.socket = Ear(self.pop.socket)
        self.pop.line()
        self.pop.expect("USER " + OWNER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pop.close()
        Session.all_heard += self.pop.socket.heard

    def login(self):
        """the reply to the password"""
        return self.pop.command("PASS " + box.password_of(OWNER))

    def count(self):
        return int(self.pop.expect("STAT").split()[1])

    def take(self, delete=True):
        """everything: what each RETR began with, and the end; a connection that closes is an end"""
        replies, ids = [], b""
        with contextlib.suppress(Closed, ConnectionResetError):
            self.pop.expect("LIST")
            self.pop.body()
            self.pop.expect("UIDL")
            ids = self.pop.body()
            for n in range(1, ids.count(b"\r\n") + 1):
                for command in ("RETR %d", "TOP %d 99"):
                    replies.append(self.pop.command(command % n))
                    if replies[-1].startswith("+OK"):
                        self.pop.body()
                if delete:
                    self.pop.command("DELE %d" % n)
            replies.append(self.pop.command("QUIT"))
        self.pop.rest()
        return ids.decode("latin-1").split("\r\n")[:-1], replies


def fresh(*messages):
    owner.act(OWNER, owner.clean, TOP, [GOOD, *messages])


def odd(path, kind, target=None):
    owner.act(OWNER, owner.odd, TOP / path, kind, target)


def left(*names):
    """those of these names that are still there, whatever they are"""
    return [name for name in names if os.path.lexists(TOP / name)]


def taken():
    """log in and take everything; the first reply is the login's"""
    with Session() as session:
        first = session.login()
        return (first, *session.take()) if first.startswith("+OK") else (first, [], [])


def changes(before):
    now = snapshot(victims())
    return sorted(str(path) for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def wait_for(test, seconds=20):
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def roots(pids):
    return [pid for pid in pids if "0" in (process_status(pid, "Uid") or "").split()]
