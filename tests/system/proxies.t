#!/usr/bin/python3
"""proxies.t - HAProxy and nginx in front, as doc/examples has them

The examples are run as they are, but for addresses, paths and the pace of health checks.  Clients
say by a header of their own, to the proxy, that they come from elsewhere: what comes from loopback is
the proxy's own host, and unknown to the log.  No root is needed.

SPDX-License-Identifier: ISC
"""
import contextlib
import itertools
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import check  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server  # noqa: E402

EXAMPLES = HERE.parent.parent / "doc/examples"
UNPACKED = pathlib.Path(os.environ.get("INETDS", BUILD / "inetds")).resolve()
PATH = "%s:%s:/usr/sbin" % (UNPACKED / "usr/sbin", os.environ["PATH"])
MODULES = [place / "usr/lib/nginx/modules/ngx_mail_module.so" for place in (UNPACKED, pathlib.Path("/"))]
MAIL = [("1700000000.M1P1.host", b"Subject: one\n\n.dot\n")]
LIFE = 20  # seconds that anything may take

t = check.Checks()


class Client(Pop):
    """one that comes from an address of its own"""

    ports = itertools.count(40001)

    def __init__(self, source, port):
        super().__init__(port, timeout=LIFE)
        self.source, self.port = source, next(self.ports)
        self.send(b"PROXY TCP4 %s 203.0.113.1 %d 110\r\n" % (source.encode(), self.port))

    def own(self):
        """as the log must have it"""
        return {"ip": "[%s]" % self.source, "port": "[%d]" % self.port, "proxy": "[127.0.0.1]"}

    def tls(self, ca):
        trust = ssl.create_default_context(cafile=ca)
        self.socket = trust.wrap_socket(self.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        return self


def free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def adapted(name, changes):
    """an example with our addresses and paths; each change must apply, and nothing of theirs is left"""
    text = (EXAMPLES / name).read_text()
    _, _, text = text.partition("SPDX-License-Identifier: ISC\n")
    for old, new in changes:
        if not re.search(old, text):
            raise AssertionError("%s has no %s any more" % (name, old))
        text = re.sub(old, new.replace("\\", "\\\\"), text)
    if "192.0.2." in text or "pop.example.org." in text:
        raise AssertionError("not adapted:\n" + text)
    return text


@contextlib.contextmanager
def running(server, command, ports):
    """a proxy below server's account, until it listens on all its ports"""
    process = server.supervise(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + LIFE
        while not all(listens(port) for port in ports):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("%s does not listen: %s" % (command[0], server.log()[-800:]))
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(LIFE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(port):
    """is there anybody?  Asked of the kernel: a connection would be one to be logged"""
    line = ": 0100007F:%04X 00000000:0000 0A " % port
    return any(line in row for row in pathlib.Path("/proc/net/tcp").read_text().splitlines())


def fetch(pop, user, server):
    """a login and a message, its octets as they are, and good-bye"""
    pop.expect("USER " + user)
    pop.expect("PASS " + PASSWORD)
    assert pop.multi("RETR 1") == MAIL[0][1].replace(b"\n", b"\r\n")
    pop.expect("DELE 1")
    pop.expect("QUIT")
    assert pop.rest() == b""
    assert not server.left(user), "the message is still there"


def logged(server, client, user, **more):
    """login and logout of this client, told by its own address"""
    for phrase in ("LOGIN", "LOGOUT"):
        lines = server.wait_events(phrase, 1, user)
        t.ok(
            len(lines) == 1 and client.items() <= lines[0].items() and more.items() <= lines[0].items(),
            "%s: %s has the client's address" % (user, phrase),
            lines,
        )


# --- HAProxy --------------------------------------------------------------------------------------
def pem(server):
    """certificate and key in one file, as HAProxy wants them"""
    cert = server.certs.make("localhost")
    return server.write("both.pem", pathlib.Path(cert.chain).read_text() + pathlib.Path(cert.key).read_text(), 0o600)


def more_of_haproxy(ports, plain):
    """what the example has not: version 1, and a check that says nothing"""
    text = ""
    for name, bind, words in (
        ("v1", "%d" % ports[3], "send-proxy"),
        ("v1_tls", "%d ssl crt PEM" % ports[4], "send-proxy"),
        ("silent", "%d" % ports[5], "send-proxy-v2 check inter 100ms"),
    ):
        text += "frontend %s\n    bind 127.0.0.1:%s accept-proxy\n    default_backend %s\n" % (name, bind, name)
        text += "backend %s\n    server host1 127.0.0.1:%d %s\n" % (name, plain, words)
    return text


def haproxy_file(server, ports, plain, implicit):
    both = str(pem(server))
    text = adapted(
        "haproxy.cfg",
        [
            ("/run/haproxy/admin.sock", str(server.dir / "admin.sock")),
            ("192.0.2.1:110", "127.0.0.1:%d accept-proxy" % ports[0]),
            ("192.0.2.1:995", "127.0.0.1:%d accept-proxy" % ports[1]),
            ("192.0.2.2:995", "127.0.0.1:%d accept-proxy" % ports[2]),
            ("192.0.2.1[12]:110", "127.0.0.1:%d" % plain),
            ("192.0.2.1[12]:995", "127.0.0.1:%d" % implicit),
            ("connect port 110", "connect port %d" % plain),
            ("/etc/haproxy/pop.example.org.pem", both),
            ("inter 5s", "inter 100ms"),
        ],
    )
    return server.write("haproxy.cfg", text + more_of_haproxy(ports, plain).replace("PEM", both))


def states(server):
    """backend/server: (status, what the last check was)"""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(LIFE)
        s.connect(str(server.dir / "admin.sock"))
        s.sendall(b"show stat\n")
        text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    head, *rows = [line.split(",") for line in text.splitlines() if "," in line]
    rows = [dict(zip(head, row)) for row in rows]
    return {r["# pxname"] + "/" + r["svname"]: (r["status"], r["check_status"]) for r in rows if r["check_status"]}


def said_goodbye(server):
    return [e for e in server.events("DISCONNECTED") if e["reason"] == "quit" and "proxy" in e]


def said_nothing(server):
    """mostly the connection was broken before anybody could ask whose it was"""
    return [e for e in server.events("DISCONNECTED") if e["reason"] == "io"] + server.events("PROXY FAILED")


def health(server):
    """every host is up by what it said; the log knows nothing of it above debug"""
    want = {"pop3": "L7OK", "pop3s": "L7OK", "pop3_here": "L7OK", "silent": "L4OK"}
    end = time.monotonic() + LIFE
    while True:
        got = states(server)
        good = all(state[0] == "UP" and state[1] == want[name.partition("/")[0]] for name, state in got.items())
        if (good and len(got) == 7) or time.monotonic() > end:
            break
        time.sleep(0.05)
    t.ok(good and len(got) == 7, "HAProxy: its health checks find all hosts up", got)
    while time.monotonic() < end and (len(said_goodbye(server)) < 12 or len(said_nothing(server)) < 2):
        time.sleep(0.05)
    t.ok(
        len(said_goodbye(server)) >= 12 and len(said_nothing(server)) >= 2,
        "HAProxy: a dozen checks that said good-bye, and two that said nothing",
        server.log(),
    )
    odd = [e for e in server.events("DISCONNECTED") if e["reason"] not in ("quit", "io", "eof") or e["failures"] != "0"]
    odd += [e for e in server.events("PROXY FAILED") if e["reason"] != "the proxy left without a word"]
    odd += server.events("LOGIN FAILED") + server.events("TLS FAILED")
    t.ok(not odd, "HAProxy: no check is more than that (the unit test has its level: debug)", odd)


def by_haproxy(plain, implicit, ports, ca):
    plain.maildir("stls", MAIL)
    with t.holds("HAProxy: port 110, no password in clear, though all is loopback; STLS"):
        with Client("198.51.100.7", ports[0]) as pop:
            assert pop.line().startswith(b"+OK")
            pop.expect("USER stls", "-ERR [AUTH]")
            pop.expect("PROXY TCP4 192.0.2.9 192.0.2.10 1 2", "-ERR")
            pop.expect("STLS")
            own = pop.own()
            fetch(pop.tls(ca), "stls", plain)
    logged(plain, own, "stls", tls="TLSv1.3")

    implicit.maildir("through", MAIL)
    with t.holds("HAProxy: port 995, TLS passes through"):
        with Client("198.51.100.8", ports[1]) as pop:
            own = pop.own()
            assert pop.tls(ca).line().startswith(b"+OK")
            fetch(pop, "through", implicit)
    logged(implicit, own, "through", tls="TLSv1.3")

    plain.maildir("ended", MAIL)
    with t.holds("HAProxy: port 995, TLS ends there, and restante knows"):
        with Client("198.51.100.9", ports[2]) as pop:
            own = pop.own()
            assert pop.tls(ca).line().startswith(b"+OK")
            assert b"STLS" not in pop.multi("CAPA")
            fetch(pop, "ended", plain)
    logged(plain, own, "ended", tls="TLSv1.3")
    out = plain.events("LOGOUT", "ended")[0]
    t.ok(
        out.get("cipher", "").startswith("TLS_") and out.get("sni") == "localhost" and "resumed" not in out,
        "HAProxy: cipher and server name are those of its TLS",
        out,
    )


def by_version_1(plain, ports, ca):
    plain.maildir("old", MAIL)
    with t.holds("HAProxy: version 1"):
        with Client("198.51.100.10", ports[3]) as pop:
            assert pop.line().startswith(b"+OK")
            pop.expect("STLS")
            own = pop.own()
            fetch(pop.tls(ca), "old", plain)
    logged(plain, own, "old", tls="TLSv1.3")
    with t.holds("HAProxy: version 1 says nothing of TLS, so that a password is refused"):
        with Client("198.51.100.10", ports[4]) as pop:
            assert pop.tls(ca).line().startswith(b"+OK")
            pop.expect("USER old", "-ERR [AUTH]")


def haproxy():
    common = ["network.proxy_from=127.0.0.1", "auth.failure_delay=10ms"]
    with Server(common, tls="starttls") as plain, Server(common, tls="implicit") as implicit:
        ports = free_ports(6)
        file = haproxy_file(plain, ports, plain.port, implicit.port)
        # the certificates of one are trusted for the other, too
        ca = plain.write("all.pem", pathlib.Path(plain.certs.ca).read_text() + pathlib.Path(implicit.certs.ca).read_text())
        with running(plain, [shutil.which("haproxy", path=PATH), "-db", "-f", file], ports):
            health(plain)
            by_haproxy(plain, implicit, ports, str(ca))
            by_version_1(plain, ports, str(ca))
        t.ok(plain.wait_idle() and implicit.wait_idle(), "HAProxy: no process is left")
        t.same(set(plain.statuses() + implicit.statuses()), {0}, "HAProxy: every connection ended with status 0")


# --- nginx ----------------------------------------------------------------------------------------
def nginx_file(server, ports):
    text = adapted(
        "nginx-mail.conf",
        [
            ("127.0.0.1:8110", "127.0.0.1:%d" % ports[0]),
            ("192.0.2.1:110", "127.0.0.1:%d proxy_protocol" % ports[1]),
            ("192.0.2.1:995", "127.0.0.1:%d proxy_protocol" % ports[2]),
            ("mail {", "mail { set_real_ip_from 127.0.0.1;"),
            ("Auth-Server 192.0.2.11", "Auth-Server 127.0.0.1"),
            ("Auth-Port 110", "Auth-Port %d" % server.port),
            ("/etc/nginx/pop.example.org.pem", "%s/tls/fullchain.pem" % server.dir),
            ("/etc/nginx/pop.example.org.key", "%s/tls/privkey.pem" % server.dir),
            ("http {", "http { " + " ".join("%s_temp_path %s/nginx;" % (kind, server.dir) for kind in
                                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))),
        ],
    )
    head = "daemon off; master_process off; pid %s/nginx.pid; error_log stderr notice;\n" % server.dir
    for module in [path for path in MODULES if os.access(path, os.R_OK)][:1]:
        head = "load_module %s;\n" % module + head
    return server.write("nginx.conf", head + text)


def by_nginx(server, ports, ca):
    for user, source, port, stls in (("one", "198.51.100.7", ports[1], True), ("two", "198.51.100.8", ports[2], False)):
        server.maildir(user, MAIL)
        with t.holds("nginx: %s" % ("STLS" if stls else "TLS from the start")):
            with Client(source, port) as pop:
                if stls:
                    assert pop.line().startswith(b"+OK")
                    pop.expect("USER " + user, "-ERR")
                    pop.expect("STLS")
                pop.tls(ca)
                if not stls:
                    assert pop.line().startswith(b"+OK")
                own = pop.own()
                fetch(pop, user, server)
        logged(server, own, user, tls="none")
    with t.holds("nginx: a wrong password, and what restante says of it"):
        with Client("198.51.100.9", ports[2]) as pop:
            assert pop.tls(ca).line().startswith(b"+OK")
            pop.expect("USER one")
            pop.expect("PASS mistaken", "-ERR [AUTH]")
    failed = server.wait_events("LOGIN FAILED", 1, "one")
    t.ok(
        len(failed) == 1 and failed[0]["ip"] == "[198.51.100.9]",
        "nginx: the failure is the client's, not the proxy's",
        failed,
    )


def nginx():
    options = ["network.proxy_from=127.0.0.1", "network.tls=off", "auth.require_tls=no", "auth.failure_delay=10ms"]
    with Server(options, tls="starttls") as server:  # its certificate is nginx's
        ports = free_ports(3)
        file = nginx_file(server, ports)
        with running(server, [shutil.which("nginx", path=PATH), "-p", server.dir,
                              "-e", "stderr", "-c", file], ports):
            by_nginx(server, ports, server.ca)
        t.ok(server.wait_idle(), "nginx: no process is left")
        t.same(set(server.statuses()), {0}, "nginx: every connection ended with status 0")


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    if not os.environ.get("RESTANTE_TLS", "yes"):
        check.skip_all("built without TLS")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for name, part, needed in (("haproxy", haproxy, "haproxy"), ("nginx", nginx, "nginx libnginx-mod-mail")):
        if not shutil.which(name, path=PATH):
            t.skip(name, "no %s (packages: %s)" % (name, needed))
            continue
        begun = time.monotonic()
        part()
        t.note("%s: %.1f s" % (name, time.monotonic() - begun))
    t.done()


main()
