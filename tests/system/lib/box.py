"""box.py - in a throw-away system: accounts, mail, units, the journal, and what a process is

Everything here changes the system that it runs on; never run it outside of sdbox.

SPDX-License-Identifier: ISC
"""
import contextlib
import json
import os
import pathlib
import pwd
import re
import ssl
import subprocess
import time

import pop

DROPINS = [
    pathlib.Path("/run/systemd/system/%s@.service.d" % name) for name in ("restante", "restante-tls")
]
MAIL = [
    ("1700000000.M%dP1.box" % n, b"From: a@example.org\nSubject: %d\n\n.body %d\n" % (n, n) * (n + 1))
    for n in range(3)
]


def run(*command, good=(0,), **more):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **more
    )
    if done.returncode not in good:
        raise RuntimeError("%s: %d: %s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


# --- accounts and mail ---------------------------------------------------------------------------
def password_of(user):
    """no two alike, and none that could be met by chance"""
    return "Word-of-%s 73 x%d" % (user, sum(user.encode()) * 7919)


def account(user, *options, mail=True):
    run("useradd", "-m", *options, user)
    run("chpasswd", input="%s:%s\n" % (user, password_of(user)))
    if mail:
        deliver(user)


def deliver(user, messages=MAIL):
    who = pwd.getpwnam(user)
    top = pathlib.Path(who.pw_dir) / "Maildir"
    made = [top, *(top / part for part in ("new", "cur", "tmp"))]
    for path in made:
        path.mkdir(exist_ok=True)
    for name, octets in messages:
        # once, whoever has read it meanwhile
        for seen in (top / "cur").glob(name + ":*"):
            seen.unlink()
        made.append(top / "new" / name)
        made[-1].write_bytes(octets)
    # nothing else: a session that is over for its client may still be writing the index
    for path in made:
        os.chown(path, who.pw_uid, who.pw_gid)


def left(user):
    top = pathlib.Path(pwd.getpwnam(user).pw_dir) / "Maildir"
    return sorted(path.name.split(":")[0] for part in ("new", "cur") for path in (top / part).iterdir())


def shadow(user):
    """the hash in /etc/shadow"""
    for line in pathlib.Path("/etc/shadow").read_text().splitlines():
        if line.startswith(user + ":"):
            return line.split(":")[1]
    raise KeyError(user)


def pam(text, service="pop3"):
    pathlib.Path("/etc/pam.d", service).write_text(text)


# --- connections ---------------------------------------------------------------------------------
WAYS = ("clear", "stls", "tls")  # port 110, port 110 and STLS, port 995
TLS_PORT = 995


def connect(way="clear", address="127.0.0.1", context=None, session=None):
    """a connection, with its greeting still to come; context: what a client thinks of TLS"""
    connection = pop.Pop(TLS_PORT if way == "tls" else 110, address, timeout=30)
    if way == "stls":
        greeting = connection.line()
        connection.expect("STLS")
        connection.buffer = greeting + b"\r\n"
    if way != "clear":
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname="localhost", session=session, suppress_ragged_eofs=False
        )
    return connection


def trust(certificate):
    """what a client needs to know to trust this certificate alone"""
    return ssl.create_default_context(cafile=certificate)


def login(user, password=None, address="127.0.0.1", way="clear", **more):
    connection = connect(way, address, **more)
    connection.login(user, password or password_of(user))
    return connection


def wait_for_port(port, seconds=10):
    """until somebody listens"""
    end = time.monotonic() + seconds
    while True:
        try:
            return pop.Pop(port).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def port_of(connection):
    return connection.socket.getsockname()[1]


# --- units ---------------------------------------------------------------------------------------
@contextlib.contextmanager
def dropin(text):
    """the session units, changed for a while"""
    for directory in DROPINS:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "test.conf").write_text(text)
    run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        for directory in DROPINS:
            (directory / "test.conf").unlink()
        run("systemctl", "daemon-reload")


