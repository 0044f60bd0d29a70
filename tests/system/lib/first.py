"""first.py - a client of RFC 918, and what its stream of messages is made of

SPDX-License-Identifier: ISC
"""
import re

import corpus
from pop import Closed, Pop

FROM = re.compile(rb"From MAILER-DAEMON ([A-Z][a-z]{2} ){2}[ 1-3]\d \d\d:\d\d:\d\d \d{4}\r\n")

MARK = 45  # octets of that line


def quoted(octets):
    """a message as it is in the stream, behind its From line"""
    return re.sub(rb"(?m)^(?=>*From )", b">", corpus.wire(octets)) + b"\r\n"


def unquoted(octets):
    """the message again, as it is on the wire"""
    return re.sub(rb"(?m)^>(?=>*From )", b"", octets[:-2])


class First(Pop):
    """fetches a mailbox whole; what came of it is in got, all of it or not"""

    got, count = b"", 0

    def open(self, command):
        """RETR or RDEL; the answer if that is an error"""
        self.got = b""
        reply = self.command(command)
        if not re.fullmatch(r"#\d+", reply):
            return reply
        self.count = int(reply[1:])
        return None

    def receive(self):
        """what RCEV brings"""
        self.send(b"RCEV\r\n")
        self.got, self.buffer = self.buffer, b""
        while len(self.got) < self.count:
            more = self.socket.recv(1 << 16)
            if not more:
                raise Closed()
            self.got += more
        self.got, self.buffer = self.got[: self.count], self.got[self.count :]
        return self.got
