#!/usr/bin/python3
"""siege.py SECONDS SEED [STEP]... - all of siege.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import asyncio
import contextlib
import itertools
import os
import pathlib
import random
import resource
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import crowd  # noqa: E402
import inside_tls  # noqa: E402
import siege_limits  # noqa: E402
import watch  # noqa: E402
from stage import CONFIGURATION, EMPTY, TICKETS, install  # noqa: E402

SECONDS, SEED = int(sys.argv[1]), int(sys.argv[2])
LONG = SECONDS >= 60
IDLE, ACTIVE, READERS, WRITERS, PROBES = (2000, 500, 50, 50, 4) if LONG else (150, 40, 4, 6, 2)
DRIZZLE = 50  # connects a second, at most, that are turned away all the time
PER_SOURCE = 20  # connections of one address, as we install it
STORM = 10 if LONG else 2  # seconds of a thousand a second
SAMPLES = 40  # idle sessions whose memory is looked at
HOMES = pathlib.Path("/home/siege")
FIRST = 20000  # the uid of the first
BIG = 24 << 20  # octets of what slow readers read: more than the kernel takes
# what no client, however many there are, may cost a session at rest: as in tests/load.t
MEMORY_IDLE = 1024
# of all connections: the queue of a supervisor may be full for a moment
UNHEARD = 0.2
# growth from beginning to end, by the fitted line
GROWN_IDLE, GROWN_SUPERVISOR = 32, 2048  # KiB
# Where there is no time to see how slow clients end it comes sooner
TIMES = "" if SECONDS >= 300 else "[limits]\nlogin_timeout = 6s\nstall_timeout = 3s\n"

t = check.Checks()


# --- accounts -------------------------------------------------------------------------------------
def message(user, number, size, stamp=1700000000):
    """a message unlike any other, with a dot where it hurts"""
    line = b"%s %d: the quick brown fox jumps over the lazy dog\n" % (user.encode(), number)
    head = b"From: a@example.org\nTo: %s\nSubject: %d\n\n.\n..x\n" % (user.encode(), number)
    return "%d.M%dP1.siege" % (stamp + number, number), head + line * (size // len(line) + 1)


def write(user, number, messages):
    """a Maildir; what was in the mailbox before goes on in it"""
    for name, stored in messages:
        path = user.maildir / "new" / name
        path.with_name("." + name).write_bytes(stored)
        os.chown(path.with_name("." + name), FIRST + number, FIRST)
        path.with_name("." + name).rename(path)
        user.messages[name] = stored


def share(user):
    """one big message for all who read slowly, so that it is in memory once"""
    name, stored = message("all", 0, BIG)
    path = HOMES / name
    if not path.exists():
        path.write_bytes(stored)
    os.link(path, user.maildir / "new" / name)
    user.messages[name] = stored


def account_lines(names, hashes):
    row = "%s:x:%d:%d::%s/%s:/usr/sbin/nologin"
    passwd = [row % (name, FIRST + n, FIRST, HOMES, name) for n, name in names]
    shadow = ["%s:%s:20000:0:99999:7:::" % (name, word) for (_, name), word in zip(names, hashes)]
    for file, lines in (("passwd", passwd), ("shadow", shadow), ("group", ["siege:x:%d:" % FIRST])):
        with open("/etc/" + file, "a") as out:
            out.write("".join(line + "\n" for line in lines))


def users():
    """accounts of /etc/passwd and /etc/shadow, by hand: useradd would take minutes.  The hash is MD5:
    what a password costs is not what is looked at here"""
    kinds = [("idle", IDLE), ("active", ACTIVE), ("reader", READERS), ("writer", WRITERS), ("probe", PROBES)]
    names = list(enumerate("%s%d" % (kind, n) for kind, count in kinds for n in range(count)))
    words = ["word-%s-%d" % (name, n * 7919) for n, name in names]
    hashes = box.run("openssl", "passwd", "-1", "-salt", "siege", "-stdin", input="\n".join(words) + "\n")
    account_lines(names, hashes.split())
    HOMES.mkdir(mode=0o755)
    found = {kind: [] for kind, _ in kinds}
    for number, name in names:
        maildir = HOMES / name / "Maildir"
        for path in (maildir.parent, maildir, *(maildir / part for part in ("new", "cur", "tmp"))):
            path.mkdir(mode=0o700)
            os.chown(path, FIRST + number, FIRST)
        user = crowd.User(number, name, words[number], maildir, {})
        kind = name.rstrip("0123456789")
        if kind == "reader":
            share(user)
        else:
            sizes = (1000, 8000, 2000, 20000, 500) if kind == "active" else (1000, 3000)
            write(user, number, [message(name, n, size) for n, size in enumerate(sizes)])
        found[kind].append(user)
    return found


# --- before and after -------------------------------------------------------------------------------
def files():
    """all that could be left over, but what systemd and its journal keep for themselves"""
    tops = ["/tmp", "/dev/shm", "/run/lock", EMPTY, TICKETS]
    found = {str(path) for top in tops for path in pathlib.Path(top).rglob("*")}
    run = pathlib.Path("/run")
    found |= {str(path) for top in (run, pathlib.Path("/var/tmp")) for path in top.iterdir()}
    for name in ("credentials", "systemd", "systemd/units", "systemd/transient", "systemd/propagate"):
        if (run / name).is_dir():
            found |= {str(path) for path in (run / name).iterdir() if "restante" in path.name}
    return found


def groups():
    """control groups of connections"""
    tops = [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").iterdir()]
    slices = (top / "system.slice/system-restante.slice" for top in tops)
    return sorted(str(path) for top in slices if top.is_dir() for path in top.iterdir() if path.is_dir())


class Before:
    def __init__(self, supervisor):
        """supervisor: its pid"""
        self.pid, self.files, self.descriptors = supervisor, files(), watch.descriptors(supervisor)

    def compare(self):
        end = time.monotonic() + 60
        while watch.processes() and time.monotonic() < end:
            time.sleep(0.1)
        t.ok(box.wait_no_sessions(), "afterwards: no unit of a connection is left")
        left = watch.processes()
        t.same(left, {}, "afterwards: no process is left, no zombie either")
        t.same(groups(), [], "afterwards: no control group is left")
        end = time.monotonic() + 10
        while watch.descriptors(self.pid) > self.descriptors and time.monotonic() < end:
            time.sleep(0.1)
        t.ok(
            watch.descriptors(self.pid) <= self.descriptors,
            "afterwards: the supervisor has no descriptor more than before",
            "%d, before %d" % (watch.descriptors(self.pid), self.descriptors),
        )
        t.same(sorted(files() - self.files), [], "afterwards: no file is left in /run, /tmp and the like")
        failed = box.run("systemctl", "list-units", "--failed", "--no-legend", "--plain").strip()
        failed = [line for line in failed.splitlines() if "restante" in line]
        t.same(failed, [], "afterwards: no unit has failed")


def ended(found, after):
    """what the log says of slow clients, and of all"""
    entries = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d"), "LOGOUT")
    ends = [(entry.get("POP3_USER", "").rstrip("0123456789"), entry["POP3_REASON"]) for entry in entries]
    words = ["%s %s %d" % (*end, ends.count(end)) for end in sorted(set(ends))]
    t.note("sessions by user and end: %s" % ", ".join(words))
    t.ok(("reader", "stall") in ends, "slow readers: stall_timeout ends them")
    early = [end for end in ends if end[0] == "idle" and end[1] != "quit"]
    t.same(early, [], "idle sessions: each ended by its QUIT")


def mail_is_right(found):
    """each message that was not deleted, and no other; nothing else in a Maildir but our two files"""
    wrong, right = [], {}
    for user in [user for users in found.values() for user in users]:
        paths = {p.name.split(":")[0]: p for part in ("new", "cur") for p in (user.maildir / part).iterdir()}
        # what slow readers share is read once
        have = {name: right.get(path.stat().st_ino) or path.read_bytes() for name, path in paths.items()}
        big = [name for name in paths if len(have[name]) > BIG]
        right.update((paths[name].stat().st_ino, have[name]) for name in big)
        if have != user.messages:
            wrong.append("%s: %s, not %s" % (user.name, sorted(paths), sorted(user.messages)))
        others = {path.name for path in user.maildir.iterdir()} - OURS
        if others or any((user.maildir / "tmp").iterdir()):
            wrong.append("%s: %s in the Maildir" % (user.name, others or "a file of tmp"))
    t.ok(
        not wrong,
        "afterwards: each mailbox has the mail that it must have, and no other file",
        "\n".join(wrong[:10]),
    )


OURS = {"new", "cur", "tmp", "restante.index", "restante.lock"}


class Stage:
    """with Stage(what): how long it took, for whoever finds it long"""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.started = time.monotonic()

    def __exit__(self, *_):
        t.note("%s: %.1f s" % (self.what, time.monotonic() - self.started))


# --- the siege ----------------------------------------------------------------------------------------
def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def told(name, times):
    for what, values in zip(("greeting", "login"), zip(*times)):
        t.note(
            "%s, %s: p50 %.0f ms, p99 %.0f ms, most %.0f ms (%d of them)"
            % (
                name,
                what,
                percentile(values, 0.5) * 1000,
                percentile(values, 0.99) * 1000,
                max(values) * 1000,
                len(values),
            )
        )


class Siege:
    def __init__(self, found, supervisor, rate):
        """supervisor: its pid; rate: connects a second that are turned away, None: what systemd can bear"""
        self.found, self.supervisor, self.turn_away = found, supervisor, rate
        self.crowd = crowd.Crowd(SEED)
        self.context = inside_tls.context()
        self.idle, self.loaded = {}, []
        self.stamp = 1800000000

    async def calm(self, when):
        """how long a login takes while nothing else happens"""
        times = []
        probe = crowd.Probe(self.crowd, self.found["probe"][0], times)
        for _ in range(30):
            await probe.session()
        told(when, times)

    async def fill(self):
        """all idle sessions log in, as fast as they are let in"""
        queue, done = list(reversed(self.found["idle"])), []

        async def worker():
            while queue:
                user = queue.pop()
                self.idle[user] = await user.login()
                await user.stat(self.idle[user])
                done.append(time.monotonic())

        used = watch.seconds(self.supervisor)
        ended = await asyncio.gather(*(worker() for _ in range(16)), return_exceptions=True)
        errors = [repr(error) for error in ended if error]
        t.same((len(done), errors[:3]), (IDLE, []), "%d idle sessions have logged in" % IDLE)
        # the more there are, the longer systemd takes: the last quarter tells
        self.rate = (len(done) // 4 - 1) / (done[-1] - done[-(len(done) // 4)])
        t.note(
            "the last quarter: %.0f logins a second, 16 at a time; the supervisor: %.1f ms of a processor each"
            % (self.rate, (watch.seconds(self.supervisor) - used) * 1000 / len(done))
        )
        return not errors

    def deliver(self, user):
        """one for the one that was deleted"""
        self.stamp += 10
        size = self.crowd.random.choice((500, 3000, 20000))
        name, stored = message(user.name, self.stamp % 7, size, self.stamp)
        write(user, user.number, [(name, stored)])

    def cast(self):
        """(who, one session, pause between two)"""
        # a third of what the machine can do: latency is that of a busy server, not of a queue
        think = max(0.5, ACTIVE / (self.rate / 3) / 6)
        t.note("an active session: %.1f s between two commands" % think)
        for user in self.found["active"]:
            yield user, crowd.Active(self.crowd, user, think, self.deliver, self.context).session, think * 2
        for user in self.found["probe"]:
            yield user, crowd.Probe(self.crowd, user, self.loaded).session, 0.2
        for user in self.found["reader"]:
            yield user, crowd.SlowReader(self.crowd, user).session, 0.5
        for user in self.found["writer"]:
            yield user, crowd.SlowWriter(self.crowd, user, user.number % 2 == 0).session, 0.5

    async def some_words(self):
        """of an idle session now and then: none is idle for ten minutes"""
        for user, client in itertools.cycle(self.idle.items()):
            if not await self.crowd.pause(240 / IDLE):
                break
            try:
                await user.stat(client)
            except (crowd.Odd, *crowd.LEFT, asyncio.TimeoutError) as error:
                self.crowd.odd.append("idle %s: %r" % (user.name, error))

    async def sample(self):
        sessions = [pid for pid, (name, _, _) in watch.processes().items() if name == "restante"]
        some = random.Random(SEED).sample(sessions, min(SAMPLES, len(sessions)))
        self.watch = watch.Watch(self.supervisor, some)
        while True:
            await asyncio.to_thread(self.watch.sample)
            if not await self.crowd.pause(5 if LONG else 1):
                return

    async def drizzle(self):
        """in the last two thirds"""
        await asyncio.sleep(SECONDS / 3)
        rate = self.turn_away or max(10, min(DRIZZLE, self.rate / 4))
        self.turned = await siege_limits.storm(110, rate, SECONDS * 2 / 3)

    async def endure(self):
        self.tasks = [
            asyncio.create_task(self.crowd.again(user.name, once, mean)) for user, once, mean in self.cast()
        ]
        sampling = asyncio.create_task(self.sample())
        words = asyncio.create_task(self.some_words())
        used, started = watch.seconds(self.supervisor), time.monotonic()
        await self.drizzle()
        self.share = (watch.seconds(self.supervisor) - used) / (time.monotonic() - started)
        self.crowd.stop.set()
        await asyncio.gather(sampling, words, *self.tasks)

    async def leave(self):
        """each idle session is as good as new"""

        async def one(user, client):
            try:
                await user.stat(client)
                await user.read(client, 1)
                await client.command("QUIT")
                await client.end()
            except (crowd.Odd, *crowd.LEFT, asyncio.TimeoutError) as error:
                return "%s: %r" % (user.name, error)
            finally:
                client.close()

        found = await asyncio.gather(*(one(*pair) for pair in self.idle.items()))
        wrong = [word for word in found if word]
        t.ok(not wrong, "%d idle sessions: each still has its own mail" % IDLE, "\n".join(wrong[:5]))

    async def run(self):
        with Stage("logins one by one"):
            await self.calm("before")
        with Stage("logins of all"):
            filled = await self.fill()
        if filled:
            await self.calm("with %d idle" % IDLE)
            with Stage("siege"):
                await self.endure()
            self.judge()
            if not self.turn_away:
                await self.storm()
        with Stage("last words of all"):
            await self.leave()

    async def storm(self):
        """what systemd can bear no longer, for a while"""
        with Stage("a thousand connects a second"):
            assault = siege_limits.Assault(*self.found["probe"][:2])
            await assault.run(siege_limits.RATE, STORM)
        assault.told(t, "systemd", PER_SOURCE)

    def judge(self):
        counts = self.crowd.counts
        t.note(", ".join("%s %d" % pair for pair in sorted(counts.items())))
        t.note("turned away meanwhile: %s" % ", ".join("%s %s" % pair for pair in self.turned.items()))
        t.note("the supervisor: %.0f %% of a processor" % (self.share * 100))
        told("under load", self.loaded)
        odd = self.crowd.odd
        why = "%d odd\n%s" % (len(odd), "\n".join(odd[:10]))
        t.ok(not odd, "under load: each reply and each octet is right", why)
        t.ok(
            all(counts.get(name) for name in ("sessions", "by TLS", "deleted", "cut off")),
            "under load: sessions of all kinds have come to their end",
            counts,
        )
        tries = counts["sessions"] + len(self.loaded)
        t.ok(
            counts.get("unheard", 0) <= tries * UNHEARD,
            "under load: hardly anybody waits for a greeting in vain",
            "%s of %d" % (counts.get("unheard"), tries),
        )
        t.ok(counts.get("slow writers that were left"), "slow writers: login_timeout ends them", counts)
        t.ok(
            self.turned["turned away"] > 0,
            "under load: the limit of one address turns it away",
            self.turned,
        )
        self.memory()

    def memory(self):
        seen = self.watch
        for name in seen.samples:
            mean, grown = seen.line(name)
            t.note("%s: mean %.0f, most %.0f, grown by %.1f" % (name, mean, seen.peak(name), grown))
        t.same(sorted(seen.zombies), [], "under load: no zombie")
        idle = "idle session, PSS in KiB"
        t.ok(seen.peak(idle) <= MEMORY_IDLE, "memory: an idle session has at most %d KiB" % MEMORY_IDLE)
        t.ok(seen.line(idle)[1] <= GROWN_IDLE, "memory: an idle session does not grow")
        t.ok(seen.line("supervisor, anonymous KiB")[1] <= GROWN_SUPERVISOR, "memory: the supervisor does not grow")


def besiege(found, supervisor, rate=None):
    with inside_tls.settings(CONFIGURATION, TIMES), inside_tls.configured(CONFIGURATION):
        # the first connections make what is kept: ticket keys, the slice
        for way in ("clear", "tls"):
            with contextlib.closing(box.connect(way, context=inside_tls.context())) as pop:
                pop.line()
        while watch.processes():
            time.sleep(0.05)
        box.wait_no_sessions()
        before, after = Before(supervisor), box.now()
        asyncio.run(Siege(found, supervisor, rate).run())
        with Stage("until nothing is left"):
            before.compare()
        ended(found, after)
    mail_is_right(found)


def systemd(found):
    if LONG:
        for unit in ("restante.socket", "restante-tls.socket"):
            path = pathlib.Path("/run/systemd/system/%s.d/test.conf" % unit)
            path.parent.mkdir()
            path.write_text("[Socket]\nMaxConnections=4000\n")
        path = pathlib.Path("/run/systemd/system/system-restante.slice.d/test.conf")
        path.parent.mkdir()
        path.write_text("[Slice]\nTasksMax=infinity\n")
        box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", "restante.socket", "restante-tls.socket")
    besiege(found, 1)
    box.run("systemctl", "stop", "restante.socket", "restante-tls.socket")


def xinetd(found):
    """the same with a thousand connects a second all the time, which systemd cannot bear"""
    if not LONG:
        return
    command = siege_limits.xinetd(("restante", "restante-tls"), {"instances": 4000})
    if not command:
        t.skip("xinetd", "not there (package: xinetd, or tests/system/inetds)")
        return
    with siege_limits.front(t, "xinetd", command) as pid:
        besiege(found, pid, siege_limits.RATE)


def limits(found):
    siege_limits.limits(t, found["probe"][:2], STORM)


STEPS = {"systemd": systemd, "xinetd": xinetd, "limits": limits}


def main():
    if LONG:
        crowd.PATIENCE = 240
    files_most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_most, files_most))
    t.note("RESTANTE_LOAD=%d RESTANTE_SEED=%d" % (SECONDS, SEED))
    started = time.monotonic()
    with Stage("installation and accounts"):
        install()
        found = users()
    for name, step in STEPS.items():
        if sys.argv[3:] and name not in sys.argv[3:]:
            continue
        try:
            step(found)
        except Exception as error:
            t.ok(False, "%s: to its end" % name, "".join(traceback.format_exception(error)[-6:]))
    t.note("%.1f s in all" % (time.monotonic() - started))
    t.done()


main()
