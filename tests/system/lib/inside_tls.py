"""inside_tls.py - in the box: port 995 and STLS as systemd starts them, the relay, certificates

SPDX-License-Identifier: ISC
"""
import contextlib
import importlib.util
import os
import pathlib
import pwd
import re
import signal
import socket
import stat
import time

import box
import corpus
import inside_login
import inside_process
from pop import Pop

SECURE = ("stls", "tls")
LIVE = pathlib.Path("/etc/restante-live")  # one folder, replaced file by file, as certbot does
MADE = "/run/certificates"


def certificates():
    """what makes certificates for the transcripts makes them for us"""
    spec = importlib.util.spec_from_file_location("certs", "/run/shared/tests/lib/certs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Certs(MADE)


def context():
    return box.trust(certificates().ca)


def lay(cert, folder="localhost"):
    """what is served from now on: root's alone, each file replaced at once"""
    place = LIVE / folder
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, source in (("fullchain.pem", cert.chain), ("privkey.pem", cert.key)):
        new = place / (name + ".new")
        new.write_bytes(pathlib.Path(source).read_bytes())
        new.chmod(0o600)
        new.rename(place / name)
    return place


@contextlib.contextmanager
def settings(configuration, text):
    """these lines are behind the configuration for a while"""
    file = pathlib.Path(configuration)
    before = file.read_text()
    file.write_text(before + text)
    try:
        yield
    finally:
        file.write_text(before)


def configured(configuration):
    """a certificate for localhost, by its path"""
    place = lay(certificates().make("localhost"))
    return settings(
        configuration,
        "[tls]\ncertificate = %s/fullchain.pem\nprivate_key = %s/privkey.pem\n" % (place, place),
    )


def serial(pop):
    return pop.socket.getpeercert()["serialNumber"]


def only(t, entries, name):
    """the one entry; an empty one, so that all else fails, if there is another number of them"""
    return entries[0] if t.same(len(entries), 1, name) else {}


def no_certificate(t):
    """nothing is set: port 995 cannot be served, and says so; port 110 is as ever"""
    after = box.now()
    with Pop(box.TLS_PORT) as pop:
        t.same(pop.rest(), b"", "no certificate: port 995 is closed without a word")
    exits = box.journal(after, "_PID=1", "EXIT_CODE=exited")
    t.same([entry["EXIT_STATUS"] for entry in exits], ["66"], "no certificate: exit status 66")
    inside_process.killed.extend(entry["UNIT"] for entry in exits)
    text = " ".join(str(entry["MESSAGE"]) for entry in box.journal(after, "SYSLOG_IDENTIFIER=pop3d"))
    t.ok("tls.certificate" in text, "no certificate: the log says what to set", text)
    with Pop(110) as pop:
        pop.line()
        t.ok(b"STLS" not in pop.multi("CAPA"), "no certificate: port 110 has no STLS")
        t.ok(pop.command("STLS").startswith("-ERR"), "no certificate: and refuses it")
        pop.expect("QUIT")


def sessions(t):
    """whole sessions, and what the journal has of them"""
    for way, address in ((way, address) for way in SECURE for address in ("127.0.0.1", "::1")):
        after = box.now()
        with t.holds("TLS: a session from %s (%s)" % (address, way)):
            inside_login.whole_session("alice", address, way=way, context=context())
        entries = box.journal(after, "POP3_USER=alice", want=2)
        head = only(t, box.phrase(entries, "LOGIN"), "TLS: one LOGIN in the journal")
        last = only(t, box.phrase(entries, "LOGOUT"), "TLS: one LOGOUT in the journal")
        names = ("POP3_TLS", "POP3_RESUMED", "POP3_SNI", "POP3_IP", "POP3_REASON")
        t.same(
            [last.get(name) for name in names],
            ["TLSv1.3", "no", "localhost", address, "quit"],
            "TLS: LOGOUT has version and server name as fields",
        )
        cipher = last.get("POP3_CIPHER", "")
        t.ok(re.fullmatch(r"TLS_\w+_SHA\d+", cipher), "TLS: and the cipher", cipher)
        t.ok(
            ", tls=TLSv1.3, cipher=%s, resumed=no, sni=localhost, " % cipher in last.get("MESSAGE", ""),
            "TLS: and the line reads as the manual says",
            last.get("MESSAGE"),
        )
        t.same((head.get("POP3_TLS"), head.get("_UID")), ("TLSv1.3", "0"), "TLS: LOGIN has it, written by root")
    plain_failure(t)


def plain_failure(t):
    """somebody who does not speak TLS there: news, no failure"""
    after = box.now()
    with Pop(box.TLS_PORT) as pop:
        unit = box.unit_of(pop)
        pop.send(b"USER alice\r\n")
        pop.rest()
    entries = box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=1)
    entry = only(t, box.phrase(entries, "TLS FAILED"), "no TLS on port 995: one line TLS FAILED")
    t.ok(entry.get("POP3_REASON"), "no TLS on port 995: with a reason", entry.get("POP3_REASON"))
    t.same(entry.get("PRIORITY"), "5", "no TLS on port 995: a notice")
    exits = box.journal(after, "_PID=1", "UNIT=" + unit, "EXIT_CODE=exited", want=0, seconds=1)
    t.same([entry for entry in exits if entry["EXIT_STATUS"] != "0"], [], "no TLS on port 995: no failure")


