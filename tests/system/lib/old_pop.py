#!/usr/bin/python3
"""old_pop.py - a POP3 server of the nineties, for inside_move.py: as qmail-pop3d listed a Maildir

Messages in the order of their files' times; the unique-id is the file's name up to the colon; the
size counts each line end as two octets.  It asks nobody about passwords, and deletes nothing.

SPDX-License-Identifier: ISC
"""
import os
import pwd
import sys


def say(text):
    sys.stdout.buffer.write(text.encode() + b"\r\n")
    sys.stdout.buffer.flush()


def wire(path):
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def messages(user):
    top = os.path.join(pwd.getpwnam(user).pw_dir, "Maildir")
    found = [os.path.join(top, part, name) for part in ("new", "cur") for name in os.listdir(os.path.join(top, part))]
    return sorted(found, key=lambda path: os.stat(path).st_mtime)


def listed(lines):
    say("+OK ")
    for number, line in enumerate(lines, 1):
        say("%d %s" % (number, line))
    say(".")


def main():
    found, user = [], None
    say("+OK <%d.1@mail.example.org>" % os.getpid())
    for line in sys.stdin.buffer:
        word, _, rest = line.decode().strip().partition(" ")
        if word == "USER":
            user = rest
            say("+OK ")
        elif word == "PASS":
            found = messages(user)
            say("+OK ")
        elif word == "UIDL":
            listed(os.path.basename(path).split(":")[0] for path in found)
        elif word == "LIST":
            listed(len(wire(path)) for path in found)
        elif word == "RETR":
            say("+OK ")
            sys.stdout.buffer.write(wire(found[int(rest) - 1]))
            say(".")
        elif word == "QUIT":
            say("+OK ")
            return
        else:
            say("-ERR unimplemented")


main()
