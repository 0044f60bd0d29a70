#!/usr/bin/python3
"""fleet.py FAILOVERS SEED - all of fleet.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import csv
import os
import pathlib
import pwd
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import cluster  # noqa: E402
import fleet_mail  # noqa: E402
import inside_tls  # noqa: E402
import stage  # noqa: E402
from pop import Closed, Pop  # noqa: E402

FAILOVERS, SEED = int(sys.argv[1]), int(sys.argv[2])
FRONTS = {"a": 1, "b": 2}
BALANCER = cluster.NET + "10"
CONFIGURATION = """\
[server]
hostname = pop.example.org
[network]
proxy_from = %s
[auth]
cleartext_from = 10.99.0.0/24
failure_delay = 0
[mail]
user = vmail
maildir = /mnt/%%u/Maildir
lock_wait = 3s
lock_yield = 2s
[tls]
certificate = /srv/tls/fullchain.pem
private_key = /srv/tls/privkey.pem
ticket_directory = /mnt/tickets
""" % BALANCER
MAILDIR = 'for d in new cur tmp; do mkdir -p "/mnt/$0/Maildir/$d"; done; chown -R vmail: "/mnt/$0"'
READERS = ["reader%d" % n for n in range(4)]
SHORT = 10  # fail-overs: less than that is a short run
# seconds until the mailbox of a session on a host that fails is free; lock_wait is three
FREE = {"killed": 4, "power": 12, "cut": 12, "store": 12}
BROKEN = (OSError, Closed)

t = check.Checks()
chance = random.Random(SEED)


class Front(cluster.Host):
    """a host that serves"""

    def serve(self):
        self.mount()
        self.run("mkdir", "-p", "/run/restante")
        for port in ("110", "995"):
            self.start("tcpserver", "-R", "-H", "-l0", "-c500", "0", port, stage.PROGRAM)
        cluster.until(lambda: reachable(self.address), "port 110 of " + self.name)


def prober(name):
    """the account of HAProxy's checks of a host"""
    return "probe-lb-" + name


def reachable(address):
    try:
        socket.create_connection((address, 110), 2).close()
    except OSError:
        return False
    return True


class Balancer(cluster.Host):
    def serve(self):
        self.run("mkdir", "-p", "/run/haproxy", "/run/systemd/journal")
        # where the hosts can see it
        found = shutil.which("haproxy", path="%s/inetds/usr/sbin:/usr/sbin" % stage.SHARED)
        haproxy = shutil.copy(found, "/srv/haproxy")
        example = stage.where["docdir"] + "/examples/haproxy-fleet.cfg"
        shutil.copy(example, "/srv/haproxy.cfg")
        self.run(haproxy, "-c", "-f", "/srv/haproxy.cfg")
        self.start(haproxy, "-db", "-f", "/srv/haproxy.cfg")
        cluster.until(lambda: self.up(*FRONTS), "HAProxy finds both hosts", 10)

    def show(self, *columns):
        """{host: words of "show stat"} of port 110"""
        with socket.socket(socket.AF_UNIX) as talk:
            try:
                talk.connect("/proc/%d/root/run/haproxy/admin.sock" % self.init)
            except OSError:
                return {}
            talk.sendall(b"show stat\n")
            text = b"".join(iter(lambda: talk.recv(65536), b"")).decode()
        rows = csv.DictReader(text.removeprefix("# ").splitlines())
        return {row["svname"]: [row[name] for name in columns] for row in rows
            if row["pxname"] == "pop3" and row["svname"] in FRONTS}

    def states(self):
        """{host: UP or DOWN}"""
        return {host: words[0] for host, words in self.show("status").items()}

    def up(self, *names):
        return all(self.states().get(name, "").startswith("UP") for name in names)


def prepare():
    """accounts, PAM, configuration, hosts; everything that is the same on each of them"""
    stage.install()
    box.run("useradd", "-m", "vmail")
    # as its package would, had it been installed
    subprocess.run(["useradd", "-r", "haproxy"], stderr=subprocess.DEVNULL, check=False)
    box.pam("auth required pam_permit.so\naccount required pam_permit.so\n")
    pathlib.Path(stage.CONFIGURATION).write_text(CONFIGURATION)
    shutil.copy(pathlib.Path(__file__).with_name("postman.py"), "/srv/postman.py")
    cert = inside_tls.certificates().make("localhost")
    pathlib.Path("/srv/tls").mkdir()
    for path in (cert.chain, cert.key):
        shutil.copy(path, "/srv/tls")
    stores = cluster.stores()
    fronts = [Front(name, number) for name, number in FRONTS.items()]
    for n in range(len(READERS)):
        box.run("ip", "addr", "add", "%s%d/24" % (cluster.NET, 200 + n), "dev", "fleet")
    stores[2].mount()
    stores[2].run("mkdir", "-m", "0700", "/mnt/tickets")
    for user in ("holder", "idle", *map(prober, FRONTS), *READERS):
        stores[2].run("sh", "-c", MAILDIR, user)
    for front in fronts:
        front.serve()
    balancer = Balancer("lb", 10)
    balancer.serve()
    return stores, fronts, balancer


