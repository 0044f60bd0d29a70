"""crowd.py - clients by the thousand in one process: coroutines, each with an address of its own

What a client hears is checked; what is not as it must be is an Odd.

SPDX-License-Identifier: ISC
"""
import asyncio
import base64
import contextlib
import random
import re
import socket
import ssl
import time

PATIENCE = 60  # seconds for any one reply: a machine may be busy, nobody may hang
GREETING = 40  # and for the first one
MOST = 1 << 25  # octets of one reply
LEFT = (OSError, asyncio.IncompleteReadError, ssl.SSLError)  # how a connection may end


class Odd(Exception):
    """the server did what it must not"""


class Unheard(Exception):
    """no greeting: the supervisor's queue was full, and the connection was lost in it"""


def source(number, each=10):
    """the loopback address of a client: not more than so many share one, as the sockets limit that"""
    part = number // each
    return "127.%d.%d.%d" % (1 + part // 62500, part // 250 % 250, 1 + part % 250)


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, address, port=110, context=None):
        more = {"ssl": context, "server_hostname": "localhost"} if context else {}
        connecting = asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0), limit=MOST, **more)
        return cls(*await asyncio.wait_for(connecting, PATIENCE))

    async def greeting(self):
        try:
            line = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), GREETING)
        except asyncio.TimeoutError as error:
            raise Unheard from error
        if not line.startswith(b"+OK"):
            raise Odd("greeting: %r" % line)

    def send(self, text):
        self.writer.write(text.encode() + b"\r\n")

    async def line(self):
        line = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE)
        return line[:-2].decode("latin-1")

    async def command(self, text, start="+OK"):
        self.send(text)
        reply = await self.line()
        if not reply.startswith(start):
            raise Odd("%s: %s" % (text.split()[0], reply))
        return reply

    async def body(self):
        """a multi-line response as it came, without its last line"""
        octets = b""
        while not octets.endswith(b"\r\n.\r\n") and octets != b".\r\n":
            octets += await asyncio.wait_for(self.reader.readuntil(b".\r\n"), PATIENCE)
        return octets[:-3]

    async def multi(self, text):
        await self.command(text)
        return await self.body()

    async def end(self):
        """nothing may come any more"""
        octets = await asyncio.wait_for(self.reader.read(), PATIENCE)
        if octets:
            raise Odd("behind the last reply came %r" % octets[:200])

    def close(self):
        with contextlib.suppress(*LEFT):
            self.writer.close()

    def abort(self):
        """by a reset, as a machine does that was switched off and on"""
        self.writer.transport.abort()


class User:
    """an account, what is in its Maildir, and a client that knows it"""

    def __init__(self, number, name, password, maildir, messages):
        """messages: {file name: octets as they are stored}, in the order of the listing"""
        self.number, self.name, self.password, self.maildir = number, name, password, maildir
        self.messages = messages

    async def login(self, port=110, context=None, by_sasl=False):
        client = await Client.open(source(self.number), port, context)
        try:
            await client.greeting()
            if by_sasl:
                word = "\0%s\0%s" % (self.name, self.password)
                await client.command("AUTH PLAIN " + base64.b64encode(word.encode()).decode())
            else:
                await client.command("USER " + self.name)
                await client.command("PASS " + self.password)
        except BaseException:
            client.close()
            raise
        return client

    async def stat(self, client):
        octets = sum(len(wire(stored)) for stored in self.messages.values())
        await client.command("STAT", "+OK %d %d" % (len(self.messages), octets))

    async def read(self, client, number):
        stored = list(self.messages.values())[number - 1]
        if await client.multi("RETR %d" % number) != stuffed(stored):
            raise Odd("RETR %d of %s: other octets" % (number, self.name))


def wire(stored):
    return stored.replace(b"\n", b"\r\n")


def stuffed(stored):
    return re.sub(rb"(\A|\n)\.", rb"\1..", wire(stored))


class Crowd:
    """counts, latencies and what was odd; stop is set when all shall come to an end"""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.stop = asyncio.Event()
        self.counts, self.odd = {}, []

    def count(self, what, by=1):
        self.counts[what] = self.counts.get(what, 0) + by

    async def pause(self, mean):
        """for about so long, or until the end; true if it is not the end"""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stop.wait(), mean * self.random.uniform(0.2, 1.8))
        return not self.stop.is_set()

    async def again(self, who, once, mean):
        """once() again and again until the end; what goes wrong is kept, and the next try follows"""
        first = 3
        while await self.pause(mean * first):
            first = 1
            try:
                await once()
            except Unheard:
                self.count("unheard")
            except (Odd, *LEFT, asyncio.TimeoutError) as error:
                self.odd.append("%s: %s %s" % (who, type(error).__name__, str(error)[:200]))