def options(program, *settings):
    """a drop-in that starts the program with these"""
    return "[Service]\nExecStart=\nExecStart=%s %s\n" % (
        program,
        " ".join("-o " + s.replace("%", "%%") for s in settings),
    )


UNITS = ("restante@*", "restante-tls@*", "restante-pop1@*")


def unit_of(connection):
    """the unit that systemd made for a connection: its name ends in the client's port"""
    pattern = re.compile(r"^restante(-tls)?@\S*:%d(?:-\S*)?\.service$" % port_of(connection))
    for _ in range(100):
        for line in run("systemctl", "list-units", "--all", "--plain", "--no-legend", *UNITS).splitlines():
            if pattern.match(line.split()[0]):
                return line.split()[0]
        time.sleep(0.02)
    raise RuntimeError("no unit for port %d" % port_of(connection))


def processes_of(unit):
    """(main pid, other pids) of a unit"""
    main = int(run("systemctl", "show", "-P", "MainPID", unit))
    group = run("systemctl", "show", "-P", "ControlGroup", unit).strip()
    for top in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"):
        path = pathlib.Path(top + group + "/cgroup.procs")
        if path.exists() and (pids := [int(word) for word in path.read_text().split()]):
            return main, sorted(set(pids) - {main})
    return main, []


def wait_no_sessions(seconds=10):
    end = time.monotonic() + seconds
    while run("systemctl", "list-units", "--plain", "--no-legend", *UNITS).strip():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# --- processes -----------------------------------------------------------------------------------
def status(pid):
    text = pathlib.Path("/proc/%d/status" % pid).read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def limits(pid):
    text = pathlib.Path("/proc/%d/limits" % pid).read_text()
    return {line[:26].strip(): line[26:].split()[0] for line in text.splitlines()[1:]}


def descriptors(pid):
    top = "/proc/%d/fd" % pid
    return {int(fd): os.readlink(top + "/" + fd) for fd in os.listdir(top)}


def memory_has(pid, needles):
    """which of these octets stand anywhere in the memory of a process"""
    found = set()
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not match or "[vvar]" in line or "[vsyscall]" in line:
                continue
            octets = readable(memory, int(match[1], 16), int(match[2], 16))
            found |= {needle for needle in needles if needle in octets}
    return found


def readable(memory, at, end):
    """what can be read from at to end: behind a page that cannot be, it goes on"""
    octets = bytearray()
    while at < end:
        more = b""
        with contextlib.suppress(OSError):
            memory.seek(at)
            more = memory.read(end - at)
        octets += more or b"\0"
        at += len(more) or os.sysconf("SC_PAGE_SIZE")
    return bytes(octets)


# --- the journal -----------------------------------------------------------------------------------
def journal(after, *matches, want=1, seconds=5):
    """entries later than now() gave, as dictionaries, oldest first; waits for as many as wanted"""
    end = time.monotonic() + seconds
    while True:
        run("journalctl", "--sync")
        text = run("journalctl", "-o", "json", "--no-pager", *matches, good=(0, 1))
        # not splitlines: other characters end a line for that
        entries = [json.loads(line) for line in text.split("\n") if line.startswith("{")]
        entries = [entry for entry in entries if int(entry["__REALTIME_TIMESTAMP"]) > after]
        if len(entries) >= want or time.monotonic() > end:
            return entries
        time.sleep(0.1)


def now():
    """for journal() and short(); --after-cursor loses an entry where there are matches (systemd 252)"""
    return time.time_ns() // 1000


def short(after, identifier):
    """the lines of a classic log file"""
    run("journalctl", "--sync")
    text = run(
        "journalctl",
        "--no-pager",
        "-o",
        "short",
        "-t",
        identifier,
        "--since",
        "@%d" % (after // 1000000),
        good=(0, 1),
    )
    return "".join(line + "\n" for line in text.split("\n") if line and not line.startswith("-- "))


def phrase(entries, start):
    return [entry for entry in entries if str(entry.get("MESSAGE", "")).startswith(start + ", ")]
