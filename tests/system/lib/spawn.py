#!/usr/bin/env python3
"""spawn.py - the least inetd: accept a connection, start a program with it on descriptors 0 and 1

    spawn.py ADDRESS PORT STATUSES PROGRAM [ARGUMENT]...

PORT 0 means any free one; the port is the first line of standard output.  STATUSES is a file
that gets "PID STATUS" as each program ends ("-" for none).  SIGTERM or SIGINT: stop listening,
pass SIGTERM on, wait for all, end.  Used by the tests and the demo; not for production.

SPDX-License-Identifier: ISC
"""
import ctypes
import os
import select
import signal
import socket
import sys


class Stop(Exception):
    """somebody asked us to end"""


def stop(*_):
    raise Stop


def adopt():
    """processes that a program leaves behind become our children, so that they are seen and reaped"""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def reap(children, statuses, flags):
    while True:
        try:
            pid, status = os.waitpid(-1, flags)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in children and statuses:
            statuses.write("%d %d\n" % (pid, os.waitstatus_to_exitcode(status)))
        children.discard(pid)


def start(connection, command):
    fd = connection.fileno()
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, fd, 0), (os.POSIX_SPAWN_DUP2, fd, 1)],
        setsigmask=[],
        setsigdef=[signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM],
    )


def serve(listener, command, statuses, children):
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([listener, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            reap(children, statuses, os.WNOHANG)
        if listener in ready:
            connection, _ = listener.accept()
            children.add(start(connection, command))
            connection.close()


def main():
    address, port, where, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    statuses = None if where == "-" else open(where, "a", buffering=1)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family, backlog=1024)
    print(listener.getsockname()[1], flush=True)
    adopt()
    children = set()
    try:
        serve(listener, command, statuses, children)
    except Stop:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener.close()
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    reap(children, statuses, 0)


if __name__ == "__main__":
    main()