def login(host, user):
    """the session, None if its mailbox is in use"""
    pop = Pop(110, host.address, timeout=20)
    pop.line()
    pop.expect("USER " + user)
    reply = pop.command("PASS word")
    if reply.startswith("+OK"):
        return pop
    pop.close()
    if not reply.startswith("-ERR [IN-USE]"):
        raise AssertionError(reply)
    return None


def mail(store, user, count):
    """so many messages, delivered on another host"""
    code = "import sys; sys.path.insert(0, '/srv'); import postman"
    for number in range(count):
        code += "; postman.deliver('/mnt/%s/Maildir', '%d.M%dP1.fleet')" % (user, time.time(), number)
    store.run(*fleet_mail.AS_OWNER, "/usr/bin/python3", "-c", code)


def busy(front, other):
    """what a newcomer on another host hears, while the session goes on"""
    newcomer = Pop(110, other.address)
    newcomer.line()
    newcomer.expect("USER idle")
    newcomer.send(b"PASS word\r\n")
    newcomer.socket.settimeout(0.1)
    until = time.monotonic() + 10
    with newcomer:
        while time.monotonic() < until:
            front.expect("NOOP")
            try:
                return newcomer.line()
            except TimeoutError:
                pass
    raise AssertionError("no answer")


def across(stores, fronts):
    """the lock, and giving way, from host to host"""
    a, b = fronts
    mail(stores[2], "idle", 3)
    with t.holds("two hosts, one mailbox: the second login is told [IN-USE]"):
        first = login(a, "idle")
        said = busy(first, b)
        assert said.startswith(b"-ERR [IN-USE]"), said
    with t.holds("a session that is idle gives way to the other host"):
        uids = first.multi("UIDL")
        first.expect("DELE 1")
        began = time.monotonic()
        while (second := login(b, "idle")) is None:
            assert time.monotonic() < began + 15, "it does not"
        t.note("after %.1f s" % (time.monotonic() - began))
        first.close()
    with t.holds("it deleted nothing, and all has its unique-id on the other host"):
        with second:
            assert second.multi("UIDL") == uids, "other unique-ids"
            assert uids.count(b"\r\n") == 3, uids
            second.expect("QUIT")


class Held(threading.Thread):
    """the mailboxes of the health checks, in the hands of somebody who is never idle"""

    def __init__(self, fronts):
        super().__init__()
        self.sessions, self.ended = [], threading.Event()
        for front in fronts:
            cluster.until(lambda: self.hold(front), "the mailbox of a check")

    def hold(self, front):
        session = login(front, prober(front.name))
        self.sessions += [session] if session else []
        return session

    def run(self):
        while not self.ended.wait(0.5):
            for session in self.sessions:
                session.expect("NOOP")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        for session in self.sessions:
            session.close()


def checks(fronts, balancer):
    """who holds the mailboxes of the checks does not end everybody's sessions"""
    with t.holds("a check that is told [IN-USE] has found a host that works"):
        failed = balancer.show("chkfail", "hanafail")
        with Held(fronts):
            for front in fronts:
                refused = r"MAILBOX REFUSED, ip=\[unknown\],.* user=%s, reason=in-use" % prober(front.name)
                cluster.until(lambda: len(re.findall(refused, front.said())) > 1, "two checks meet it")
        assert balancer.show("chkfail", "hanafail") == failed, balancer.show("chkfail", "last_chk")


def tickets(fronts):
    """a session of TLS that began on one host goes on at another: the keys are on the volume"""
    with t.holds("a TLS session of one host is resumed by the other"):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = inside_tls.context()
            context.minimum_version = context.maximum_version = version
            reused = None
            for front in fronts:
                with Pop(995, front.address) as pop:
                    pop.socket = context.wrap_socket(pop.socket, server_hostname="localhost", session=reused)
                    pop.line()
                    pop.expect("QUIT")
                    assert pop.socket.session_reused == (front is not fronts[0]), "%s, %s" % (version, front.name)
                    reused = pop.socket.session