# --- the relay --------------------------------------------------------------------------------------
def relay_of(unit):
    """its pid; there is one, with an account of its own"""
    main, others = box.processes_of(unit)
    uid = str(pwd.getpwnam("restante-tls").pw_uid)
    found = [pid for pid in others if box.status(pid)["Uid"].split()[0] == uid]
    if len(found) != 1:
        raise AssertionError("relays: %s among %s and %s" % (found, main, others))
    return found[0]


def relay(t, empty, path):
    """what it is, owns and holds, before the login and after it"""
    for way in SECURE:
        # more groups than it should have
        with box.dropin("[Service]\nSupplementaryGroups=adm\n"):
            with box.connect(way, context=context()) as pop:
                pop.line()
                unit = box.unit_of(pop)
                main, _ = box.processes_of(unit)
                pid = relay_of(unit)
                group = box.run("systemctl", "show", "-P", "Slice", unit).strip()
                t.same(group, "system-restante.slice", "relay (%s): one slice for both ports" % way)
                owner(t, pid, way)
                locked_up(t, pid, way, empty, path)
                t.same(parent(pid), main, "relay (%s): the monitor is its parent" % way)
                t.same(holders(pop, unit), [pid], "relay (%s): nobody else has the connection" % way)
                pop.expect("USER alice")
                pop.expect("PASS " + box.password_of("alice"))
                pop.expect("STAT")
                later(t, pop, unit, main, pid, way)


def forgotten(t):
    """a password so long that no reply of ours would write over all of it"""
    user = "maria-theresia-walburga-amalia-k"
    box.account(user)
    for way in SECURE:
        with box.login(user, way=way, context=context()) as pop:
            tail = box.password_of(user).encode()[-7:]
            found = box.memory_has(relay_of(box.unit_of(pop)), [tail, b"CRYPTO"])
            t.same(found, {b"CRYPTO"}, "relay (%s): the password has left its memory" % way)
            pop.expect("QUIT")


def later(t, pop, unit, main, pid, way):
    """after the login"""
    t.same(
        box.processes_of(unit), (main, [pid]), "relay (%s): after the login there is the session and it" % way
    )
    t.same(box.status(main)["Uid"].split()[0], str(pwd.getpwnam("alice").pw_uid), "the session is alice's")
    t.same(holders(pop, unit), [pid], "relay (%s): the session has not the connection either" % way)
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    with t.holds("relay (%s): SIGTERM does not end it" % way):
        pop.expect("NOOP")
    pop.expect("QUIT")
    t.same(pop.rest(), b"", "relay (%s): ends with the session, by close_notify" % way)
    pop.close()
    t.ok(box.wait_no_sessions(), "relay (%s): nothing is left" % way)


def owner(t, pid, way):
    account, seen = pwd.getpwnam("restante-tls"), box.status(pid)
    what = "relay (%s): " % way
    t.same(seen["Uid"].split(), [str(account.pw_uid)] * 4, what + "runs as restante-tls, all four uids")
    t.same(seen["Gid"].split(), [str(account.pw_gid)] * 4, what + "and its group")
    t.same(seen["Groups"].split(), [], what + "no supplementary groups")
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        t.same(int(seen[field], 16), 0, what + "%s is empty" % field)
    t.same(seen["NoNewPrivs"], "1", what + "no new privileges")
    t.same(seen["Seccomp"], "2", what + "a system call filter")


def locked_up(t, pid, way, empty, path):
    what = "relay (%s): " % way
    t.same(os.readlink("/proc/%d/root" % pid), empty, what + "its root is the empty directory")
    t.ok(inside_process.not_dumpable(pid), what + "cannot be traced or dumped")
    t.same(os.readlink("/proc/%d/exe" % pid), path, what + "is the installed program")
    fds, limits = box.descriptors(pid), box.limits(pid)
    t.note(what + str(fds))
    t.same({fds.get(fd) for fd in (0, 1)}, {"/dev/null"}, what + "no standard input and output")
    t.same(
        [target for target in fds.values() if target != "/dev/null" and not target.startswith("socket:")],
        [],
        what + "holds sockets, no file: the key was closed once it was read",
    )
    # 3 to 6, certificate, key, ticket keys: what it was started with
    t.same(int(limits["Max open files"]), 10, what + "has no room for another descriptor")
    for limit in ("Max processes", "Max file size", "Max core file size"):
        t.same(limits[limit], "0", what + "%s is 0" % limit)


