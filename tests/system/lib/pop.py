"""pop.py - POP3 by hand: a socket, lines, and nothing that a client library would tidy up

SPDX-License-Identifier: ISC
"""
import hashlib
import re
import socket


class Closed(Exception):
    """the server closed the connection where a reply was due"""


class Pop:
    def __init__(self, port, address="127.0.0.1", timeout=20, source=None):
        """source: an address of ours to come from"""
        self.socket = socket.create_connection((address, port), timeout, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def until(self, mark):
        """octets up to and with mark"""
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                at += len(mark)
                found, self.buffer = self.buffer[:at], self.buffer[at:]
                return found
            start = max(0, len(self.buffer) - len(mark))
            more = self.socket.recv(1 << 20)
            if not more:
                raise Closed(self.buffer)
            self.buffer += more

    def line(self):
        return self.until(b"\r\n")[:-2]

    def rest(self):
        """all that still comes, to the end of the connection"""
        try:
            while more := self.socket.recv(1 << 16):
                self.buffer += more
        except ConnectionResetError:
            pass
        found, self.buffer = self.buffer, b""
        return found

    def command(self, text):
        """one command, its one-line reply"""
        self.send(text.encode() + b"\r\n")
        return self.line().decode("latin-1")

    def expect(self, text, start="+OK"):
        reply = self.command(text)
        if not reply.startswith(start):
            raise AssertionError("%s: %s" % (text.split()[0], reply))
        return reply

    def stamp(self):
        """the greeting's timestamp"""
        return re.search(rb"<[^<>]*@[^<>]*>", self.line())[0]

    @staticmethod
    def digest(user, stamp, secret):
        """the command APOP"""
        return "APOP %s %s" % (user, hashlib.md5(stamp + secret.encode()).hexdigest())

    def apop(self, user, secret):
        """greeting and APOP; itself"""
        self.expect(self.digest(user, self.stamp(), secret))
        return self

    def body(self):
        """a multi-line response after its status line: stuffing taken away, the final line too"""
        if self.buffer[:3] == b".\r\n" or (len(self.buffer) < 3 and self.peek(3) == b".\r\n"):
            self.buffer = self.buffer[3:]
            return b""
        octets = self.until(b"\r\n.\r\n")[:-3]
        return re.sub(rb"(\A|\r\n)\.", rb"\1", octets)

    def peek(self, count):
        while len(self.buffer) < count:
            more = self.socket.recv(1 << 16)
            if not more:
                raise Closed(self.buffer)
            self.buffer += more
        return self.buffer[:count]

    def multi(self, text):
        self.expect(text)
        return self.body()

    def login(self, user, password="wonderland"):
        greeting = self.line()
        if not greeting.startswith(b"+OK"):
            raise AssertionError(greeting)
        self.expect("USER " + user)
        self.expect("PASS " + password)
