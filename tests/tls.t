#!/usr/bin/python3
"""tls.t - TLS as scanners, other libraries, crowds, administrators and the kernel see it

What a single conversation can show is in tests/pop3; here are scans, a hundred handshakes at once,
a certificate that is replaced meanwhile, and what the processes hold.

SPDX-License-Identifier: ISC
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server, descendants, process_stat, process_status  # noqa: E402

TOGETHER = 100
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1

t = check.Checks()


def run(*command, send=b"", seconds=60, **more):
    done = subprocess.run(
        [str(word) for word in command],
        input=send,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
        **more,
    )
    return done.returncode, done.stdout.decode(errors="replace")


class TlsPop(Pop):
    """the same inside TLS, at once or by STLS"""

    def __init__(self, server, context=None, name="localhost", session=None):
        super().__init__(server.port, timeout=60)
        self.greeting = None
        if server.tls == "starttls":
            greeting = self.line()
            self.expect("STLS")
            self.greeting = greeting
        context = context or ssl.create_default_context(cafile=server.ca)
        self.socket = context.wrap_socket(
            self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False
        )

    def line(self):
        """the greeting is heard again where a caller of login() waits for it"""
        greeting, self.greeting = self.greeting, None
        return greeting or super().line()

    def serial(self):
        return self.socket.getpeercert()["serialNumber"]


# --- what others make of it -----------------------------------------------------------------


def scan(server, what):
    """sslscan: nothing weak is offered"""
    if not shutil.which("sslscan"):
        t.skip(what + ": sslscan finds nothing weak", "no sslscan (package: sslscan)")
        return
    report = server.dir / "scan.xml"
    options = ["--starttls-pop3"] if server.tls == "starttls" else []
    status, said = run("sslscan", "--no-colour", "--xml=%s" % report, *options, "localhost:%d" % server.port)
    if not t.ok(status == 0 and report.exists(), what + ": sslscan succeeds", said[-600:]):
        return
    found = xml.etree.ElementTree.parse(report).getroot()
    spoken = {
        "%(type)s %(version)s" % row.attrib for row in found.iter("protocol") if row.get("enabled") == "1"
    }
    t.same(spoken, {"tls 1.2", "tls 1.3"}, what + ": TLS 1.2 and 1.3, nothing older")
    ciphers = [row.attrib for row in found.iter("cipher") if row.get("status") in ("accepted", "preferred")]
    weak = [
        row for row in ciphers if row["strength"] not in ("strong", "acceptable") or int(row["bits"]) < 128
    ]
    t.ok(ciphers and not weak, what + ": no weak cipher", weak)
    t.note("%s: %s" % (what, " ".join(row["cipher"] for row in ciphers)))
    old = [row["cipher"] for row in ciphers if not re.match("TLS_|ECDHE-|DHE-", row["cipher"])]
    t.same(old, [], what + ": each cipher gives forward secrecy")
    short = [row["cipher"] for row in ciphers if row["cipher"].endswith("CCM8")]
    t.same(short, [], what + ": no cipher with a tag of 64 bits")
    for row in found.iter("renegotiation"):
        t.same(row.get("supported"), "0", what + ": no renegotiation by the client")
    packed = [row.attrib for row in found.iter("compression") if row.get("supported") != "0"]
    t.same(packed, [], what + ": no compression")
    bleeds = [row.attrib for row in found.iter("heartbleed") if row.get("vulnerable") != "0"]
    t.same(bleeds, [], what + ": no heartbleed")


def s_client(server, *options, commands="", name="localhost", quiet=True):
    """openssl s_client, the certificate verified; what it printed, and its exit status"""
    way = ["-starttls", "pop3"] if server.tls == "starttls" else []
    return run(
        *("openssl", "s_client", *way, "-connect", "127.0.0.1:%d" % server.port, "-servername", name),
        *("-CAfile", server.ca, "-verify_return_error", *(["-quiet"] if quiet else []), *options),
        send=commands.encode(),
    )


def library(server, what):
    """openssl s_client fetches, whichever version and kind of certificate it insists on"""
    with open(server.dir / "letter", "wb") as file:
        file.write(b"Subject: letter\n\nhello\n")
    for name, options in (
        ("TLS 1.3", ["-tls1_3", "-verify_hostname", "localhost"]),
        ("TLS 1.2", ["-tls1_2", "-verify_hostname", "localhost"]),
        ("RSA alone", ["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"]),
        ("ECDSA alone", ["-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"]),
        ("TLS 1.2, RSA alone", ["-tls1_2", "-sigalgs", "RSA+SHA256:RSA-PSS+SHA256"]),
        ("P-384", ["-groups", "P-384"]),
    ):
        user = re.sub(r"\W", "", name + server.tls)
        server.maildir(user, [("1.a", (server.dir / "letter").read_bytes())])
        commands = "USER %s\r\nPASS %s\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n" % (user, PASSWORD)
        status, said = s_client(server, "-ign_eof", *options, commands=commands)
        t.ok(
            status == 0 and "Subject: letter\r\n\r\nhello\r\n.\r\n" in said and said.count("+OK") >= 5,
            "%s: s_client, %s: fetches" % (what, name),
            said[-800:],
        )
        t.same(server.left(user), [], "%s: s_client, %s: and deletes" % (what, name))


def refusals(server):
    """what a library can ask for and must not get"""
    for name in ("../../etc", "..", ".", "a" * 64, "a" * 250 + ".b", "\\..\\x", "localhost/../localhost"):
        status, said = s_client(server, name=name, commands="QUIT\r\n")
        t.ok(status == 0 and "+OK" in said, "server name %.20s: the default certificate" % name, said[-300:])
    status, said = s_client(server, "-tls1_2", commands="R\nQUIT\n", quiet=False)
    t.ok(
        re.search(r"no renegotiation|RENEGOTIATING", said) and "Verify return code: 0" in said,
        "s_client: knows how to ask for a renegotiation",
        said[-300:],
    )
    t.ok(re.search(r"no renegotiation", said, re.I), "and is refused", said[-300:])
    t.ok("Compression: NONE" in said, "no compression is agreed on")
    t.ok("Secure Renegotiation IS supported" in said, "but RFC 5746 is spoken, as clients want it")
    saved = server.dir / "session.pem"
    status, said = s_client(server, "-tls1_3", "-ign_eof", "-sess_out", saved, commands="QUIT\r\n")
    early = server.dir / "early"
    early.write_text("QUIT\r\n")
    status, said = s_client(
        server, "-tls1_3", "-sess_in", saved, "-early_data", early, commands="QUIT\r\n", quiet=False
    )
    t.ok("Reused, TLSv1.3" in said, "s_client: resumes a session of TLS 1.3", said[-600:])
    t.ok(
        "Early data was not sent" in said or "Early data was rejected" in said,
        "early data, which could be replayed, is not taken",
        said[-600:],
    )


def ticket(server, version):
    """a ticket as a client gets it, and for how many seconds it is good"""
    saved = server.dir / "ticket.pem"
    s_client(server, version, "-ign_eof", "-sess_out", saved, commands="QUIT\r\n")
    _, text = run("openssl", "sess_id", "-in", saved, "-noout", "-text")
    rows = re.findall(r"^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){1,16})", text, re.M)
    hint = re.search(r"lifetime hint: (\d+)", text)
    return bytes.fromhex("".join(rows).replace("-", " ")), int(hint[1]) if hint else None


def tickets(server):
    """RFC 5077 section 4: the name of the key, an IV that is never the same, what is encrypted, a MAC"""
    for version in ("-tls1_2", "-tls1_3"):
        (one, hint), (other, _) = ticket(server, version), ticket(server, version)
        if not t.ok(min(len(one), len(other)) >= 80, version + ": two tickets", (one, other)):
            continue
        t.same(one[:16], other[:16], version + ": tickets of two processes are under one key")
        fresh = len({one[16:32], other[16:32], bytes(16), one[:16]}) == 4
        t.ok(fresh, version + ": each has an IV of its own", one[16:32].hex())
        t.ok(one[32:64] != other[32:64], version + ": and nothing in common", one[32:64].hex())
        t.ok(hint and hint <= 14400, version + ": good for four hours at most", hint)


# --- many at once, and meanwhile --------------------------------------------------------------


def in_threads(work, count):
    errors = []

    def one(number):
        try:
            work(number)
        except Exception as error:
            errors.append("%d: %s %s" % (number, type(error).__name__, error))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def together(server, what):
    """a hundred handshakes at once, each with a session"""
    context = ssl.create_default_context(cafile=server.ca)
    ready = threading.Barrier(TOGETHER)
    for number in range(TOGETHER):
        server.maildir("many%d" % number, [("1.a", b"Subject: %d\n" % number)])

    def session(number):
        ready.wait(60)
        with TlsPop(server, context) as pop:
            pop.login("many%d" % number)
            if pop.multi("RETR 1") != b"Subject: %d\r\n" % number:
                raise AssertionError("another's message")
            pop.expect("QUIT")
            if pop.rest():
                raise AssertionError("something behind QUIT")

    started = time.monotonic()
    errors = in_threads(session, TOGETHER)
    t.note("%s: %d sessions at once: %.2f s" % (what, TOGETHER, time.monotonic() - started))
    t.ok(not errors, "%s: %d handshakes at once: all succeed" % (what, TOGETHER), "\n".join(errors[:5]))
    none_left(server, "%s: %d at once" % (what, TOGETHER))
    shutil.rmtree(server.dir / "mail")
    server.own(server.make("mail"))


def none_left(server, what):
    left = ["%d %s" % (pid, process_status(pid, "Name")) for pid in server.processes()]
    t.ok(server.wait_idle(15), what + ": no process is left", left)
    t.same(set(server.statuses()), {0}, what + ": every session ended with status 0")


def renewal(server):
    """a new certificate is served to the next connection; nobody is told, nothing is restarted"""
    first, second = server.certs.make("localhost"), server.certs.make("localhost", ("days=60",))
    third = server.certs.make("localhost", ("days=61",))
    server.lay(first)
    with TlsPop(server) as before:
        server.lay(second)
        with TlsPop(server) as after:
            t.ok(before.serial() != after.serial(), "renewal: the next connection gets the new certificate")
            before.line()
            before.expect("QUIT")
            after.line()
            after.expect("QUIT")
    # half written: the new certificate is there, the new key 100 ms later
    server.lay(third, ("fullchain.pem",))
    late = threading.Timer(0.1, server.lay, (third, ("privkey.pem",)))
    late.start()
    with t.holds("renewal, half written: the handshake waits for the other half"):
        with TlsPop(server) as pop:
            t.same(pop.serial(), serial_of(third), "renewal, half written: the new certificate is served")
            pop.line()
            pop.expect("QUIT")
    late.join()
    renewal_by_name(server)
    none_left(server, "renewal")
    t.same(server.events("TLS FAILED"), [], "renewal: nothing of it is a failure")


def renewal_by_name(server):
    """the same for a certificate that is found by name"""
    make = server.certs.make
    first, second = make("pop.example.org"), make("pop.example.org", ("days=60",))
    server.lay(first, where="tls/pop.example.org")
    context = ssl.create_default_context(cafile=server.ca)
    with TlsPop(server, context, "pop.example.org") as pop:
        t.same(pop.serial(), serial_of(first), "renewal by name: it is served")
        pop.line()
        pop.expect("QUIT")
    server.lay(second, ("fullchain.pem",), "tls/pop.example.org")
    late = threading.Timer(0.1, server.lay, (second, ("privkey.pem",), "tls/pop.example.org"))
    late.start()
    with t.holds("renewal by name, half written: the handshake waits for the other half"):
        with TlsPop(server, context, "pop.example.org") as pop:
            t.same(pop.serial(), serial_of(second), "renewal by name, half written: the new one is served")
            pop.line()
            pop.expect("QUIT")
    late.join()


def serial_of(cert):
    return ssl._ssl._test_decode_cert(cert.leaf)["serialNumber"]


# --- what the processes are and hold ----------------------------------------------------------


def named(server, name):
    return [pid for pid in descendants(server.process.pid) if process_status(pid, "Name") == name]


def descriptors(pid):
    """what its descriptors are; None where we may not look"""
    try:
        numbers = sorted(os.listdir("/proc/%d/fd" % pid), key=int)
        return [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in numbers]
    except PermissionError:
        return None


def private_octets(key):
    """the secret number of a key file, as it may lie in memory"""
    _, text = run("openssl", "pkey", "-in", key, "-noout", "-text")
    number = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"priv:\n((?: +[0-9a-f:]+\n)+)", text)[1]))
    lines = pathlib.Path(key).read_bytes().splitlines()
    return {"number": number[-32:], "number, reversed": number[-32:][::-1], "PEM": lines[1][:48]}


def memory_has(pid, secrets):
    """which of secrets (name: octets) are in the memory of a process; None where we may not look"""
    found = set()
    try:
        memory = open("/proc/%d/mem" % pid, "rb", 0)
    except PermissionError:
        return None
    with memory, open("/proc/%d/maps" % pid, encoding="utf-8") as maps:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            with contextlib.suppress(OSError, OverflowError, ValueError):
                memory.seek(first)
                octets = memory.read(last - first)
                found |= {name for name, secret in secrets.items() if secret in octets}
    return found


def look(server, what, pids, secrets):
    """none of these processes has the key, or a file of it"""
    for name, pid in pids.items():
        fds, found = descriptors(pid), memory_has(pid, secrets)
        if fds is None or found is None:
            t.skip("%s: what the %s holds" % (what, name), "NOT CHECKED: only root may look")
            continue
        files = [target for target in fds if not re.match(r"socket:|/dev/null|pipe:|anon_inode:", target)]
        allowed = ("%s/log" % server.dir, "%s/mail" % server.dir)
        wrong = [target for target in files if not target.startswith(allowed)]
        t.same(wrong, [], "%s: the %s holds no file of TLS" % (what, name))
        t.note("%s: %s: %s" % (what, name, " ".join(fds)))
        t.same(found, set(), "%s: nothing of the key is in the memory of the %s" % (what, name))


def hidden(pid):
    """/proc/PID of a process that is not dumpable belongs to root, whatever its uid"""
    return os.stat("/proc/%d/status" % pid).st_uid == 0


def has_filter():
    """is a filter built in?"""
    return bool(re.search("^#define SANDBOX_SECCOMP 1", (BUILD / "config.h").read_text(), re.M))


def processes(server, what):
    """before and after login"""
    secrets = private_octets(server.certs.make("localhost").key)
    for path in (server.dir / "tickets").iterdir():
        secrets["keys of tickets"] = path.read_bytes()[40:72]
    own = {name: bytes(bytearray(octets)) for name, octets in secrets.items()}
    if os.getuid() == 0:
        t.same(memory_has(os.getpid(), own), set(own), what + ": the search finds what is there (our own)")
    server.maildir("holder", [("1.a", b"Subject: one\n")])
    pop = TlsPop(server)
    if server.tls == "implicit":
        pop.greeting = pop.line()
    (relay,) = named(server, "restante-tls")
    family = named(server, "restante")
    first, *others = sorted(family, key=lambda pid: process_stat(pid)[1] != server.process.pid)
    look(server, what + ", before login", {"monitor": first, "login": others[0], "relay": relay}, secrets)
    t.ok(hidden(relay) or os.getuid() != 0, what + ": the relay cannot be traced or dumped")
    status = {field: process_status(relay, field) for field in ("NoNewPrivs", "Seccomp")}
    t.same(status["NoNewPrivs"], "1", what + ": relay: no new privileges")
    if has_filter():
        t.same(status["Seccomp"], "2", what + ": relay: a filter of system calls")
    else:
        t.skip(what + ": relay: a filter of system calls", "built without libseccomp")
    pop.login("holder")
    pop.expect("STAT")
    t.ok(len(server.processes()) == 2, what + ", after login: the session and the relay", server.processes())
    look(server, what + ", after login", {"session": first, "relay": relay}, secrets)
    switches = [process_status(relay, "voluntary_ctxt_switches")]
    time.sleep(0.3)
    switches.append(process_status(relay, "voluntary_ctxt_switches"))
    t.same(switches[1], switches[0], what + ": an idle relay does not wake up")
    t.note("%s: relay: VmRSS %s" % (what, process_status(relay, "VmRSS")))
    pop.expect("DELE 1")
    pop.expect("QUIT")
    t.same(pop.rest(), b"", what + ": QUIT, then an honest end")
    pop.close()
    none_left(server, what)


# --- ports -----------------------------------------------------------------------------------


def own_network():
    """a network name space of our own, with a loopback, where no port is anybody's"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def ports():
    """network.tls=auto: 995 is for TLS, all others for STLS"""
    what = "network.tls=auto: TLS on port 995, STLS on port 110"
    if os.getuid() != 0:
        t.skip(what, "only root can have a network of its own")
        return
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            own_network()
            status = 0 if ports_within() else 2
        except OSError as error:
            t.note("no network of our own: %s" % error)
            status = 77
        finally:
            sys.stdout.flush()
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == 77:
        t.skip(what, "no network of our own can be made")
    else:
        t.same(status, 0, what)


