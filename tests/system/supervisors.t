#!/usr/bin/python3
"""supervisors.t - every kind of supervisor hands over a connection, and the session is the same

systemd-socket-activate both ways, xinetd with the file that we install, openbsd-inetd and
inetutils-inetd with the lines that we install, tcpserver (both of them), tcpsvd and s6-tcpserver
with our run files, a pipe; IPv4, IPv6, IPv4 on an IPv6 socket; in clear and by STLS.  No root is
needed: what root adds, port 995 too, is tested in systemd.t.  The inetd programs cannot be
installed together; tests/system/inetds unpacks them into the directory that INETDS names.

SPDX-License-Identifier: ISC
"""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import check  # noqa: E402
import corpus  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server, descendants  # noqa: E402

INETDS = pathlib.Path(os.environ.get("INETDS", BUILD / "inetds")).resolve()
MAIL = [("1700000000.M0P1.s", b"Subject: one\n\n.dot\n"), ("1700000001.M1P1.s", b"Subject: two\n\nno end")]

# as the example says for inetutils-inetd
RATE = ["-R", "1000000"]

t = check.Checks()


class Place(Server):
    """a Server's directory whose supervisor is somebody else"""

    def start(self, options, environment):
        self.settings(options)

    def settings(self, options=()):
        """all in the configuration file: the lines of an inetd.conf have little room"""
        values = [word for word in self.command(options)[4::2]]
        sections = {}
        for value in values:
            section, _, rest = value.partition(".")
            sections.setdefault(section, []).append(rest.replace("=", " = ", 1))
        self.write(
            "restante.conf",
            "".join("[%s]\n%s\n" % (name, "\n".join(rows)) for name, rows in sections.items()),
        )


def free_port(family=socket.AF_INET6):
    """a port that nobody has, for supervisors that cannot choose one"""
    with socket.create_server(("::" if family == socket.AF_INET6 else "0.0.0.0", 0), family=family) as probe:
        return probe.getsockname()[1]


def program(name):
    """a program, installed or unpacked"""
    for directory in ("usr/sbin", "usr/bin"):
        if os.access(INETDS / directory / name, os.X_OK):
            return str(INETDS / directory / name)
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


