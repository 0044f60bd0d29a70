#!/usr/bin/python3
"""inside.py - all of systemd.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import pwd
import stat
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import first  # noqa: E402
import inside_log  # noqa: E402
import inside_login  # noqa: E402
import inside_pam  # noqa: E402
import inside_process  # noqa: E402
import inside_tls  # noqa: E402
from stage import CONFIGURATION, EMPTY, PROGRAM, RELAY, SHARED, TICKETS, UNITS, install, where  # noqa: E402

t = check.Checks()


def installed():
    for name in ("restante", "restante-tls"):
        account = pwd.getpwnam(name)
        t.ok(
            0 < account.pw_uid < 1000 and account.pw_shell.endswith("nologin"),
            "sysusers: %s is a system account that cannot log in" % name,
            account,
        )
    found = os.stat(EMPTY)
    t.same(
        (found.st_uid, stat.S_IMODE(found.st_mode), os.listdir(EMPTY)),
        (0, 0o555, []),
        "tmpfiles: the empty directory is root's, and nobody's to write",
    )
    found = os.stat(TICKETS)
    t.same(
        (found.st_uid, stat.S_IMODE(found.st_mode)),
        (0, 0o700),
        "tmpfiles: the directory of ticket keys is root's alone",
    )
    done = subprocess.run(
        [
            *("systemd-analyze", "verify", "--man=no"),
            *(where["systemdsystemunitdir"] + "/" + unit for unit in UNITS),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    words = [line for line in done.stdout.splitlines() if "restante" in line]
    t.same((done.returncode, words), (0, []), "systemd-analyze verify finds nothing in our units")
    with t.holds("the sockets start"):
        box.run("systemctl", "start", "restante.socket", "restante-tls.socket")


def inetd(name, command, addresses, ways=box.WAYS):
    """another supervisor, as root, with our file as it is installed"""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for address, way in ((address, way) for address in addresses for way in ways):
            end, after = time.monotonic() + 5, box.now()
            with t.holds("%s: a session from %s (%s)" % (name, address, way)):
                while True:
                    try:
                        inside_login.whole_session("alice", address, way=way, context=inside_tls.context())
                        break
                    except ConnectionRefusedError:
                        if time.monotonic() > end:
                            raise
                        time.sleep(0.05)
            entries = box.phrase(box.journal(after, "POP3_USER=alice", want=2), "LOGOUT")
            t.same(
                [(entry["POP3_IP"], entry["POP3_TLS"] == "none") for entry in entries],
                [(address, way == "clear")],
                "%s: the journal has %s (%s)" % (name, address, way),
            )
    finally:
        process.terminate()
        process.wait(10)


def first_protocol():
    """RFC 918 on port 109, by its socket, which is off until it is started, and by its file for xinetd"""
    t.same(
        box.run("systemctl", "is-active", "restante-pop1.socket", good=(0, 3)).strip(),
        "inactive",
        "port 109: nobody listens",
    )
    box.run("systemctl", "start", "restante-pop1.socket")
    after = box.now()
    for address in ("127.0.0.1", "::1"):
        with t.holds("port 109: a mailbox by %s" % address):
            fetch_first(address)
    ends = box.phrase(box.journal(after, "POP3_USER=alice", want=4), "LOGOUT")
    t.same([entry.get("POP3_RETR") for entry in ends], ["3", "3"], "port 109: the journal counts them")
    box.run("systemctl", "stop", "restante-pop1.socket")
    if not supervisors()["xinetd"]:
        return t.skip("port 109 by xinetd", "not there (see tests/system/inetds)")
    text = pathlib.Path(where["xinetddir"], "restante-pop1").read_text().replace("= yes", "= no", 1)
    pathlib.Path("/run/xinetd.conf").write_text(text)
    command = [supervisors()["xinetd"], "-f", "/run/xinetd.conf", "-dontfork"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            box.wait_for_port(109)
            with t.holds("port 109: a mailbox by xinetd"):
                fetch_first("::1")
        finally:
            process.terminate()


def fetch_first(address):
    box.deliver("alice")
    want = b"".join(first.quoted(octets) for _, octets in box.MAIL)
    with first.First(109, address) as pop:
        pop.login("alice", box.password_of("alice"))
        pop.expect("RDEL INBOX", "#%d" % (first.MARK * len(box.MAIL) + len(want)))
        pop.count = first.MARK * len(box.MAIL) + len(want)
        t.same(first.FROM.sub(b"", pop.receive()), want, "port 109: what RCEV brings by " + address)
        pop.expect("RCVD", "+OK 3 deleted, 0 left")
        pop.expect("QUIT")
    t.same(box.left("alice"), [], "port 109: nothing is left")
    box.deliver("alice")


def inetds():
    """with the socket units stopped, the ports are theirs"""
    box.run("systemctl", "stop", "restante.socket", "restante-tls.socket")
    with inside_tls.configured(CONFIGURATION):
        for name, path in supervisors().items():
            if not path:
                t.skip(name, "not there (see tests/system/inetds)")
            elif name == "xinetd":
                text = "".join(
                    pathlib.Path(where["xinetddir"], file).read_text().replace("= yes", "= no", 1)
                    for file in ("restante", "restante-tls")
                )
                pathlib.Path("/run/xinetd.conf").write_text(text)
                inetd(name, [path, "-f", "/run/xinetd.conf", "-dontfork"], ("127.0.0.1", "::1"))
            elif "inetd" in name:
                # tcp6 is both for one, and IPv6 alone for the other
                protocols = ("tcp", "tcp6") if name == "inetd" else ("tcp6",)
                pathlib.Path("/etc/inetd.conf").write_text(example_lines(protocols))
                inetd(name, [path, "-d", "/etc/inetd.conf"], ("127.0.0.1", "::1"))
            else:
                run_files(name, path)
    box.run("systemctl", "start", "restante.socket", "restante-tls.socket")


def run_files(name, path):
    """the run file of a service directory as it is installed, on both ports; s6 has one for each kind of address"""
    kind = name.split()[0].replace("-tcpserver", "")
    both = [("127.0.0.1", "::1")] if "ipv6" in name else [("127.0.0.1",)]
    for addresses in both + [("::1",)] * (kind == "s6"):
        for port, ways in ((110, ("clear", "stls")), (995, ("tls",))):
            settings = ["PATH=%s:%s" % (path.parent, os.environ["PATH"])]
            settings += ["PORT=%d" % port] * (port != 110) + ["ADDRESS=::"] * (addresses == ("::1",))
            run = pathlib.Path(where["docdir"], "examples", kind, "run")
            inetd(name, ["env", *settings, run], addresses, ways)


def supervisors():
    """where they are, installed or unpacked"""
    unpacked = SHARED / "inetds/usr"
    places = [unpacked / "sbin", unpacked / "bin", pathlib.Path("/usr/sbin"), pathlib.Path("/usr/bin")]
    found = {
        name: next((place / name for place in places if (place / name).exists()), None)
        for name in ("xinetd", "inetd", "inetutils-inetd", "tcpserver", "tcpsvd")
    }
    both, s6 = SHARED / "inetds/ipv6/usr/bin/tcpserver", pathlib.Path("/usr/bin/s6-tcpserver")
    if not s6.exists() and pathlib.Path("/usr/bin/s6-ipcserverd").exists():
        s6 = SHARED / "tests/system/lib/s6-tcpserver"  # see there
    found["tcpserver (ipv6)"] = both if both.exists() else None
    found["s6-tcpserver"] = s6 if s6.exists() else None
    return found


def example_lines(protocols):
    """of the example of an inetd.conf"""
    text = pathlib.Path(where["docdir"], "examples/inetd.conf").read_text()
    lines = [line.split() for line in text.splitlines() if line.startswith("pop3")]
    return "".join(" ".join(words) + "\n" for words in lines if words[2] in protocols)


def transcripts():
    """the transcripts once more, now with root's steps; they expect a machine without journal or syslog"""
    files = sorted((SHARED / "tests").glob("pop[13]/*.pop"))
    if not ((SHARED / "tests/run").exists() and files):
        return t.skip("transcripts as root", "there are none")
    alone = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run/systemd/journal && exec "$@"', "sh"]
    ours = ("INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID")
    done = subprocess.run(
        [*alone, sys.executable, SHARED / "tests/run", "--root", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if name not in ours},
            "RESTANTE": PROGRAM,
            "RESTANTE_TLS": RELAY,
        },
    )
    lines = done.stdout.splitlines()
    bad = [line for line in lines if line.startswith("not ok") and "# TODO" not in line]
    good = [line for line in lines if line.startswith("ok")]
    skipped = [line for line in good if "# skip" in line.lower()]
    t.note("transcripts: %d ok, %d skipped" % (len(good) - len(skipped), len(skipped)))
    t.ok(
        done.returncode == 0 and len(good) > len(skipped) and not bad,
        "the transcripts hold when the program is started by root",
        "\n".join(bad[:20] + [line for line in lines if line.startswith("#")][:60]),
    )
    return None


