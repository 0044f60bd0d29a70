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
import socket
import subprocess
import sys
import time

import crowd
import stage
import watch

RATE = 1000
SOON = 90  # seconds until all is well again: where a queue is full, connects are tried again ever later
ANSWER = 5  # seconds that a session which is there may take for a reply, on a machine as busy as this


async def storm(port, rate, seconds, how="hold"):
    words = [str(word) for word in (port, rate, seconds, how)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, pathlib.Path(__file__).parent / "storm.py", *words),
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
            except (crowd.Unheard, *crowd.LEFT, asyncio.TimeoutError):
                self.refused += 1
            await asyncio.sleep(0.1)

    async def session(self):
        client = await self.newcomer.login(self.port)
        try:
            await self.newcomer.stat(client)
            await client.command("QUIT")
        finally:
            client.close()

    async def run(self, rate, seconds, how="hold"):
        self.over = asyncio.Event()
        client = await self.there.login(self.port)
        asking, knocking = asyncio.create_task(self.ask(client)), asyncio.create_task(self.knock())
        self.counts = await storm(self.port, rate, seconds, how)
        ended = time.monotonic()
        self.over.set()
        await asyncio.gather(asking, knocking)
        while True:
            with contextlib.suppress(crowd.Odd, crowd.Unheard, *crowd.LEFT, asyncio.TimeoutError):
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
        if limit:
            t.ok(c["greeted"] <= limit, "%s: of the storm no more are let in than the limit says" % name, c)
        t.ok(self.soon < SOON, "%s: soon afterwards all is well" % name, self.soon)

    def unnoticed(self, t, name):
        """what xinetd can do, as it turns away one address at little cost; one may be lost in a full queue"""
        t.ok(
            self.logins and self.refused <= 1 + len(self.logins) // 4 and max(self.logins) < SOON,
            "%s: others are let in meanwhile" % name,
            "%d refused, %s" % (self.refused, self.logins),
        )


def program(name):
    places = (stage.SHARED / "inetds/usr/sbin", pathlib.Path("/usr/sbin"), pathlib.Path("/usr/bin"))
    return next((place / name for place in places if (place / name).exists()), None)


def xinetd(names=("restante",), more=()):
    """how it is started with our files, switched on; more: other values for some lines.  None: not there"""
    tool, text = program("xinetd"), ""
    for name in names:
        text += pathlib.Path(stage.where["xinetddir"], name).read_text().replace("= yes", "= no", 1)
    lines = text.splitlines()
    for word in more:
        lines = ["\t%s = %s" % (word, more[word]) if line.split()[:1] == [word] else line for line in lines]
    path = pathlib.Path("/run/xinetd.conf")
    path.write_text("\n".join(lines) + "\n")
    return tool and [tool, "-f", path, "-dontfork"]


@contextlib.contextmanager
def front(t, name, command):
    """a supervisor on port 110; afterwards nothing may be left of what it has started"""
    null = {word: subprocess.DEVNULL for word in ("stdin", "stdout", "stderr")}
    process = subprocess.Popen([str(word) for word in command], **null)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 110), 5):
                break
            time.sleep(0.05)
        quiet(process.pid, 0)
        descriptors = watch.descriptors(process.pid)
        yield process.pid
        quiet(process.pid, descriptors)
        t.same(watch.processes(), {}, "%s: no process is left, no zombie either" % name)
        t.ok(watch.descriptors(process.pid) <= descriptors, "%s: and no descriptor" % name)
    finally:
        process.terminate()
        process.wait(10)


def quiet(pid, descriptors):
    """until all sessions have ended, if they do"""
    end = time.monotonic() + 20
    while (watch.processes() or watch.descriptors(pid) > descriptors > 0) and time.monotonic() < end:
        time.sleep(0.05)


def assault(t, name, users, seconds, how, limit):
    found = Assault(*users)
    asyncio.run(found.run(RATE, seconds, how))
    found.told(t, name, limit)
    return found


def limits(t, users, seconds):
    """users: who is there, who comes; the sockets of systemd are stopped"""
    tcpserver, command = program("tcpserver"), xinetd()
    if tcpserver:
        name = "tcpserver -c 40"
        with front(t, name, [tcpserver, "-R", "-H", "-l", "0", "-c", "40", "0", "110", stage.PROGRAM]):
            assault(t, name, users, seconds, "hold", 40)
    else:
        t.skip("tcpserver", "not there (package: ucspi-tcp)")
    if command:
        with front(t, "xinetd", command):
            # 20: per_source.  Who leaves makes room for another start, and has no limit then
            for name, how, limit in (("xinetd", "hold", 20), ("xinetd, short visits", "leave", None)):
                assault(t, name, users, seconds, how, limit).unnoticed(t, name)
    else:
        t.skip("xinetd", "not there (package: xinetd, or tests/system/inetds)")