def ports_within():
    with Server(tls="auto", port=995) as server:
        server.tls = "implicit"
        with TlsPop(server) as pop:
            first = pop.line().startswith(b"+OK") and pop.expect("QUIT")
    with Server(tls="auto", port=110) as server:
        server.tls = "starttls"
        with TlsPop(server) as pop:
            return first and pop.line().startswith(b"+OK") and pop.expect("QUIT")


# --- restante --check -------------------------------------------------------------------------


def checks(server):
    """what --check says of certificates; it runs as whoever asks"""
    certs = server.certs

    def make(name, *words):
        cert = certs.make(name, words)
        for path in (cert.dir, cert.chain, cert.key):
            server.own(path)
        return cert

    good = make("pop.example.org")

    def said(cert, key=None):
        return run(
            *(server.program, "-c", server.dir / "restante.conf", "-o", "tls.relay=%s" % server.relay),
            *("-o", "server.hostname=pop.example.org", "-o", "tls.certificate=%s" % cert),
            *("-o", "tls.private_key=%s" % (key or cert), "--check"),
            **server.drop(),
        )

    status, text = said(good.chain, good.key)
    t.ok(status == 0 and not re.search("certificate|private_key|chain", text), "--check: nothing wrong", text)
    for name, cert, pattern, fatal in (
        ("expires soon", make("pop.example.org", "days=9"), r"warning.*expire", False),
        ("chain not complete", make("pop.example.org", "leaf"), r"warning.*(chain|issuer|intermediate)", False),
        ("another name", make("imap.example.org"), r"warning.*pop\.example\.org", False),
        ("another's key", make("pop.example.org", "key=localhost"), r"error.*match", True),
    ):
        status, text = said(cert.chain, cert.key)
        t.ok(re.search(pattern, text), "--check: %s: says so" % name, text)
        t.ok((status != 0) == fatal, "--check: %s: status %d" % (name, status), text)
    status, text = said(server.dir / "nothing.pem")
    t.ok(status != 0 and "nothing.pem" in text, "--check: a file that is not there", text)


class Both(Server):
    """with an RSA certificate besides"""

    def secure(self):
        options = super().secure()
        rsa = self.certs.make("rsa", ("rsa", "names=localhost"))
        for path in (rsa.dir, rsa.chain, rsa.key):
            self.own(path)
        return [
            *options,
            "tls.certificate=%s/tls/fullchain.pem %s" % (self.dir, rsa.chain),
            "tls.private_key=%s/tls/privkey.pem %s" % (self.dir, rsa.key),
        ]


def main():
    if not os.environ.get("RESTANTE_TLS", "yes"):
        check.skip_all("built without TLS")
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    started = time.monotonic()
    for way in ("starttls", "implicit"):
        with Both(["auth.failure_delay=100ms"], tls=way) as server:
            scan(server, way)
            library(server, way)
            together(server, way)
            processes(server, way)
            if way == "implicit":
                refusals(server)
                tickets(server)
    with Server(tls="implicit", names=True) as server:
        renewal(server)
        checks(server)
    ports()
    t.note("%.1f s in all" % (time.monotonic() - started))
    t.done()


main()
