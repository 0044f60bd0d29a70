"""inside_flood.py - in the box: what many connections, wrong passwords and crashes do to the units

SPDX-License-Identifier: ISC
"""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import socket
import struct
import time

import box
import inside_tls
from pop import Pop
from stage import PROGRAM, where

SOCKETS = ("restante.socket", "restante-tls.socket")
PER_SOURCE = 20  # as installed


class From(Pop):
    """a client with an address of its choice"""

    def __init__(self, source, port=110):
        self.socket = socket.create_connection(("127.0.0.1", port), 30, (source, 0))
        self.buffer = b""

    def secure(self, trust):
        self.socket = trust.wrap_socket(self.socket, server_hostname="localhost")

    def reset(self):
        """go without a word"""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


def states():
    return [box.run("systemctl", "show", "-P", "SubState", unit).strip() for unit in SOCKETS]


def refused():
    return sum(int(box.run("systemctl", "show", "-P", "NRefused", unit)) for unit in SOCKETS)


def nothing_failed(t, what, after):
    """no unit has failed, not even one that is forgotten since"""
    box.wait_no_sessions(20)
    units = box.run("systemctl", "list-units", "--failed", "--no-legend", "--plain", *box.UNITS, *SOCKETS)
    t.same(units.strip(), "", "%s: no unit has failed" % what)
    lines = [str(entry["MESSAGE"]) for entry in box.journal(after, "_PID=1", want=0)]
    bad = [line for line in lines if "Failed with result" in line or "status=" in line]
    t.same(bad, [], "%s: and none ever had" % what)


# --- 300 at once ------------------------------------------------------------------------------------
def flood(t):
    """300 connections within two seconds, from 15 addresses; then 300 from one that has enough"""
    after, started, trust = box.now(), time.monotonic(), inside_tls.context()
    sources = ["127.0.1.%d" % n for n in range(1, 16)]
    ports = [110] * 17 + [995] * 3
    clients = [From(source, port) for port in ports for source in sources]
    seconds = time.monotonic() - started
    t.ok(len(clients) == 300 and seconds < 2, "flood: 300 connections within 2 seconds", seconds)
    with box.login("alice", address="127.0.0.1") as pop:
        pop.expect("STAT")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda client: greeting(client, trust), clients))
        t.same(said.count(True), 300, "flood: each of them is greeted")
        t.note("the last of 300 was greeted after %.1f s" % (time.monotonic() - started))
        before = refused()
        # 17 are on this port already.  Turning 300 away is quick enough for TriggerLimit= to notice
        more = [From(sources[0]) for _ in range(303)]
        said = [client.line()[:3] for client in more[:3]]
        t.same(said, [b"+OK"] * 3, "flood: an address may have 20 on a port")
        t.same({client.rest() for client in more[3:]}, {b""}, "flood: and no more")
        t.same(refused() - before, 300, "flood: and systemd counts what it turned away")
        for client in clients + more:
            client.reset()
        with t.holds("flood: who was logged in goes on"):
            pop.expect("NOOP")
            pop.expect("QUIT")
    nothing_failed(t, "flood", after)
    t.same(states(), ["listening"] * 2, "flood: both sockets listen as before")
    with t.holds("flood: a new login works, from an address of the flood, too"):
        with From(sources[0]) as pop:
            pop.login("alice", box.password_of("alice"))
            pop.expect("QUIT")


def greeting(client, trust):
    if client.socket.getpeername()[1] == 995:
        client.secure(trust)
    return client.line().startswith(b"+OK")


# --- a proxy in front -------------------------------------------------------------------------------
def proxied(t):
    """behind-proxy.conf, put where it says: one address may have all connections, the clients have theirs"""
    example = pathlib.Path(where["docdir"], "examples/behind-proxy.conf")
    dropins = [pathlib.Path("/etc/systemd/system/%s.d" % unit) for unit in SOCKETS]
    for directory in dropins:
        directory.mkdir()
        shutil.copy(example, directory)
    after, settings = box.now(), ["network.proxy_from=127.0.4.1", "auth.failure_delay=0"]
    try:
        with box.dropin(box.options(PROGRAM, *settings)):
            box.run("systemctl", "restart", *SOCKETS)
            clients = [From("127.0.4.1", port) for port in (110, 995) for _ in range(PER_SOURCE + 10)]
            for number, client in enumerate(clients, 1):
                client.send(b"PROXY TCP4 192.0.2.%d 192.0.2.200 4711 110\r\n" % number)
            trust = inside_tls.context()
            said = [greeting(client, trust) for client in clients]
            t.same(said, [True] * len(clients), "proxy: one address has 30 connections to each port")
            with t.holds("proxy: a client of port 995 logs in"):
                clients[-1].expect("USER alice")
                clients[-1].expect("PASS " + box.password_of("alice"))
                clients[-1].expect("QUIT")
            for client in clients:
                client.reset()
            t.ok(box.wait_no_sessions(), "proxy: no process and no unit is left")
    finally:
        for directory in dropins:
            shutil.rmtree(directory)
        box.run("systemctl", "daemon-reload")
        box.run("systemctl", "restart", *SOCKETS)
    lines = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=len(clients)), "LOGIN")
    found = [(entry.get("POP3_IP"), entry.get("POP3_PROXY")) for entry in lines]
    t.same(found, [("192.0.2.%d" % len(clients), "127.0.4.1")], "proxy: by its own address")
    nothing_failed(t, "proxy", after)


