#!/usr/bin/python3
"""probe.t - restantectl probe: against the program, and against servers that are not what they should be

Each run of it must print one line that monitoring understands, and end with the status that
the line names.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import pty
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server  # noqa: E402

PROBE = [str(BUILD / "restantectl"), "probe"]
OK, WARNING, CRITICAL, UNKNOWN = "OK WARNING CRITICAL UNKNOWN".split()
STATUS = {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3}
MEASURED = r"[a-z]+=[0-9.]+[sB]?(?:;[0-9.]*:?){0,2}"
LINE = re.compile(r"POP3 (OK|WARNING|CRITICAL|UNKNOWN) - [ -{}~]+(?: \|(?: %s)+)?\n" % MEASURED)
TOO_LONG = 5    # seconds; what has a limit of a tenth of one

t = check.Checks()


def run(*options, send=PASSWORD + "\n"):
    """what it printed, its exit status, the seconds it took"""
    began = time.monotonic()
    done = subprocess.run(
        PROBE + [str(word) for word in options], input=send.encode(), capture_output=True, timeout=60, check=False
    )
    return done.stdout.decode() + done.stderr.decode(), done.returncode, time.monotonic() - began


def right(said, status, want, pattern):
    """is it the one line that is wanted, and does the exit status say the same?"""
    line = LINE.fullmatch(said)
    return line and line[1] == want and status == STATUS[want] and re.search(pattern, said)


def says(what, want, pattern, *options, send=PASSWORD + "\n"):
    said, status, seconds = run(*options, send=send)
    t.ok(right(said, status, want, pattern), "%s: %s" % (what, want), "status %d: %s" % (status, said))
    return said, seconds


# --- the program itself ---------------------------------------------------------------------
def mailbox(server):
    server.maildir("alice", [("1000.a", b"Subject: one\n\ntext\n"), ("1001.b", b"Subject: two\n\n")])
    (server.dir / "password").write_text(PASSWORD + "\n")
    return "--password-file=%s/password" % server.dir


def in_clear(server):
    file = mailbox(server)
    to = ("--clear", "-p", server.port, "127.0.0.1")
    before = server.left("alice")
    said, _ = says("in clear", OK, r"alice at 127\.0\.0\.1: 2 messages of 38 octets", *to, "alice")
    t.ok(re.search(r" connect=\S+s login=\S+s messages=2 octets=38B time=\S+s$", said), "all is measured", said)
    t.ok("tls=" not in said and "certificate" not in said, "but no TLS, where there is none", said)
    says("listings", OK, "2 messages.* lists=", *to, "alice", "--list")
    says("a password out of a file", OK, "2 messages", file, *to, "alice", send="")
    says("a password with more behind it", OK, "2 messages", *to, "alice", send=PASSWORD + "\r\nmore\n")
    says("IPv4", OK, "2 messages", "-4", *to, "alice")
    says("an address of the other family", CRITICAL, "no address", "-6", *to, "alice")
    says("too slow", WARNING, r"slow.* time=\S+;0\.001;9\.500$", *to, "alice", "-w", "0.001", "-c", "9.5")
    says("much too slow", CRITICAL, r"slow.* time=\S+;;0\.001$", *to, "alice", "-c", "0.001")
    says("a wrong password", CRITICAL, r"refused \(AUTH\): .AUTH. user name", *to, "alice", send="wrong\n")
    says("a mailbox that is not there", CRITICAL, r"for now \(SYS/TEMP\)", *to, "nobody-at-home")
    with Pop(server.port) as pop:
        pop.line()
        pop.command("USER alice")
        pop.command("PASS " + PASSWORD)
        says("a mailbox that is open", WARNING, r"in use \(IN-USE\): .IN-USE.", *to, "alice")
        pop.command("QUIT")
    says("TLS where there is none", CRITICAL, "not TLS", "-p", server.port, "127.0.0.1", "alice")
    says("STLS where there is none", CRITICAL, "STLS failed", "--starttls", "-p", server.port, "127.0.0.1", "alice")
    t.same([p.name for p in server.left("alice")], [p.name for p in before], "no message was touched")
    ends = server.wait_events("LOGOUT", 8, "alice")
    t.ok(len(ends) == 8 and all(e["retr"] == e["dele"] == "0" and e["reason"] == "quit" for e in ends),
         "the program says the same", ends)
    by_hand(to)


def by_hand(to):
    """at a terminal it asks, and the password is not to be seen"""
    ours, theirs = pty.openpty()
    command = [*PROBE, *map(str, to), "alice"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as probe:
        prompt = probe.stderr.read(10)
        os.write(ours, PASSWORD.encode() + b"\n")
        said = probe.stdout.read().decode()
        probe.wait(20)
    os.close(theirs)
    os.set_blocking(ours, False)
    try:
        seen = os.read(ours, 4096)
    except OSError:
        seen = b""
    os.close(ours)
    t.ok(prompt == b"Password: " and right(said, probe.returncode, OK, "2 messages"), "by hand", said)
    t.ok(PASSWORD.encode() not in seen, "what is typed is not seen", seen)


def expired(server):
    """a certificate for localhost that held for a day of the past"""
    place = server.make("past")
    (place / "index").write_text("")
    (place / "conf").write_text(
        "[ca]\ndefault_ca = x\n[x]\ndatabase = %s/index\nnew_certs_dir = %s\nrand_serial = yes\n"
        "default_md = sha256\npolicy = y\nx509_extensions = z\n[y]\ncommonName = supplied\n"
        "[z]\nsubjectAltName = DNS:localhost\n" % (place, place)
    )
    openssl = ["openssl", "req", "-new", "-nodes", "-subj", "/CN=localhost", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-keyout", place / "privkey.pem", "-out", place / "csr"]
    subprocess.run(openssl, check=True, capture_output=True)
    subprocess.run(
        ["openssl", "ca", "-batch", "-notext", "-config", place / "conf", "-selfsign", "-keyfile",
         place / "privkey.pem", "-in", place / "csr", "-out", place / "fullchain.pem", "-startdate",
         "20200101000000Z", "-enddate", "20200102000000Z"], check=True, capture_output=True
    )
    return place


class Place:
    """as Server.lay wants it"""

    def __init__(self, path):
        self.dir = str(path)


def inside_tls(server, way):
    mailbox(server)
    to = (*way, "-p", server.port)
    ca = ("--ca", server.ca)
    name = way[0] if way else "implicit"
    said, _ = says(name, OK, "TLSv1.3, certificate for (29|30) days", *to, *ca, "localhost", "alice")
    t.ok(re.search(r" tls=\S+s login=.* certificate=(29|30);14: ", said), name + ": TLS is measured", said)
    says(name + ": a name with a dot at its end", OK, "at localhost:", *to, *ca, "localhost.", "alice")
    says(name + ": less than --days", WARNING, "the certificate ends soon; 2 messages", *to, *ca, "--days=60",
         "localhost", "alice")
    says(name + ": another's name", CRITICAL, "does not hold: hostname mismatch", *to, *ca, "--name=pop.example.org",
         "localhost", "alice")
    says(name + ": an address that is not in it", CRITICAL, "does not hold: IP address mismatch", *to, *ca,
         "127.0.0.1", "alice")
    says(name + ": the name for an address", OK, "at 127", *to, *ca, "--name=localhost", "127.0.0.1", "alice")
    says(name + ": an authority that nobody knows", CRITICAL, "does not hold: .*certificate", *to, "localhost", "alice")
    says(name + ": no such file", CRITICAL, "file of authorities", *to, "--ca=/nonexistent", "localhost", "alice")
    says(name + ": a wrong password", CRITICAL, r"\(AUTH\)", *to, *ca, "localhost", "alice", send="wrong\n")
    t.ok("hostname mismatch" not in server.log() and not server.events("LOGIN FAILED")[1:],
         name + ": who proved nothing has seen no password", server.log()[-600:])


def certificates(server):
    to = ("-p", server.port)
    server.lay(server.certs.make("localhost", ("names=localhost,127.0.0.1",)))
    says("an address that is in the certificate", OK, "2 messages", *to, "--ca", server.ca, "127.0.0.1", "alice")
    past = expired(server)
    server.lay(Place(past))
    says("an expired certificate", CRITICAL, "does not hold: certificate has expired", *to, "--ca",
         past / "fullchain.pem", "localhost", "alice")
    leaf = server.certs.make("localhost")
    server.lay(leaf)
    says("the certificate itself is enough", OK, "2 messages", *to, "--ca", leaf.leaf, "localhost", "alice")


# --- what is no such server -----------------------------------------------------------------
class Fake(threading.Thread):
    """
    One connection, by rote: octets are said, None is a line to be heard; "hang" waits until the other
    side leaves, "flood" talks until then, "notify" ends TLS as it should be ended.  heard is all that
    came.  context: inside TLS.
    """

    def __init__(self, *steps, family=socket.AF_INET, host="127.0.0.1", context=None):
        super().__init__(daemon=True)
        self.context = context
        self.steps, self.heard, self.called = steps, b"", threading.Event()
        self.listener = socket.create_server((host, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        with self.listener, self.listener.accept()[0] as connection:
            connection.settimeout(30)
            self.called.set()
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                self.play(connection)
                connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(4096):
                    self.heard += more
            except OSError:
                pass
            finally:
                connection.close()

    def play(self, connection):
        for step in self.steps:
            if step is None:
                self.hear(connection)
            elif step == "hang":
                while more := connection.recv(4096):
                    self.heard += more
            elif step == "notify":
                connection.unwrap()
            elif step == "flood":
                while True:
                    connection.sendall(b"1 1\r\n" * 1000)
            else:
                connection.sendall(step)

    def hear(self, connection):
        lines = self.heard.count(b"\n")
        while self.heard.count(b"\n") == lines:
            more = connection.recv(4096)
            if not more:
                raise OSError
            self.heard += more


LOGIN = (b"+OK hello\r\n", None, b"+OK\r\n", None, b"+OK\r\n", None)


def fake(what, want, pattern, *steps, options=("--clear",), heard=None, lack=PASSWORD.encode(), limit="5"):
    server = Fake(*steps)
    said, seconds = says(what, want, pattern, "-p", server.port, "-t", limit, *options, "127.0.0.1", "alice")
    server.join(30)
    if heard is not None:
        t.same(server.heard, heard, what + ": what it was told")
    elif lack:
        t.ok(lack not in server.heard, what + ": the password was not said", server.heard)
    if limit != "5":
        t.ok(seconds < TOO_LONG, what + ": in time", seconds)
    return said


def greetings():
    fake("nothing but silence", CRITICAL, "no greeting: timed out", "hang", limit="0.1")
    fake("it leaves at once", CRITICAL, "no greeting: the server closed")
    fake("a refusal", CRITICAL, "no greeting: go away", b"-ERR go away\r\n", "hang")
    fake("HTTP", CRITICAL, "not POP3: HTTP/1.1 400", b"HTTP/1.1 400 Bad Request\r\n", "hang")
    fake("a line without an end", CRITICAL, "no greeting: a line that is too long", b"+OK " + b"x" * 100000, "hang")
    fake("a NUL", CRITICAL, "NUL octet", b"+OK a\0b\r\n", "hang")
    fake("a bar, tags and escapes", CRITICAL, r"hostile\?\?31m\?b\? \? x\?9 \?;",
         b"-ERR hostile\x1b[31m<b> | x=9 \xff\r\n", "hang")
    fake("more than it was asked", CRITICAL, "more than it was asked", b"+OK\r\n+OK\r\n", "hang")
    fake("a line broken off", CRITICAL, "no greeting: the server closed", b"+OK hello")
    fake("TLS with silence", CRITICAL, "no TLS: timed out", "hang", options=(), limit="0.1")
    fake("TLS with one who leaves", CRITICAL, "no TLS: the server closed", options=())
    fake("TLS in clear", CRITICAL, "not TLS", b"+OK hello\r\n", "hang", options=())


def stls():
    way = ("--starttls",)
    fake("STLS refused", CRITICAL, "STLS failed: no", b"+OK\r\n", None, b"-ERR no\r\n", "hang", options=way,
         heard=b"STLS\r\nQUIT\r\n")
    fake("octets behind STLS", CRITICAL, "octets in clear behind STLS", b"+OK\r\n", None, b"+OK\r\n+OK fine\r\n",
         "hang", options=way)
    fake("STLS, then silence", CRITICAL, "no TLS: timed out", b"+OK\r\n", None, b"+OK\r\n", "hang", options=way,
         limit="0.1")


def sessions():
    fake("a server of the plainest sort", OK, "0 messages of 0 octets", *LOGIN, b"+OK 0 0\r\n", None, b"+OK\r\n",
         "hang", heard=b"USER alice\r\nPASS %s\r\nSTAT\r\nQUIT\r\n" % PASSWORD.encode())
    whole = [bytes([octet]) for octet in b"+OK 1 5\r\n"]
    fake("octet by octet", OK, "1 messages of 5 octets", *LOGIN, *whole, None, b"+OK\n", lack=None)
    late = (b"+OK\r\n", None, b"+OK\r\n", None)
    fake("LOGIN-DELAY", WARNING, r"\(LOGIN-DELAY\)", *late, b"-ERR [login-delay] wait\r\n", "hang", lack=None)
    fake("SYS/PERM", CRITICAL, r"needs its administrator \(SYS/PERM\)", *late, b"-ERR [SYS/PERM] no\r\n", "hang",
         lack=None)
    fake("a code that nobody knows", CRITICAL, "login failed: .X. no", *late, b"-ERR [X] no\r\n", "hang", lack=None)
    fake("it hangs at the password", CRITICAL, "login failed: timed out", *late, "hang", lack=None, limit="0.1")
    fake("it leaves after the password", CRITICAL, "login failed: the server closed", *late, lack=None)
    fake("STAT without numbers", CRITICAL, "STAT has no numbers: many", *LOGIN, b"+OK many\r\n", "hang", lack=None)
    fake("QUIT refused", CRITICAL, r"for now \(SYS/TEMP\)", *LOGIN, b"+OK 0 0\r\n", None, b"-ERR [SYS/TEMP] no\r\n",
         lack=None)
    lists = ("--clear", "--list")
    two = (*LOGIN, b"+OK 2 9\r\n", None)
    for what, pattern, *replies in (
        ("a listing without an end", "more messages than STAT", b"+OK\r\n1 4\r\n2 5\r\n", "flood"),
        ("a listing that is too short", "fewer messages", b"+OK\r\n1 9\r\n.\r\n"),
        ("sizes that do not add up", "sizes in LIST", b"+OK\r\n1 4\r\n2 4\r\n.\r\n"),
        ("numbers out of order", "LIST is not as it should be: 1 5", b"+OK\r\n1 4\r\n1 5\r\n.\r\n"),
        ("a unique-id with a blank", "UIDL is not as it should be: 2 b c", b"+OK\r\n1 4\r\n2 5\r\n.\r\n", None,
         b"+OK\r\n1 a\r\n2 b c\r\n.\r\n"),
        ("no UIDL", "UIDL failed: what", b"+OK\r\n1 4\r\n2 5\r\n.\r\n", None, b"-ERR what?\r\n"),
    ):
        fake(what, CRITICAL, pattern, *two, *replies, options=lists, lack=None)


def network():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        says("a port that is closed", CRITICAL, "no connection to 127.0.0.1 port [0-9]+: Connection refused", "-p",
             closed.getsockname()[1], "127.0.0.1", "alice")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # what does not fit into the queue is not answered
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        _, seconds = says("a host that does not answer", CRITICAL, "Connection timed out", "-t", "0.1", "-p",
                          full.getsockname()[1], "127.0.0.1", "alice")
        t.ok(seconds < TOO_LONG, "in time", seconds)
        for one in waiting:
            one.close()
    says("a name that there is not", CRITICAL, "gives no address", "-t", "2", "nothing.invalid", "alice")
    six = Fake(*LOGIN, b"+OK 0 0\r\n", None, b"+OK\r\n", family=socket.AF_INET6, host="::1")
    says("IPv6", OK, "at ::1: 0 messages", "-6", "--clear", "-p", six.port, "::1", "alice")


def held():
    """what the alarm is for: a library or a resolver that does not come back"""
    server = Fake("hang")
    with subprocess.Popen([*PROBE, "-t", "30", "--clear", "-p", str(server.port), "127.0.0.1", "alice"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as probe:
        probe.stdin.write(PASSWORD.encode() + b"\n")
        probe.stdin.flush()
        server.called.wait(20)
        probe.send_signal(signal.SIGALRM)
        said = probe.stdout.read().decode()
    t.ok(right(said, probe.returncode, CRITICAL, "timed out"), "the alarm, whatever it is about", said)


def ends_of_tls(server):
    """whoever cuts the connection is told from a server that ends it"""
    leaf = server.certs.make("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.chain, leaf.key)
    for what, pattern, *steps in (
        ("TLS that ends", "login failed: the server closed", *LOGIN[:4], "notify"),
        ("TLS that is cut", "login failed: the connection broke", *LOGIN[:4]),
        ("TLS, then silence", "no greeting: timed out", "hang"),
    ):
        one = Fake(*steps, context=context)
        says(what, CRITICAL, pattern, "-t", "0.3" if "hang" in steps else "10", "--ca", server.ca, "-p", one.port,
             "--name=localhost", "127.0.0.1", "alice")
        one.join(30)


# --- the command line -----------------------------------------------------------------------
def usage():
    for options, pattern in (
        ((), "needs HOST and USER"),
        (("host",), "needs HOST and USER"),
        (("host", "user", "password"), "and nothing else"),
        (("--clear", "--starttls", "h", "u"), "not both"),
        (("--secret=x", "h", "u"), "there is not"),
        (("--port=0", "h", "u"), "--port"),
        (("--port=65536", "h", "u"), "--port"),
        (("--port=1x", "h", "u"), "--port"),
        (("-t", "0", "h", "u"), "--timeout"),
        (("-t", "-1", "h", "u"), "--timeout"),
        (("-t", "", "h", "u"), "--timeout"),
        (("-t", "1.", "h", "u"), "--timeout"),
        (("-t", "1.2345", "h", "u"), "--timeout"),
        (("-t", "99999999999999999999", "h", "u"), "--timeout"),
        (("-w", "x", "h", "u"), "--warning"),
        (("-c", "1e3", "h", "u"), "--critical"),
        (("--days=-1", "h", "u"), "--days"),
        (("--name=", "h", "u"), "--name"),
        (("--name=.example.org", "h", "u"), "--name"),
        ((".example.org", "u"), "HOST"),
        (("--ca",), "without its value"),
        (("", "u"), "HOST"),
        (("h", "u\r\nDELE 1"), "control character"),
        (("h", "u" * 249), "USER"),
    ):
        said, status, _ = run(*options)
        t.ok(right(said, status, UNKNOWN, pattern), "refused: %s" % repr(options)[:50], "%d: %s" % (status, said))
    for what, send, pattern in (
        ("no password", "", "empty"),
        ("a control character in it", "a\tb\n", "control"),
        ("a NUL in it", "a\0b\n", "NUL"),
        ("a long one", "x" * 249 + "\n", "too long"),
    ):
        says("password: " + what, UNKNOWN, pattern, "h", "u", send=send)
    says("a file that is not there", UNKNOWN, "password: No such file", "--password-file=/nonexistent", "h", "u")
    tool = PROBE[:1]
    for words, status, stream in (((), 3, "stderr"), (("prob",), 3, "stderr"), (("--help",), 0, "stdout"),
                                  (("--version",), 0, "stdout")):
        done = subprocess.run([*tool, *words], capture_output=True, stdin=subprocess.DEVNULL, check=False)
        said, other = (done.stdout, done.stderr) if stream == "stdout" else (done.stderr, done.stdout)
        t.ok(done.returncode == status and said and not other, "restantectl %s" % " ".join(words), done)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PROBE, "h"], stdout=full, stdin=subprocess.DEVNULL, check=False)
    t.same(done.returncode, 3, "a line that cannot be written")


def nobody_answers():
    """nobody writes into this pipe: what it says after a while is looked at in the end"""
    place = tempfile.TemporaryDirectory(prefix="restante-test.")
    os.mkfifo(place.name + "/pipe")
    with place:
        yield subprocess.Popen([*PROBE, "-t", "0.001", "--password-file=%s/pipe" % place.name, "h", "u"],
                               stdout=subprocess.PIPE)


def main():
    if not os.access(PROBE[0], os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    for waiting in nobody_answers():
        usage()
        network()
        held()
        greetings()
        stls()
        sessions()
        with Server(["auth.failure_delay=0", "mail.lock_wait=100ms", "auth.throttle_delay=0"]) as server:
            in_clear(server)
        for way in (["--starttls"], []):
            with Server(["auth.failure_delay=0"], tls="starttls" if way else "implicit") as server:
                inside_tls(server, way)
                if not way:
                    certificates(server)
                    ends_of_tls(server)
        said = waiting.communicate(timeout=20)[0].decode()
        t.ok(right(said, waiting.returncode, UNKNOWN, "no password came"), "a password that does not come", said)
    t.done()


main()
