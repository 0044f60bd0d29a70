"""cluster.py - in the box: hosts of a fleet, each with a network, names and processes of its own, and their volume

Three hosts store a GlusterFS volume, others mount it.  A host can lose its link, be killed, and
come back.  A bridge is the switch between them; its address is where clients are.  All of them are
name spaces below ours: they end with us, and leave nothing.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import signal
import subprocess
import threading
import time

import box

NET = "10.99.0."
HERE = NET + "254"
DISKS = pathlib.Path("/srv/disks")
MOUNT = pathlib.Path("/mnt")
VOLUME = "mail"
STORES = {"s1": 11, "s2": 12, "s3": 13}
# doc/FLEET tells why; they count only if they are set before the volume is started
OPTIONS = (
    "network.ping-timeout=3",
    "server.tcp-user-timeout=3",
    "client.tcp-user-timeout=3",
    "server.keepalive-time=1",
    "server.keepalive-interval=1",
    "server.keepalive-count=3",
    "client.keepalive-time=1",
    "client.keepalive-interval=1",
    "client.keepalive-count=3",
    "performance.stat-prefetch=off",
)
MOUNT_OPTIONS = "attribute-timeout=0,entry-timeout=0,backup-volfile-servers=%s12:%s13" % (NET, NET)

BOOT = """\
hostname "$1" && ip link set lo up && mount -t tmpfs tmpfs /run && mkdir -p /run/gluster /run/lock &&
mount --bind "$2/state" /var/lib/glusterd && mount --bind "$2/log" /var/log/glusterfs && echo up && exec sleep infinity
"""


def switch():
    """the network that all hosts are on; clients are on ours"""
    # the box has its own devices, and no such one
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", 0o20666, os.makedev(10, 229))
    # an address of its own on the wire, or it takes one of its ports, which come and go
    box.run("ip", "link", "add", "fleet", "address", "02:00:00:00:00:fe", "type", "bridge")
    box.run("ip", "addr", "add", HERE + "/24", "dev", "fleet")
    box.run("ip", "link", "set", "fleet", "up")


hosts = []


def end():
    """kill them all: process 1 of a name space hears no other signal"""
    for host in hosts:
        if host.process.poll() is None:
            host.kill()


def until(true, what, seconds=30):
    """how long it took until true() was"""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise RuntimeError("not within %d s: %s" % (seconds, what))
        time.sleep(0.02)
    return time.monotonic() - began


class Host:
    def __init__(self, name, number):
        self.name, self.address, self.wire = name, NET + str(number), "02:00:00:00:00:%02x" % number
        self.disk = DISKS / name
        self.port = "p-" + name
        for part in ("state", "log", "brick"):
            (self.disk / part).mkdir(parents=True)
        hosts.append(self)
        self.boot()

    def boot(self):
        """processes, mounts and network anew; what is on the disk stays"""
        spaces = ("--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL")
        self.process = subprocess.Popen(
            ["unshare", *spaces, "/bin/sh", "-c", BOOT, "sh", self.name, str(self.disk)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        if self.process.stdout.readline() != "up\n":
            raise RuntimeError("%s does not start" % self.name)
        self.init = int(pathlib.Path("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read_text())
        # the network outlives the processes: a host that is killed still says goodbye
        self.net = os.open("/proc/%d/ns/net" % self.init, os.O_RDONLY | os.O_CLOEXEC)
        # a host that was started anew has the address on the wire that it had: others remember it for long
        inside = ("peer", "name", "e0", "address", self.wire, "netns", str(self.init))
        box.run("ip", "link", "add", self.port, "type", "veth", *inside)
        box.run("ip", "link", "set", self.port, "master", "fleet", "up")
        self.run("ip", "addr", "add", self.address + "/24", "dev", "e0")
        self.run("ip", "link", "set", "e0", "up")

    def command(self, *words):
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-n", "-p", "--", *map(str, words)]

    def run(self, *words, **more):
        return box.run(*self.command(*words), **more)

    def start(self, *words, **more):
        """a process that goes on; its words go to the host's log"""
        with open(self.disk / "said", "ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **more}
            return subprocess.Popen(self.command(*words), **streams)

    def said(self):
        log = self.disk / "said"
        return log.read_text(errors="replace") if log.exists() else ""

    def link(self, state):
        """its cable, at the switch: up or down; on its own side nothing shows"""
        box.run("ip", "link", "set", self.port, *(("master", "fleet") if state == "up" else ("nomaster",)))

    def kill(self):
        """all processes at once; what they had open is closed, and told to the others if there is a link"""
        os.kill(self.init, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def forget(self):
        """its network, too"""
        box.run("ip", "link", "del", self.port, good=(0, 1))
        os.close(self.net)

    def mount(self):
        self.run("mount", "-t", "glusterfs", "-o", MOUNT_OPTIONS, NET + "11:/" + VOLUME, MOUNT)


    def mounted(self):
        """does it reach all that store the volume?"""
        states = ("/mnt/.meta/graphs/active/%s-client-%d/private" % (VOLUME, n) for n in range(len(STORES)))
        return self.run("cat", *states, good=(0, 1)).count("connected = 1") == len(STORES)


class Store(Host):
    """a host that has a third of the volume"""

    def boot(self):
        super().boot()
        self.start("glusterd", "-N")

    def gluster(self, *words):
        return self.run("gluster", "--mode=script", *words)

    def healthy(self):
        return "Connected" in self.run("gluster", "pool", "list", good=(0, 1))


def stores():
    """three hosts that store the volume, which is started"""
    switch()
    made = []
    threads = [threading.Thread(target=lambda n=n, i=i: made.append(Store(n, i))) for n, i in STORES.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.sort(key=lambda host: host.name)
    first = made[0]
    for host in made:
        until(host.healthy, "glusterd of " + host.name)
    for host in made[1:]:
        first.gluster("peer", "probe", host.address)
    made[1].gluster("peer", "probe", first.address)
    until(lambda: first.gluster("pool", "list").count("Connected") == len(made), "all peers")
    bricks = ["%s:%s/brick/mail" % (host.address, host.disk) for host in made]
    first.gluster("volume", "create", VOLUME, "replica", "3", *bricks, "force")
    first.gluster("volume", "set", VOLUME, *(word for option in OPTIONS for word in option.split("=")))
    first.gluster("volume", "start", VOLUME)
    return made