def parent(pid):
    return int(box.status(pid)["PPid"])


def holders(pop, unit):
    """which processes of the unit have the server's end of the connection"""
    port, inode = box.port_of(pop), None
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[2].endswith(":%04X" % port) and words[1].endswith((":006E", ":03E3")):
                inode = words[9]
    main, others = box.processes_of(unit)
    return [pid for pid in [main, *others] if "socket:[%s]" % inode in box.descriptors(pid).values()]


# --- certificates and keys ----------------------------------------------------------------------------
def renewed(t):
    """a certificate is replaced while the service runs: no hook, no restart, no session hurt"""
    with box.login("alice", way="tls", context=context()) as open_before:
        first = serial(open_before)
        lay(certificates().make("localhost", ["days=40"]))
        with box.login("bob", way="stls", context=context()) as pop:
            second = serial(pop)
            pop.expect("QUIT")
        t.ok(second != first, "renewed: the next connection gets the new certificate", (first, second))
        with t.holds("renewed: a session from before goes on"):
            open_before.expect("STAT")
            open_before.expect("QUIT")
    box.wait_no_sessions()


def resumed(t, tickets):
    """two connections, two processes, one key that they share by a file of root's"""
    client = context()
    after = box.now()
    with box.login("alice", way="tls", context=client) as pop:
        pop.expect("QUIT")
        pop.rest()
        session = pop.socket.session
    t.ok(session and session.has_ticket, "tickets: the first connection gives one out")
    with box.login("alice", way="stls", context=client, session=session) as pop:
        t.ok(pop.socket.session_reused, "tickets: another process resumes it, by STLS, too")
        pid = relay_of(box.unit_of(pop))
        files = [target for target in box.descriptors(pid).values() if target.startswith("/etc")]
        t.same(files, [], "tickets: its relay holds no file of a key, though it read none")
        pop.expect("QUIT")
    entries = box.phrase(box.journal(after, "POP3_USER=alice", want=4), "LOGOUT")
    t.same([entry.get("POP3_RESUMED") for entry in entries], ["no", "yes"], "tickets: the journal has it")
    found = {path.name: os.stat(path) for path in pathlib.Path(tickets).iterdir()}
    t.same(
        {(entry.st_uid, stat.S_IMODE(entry.st_mode)) for entry in found.values()},
        {(0, 0o600)},
        "tickets: the keys are root's, 0600",
    )
    t.same(list(found), ["tickets"], "tickets: one file, nothing left beside it")
    for path in pathlib.Path(tickets).iterdir():
        path.unlink()
    with t.holds("tickets: without the file there is a full handshake"):
        with box.login("alice", way="tls", context=client, session=session) as pop:
            assert not pop.socket.session_reused
            pop.expect("QUIT")


# --- endings --------------------------------------------------------------------------------------------
class Narrow(Pop):
    """a client with next to no room for what it has not read yet"""

    def __init__(self):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", box.TLS_PORT))
        self.socket = context().wrap_socket(connection, server_hostname="localhost")
        self.buffer = b""


@contextlib.contextmanager
def small_buffers():
    """what the kernel keeps for a client that reads slowly is next to nothing"""
    directory = pathlib.Path("/run/systemd/system/restante-tls.socket.d")
    directory.mkdir()
    (directory / "test.conf").write_text("[Socket]\nSendBuffer=16K\n")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "restante-tls.socket")
    try:
        yield
    finally:
        (directory / "test.conf").unlink()
        directory.rmdir()
        box.run("systemctl", "daemon-reload")
        box.run("systemctl", "restart", "restante-tls.socket")


def slow(t):
    """the session has ended, SIGTERM was sent to the relay, and the client reads all the same"""
    # more than all buffers between the two hold, as those of the connection are small
    stored = b"Subject: long\n\n" + (b"x" * 76 + b"\n") * 10000
    box.deliver("bob", [("1700000009.M9P1.box", stored)])
    number = len(box.left("bob"))
    with small_buffers(), Narrow() as pop:
        pop.login("bob", box.password_of("bob"))
        unit = box.unit_of(pop)
        main, _ = box.processes_of(unit)
        pid = relay_of(unit)
        pop.send(b"RETR %d\r\nDELE %d\r\nQUIT\r\n" % (number, number))
        while not is_gone(main):
            pop.buffer += pop.socket.recv(4096)
            time.sleep(0.005)
        time.sleep(1)
        t.ok(not is_gone(pid), "slow: the session has ended, the relay has not", len(pop.buffer))
        with t.holds("slow: all of a message comes after the session's end"):
            line = pop.line()
            assert line.startswith(b"+OK"), line
            assert pop.body() == corpus.wire(stored), "another message"
            last = pop.rest()
            assert last.count(b"+OK") == 2, last
    t.ok(box.wait_no_sessions(), "slow: nothing is left")


