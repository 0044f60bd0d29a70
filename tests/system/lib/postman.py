#!/usr/bin/python3
"""postman.py TOP PAUSE USER... - on a host of a fleet: deliver mail until standard input ends, and say what was delivered

Each message is written to tmp, synced and renamed to new.  "BASE USER" is said once it is there,
"?BASE USER" if nobody knows, as the file system failed meanwhile.

SPDX-License-Identifier: ISC
"""
import os
import select
import sys
import time

LINE = b"The quick brown fox jumps over the lazy dog.\n.\n"


def stored(base):
    """the file of a message: nobody else's, and the same at each call"""
    number = sum(base.encode())
    return b"From: a@example.org\nSubject: %s\n\n%send\n" % (base.encode(), LINE * (number % 200))


def deliver(top, base):
    temporary, path = "%s/tmp/%s" % (top, base), "%s/new/%s" % (top, base)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, stored(base))
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(temporary, path)


def main():
    top, pause, users = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    count = 0
    while not select.select([sys.stdin], [], [], pause)[0]:
        count += 1
        user = users[count % len(users)]
        now = time.time()
        base = "%d.M%06dP%dQ%d.fleet" % (now, now % 1 * 1000000, os.getpid(), count)
        try:
            deliver("%s/%s/Maildir" % (top, user), base)
            print(base, user, flush=True)
        except OSError as error:
            print("?" + base, user, error, flush=True)


if __name__ == "__main__":
    main()