class Active:
    """LIST, RETR, DELE, QUIT and back: one user of a mail program that never rests"""

    def __init__(self, crowd, user, think, deliver, context=None):
        self.crowd, self.user, self.think, self.deliver = crowd, user, think, deliver
        self.context = context if user.number % 10 == 0 else None

    async def session(self):
        user, crowd = self.user, self.crowd
        secure = {"port": 995, "context": self.context} if self.context else {}
        client = await user.login(by_sasl=user.number % 3 == 0, **secure)
        try:
            await self.talk(client)
        finally:
            client.close()
        crowd.count("sessions")
        crowd.count("by TLS", 1 if secure else 0)

    async def talk(self, client):
        user, crowd = self.user, self.crowd
        await user.stat(client)
        names = list(user.messages)
        listed = [line.split() for line in (await client.multi("LIST")).decode().splitlines()]
        if [int(size) for _, size in listed] != [len(wire(user.messages[name])) for name in names]:
            raise Odd("LIST of %s" % user.name)
        uids = [line.split()[1] for line in (await client.multi("UIDL")).decode().splitlines()]
        if uids != names:
            raise Odd("UIDL of %s" % user.name)
        for number in crowd.random.sample(range(1, len(names) + 1), min(3, len(names))):
            await crowd.pause(self.think)
            await user.read(client, number)
            crowd.count("messages")
        doomed = crowd.random.randint(1, len(names))
        await client.command("DELE %d" % doomed)
        await crowd.pause(self.think)
        if crowd.random.random() < 0.1:
            # the line is cut: nothing may be deleted
            client.abort()
            crowd.count("cut off")
            return
        await client.command("QUIT")
        await client.end()
        del user.messages[names[doomed - 1]]
        if self.present() != sorted(user.messages):
            raise Odd("%s has %s, not %s" % (user.name, self.present(), sorted(user.messages)))
        self.deliver(user)
        crowd.count("deleted")

    def present(self):
        folders = (self.user.maildir / part for part in ("new", "cur"))
        return sorted(path.name.split(":")[0] for folder in folders for path in folder.iterdir())


class Probe:
    """somebody who wants nothing but his mail, and how long he waits for it"""

    def __init__(self, crowd, user, times):
        self.crowd, self.user, self.times = crowd, user, times

    async def session(self):
        started = time.monotonic()
        client = await Client.open(source(self.user.number))
        try:
            await client.greeting()
            greeted = time.monotonic()
            await client.command("USER " + self.user.name)
            await client.command("PASS " + self.user.password)
            self.times.append((greeted - started, time.monotonic() - started))
            await self.user.stat(client)
            for number in range(1, len(self.user.messages) + 1):
                await self.user.read(client, number)
            await client.command("QUIT")
            await client.end()
        finally:
            client.close()


class SlowReader:
    """a big message, an octet a second; after some minutes it gives up.  The server leaves it long
    before, but what the kernel holds for it by then takes a slow reader for ever: only the log tells"""

    PATIENCE = 150

    def __init__(self, crowd, user):
        self.crowd, self.user = crowd, user

    async def session(self):
        loop = asyncio.get_running_loop()
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.setblocking(False)
            s.bind((source(self.user.number), 0))
            await loop.sock_connect(s, ("127.0.0.1", 110))
            text = "USER %s\r\nPASS %s\r\nRETR 1\r\n" % (self.user.name, self.user.password)
            await loop.sock_sendall(s, text.encode())
            # the first four replies quickly, then the mail
            seen = b""
            while seen.count(b"\r\n") < 4:
                octet = await asyncio.wait_for(loop.sock_recv(s, 1), PATIENCE)
                if not octet:
                    raise Odd("slow reader: closed after %r" % seen)
                seen += octet
            if [line[:3] for line in seen.split(b"\r\n")] != [b"+OK"] * 4 + [b""]:
                raise Odd("slow reader: %r" % seen)
            self.crowd.count("slow readers")
            await self.read(s)

    async def read(self, s):
        want, got = stuffed(next(iter(self.user.messages.values()))[:1000]), b""
        for _ in range(self.PATIENCE):
            if not await self.crowd.pause(1):
                break
            got += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(s, 1), PATIENCE)
        if not want.startswith(got):
            raise Odd("slow reader: %r" % got)


class SlowWriter:
    """an octet a second: before the login it never comes to one; after it NOOP takes six seconds"""

    def __init__(self, crowd, user, before):
        self.crowd, self.user, self.before = crowd, user, before

    async def session(self):
        if self.before:
            await self.stranger()
        else:
            await self.guest()

    async def stranger(self):
        client = await Client.open(source(self.user.number))
        started = time.monotonic()
        try:
            await client.greeting()
            self.crowd.count("slow writers before login")
            while await self.crowd.pause(1):
                if client.reader.at_eof() or client.writer.is_closing():
                    self.crowd.count("slow writers that were left")
                    break
                client.writer.write(b"U")
                if time.monotonic() - started > 90:
                    raise Odd("slow writer: login_timeout has not ended it")
        finally:
            client.abort()

    async def guest(self):
        client = await self.user.login()
        self.crowd.count("slow writers after login")
        try:
            while not self.crowd.stop.is_set():
                for octet in b"NOOP\r\n":
                    client.writer.write(bytes([octet]))
                    await self.crowd.pause(1)
                if not (await client.line()).startswith("+OK"):
                    raise Odd("slow writer: NOOP")
            await self.user.stat(client)
            await client.command("QUIT")
        finally:
            client.close()