def crawling(t, program):
    """a client that takes a little now and then cannot make a unit fail"""
    stored = b"Subject: long\n\n" + (b"x" * 76 + b"\n") * 10000
    box.deliver("bob", [("1700000009.M9P1.box", stored)])
    with box.dropin(box.options(program, "limits.stall_timeout=1s")), small_buffers(), Narrow() as pop:
        pop.login("bob", box.password_of("bob"))
        unit = box.unit_of(pop)
        main, _ = box.processes_of(unit)
        pid = relay_of(unit)
        number = len(box.left("bob"))
        pop.send(b"RETR %d\r\nDELE %d\r\nQUIT\r\n" % (number, number))
        while not is_gone(main):
            pop.buffer += pop.socket.recv(4096)
            time.sleep(0.005)
        started = time.monotonic()
        while not is_gone(pid) and time.monotonic() < started + 20:
            with contextlib.suppress(OSError):
                pop.socket.recv(16384)
                time.sleep(2)
        seconds = time.monotonic() - started
        t.ok(10 < seconds < 14, "crawling: the relay ends 10 s after limits.stall_timeout", seconds)
    t.ok(box.wait_no_sessions(), "crawling: nothing is left")


def is_gone(pid):
    """it has ended, whether systemd has looked or not"""
    return process_stat(pid) in (None, "Z")


def process_stat(pid):
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def stopped(t):
    """systemctl stop: the client is told inside of TLS, and both processes end at once"""
    had = box.left("bob")
    pop = box.login("bob", way="tls", context=context())
    pop.expect("DELE 1")
    unit, started = box.unit_of(pop), time.monotonic()
    box.run("systemctl", "stop", unit)
    t.ok(time.monotonic() - started < 5, "stop with TLS: at once")
    with t.holds("stop with TLS: the client hears why, and the end of TLS"):
        last = pop.rest()
        assert last.startswith(b"-ERR [SYS/TEMP]"), last
    pop.close()
    t.same(box.left("bob"), had, "stop with TLS: nothing is deleted")


# --- where certificates come from -------------------------------------------------------------------------
def credentials(t):
    """LoadCredential=, nothing in the configuration: both ways, and renewed without a restart"""
    place = lay(certificates().make("localhost"))
    text = "[Service]\nLoadCredential=tls.certificate:%s/fullchain.pem\n" % place
    text += "LoadCredential=tls.private_key:%s/privkey.pem\n" % place
    with box.dropin(text):
        for way in SECURE:
            with t.holds("credentials: a session (%s)" % way):
                inside_login.whole_session("alice", "127.0.0.1", way=way, context=context())
        with box.login("alice", way="tls", context=context()) as pop:
            first = serial(pop)
            pop.expect("QUIT")
        lay(certificates().make("localhost", ["days=40"]))
        with box.login("alice", way="tls", context=context()) as pop:
            t.ok(serial(pop) != first, "credentials: a renewed certificate is served to the next connection")
            pop.expect("QUIT")
    t.ok(box.wait_no_sessions(), "credentials: nothing is left")


def names(t, configuration):
    """certbot's folders, closed to all but root: the one that a client asks for"""
    for name in ("localhost", "pop.example.org"):
        lay(certificates().make(name), name)
    LIVE.chmod(0o700)
    with settings(configuration, "[tls]\ndirectory = %s\n" % LIVE):
        for name in ("localhost", "pop.example.org"):
            with t.holds("names: a client that asks for %s gets its certificate" % name):
                with Pop(box.TLS_PORT) as pop:
                    pop.socket = context().wrap_socket(pop.socket, server_hostname=name)
                    pop.login("alice", box.password_of("alice"))
                    pop.expect("QUIT")
        after = box.now()
        with t.holds("names: who asks for another name gets no certificate"):
            with Pop(box.TLS_PORT) as pop:
                try:
                    pop.socket = context().wrap_socket(pop.socket, server_hostname="other.example.org")
                except OSError:
                    pass
                else:
                    raise AssertionError("a handshake")
        box.wait_no_sessions()
        entries = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=1), "TLS FAILED")
        t.same([entry.get("POP3_SNI") for entry in entries], ["other.example.org"], "names: the log has it")
