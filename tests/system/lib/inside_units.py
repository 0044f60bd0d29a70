#!/usr/bin/python3
"""inside_units.py - all of units.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import contextlib
import pathlib
import re
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import inside_fields  # noqa: E402
import inside_flood  # noqa: E402
import inside_table  # noqa: E402
import inside_tls  # noqa: E402
import watch  # noqa: E402
from pop import Pop  # noqa: E402
from stage import CONFIGURATION, install, where  # noqa: E402

t = check.Checks()


def show(unit, *names):
    return [box.run("systemctl", "show", "-P", name, unit).strip() for name in names]


def sockets():
    """what systemd has read of them, and what the connections have of it"""
    for unit in inside_flood.SOCKETS:
        t.same(
            show(unit, "BindIPv6Only", "MaxConnections", "MaxConnectionsPerSource", "TriggerLimitIntervalUSec"),
            ["both", "512", "20", "0"],
            "%s: IPv4 and IPv6, the limits, and none that would stop it" % unit,
        )
    with Pop(110) as pop:
        pop.line()
        t.same(keepalive(box.port_of(pop)), True, "a connection is asked after a while whether it is there")
        pop.expect("QUIT")


def keepalive(port):
    """the kernel's list of connections: "02:" and a time is the timer of keepalive (proc(5))"""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[1].endswith(":006E") and words[2].endswith(":%04X" % port):
                timer, _, ticks = words[5].partition(":")
                return timer == "02" and 0 < int(ticks, 16) <= 6000
    return None


def limits():
    """the slice: its limits stand, and the kernel has them"""
    with Pop(110) as pop:
        pop.line()
        tasks, memory, group = show("system-restante.slice", "TasksMax", "MemoryMax", "ControlGroup")
        t.same(tasks, "4608", "slice: so many tasks for all connections together")
        total = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) * 1024
        share = int(memory) / total if memory.isdigit() else 0
        t.ok(0.7 < share < 0.8, "slice: and so much of the memory", (memory, total))
        found = [pathlib.Path("/sys/fs/cgroup", top + group, "pids.max") for top in ("", "unified", "pids")]
        found = [path.read_text().strip() for path in found if path.exists()]
        t.same(found, ["4608"], "slice: the kernel keeps to it")
        unit = box.unit_of(pop)
        found = show(unit, "Slice", "CollectMode")
        t.same(found, ["system-restante.slice", "inactive-or-failed"], "unit: is in it, and is forgotten")
        pop.expect("QUIT")
    cost()


def cost():
    """what a connection in TLS takes of the slice's memory before the login, when it has most processes"""
    before, trust = watch.slice_memory(), inside_tls.context()
    if before is None:
        t.skip("slice: what a connection takes", "the kernel does not count it here")
        return
    clients = [box.connect("tls", context=trust) for _ in range(10)]
    for pop in clients:
        pop.line()
    each = (watch.slice_memory() - before) / len(clients)
    t.note("a connection in TLS: %d KiB of memory of its own" % each)
    t.ok(0 < each < 2048, "slice: a connection in TLS takes less than the 2 MiB that the unit tells", each)
    for pop in clients:
        pop.expect("QUIT")
        pop.close()


def analyse(threshold, unit):
    return subprocess.run(
        ["systemd-analyze", "security", "--no-pager", threshold, unit],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def security():
    """the marks that doc/HARDENING tells, or better ones"""
    text = pathlib.Path(where["docdir"], "HARDENING").read_text()
    told = re.search(r"is (\d\.\d) for the unit and (\d\.\d) with\s+strict.conf", text).groups()
    unit = "restante@mark.service"
    strict = pathlib.Path(where["docdir"], "examples/strict.conf").read_text()
    for name, mark, dropin in (("unit", told[0], None), ("unit with strict.conf", told[1], strict)):
        with box.dropin(dropin) if dropin else contextlib.nullcontext():
            done = analyse("--threshold=%d" % round(float(mark) * 10), unit)
            # a mark that says more than is so would pass, too
            better = analyse("--threshold=10", unit)
        last = done.stdout.strip().splitlines()[-1]
        t.note(last)
        t.same(done.returncode, 0, "systemd-analyze security: the %s has %s or less" % (name, mark))
        t.ok(better.returncode != 0, "systemd-analyze security: and a mark that it has not would be seen")


def enabled():
    """as README tells it; a start of the machine would bring them, too"""
    box.run("systemctl", "enable", "--now", *inside_flood.SOCKETS)
    wants = pathlib.Path("/etc/systemd/system/sockets.target.wants")
    for unit in inside_flood.SOCKETS:
        t.same(show(unit, "ActiveState"), ["active"], "enable --now %s: listens" % unit)
        t.ok((wants / unit).resolve() == pathlib.Path(where["systemdsystemunitdir"], unit).resolve(),
            "enable --now %s: and will when the machine starts, from where it was installed" % unit)


STEPS = {
    "sockets": sockets,
    "limits": limits,
    "security": security,
    "restarted": lambda: inside_flood.restarted(t),
    "endings": lambda: inside_flood.endings(t),
    "wrong": lambda: inside_flood.wrong(t),
    "flood": lambda: inside_flood.flood(t),
    "proxied": lambda: inside_flood.proxied(t),
    "fields": lambda: inside_fields.fields(t),
    "table": lambda: inside_table.table(t),
    "crashes": lambda: inside_flood.crashes(t),
}


def main():
    """all steps, or those named as arguments"""
    install()
    for user in ("alice", "bob"):
        box.account(user)
    enabled()
    with inside_tls.configured(CONFIGURATION):
        for name, step in STEPS.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            started = time.monotonic()
            try:
                step()
            except Exception as error:
                t.ok(False, "%s: to its end" % name, "".join(traceback.format_exception(error)[-6:]))
            t.note("%s: %.1f s" % (name, time.monotonic() - started))
    t.done()


main()