def processes():
    """looked at where the supervisor gives more than it should: groups that must not be kept"""
    with box.dropin("[Service]\nSupplementaryGroups=adm\n"):
        inside_process.before_login(t, EMPTY)
        inside_process.after_login(t)


def tls():
    """ports 995 and 110, with certificates from a file, from credentials, by name"""
    inside_tls.no_certificate(t)
    with inside_tls.configured(CONFIGURATION):
        inside_tls.sessions(t)
        inside_tls.relay(t, EMPTY, RELAY)
        inside_tls.forgotten(t)
        inside_tls.renewed(t)
        inside_tls.resumed(t, TICKETS)
        inside_tls.slow(t)
        inside_tls.crawling(t, PROGRAM)
        inside_tls.stopped(t)
    inside_tls.credentials(t)
    inside_tls.names(t, CONFIGURATION)


STEPS = {
    "installed": installed,
    "addresses": lambda: inside_login.addresses(t),
    "stock_files": lambda: inside_login.stock_files(t),
    "refused": lambda: inside_login.refused(t),
    "permitted": lambda: inside_login.permitted(t),
    "digits": lambda: inside_login.digits(t),
    "three_failures": lambda: inside_login.three_failures(t),
    "throttled": lambda: inside_login.throttled(t, PROGRAM, TICKETS),
    "processes": processes,
    "pam_session": lambda: inside_process.pam_session(t, PROGRAM),
    "pam_modules": lambda: inside_pam.modules(t, PROGRAM),
    "stopped": lambda: inside_process.stopped(t),
    "fields": lambda: inside_log.fields(t),
    "syslog": lambda: inside_log.syslog(t, PROGRAM),
    "failures": lambda: inside_log.failures(t),
    "tls": tls,
    "endings": lambda: inside_log.endings(t, PROGRAM),
    "nothing_failed": lambda: inside_log.nothing_failed(t),
    "wrong_socket": lambda: inside_log.wrong_socket(t, PROGRAM),
    "first_protocol": first_protocol,
    "inetds": inetds,
    "transcripts": transcripts,
    "no_secrets": lambda: inside_log.no_secrets(t),
}


def main():
    """all steps, or those named as arguments; the first is always needed"""
    install()
    inside_login.accounts()
    for name, step in STEPS.items():
        if name != "installed" and sys.argv[1:] and name not in sys.argv[1:]:
            continue
        try:
            step()
        except Exception as error:
            t.ok(False, "%s: to its end" % name, "".join(traceback.format_exception(error)[-6:]))
    t.done()


main()
