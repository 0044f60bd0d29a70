"""siege_limits.py - in the box: a thousand connects a second, and what each supervisor's limits make of them

One session is there already and goes on, somebody else would like to log in, and the storm
comes from one address.  What a supervisor cannot do, wait or refuse, is a figure; what must
hold is that the session that is there does not notice, that never more is started than the
limit says, and that all is well soon after.

SPDX-License-Identifier: ISC
"""
import asyncio
import contextlib
import json
import pathlib
import subprocess
import sys
import time

import crowd
import stage
import watch

RATE = 1000
SOON = 30  # seconds until all is well again
ANSWER = 5  # seconds that a session which is there may take for a reply, on a machine as busy as this


async def storm(port, rate, seconds):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, pathlib.Path(__file__).parent / "storm.py", str(port), str(rate), str(seconds)),
        stdout=subprocess.PIPE,
    )
    return json.loads((await process.communicate())[0])


class Assault:
    """a storm; times are those of a session that was there before, and of logins tried meanwhile"""

    def __init__(self, there, newcomer, port=110):
        self.there, self.newcomer, self.port = there, newcomer, port
        self.answers, self.logins, self.refused = [], [], 0

    async def ask(self, client):
        while not self.over.is_set():
            started = time.monotonic()
            await self.there.stat(client)
            await self.there.read(client, 1)
            self.answers.append(time.monotonic() - started)
            await asyncio.sleep(0.1)

    async def knock(self):
        while not self.over.is_set():
            started = time.monotonic()
            try:
                await self.session()
                self.logins.append(time.monotonic() - started)
            except (*crowd.LEFT, asyncio.TimeoutError):
                self.refused += 1
            await asyncio.sleep(0.1)

    async def session(self):
        client = await self.newcomer.login(self.port)
        try:
            await self.newcomer.stat(client)
            await client.command("QUIT")
        finally:
            client.close()

    async def run(self, rate, seconds):
        self.over = asyncio.Event()
        client = await self.there.login(self.port)
        asking, knocking = asyncio.create_task(self.ask(client)), asyncio.create_task(self.knock())
        self.counts = await storm(self.port, rate, seconds)
        ended = time.monotonic()
        self.over.set()
        await asyncio.gather(asking, knocking)
        while True:
            with contextlib.suppress(crowd.Odd, *crowd.LEFT, asyncio.TimeoutError):
                await self.session()
                break
            if time.monotonic() > ended + SOON:
                break
            await asyncio.sleep(0.1)
        self.soon = time.monotonic() - ended
        await self.there.read(client, 1)
        await client.command("QUIT")
        client.close()

    def told(self, t, name, limit):
        c = self.counts
        t.note("%s: %s" % (name, ", ".join("%s %s" % pair for pair in c.items())))
        t.note(
            "%s: a session that is there answers within %.0f ms (most; %d times); "
            "new logins: %d, the longest %.1f s, %d refused; all well after %.1f s"
            % (
                name,
                max(self.answers) * 1000,
                len(self.answers),
                len(self.logins),
                max(self.logins, default=0),
                self.refused,
                self.soon,
            )
        )
        t.ok(max(self.answers) < ANSWER, "%s: who is logged in does not notice" % name, max(self.answers))
        t.ok(c["greeted"] <= limit, "%s: of the storm no more are let in than the limit says" % name, c)
        t.ok(self.soon < SOON, "%s: soon afterwards all is well" % name, self.soon)


def program(name):
    places = (stage.SHARED / "inetds/usr/sbin", pathlib.Path("/usr/sbin"), pathlib.Path("/usr/bin"))
    return next((place / name for place in places if (place / name).exists()), None)


def xinetd_file(more):
    """our file, switched on, with other values for some of its lines"""
    text = pathlib.Path(stage.where["xinetddir"], "restante").read_text().replace("= yes", "= no", 1)
    lines = text.splitlines()
    for name, value in more.items():
        lines = ["\t%s = %s" % (name, value) if line.split()[:1] == [name] else line for line in lines]
    path = pathlib.Path("/run/xinetd.conf")
    path.write_text("\n".join(lines) + "\n")
    return path


def front(t, name, command, users, seconds, limit):
    """a supervisor on port 110, an assault on it, and nothing that is left of either"""
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assault = Assault(*users)
        for _ in range(100):
            with contextlib.suppress(OSError, crowd.Odd):
                asyncio.run(assault.session())
                break
            time.sleep(0.05)
        descriptors = watch.descriptors(process.pid)
        asyncio.run(assault.run(RATE, seconds))
        assault.told(t, name, limit)
        end = time.monotonic() + 20
        while (watch.processes() or watch.descriptors(process.pid) > descriptors) and time.monotonic() < end:
            time.sleep(0.1)
        t.same(watch.processes(), {}, "%s: no process is left, no zombie either" % name)
        t.ok(watch.descriptors(process.pid) <= descriptors, "%s: and no descriptor" % name)
    finally:
        process.terminate()
        process.wait(10)


def limits(t, users, seconds):
    """users: who is there, who comes; the sockets of systemd are stopped"""
    tcpserver, xinetd = program("tcpserver"), program("xinetd")
    if tcpserver:
        command = [tcpserver, "-R", "-H", "-l", "0", "-c", "40", "0", "110", stage.PROGRAM]
        front(t, "tcpserver -c 40", command, users, seconds, 40)
    else:
        t.skip("tcpserver", "not there (package: ucspi-tcp)")
    if xinetd:
        for name, more in (("xinetd as installed", {}), ("xinetd without cps", {"cps": "100000 1"})):
            command = [xinetd, "-f", xinetd_file(more), "-dontfork"]
            front(t, name, command, users, seconds, 20)
    else:
        t.skip("xinetd", "not there (package: xinetd, or tests/system/inetds)")
