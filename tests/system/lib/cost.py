#!/usr/bin/python3
"""cost.py ROUNDS CONNECTIONS OPEN - in the box: what a connection costs its supervisor

systemd, xinetd and tcpserver take turns, each on a port of its own, with the units and the file
that we install and the same program behind them: one that does nothing, the same while systemd has
OPEN other connections, then restante with a login.  Figures are processor time of all who have to do with it: the supervisor, what it has
started, systemd's journal, the bus.  Wall time is not looked at.

SPDX-License-Identifier: ISC
"""
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import box
import check
import pop
import siege_limits
import stage
from stage import PROGRAM, SHARED

FLOOR = SHARED / "floor"
TICK = 1e9 / os.sysconf("SC_CLK_TCK")
PEERS = 20  # addresses that clients come from, so that nobody is turned away as one of too many


# --- processor time ------------------------------------------------------------------------------
def own(pid):
    """ns that a process has run"""
    return int(pathlib.Path("/proc/%d/schedstat" % pid).read_text().split()[0])


def children(pid):
    """ns that those have run whom it has waited for, and theirs; in steps of a tick"""
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK


def named(*names):
    """pids of these programs"""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if path.read_text().strip() in names:
                found.append(int(path.parent.name))
    return found


def aides():
    """who else works for a connection: the journal, the bus and who listens on it"""
    return sum(own(pid) for pid in named("systemd-journal", "dbus-daemon", "systemd-logind"))


class Supervisor:
    """a contestant; figures are what a connection takes, in ns"""

    def __init__(self, name, pid, port):
        self.name, self.pid, self.port = name, pid, port
        self.alone, self.all = [], []

    def read(self):
        return own(self.pid), children(self.pid) + aides()

    def settle(self):
        """until it has no more to do for what was: then nobody's figures get any of it"""
        before, end = None, time.monotonic() + 5
        while before != (before := self.read()) and time.monotonic() < end:
            time.sleep(0.05)
        return before

    def round(self, talk, connections):
        started = self.settle()
        for number in range(connections):
            with pop.Pop(self.port, timeout=30, source=peer(number)) as client:
                talk(client)
        ended = self.settle()
        self.alone.append((ended[0] - started[0]) / connections)
        self.all.append((sum(ended) - sum(started)) / connections)

    def figures(self):
        return statistics.median(self.alone), statistics.median(self.all)


def peer(number):
    """loopback has many addresses"""
    return "127.0.1.%d" % (1 + number % PEERS)


# --- what the client does ------------------------------------------------------------------------
def nothing(client):
    client.rest()


def session(client):
    client.login("alice", box.password_of("alice"))
    client.expect("STAT")
    client.expect("QUIT")
    client.rest()


# --- contestants ---------------------------------------------------------------------------------
UNITS = pathlib.Path("/run/systemd/system")


# other than installed: what stands in a line of the service, and what is to stand there
FILTERS = """LockPersonality=yes
RestrictRealtime=yes
RestrictNamespaces=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"""
OURS = ("systemd", [])
FILTERED = ("systemd with six filters", [(r"(?m)^(UMask=.*)", r"\1\n" + FILTERS)])
SILENT = ("systemd without STATUS", [(r"(?m)^NotifyAccess=.*", "NotifyAccess=none")])


def unit(name, port, program, changes=()):
    """our units, but for the port, the program and the changes"""
    here = pathlib.Path(stage.where["systemdsystemunitdir"])
    for file, lines in (
        ("restante.socket", [(r"(?m)^ListenStream=.*", "ListenStream=127.0.0.1:%d" % port)]),
        ("restante@.service", [(r"(?m)^ExecStart=.*", "ExecStart=%s" % program), *changes]),
    ):
        text = (here / file).read_text()
        for old, new in lines:
            text, count = re.subn(old, new, text)
            if not count:
                raise RuntimeError("%s has no line %s" % (file, old))
        (UNITS / file.replace("restante", name)).write_text(text)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", name + ".socket")


def started(command):
    """another supervisor, with nothing in its environment that systemd has put into ours"""
    return subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    )


def xinetd(port, program):
    """our file, with another port and program; None: it is not there"""
    command = siege_limits.xinetd(more={"server": program})
    if command:
        path = pathlib.Path("/run/xinetd.%d" % port)
        text = pathlib.Path(command[2]).read_text()
        path.write_text(text.replace("{", "{\n\ttype = UNLISTED\n\tport = %d" % port, 1))
        return started([command[0], "-f", path, "-dontfork", "-pidfile", "%s.pid" % path])
    return None