# --- 100 wrong passwords ----------------------------------------------------------------------------
def wrong(t):
    """from five addresses, each connection one; then the right one"""
    after = box.now()
    settings = ["auth.throttle_exempt=", "auth.throttle_delay=1s", "auth.failure_delay=100ms"]
    sources = ["127.0.2.%d" % n for n in range(1, 6)]

    def guess(number):
        with From(sources[number % 5]) as pop:
            pop.line()
            pop.expect("USER alice")
            return pop.command("PASS mistaken-%d" % number)

    def seconds(source):
        started = time.monotonic()
        with From(source) as pop:
            pop.login("alice", box.password_of("alice"))
            pop.expect("QUIT")
        return time.monotonic() - started

    with box.dropin(box.options(PROGRAM, *settings)):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(guess, range(100)))
        t.same(
            [reply for reply in replies if not reply.startswith("-ERR [AUTH]")], [], "100 wrong: all refused"
        )
        other, same = seconds("127.0.3.1"), seconds(sources[0])
        t.note("seconds of a login: %.2f from elsewhere, %.2f from an address that guessed" % (other, same))
        t.ok(
            other < same and 0.9 < same < 1.3 + 2 * other,
            "100 wrong: only who guessed waits, and no longer than said",
            (other, same),
        )
        clients = [From(sources[0]) for _ in range(PER_SOURCE)]
        with t.holds("100 wrong: they count for nothing in the limit of an address"):
            for client in clients:
                assert client.line().startswith(b"+OK")
                client.expect("QUIT")
                client.close()
    lines = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=100), "LOGIN FAILED")
    t.same(len(lines), 100, "100 wrong: a line for each")
    nothing_failed(t, "100 wrong", after)


# --- crashes of ours --------------------------------------------------------------------------------
# who crashes: what the log says, with which result systemd does
CRASHES = {
    "session": (None, "signal"),
    "monitor": (None, "signal"),
    "login process": ("LOGIN PROCESS FAILED", "exit-code"),
    "relay": (None, None),
}


def crashes(t):
    """each process in its turn, with the journal kept short as the manual says"""
    with box.dropin("[Service]\nLogLevelMax=notice\n"):
        for who, (says, result) in CRASHES.items():
            had, after = box.left("alice"), box.now()
            unit = crash(who)
            entries = box.journal(after, "_PID=1", "UNIT=" + unit, want=1 if result else 0, seconds=5)
            lines = [str(entry["MESSAGE"]) for entry in entries]
            if result:
                t.ok(
                    any("Failed with result '%s'" % result in line for line in lines),
                    "crash of the %s: systemd shows it, though it forgets the unit" % who,
                    lines,
                )
            if result == "signal":
                signals = [line for line in lines if "status=11/SEGV" in line]
                t.ok(signals, "crash of the %s: and the signal" % who, lines)
            if says:
                said = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d"), says)
                t.same(len(said), 1, "crash of the %s: the log says so" % who)
            t.ok(box.wait_no_sessions(), "crash of the %s: no process and no unit is left" % who)
            t.same(box.left("alice"), had, "crash of the %s: no mail is gone" % who)
    told = box.run("journalctl", "--no-pager", "-p", "warning", "-u", "restante@*", "-u", "restante-tls@*")
    t.ok("Failed with result 'signal'" in told, "crash: the command in the manual shows them", told)
    with t.holds("crash: the next session is as ever"):
        box.login("alice").expect("QUIT")


