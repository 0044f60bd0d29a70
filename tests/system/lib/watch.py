"""watch.py - memory, descriptors and zombies of a system under load, and whether they grow

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import time

import server

NAMES = ("restante", "restante-tls")
TICK = os.sysconf("SC_CLK_TCK")


def processes(names=NAMES):
    """{pid: (name, state, parent)} of all with these names"""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = pathlib.Path("/proc/%s/stat" % entry).read_text()
            except OSError:
                continue
            name = text[text.index("(") + 1 : text.rindex(")")]
            if name in names:
                state, parent = text[text.rindex(")") + 2 :].split()[:2]
                found[int(entry)] = (name, state, int(parent))
    return found


def pss(pid):
    """KiB, None if it is gone"""
    try:
        text = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text()
    except OSError:
        return None
    return int(text.partition("\nPss:")[2].split()[0])


def own(pid):
    """KiB of anonymous memory, that is what a program has allocated"""
    return int((server.process_status(pid, "RssAnon") or "0").split()[0])


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def seconds(pid):
    """of a processor that a process has used"""
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def pid_of(name):
    """the one process with this name"""
    return next(iter(processes((name[:15],))))


def slice_memory():
    """KiB of anonymous memory that the kernel counts for all sessions; None if it does not"""
    for top, word in (("memory", "total_rss"), ("unified", "anon"), ("", "anon")):
        path = pathlib.Path("/sys/fs/cgroup", top, "system.slice/system-restante.slice/memory.stat")
        if path.exists():
            values = dict(line.split() for line in path.read_text().splitlines())
            if word in values:
                return int(values[word]) // 1024
    return None


class Watch:
    """samples of a few seconds each: {name: [(time, value)]}"""

    def __init__(self, supervisor, pids):
        """pids: sessions that do nothing, whose memory is looked at each time"""
        self.supervisor = supervisor
        self.pids, self.journald = pids, pid_of("systemd-journald")
        self.samples, self.zombies, self.dead = {}, set(), {}
        self.started = time.monotonic()

    def put(self, name, value):
        if value is not None:
            self.samples.setdefault(name, []).append((time.monotonic() - self.started, value))

    def sample(self):
        sizes = [size for size in map(pss, self.pids) if size is not None]
        if sizes:
            self.put("idle session, PSS in KiB", sum(sizes) / len(sizes))
        self.put("all sessions, anonymous KiB", slice_memory())
        self.put("supervisor, anonymous KiB", own(self.supervisor))
        self.put("supervisor, descriptors", descriptors(self.supervisor))
        self.put("journald, anonymous KiB", own(self.journald))
        seen = processes()
        self.put("processes", len(seen))
        dead = {pid: parent for pid, (_, state, parent) in seen.items() if state == "Z"}
        # a child of ours that waits to be fetched is no zombie yet; one that still does at the next
        # look is.  A supervisor that has much to do takes its time.
        self.zombies |= {pid for pid in dead.keys() & self.dead.keys() if dead[pid] != self.supervisor}
        self.put("to be fetched by the supervisor", list(dead.values()).count(self.supervisor))
        self.dead = dead

    def line(self, name):
        """(mean, growth from the first sample to the last by the line that fits best)"""
        # the first fifth fills caches and buffers
        points = self.samples[name][len(self.samples[name]) // 5 :]
        return fit(points)

    def peak(self, name):
        return max(value for _, value in self.samples[name])


def fit(points):
    """least squares: (mean, growth over the whole time)"""
    count = len(points)
    x = sum(at for at, _ in points) / count
    y = sum(value for _, value in points) / count
    square = sum((at - x) ** 2 for at, _ in points)
    slope = sum((at - x) * (value - y) for at, value in points) / square if square else 0
    return y, slope * (points[-1][0] - points[0][0])