def tcpserver(port, program):
    tool = siege_limits.program("tcpserver")
    return tool and started([tool, "-R", "-H", "-l", "0", "127.0.0.1", str(port), program])


def contestants(first, program, units):
    """(supervisors, processes to end); units: names, and changes to ours"""
    racing, running = [], []
    for number, (name, start) in enumerate((("tcpserver", tcpserver), ("xinetd", xinetd))):
        process = start(first + number, program)
        if process:
            running.append(process)
            racing.append(Supervisor(name, process.pid, first + number))
    for number, (name, changes) in enumerate(units, len(racing)):
        unit("cost%d" % (first + number), first + number, program, changes)
        racing.append(Supervisor(name, 1, first + number))
    for racer in racing:
        box.wait_for_port(racer.port)
    return racing, running


def race(t, name, first, program, units, talk, rounds, connections):
    """all in turns; the round before the first is not counted"""
    racing, running = contestants(first, program, units)
    try:
        for number in range(rounds + 1):
            for racer in racing:
                racer.round(talk, connections if number else 1)
                if not number:
                    racer.alone.clear()
                    racer.all.clear()
    finally:
        for process in running:
            process.terminate()
            process.wait(10)
        for racer in racing:
            if racer.pid == 1:
                box.run("systemctl", "stop", "cost%d.socket" % racer.port)
    return show(t, name, racing, connections)


def show(t, name, racing, connections):
    base = racing[0].figures()[1]
    t.note("%s: processor time of a connection, and its ratio to %s" % (name, racing[0].name))
    for racer in racing:
        alone, everything = racer.figures()
        t.note(
            "    %-24s%8.3f ms %6.2f    the supervisor itself %.3f ms"
            % (racer.name, everything / 1e6, everything / base, alone / 1e6)
        )
        t.ok(
            len(racer.all) and min(racer.all) > 0 and everything >= alone,
            "%s: %s has figures" % (name, racer.name),
            (racer.alone, racer.all),
        )
    return {racer.name: racer.figures() for racer in racing}


def advise(t, figures, crowded):
    """a tenth of a processor is what people may want to have back"""
    alone, everything = figures["systemd"]
    t.note(
        "systemd itself is one thread: %.0f connections a second keep it busy, %.0f while others are open"
        % (1e9 / alone, 1e9 / crowded["systemd"][0])
    )
    for name in ("xinetd", "tcpserver"):
        more = everything - figures[name][1] if name in figures else 0
        if more > 0:
            t.note("%s saves a tenth of a processor from %.0f connections a second on" % (name, 1e8 / more))


@contextlib.contextmanager
def crowd(count):
    """so many connections that stay, each with a unit of its own"""
    unit("costmany", 2190, "/bin/cat")
    box.wait_for_port(2190)
    held = [pop.Pop(2190, timeout=30, source=peer(number)) for number in range(count)]
    try:
        for client in held:
            client.send(b"x")
            client.peek(1)
        yield
    finally:
        for client in held:
            client.close()
        box.run("systemctl", "stop", "costmany.socket")


def measure(t, rounds, connections, others):
    """alice can log in; from now on by a password that costs little"""
    box.run("chpasswd", "-c", "SHA512", "-s", "1000", input="alice:%s\n" % box.password_of("alice"))
    t.ok(FLOOR.exists(), "the program that does nothing is there (make bench/floor)")
    figures = race(t, "nothing", 2100, FLOOR, [OURS, FILTERED], nothing, rounds, 4 * connections)
    with crowd(others):
        name = "nothing, %d others open" % others
        crowded = race(t, name, 2120, FLOOR, [OURS], nothing, rounds, 4 * connections)
    logins = race(t, "login", 2110, PROGRAM, [OURS, SILENT], session, rounds, connections)
    with_it, without = logins["systemd"], logins["systemd without STATUS"]
    t.note(
        "STATUS: %.1f %% of what systemd itself has to do for a login, %.1f %% of all"
        % tuple(100 * (with_it[0] - without[0]) / of for of in without)
    )
    advise(t, figures, crowded)


def main():
    t = check.Checks()
    stage.install()
    box.account("alice")
    # as on a real machine: somebody wants to hear of units that come and go
    said = box.run("systemctl", "start", "systemd-logind", good=(0, 1)).strip()
    t.note("the bus: %s" % (said or "logind listens"))
    measure(t, *(int(word) for word in sys.argv[1:]))
    t.done()


if __name__ == "__main__":
    main()