def crash(who):
    """a session that has marked a message, or one before its login; the unit whose process was shot"""
    trust = inside_tls.context()
    with box.connect("tls" if who == "relay" else "clear", context=trust) as pop:
        pop.line()
        unit = box.unit_of(pop)
        main, others = box.processes_of(unit)
        pid = {"monitor": main, "session": main, "login process": others[0]}.get(who)
        if who in ("session", "relay"):
            pop.expect("USER alice")
            pop.expect("PASS " + box.password_of("alice"))
            pop.expect("DELE 1")
        if who == "relay":
            pid = inside_tls.relay_of(unit)
        os.kill(pid, signal.SIGSEGV)
        pop.rest()
    return unit


# --- an upgrade -------------------------------------------------------------------------------------
def restarted(t):
    """what a package does: new files, then systemctl restart of the sockets; sessions go on"""
    for way in box.WAYS:
        box.deliver("alice")
        before, after = box.left("alice"), box.now()
        with box.login("alice", way=way, context=inside_tls.context()) as pop:
            pop.expect("DELE 1")
            unit = box.unit_of(pop)
            program = pathlib.Path(PROGRAM)
            copy = program.with_name("restante.new")
            copy.write_bytes(program.read_bytes())
            copy.chmod(0o755)
            copy.rename(program)
            box.run("systemctl", "daemon-reload")
            box.run("systemctl", "restart", *SOCKETS)
            state = box.run("systemctl", "is-active", unit).strip()
            t.same(state, "active", "restart (%s): the session goes on" % way)
            with t.holds("restart (%s): to its end" % way):
                pop.multi("RETR 2")
                with box.login("bob", way=way, context=inside_tls.context()) as newcomer:
                    newcomer.expect("QUIT")
                pop.expect("QUIT")
        box.wait_no_sessions()
        t.same(box.left("alice"), before[1:], "restart (%s): what was marked is deleted" % way)
        nothing_failed(t, "restart (%s)" % way, after)
    box.deliver("alice")


# --- all that a client can do -------------------------------------------------------------------------
ENDS = ("reset", "close", "wait")
GARBAGE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600  # a ClientHello that is none


def endings(t):
    """a client that leaves at any point, kindly or not, in clear and in TLS"""
    after, trust = box.now(), inside_tls.context()
    limits = ["login_timeout=1s", "handshake_timeout=1s", "idle_timeout=1s", "stall_timeout=1s"]
    options = ["limits." + word for word in limits] + ["auth.failure_delay=100ms", "mail.lock_wait=500ms"]
    login = ["USER alice", "PASS " + box.password_of("alice")]
    # what is said, what is not waited for, and how it ends
    acts = [([], b"", how) for how in ENDS]
    acts += [(login, b"", how) for how in ENDS]
    acts += [(login, b"RETR 1\r\n" * 300, how) for how in ("reset", "close")]
    acts += [(["USER alice", "STLS now"], b"PASS " + b"x" * 5000, "reset")]
    acts += [(["AUTH PLAIN ="], b"\0\xff\r\n" * 400, "wait"), (login[:1], b"PASS \0\r\n", "close")]
    raw = (b"", GARBAGE, GARBAGE[:7], b"GET / HTTP/1.0\r\n\r\n", b"STLS\r\n" + GARBAGE)
    with box.dropin(box.options(PROGRAM, *options)), concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = []
        for octets in raw:
            for port, how in ((port, how) for port in (110, 995) for how in ENDS):
                done.append(pool.submit(lambda port, *more: act(Pop(port), [], *more), port, octets, how))
        for way in box.WAYS:
            for said, more, how in acts:
                # sessions one by one, as it is one mailbox
                if said == login:
                    act(box.connect(way, context=trust), said, more, how)
                else:
                    done.append(pool.submit(act, box.connect(way, context=trust), said, more, how))
        for one in done:
            one.result()
        t.ok(box.wait_no_sessions(30), "endings: all sessions end")
    with box.dropin(box.options(PROGRAM, "mail.lock_wait=0")):
        in_use(t)
    nothing_failed(t, "endings", after)


def in_use(t):
    with box.login("alice") as pop, Pop(110) as second:
        second.line()
        second.expect("USER alice")
        second.expect("PASS " + box.password_of("alice"), "-ERR [IN-USE]")
        t.same(second.rest(), b"", "endings: a mailbox in use ends the connection")
        pop.expect("QUIT")


def act(pop, said, more, how):
    try:
        for line in said:
            pop.send(line.encode() + b"\r\n")
        if said:
            pop.line()
        pop.send(more)
        if how == "wait":
            pop.rest()
        elif how == "reset":
            pop.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except (OSError, ValueError):
        pass
    finally:
        pop.close()
