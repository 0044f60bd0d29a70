#!/usr/bin/python3
"""storm.py PORT RATE SECONDS hold|leave - so many connects a second from one address

A process of its own.  Those that are let in are held until the server ends them, or left when
they are greeted.  Prints one line of JSON: how many were tried, turned away, greeted, refused.

SPDX-License-Identifier: ISC
"""
import errno
import json
import select
import socket
import sys
import time

ADDRESS = "127.200.0.1"


class Storm:
    def __init__(self, port, leave):
        self.port, self.leave = port, leave
        self.poll = select.epoll()
        self.open = {}  # descriptor: [socket, was it greeted]
        self.counts = {"tried": 0, "turned away": 0, "greeted": 0, "refused": 0}

    def one(self):
        self.counts["tried"] += 1
        s = socket.socket()
        s.setblocking(False)
        # the kernel chooses the port when it knows both ends: there are enough of them then
        s.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        try:
            s.bind((ADDRESS, 0))
            error = s.connect_ex(("127.0.0.1", self.port))
        except OSError as failed:
            error = failed.errno
        if error not in (0, errno.EINPROGRESS):
            self.counts["refused"] += 1
            s.close()
            return
        self.open[s.fileno()] = [s, False]
        self.poll.register(s.fileno(), select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR)

    def hear(self, wait):
        for fd, _ in self.poll.poll(wait):
            entry = self.open[fd]
            try:
                octets = entry[0].recv(4096)
            except ConnectionRefusedError:
                octets = None
                self.counts["refused"] += 1
            except OSError:
                octets = b""
            if octets:
                entry[1] = True
                self.counts["greeted"] += 1
                if not self.leave:
                    continue
            if octets == b"" and not entry[1]:
                self.counts["turned away"] += 1
            self.poll.unregister(fd)
            del self.open[fd]
            entry[0].close()

    def run(self, rate, seconds):
        started = time.monotonic()
        while (passed := time.monotonic() - started) < seconds:
            # never more than so many at once: what is late is not made up for by a burst
            for _ in range(min(int(passed * rate) - self.counts["tried"], 100)):
                self.one()
            self.hear(0.005)
        self.counts["seconds"] = round(passed, 2)
        # what is still waiting in the backlog is heard as long as there is something to hear
        before = None
        while before != self.counts and any(not greeted for _, greeted in self.open.values()):
            before, end = dict(self.counts), time.monotonic() + 1
            while time.monotonic() < end:
                self.hear(0.1)
        self.counts["waiting"] = sum(not greeted for _, greeted in self.open.values())
        return self.counts


print(json.dumps(Storm(int(sys.argv[1]), sys.argv[4] == "leave").run(float(sys.argv[2]), float(sys.argv[3]))))