class Failure:
    """one of the hosts fails; on it is a session that had marked a message"""

    def __init__(self, kind, fronts, stores, balancer):
        self.kind, self.stores, self.balancer = kind, stores, balancer
        self.victim, self.other = chance.sample(fronts, 2)
        self.store = chance.choice(stores[:2])

    def strike(self):
        if self.kind == "killed":
            self.victim.kill()
        elif self.kind == "power":
            self.victim.link("down")
            self.victim.kill()
        elif self.kind == "cut":
            self.victim.link("down")
        else:
            self.store.kill()
            self.store.forget()

    def heals(self):
        """a store takes long for that; in a short run it is the last that fails, and two of three have to do"""
        return self.kind != "store" or FAILOVERS >= SHORT

    def mend(self):
        # a host that is back at once could leave connections that nobody ends
        if self.kind in ("power", "cut"):
            cluster.until(lambda: not self.balancer.up(self.victim.name), "HAProxy notices")
        if self.kind in ("killed", "power"):
            self.victim.forget()
            self.victim.boot()
            self.victim.serve()
        elif self.kind == "cut":
            self.victim.link("up")
            t.note("it has its volume again after %.1f s" % cluster.until(self.victim.mounted, "its volume"))
        elif self.heals():
            self.store.boot()
            cluster.until(lambda: healed(self.stores), "the volume heals", 60)

    def taken_over(self, began):
        """how long it takes until the mailbox is to be had on the other host, and the session"""
        while True:
            assert time.monotonic() < began + FREE[self.kind] + 20, "the lock is never free"
            pop = login(self.other, "holder")
            if pop is not None:
                return time.monotonic() - began, pop

    def run(self):
        """seconds until the lock was free"""
        held = login(self.victim, "holder")
        uids = held.multi("UIDL")
        held.expect("DELE 1")
        began = time.monotonic()
        self.strike()
        if self.kind == "store":
            held.expect("RSET")
            held.expect("QUIT")
        took, pop = self.taken_over(began)
        assert pop.multi("UIDL") == uids, "not the same mail"
        for number in range(1, uids.count(b"\r\n") + 1):
            pop.expect("RETR %d" % number)
            pop.body()
        self.mend()
        if self.kind == "cut":
            lost(held, pop)
        held.close()
        pop.expect("QUIT")
        pop.close()
        with login(self.other, "holder") as pop:
            assert pop.multi("UIDL") == uids, "mail has gone that another session marked"
            pop.expect("QUIT")
        cluster.until(lambda: self.balancer.up(*FRONTS), "HAProxy finds both hosts")
        assert took < FREE[self.kind], "free after %.1f s" % took
        return took


def lost(held, pop):
    """who was cut off, and is back: he must not delete what is somebody else's now"""
    pop.expect("NOOP")
    try:
        held.send(b"QUIT\r\n")
        said = held.rest()
    except BROKEN:
        said = b""
    t.note("who was cut off, and is back, hears %r" % said)
    # a connection that broke is no answer, and a good one: the client comes again
    assert said[:15] in (b"", b"-ERR [SYS/TEMP]"), "a session that had lost its lock says %r" % said
    pop.expect("NOOP")


def healed(stores):
    if not stores[2].run("gluster", "volume", "status", "mail", good=(0, 1)).count(" Y ") >= 6:
        return False
    text = stores[2].run("gluster", "volume", "heal", "mail", "info", "summary", good=(0, 1, 2))
    counts = re.findall(r"^Total Number of entries: (\d+)", text, re.M)
    return text.count("Status: Connected") == 3 and set(counts) == {"0"}


def kinds():
    """what happens"""
    every = {"killed": 14, "cut": 3, "power": 2, "store": 1}
    if FAILOVERS < SHORT:
        return [*["killed", "cut", "power", *["killed"] * FAILOVERS][:FAILOVERS - 1], "store"]
    return [*every, *chance.choices(list(every), every.values(), k=FAILOVERS - len(every))]


def failovers(stores, fronts, balancer):
    mail(stores[2], "holder", 5)
    took = {}
    with fleet_mail.Traffic(stores[2], READERS, BALANCER, SEED) as traffic:
        for number, kind in enumerate(kinds(), 1):
            time.sleep(chance.uniform(0, 0.3))
            before = traffic.sessions()
            with t.holds("fail-over %d: %s" % (number, kind)):
                failure = Failure(kind, fronts, stores, balancer)
                took.setdefault(kind, []).append(failure.run())
                if failure.heals():
                    cluster.until(lambda: all(front.mounted() for front in fronts), "all of the volume")
                cluster.until(lambda: all(x < y for x, y in zip(before, traffic.sessions())), "a session for each client", 60)
    for kind, times in ((kind, sorted(times)) for kind, times in took.items() if times):
        t.note("%s %d times: the mailbox was free after %.1f to %.1f s, in the middle %.1f"
            % (kind, len(times), times[0], times[-1], times[len(times) // 2]))
    traffic.judge(t, stores[2])


def addresses(fronts, count):
    """the log of the hosts has the clients' addresses, not HAProxy's"""
    text = "".join(front.said() for front in fronts)
    seen = set(re.findall(r"LOGIN, .*?ip=\[([^]]*)\].*?user=reader", text))
    wanted = {"%s%d" % (cluster.NET, 200 + n) for n in range(count)}
    t.same(seen, wanted, "the log has the address of each client")


def main():
    began = time.monotonic()
    t.note("RESTANTE_SEED=%d RESTANTE_FLEET=%d" % (SEED, FAILOVERS))
    stores, fronts, balancer = prepare()
    t.note("up after %.1f s" % (time.monotonic() - began))
    with t.holds("the lock from host to host: to its end"):
        across(stores, fronts)
    checks(fronts, balancer)
    tickets(fronts)
    with t.holds("fail-overs: to their end"):
        failovers(stores, fronts, balancer)
    addresses(fronts, len(READERS))
    t.note("%.1f s in all" % (time.monotonic() - began))


if __name__ == "__main__":
    try:
        main()
    except Exception:
        t.ok(False, "to the end", traceback.format_exc())
    finally:
        cluster.end()
    if t.failed:
        for host in cluster.hosts:
            t.note("%s: %s" % (host.name, host.said()[-1500:]))
    t.done()
