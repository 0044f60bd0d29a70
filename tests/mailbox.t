#!/usr/bin/python3
"""mailbox.t - what a client of RFC 918 saves is a mailbox that Python's own module reads

The client (lib/first.py) stores what RCEV brings, octet for octet.  Every message of the Maildir is
in it, in order, with the time of its file, and is what a POP3 client would have had.

SPDX-License-Identifier: ISC
"""
import mailbox
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import corpus  # noqa: E402
import first  # noqa: E402
from server import BUILD, Server  # noqa: E402

ODD = [
    b"", b"\n", b"\r\n", b"\r", b"\0", b"x", b".\n", b"From \n", b">From a\n", b"From", b"From ", b">>>>From ",
    b"Subject: x\n\nFrom a\n\nFrom b\r\n>From c\n> From d\nfrom e\n", b"a\rFrom b\r\r\nFrom c\r",
    b"\n\n\n", b"x\n\n\n", b"\xff\xfe\0\n" * 3, b"F\nFr\nFro\nFrom\nFrom\t\n", b"x" * 300000 + b"\nFrom y",
    b">" * 100000 + b"From z\n", b"From \n" * 30000,
]

t = check.Checks()


def stored():
    return ODD + [octets for _, octets, _ in corpus.messages()]


def fill(server):
    """the messages, each with a time of its own; their times"""
    messages = stored()
    top = server.maildir("box", [("%010d.m" % (1700000000 + n), octets) for n, octets in enumerate(messages)])
    times = [1700000000 + 86400 * 37 * n for n in range(len(messages))]
    for path, when in zip(sorted((top / "new").iterdir()), times):
        os.utime(path, (when, when))
    return messages, times


def fetch(server, path):
    """the whole of it: opened, received, acknowledged; the answer to RCVD"""
    with first.First(server.port) as pop:
        pop.login("box", "x")
        reply = pop.open("RDEL INBOX")
        if reply:
            raise AssertionError(reply)
        path.write_bytes(pop.receive())
        return pop.expect("RCVD"), pop.expect("QUIT"), pop.rest()


def read(path):
    """(From line, message) of each, by Python's module; only '>' is taken away, and the line behind it"""
    box = mailbox.mbox(path, create=False)
    return [(box.get_bytes(key, True).partition(b"\r\n")[0].decode(), first.unquoted(box.get_bytes(key))) for key in box.keys()]


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    with Server(["server.protocol=pop1"], anybody=True) as server:
        messages, times = fill(server)
        path = server.dir / "saved"
        with t.holds("the mailbox is fetched and deleted"):
            t.same(fetch(server, path), ("+OK %d deleted, 0 left" % len(messages), "+OK bye", b""), "answers")
        found = read(path)
        t.same(len(found), len(messages), "as many messages as there were")
        wrong = [n for n, ((_, got), want) in enumerate(zip(found, messages)) if got != corpus.wire(want)]
        t.same(wrong, [], "each is what it was")
        dates = ["From MAILER-DAEMON " + time.asctime(time.gmtime(when)) for when in times]
        t.same([line for line, _ in found], dates, "and has the time of its file")
        t.same(server.left("box"), [], "nothing is left of what was acknowledged")
        # the reading finds what is wrong with it
        octets = path.read_bytes()
        path.write_bytes(octets.replace(b"\r\n>From a\r\n", b"\r\nFrom a\r\n", 1))
        t.ok(len(read(path)) > len(messages), "a line that is not quoted would have been found")
        t.ok(server.wait_idle(), "no process is left")
    t.done()


main()