@contextlib.contextmanager
def running(place, command, port, address="127.0.0.1"):
    """a supervisor, until it listens; at the end it and all below it are gone"""
    process = place.supervise(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((address, port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("it does not listen: " + place.log()[-500:]) from None
                time.sleep(0.05)
        yield process
    finally:
        below = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def dialogue(place, pop, user, seen, secure=False):
    """a whole session, each octet accounted for; seen: the client's address as the server must see it"""
    assert re.fullmatch(rb"\+OK [^\r\n]*", pop.line()), "no greeting"
    if secure:
        pop.expect("STLS")
        trust = ssl.create_default_context(cafile=place.ca)
        pop.socket = trust.wrap_socket(pop.socket, server_hostname="localhost", suppress_ragged_eofs=False)
    pop.expect("USER " + user)
    pop.expect("PASS mistaken", "-ERR [AUTH]")
    pop.expect("USER " + user)
    pop.expect("PASS " + PASSWORD)
    assert pop.command("STAT") == "+OK 2 %d" % sum(len(corpus.wire(stored)) for _, stored in MAIL)
    about = (place.dir / "mail" / user / "Maildir/restante.lock").read_text(errors="replace")
    assert seen in about, "the lock's text does not name %s: %r" % (seen, about)
    for number, (_, stored) in enumerate(MAIL, 1):
        assert pop.multi("RETR %d" % number) == corpus.wire(stored), "RETR"
    pop.expect("DELE 1")
    pop.send(b"QUIT\r\n")
    last = pop.rest()
    assert re.fullmatch(rb"\+OK[^\r\n]*\r\n", last), "after QUIT came %r" % last
    assert len(place.left(user)) == 1, "the message is still there"


def session(place, name, port, address, seen):
    for secure in (False, True):
        how = ", STLS" if secure else ""
        user = re.sub(r"\W+", "-", "%s-%s%s" % (name, address, how))
        place.maildir(user, MAIL)
        with t.holds("%s: a session from %s%s" % (name, address, how)):
            with Pop(port, address) as pop:
                dialogue(place, pop, user, seen, secure)


BOTH = (("127.0.0.1", "127.0.0.1"), ("::1", "::1"))


def supervised(place, name, command, port, addresses):
    """the same dialogue over each address"""
    try:
        with running(place, command, port, addresses[0][0]):
            for address, seen in addresses:
                session(place, name, port, address, seen)
    except RuntimeError as error:
        t.ok(False, "%s: starts" % name, error)


def activate(place):
    """systemd-socket-activate: as an inetd, and with the connection as descriptor 3"""
    tool = program("systemd-socket-activate")
    if not tool:
        return t.skip("systemd-socket-activate", "not there (package: systemd)")
    for name, option in (("socket-activate --inetd", ["--inetd"]), ("socket-activate", ["--fdname=pop3"])):
        port = free_port()
        # [::] takes both: the address of an IPv4 client arrives mapped, and must be told as IPv4
        command = [tool, "--accept", *option, "--listen=[::]:%d" % port, *place.command()]
        supervised(place, name, command, port, BOTH)
    listening(place, tool)


def listening(place, tool):
    """no Accept=: the program is handed the listening socket, and says what is wrong"""
    port = free_port()
    status = []
    for option in (["--inetd"], []):
        command = [tool, *option, "--listen=127.0.0.1:%d" % port, *place.command()]
        process = place.supervise(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
            time.sleep(0.1)
        process.kill()
        status.append(process.wait())
    t.same(status, [72, 72], "listening socket: refused with status 72, on descriptor 0 and on 3")
    t.ok(
        place.log().count("listening socket") >= 2,
        "listening socket: the log says what to set",
        place.log()[-600:],
    )


def run_file(place, name, tool, kind, addresses):
    """our run file of a service directory; tool: what it starts; addresses: where to listen, who then calls"""
    text = (BUILD / "doc/examples" / kind / "run").read_text()
    text, count = re.subn(
        r'(PORT" )\S+$', r"\1%s -c %s" % (place.program, place.dir / "restante.conf"), text, flags=re.M
    )
    t.same(count, 1, "%s: our run file ends in its program" % name)
    place.write("service/%s/run" % kind, text, 0o755)
    for address, callers in addresses:
        port = free_port(socket.AF_INET if callers == BOTH[:1] else socket.AF_INET6)
        settings = ["PORT=%d" % port, *(["ADDRESS=" + address] if address else [])]
        settings.append("PATH=%s:%s" % (os.path.dirname(tool), os.environ["PATH"]))
        command = ["env", *settings, place.dir / "service" / kind / "run"]
        supervised(place, "%s %s" % (name, address or "as it is"), command, port, callers)


def service_directories(place):
    """the supervisors that are started by a file named run"""
    for kind in ("tcpserver", "tcpsvd", "s6"):
        place.own(place.make("service/" + kind))
    installed = shutil.which("tcpserver")
    ipv6 = INETDS / "ipv6/usr/bin/tcpserver"
    if installed:
        run_file(place, "tcpserver", installed, "tcpserver", [("", BOTH[:1])])
    else:
        t.skip("tcpserver", "not there (package: ucspi-tcp)")
    if os.access(ipv6, os.X_OK):
        # one socket for both: an IPv4 client is told as IPv4
        run_file(place, "tcpserver (ipv6)", str(ipv6), "tcpserver", [("", BOTH), ("::1", BOTH[1:])])
    else:
        t.skip("tcpserver (ipv6)", "not there (package: ucspi-tcp-ipv6, or tests/system/inetds)")
    tcpsvd = program("tcpsvd")
    if tcpsvd:
        run_file(place, "tcpsvd", tcpsvd, "tcpsvd", [("", BOTH[:1])])
    else:
        t.skip("tcpsvd", "not there (package: ipsvd, or tests/system/inetds)")
    s6 = program("s6-tcpserver")
    if not s6 and program("s6-ipcserverd"):
        t.note("s6-tcpserver is not here (s6-networking; Debian 12 has none): a stand-in takes our file")
        s6 = shutil.copy(HERE / "lib/s6-tcpserver", place.dir / "s6-tcpserver")
    if s6:
        run_file(place, "s6-tcpserver", str(s6), "s6", [("", BOTH[:1]), ("::", BOTH[1:])])
    else:
        t.skip("s6-tcpserver", "not there, nor what its stand-in needs (package: s6)")


def xinetd(place):
    """our file, with the changes that its reader makes and those that a test without root needs"""
    tool = program("xinetd")
    if not tool:
        return t.skip("xinetd", "not there (package: xinetd, or tests/system/inetds)")
    port = free_port()
    text = (BUILD / "xinetd.d/restante").read_text()
    for old, new in (
        (r"(disable\s*=) yes", r"\1 no"),
        (r"(user\s*=) root", r"\1 " + place.account.pw_name),
        (r"(server\s*=) \S+", r"\1 %s\n\tserver_args = -c %s" % (place.program, place.dir / "restante.conf")),
        (r"(socket_type\s*=)", r"type = UNLISTED\n\tport = %d\n\t\1" % port),
    ):
        text, count = re.subn(old, new, text)
        if count != 1:
            return t.ok(False, "xinetd: our file has the line that %s looks for" % old, text)
    place.write("xinetd.conf", text)
    return supervised(
        place,
        "xinetd",
        [tool, "-f", place.dir / "xinetd.conf", "-dontfork", "-pidfile", place.dir / "xinetd.pid"],
        port,
        BOTH,
    )


def example_lines(place, port, wanted, addresses):
    """the lines of our inetd.conf with these protocols, made fit for a port, an account, addresses of ours"""
    lines = []
    for line in (BUILD / "doc/examples/inetd.conf").read_text().splitlines():
        words = line.split()
        # port 995 by its name is root's
        if not line.startswith("pop3\t") or words[2] not in wanted:
            continue
        address = addresses[words[2]]
        words[0] = "%s:%d" % (address, port) if address else str(port)
        words[4:] = [
            place.account.pw_name,
            str(place.program),
            "restante",
            "-c",
            str(place.dir / "restante.conf"),
        ]
        lines.append(" ".join(words))
    if len(lines) != len(wanted):
        raise RuntimeError("the example has %s" % lines)
    place.write("inetd.conf", "\n".join(lines) + "\n")
    return place.dir / "inetd.conf"


def inetd(place):
    """the lines as the file says: openbsd-inetd takes all, inetutils-inetd those for IPv6, for both"""
    brackets = {"tcp": "127.0.0.1", "tcp6": "[::1]"}
    for name, package, wanted, addresses, callers in (
        ("inetd", "openbsd-inetd", ("tcp", "tcp6"), {"tcp": "", "tcp6": ""}, BOTH),
        ("inetd", "openbsd-inetd, addresses", ("tcp", "tcp6"), brackets, BOTH),
        ("inetutils-inetd", "inetutils-inetd", ("tcp6",), {"tcp6": ""}, BOTH),
        ("inetutils-inetd", "inetutils-inetd, an address", ("tcp6",), {"tcp6": "::1"}, BOTH[1:]),
    ):
        tool = program(name)
        if not tool:
            t.skip(package, "not there (package: %s, or tests/system/inetds)" % package.split(",")[0])
            continue
        port = free_port()
        options = ["-d"] if name == "inetd" else ["-d", "-p%s/inetd.pid" % place.dir, *RATE]
        lines = example_lines(place, port, wanted, addresses)
        supervised(place, package, [tool, *options, lines], port, callers)
        if "address" not in package:
            flood(place, package, [tool, *options, lines], port)


def flood(place, package, command, port):
    """more connections than an inetd takes in a minute by default do not close the port"""
    text = command[-1].read_text()
    command[-1].write_text(re.sub(r"(nowait\.\d+ \S+) .*", r"\1 /bin/true true", text))
    with t.holds("%s: 1100 connections do not stop the service" % package), running(place, command, port):
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            said = list(pool.map(lambda _: ended(port), range(1100)))
        assert said == [b""] * 1100


def ended(port):
    with Pop(port) as pop:
        return pop.rest()


def pipe(place):
    """two pipes, no address: a password in clear goes no further than this machine"""
    place.maildir("pipe", MAIL)
    said = "USER pipe\r\nPASS %s\r\nSTAT\r\nRETR 1\r\nQUIT\r\n" % PASSWORD
    done = subprocess.run(
        place.command(),
        input=said.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=20,
        **place.drop(),
    )
    body = b"Subject: one\r\n\r\n..dot\r\n.\r\n"
    t.ok(
        re.fullmatch(
            rb"(\+OK[^\r\n]*\r\n){4}\+OK[^\r\n]*\r\n" + re.escape(body) + rb"\+OK[^\r\n]*\r\n", done.stdout
        ),
        "pipe: a whole session",
        done.stdout + done.stderr,
    )
    t.same(done.returncode, 0, "pipe: status 0")
    log = done.stderr.decode()
    t.ok(
        re.search(r"LOGOUT, ip=\[[^]]*\], .*user=pipe, .*reason=quit, .*retr=1,", log),
        "pipe: the log is on standard error",
        log,
    )
    t.ok(b"LOGOUT" not in done.stdout, "pipe: and not in the protocol")
    tls_pipe(place)


def tls_pipe(place):
    """two pipes, and TLS in them from the first octet"""
    place.maildir("tls-pipe", MAIL)
    process = subprocess.Popen(
        place.command(["network.tls=implicit"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **place.drop(),
    )
    to_us, from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
    trust = ssl.create_default_context(cafile=place.ca)
    client = trust.wrap_bio(to_us, from_us, server_hostname="localhost")

    def patiently(call, *values):
        """each call that wants to read gets what the other pipe has"""
        while True:
            try:
                return call(*values)
            except ssl.SSLWantReadError:
                pass
            finally:
                process.stdin.write(from_us.read())
                process.stdin.flush()
            octets = os.read(process.stdout.fileno(), 65536)
            if octets:
                to_us.write(octets)
            else:
                to_us.write_eof()

    with t.holds("pipe: a whole session in TLS"):
        patiently(client.do_handshake)
        client.write(b"USER tls-pipe\r\nPASS %s\r\nRETR 1\r\nQUIT\r\n" % PASSWORD.encode())
        said = b""
        while octets := patiently(client.read, 65536):
            said += octets
        body = b"Subject: one\r\n\r\n..dot\r\n.\r\n"
        assert re.fullmatch(rb"(\+OK[^\r\n]*\r\n){4}" + re.escape(body) + rb"\+OK[^\r\n]*\r\n", said), said
    process.stdin.close()
    t.same(process.wait(20), 0, "pipe: status 0 with TLS")
    process.stdout.close()


def closed(place):
    """no connection at all"""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 0<&-', "sh", *place.command()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=20,
        **place.drop(),
    )
    t.same(
        (done.returncode, done.stdout),
        (72, b""),
        "descriptor 0 closed: refused with status 72, not a word to anybody",
    )


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    with Place(["auth.failure_delay=0"], tls="auto") as place:
        for supervisor in (pipe, closed, activate, service_directories, xinetd, inetd):
            with t.holds("%s: to its end" % supervisor.__name__):
                supervisor(place)
    t.done()


main()
