"""inside_privilege.py - all of privilege.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import base64
import contextlib
import os
import pathlib
import pwd
import shutil
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import inside_tls  # noqa: E402
import planted  # noqa: E402
import pop  # noqa: E402
import rules  # noqa: E402
import stage  # noqa: E402
import straced  # noqa: E402
from rooted import TRACES, Rooted  # noqa: E402
from server import descendants, process_status  # noqa: E402

PLANTED = ("by STLS", "in a PAM session")
SECRETS = {"bob": "MARK-of-the-first-secret", "alice": "MARK-of-the-right-secret", "zoe": "MARK-of-the-last-secret"}
FILE = "/run/secrets"
COMMAND, PIPELINED = b"MARK-of-a-command", b"MARK-behind-the-password"
t = check.Checks()


def inode(connection):
    """what the program's end of this connection is called in its descriptors, once it is accepted"""
    near, far = connection.socket.getsockname(), connection.socket.getpeername()
    mine, theirs = (":%04X" % address[1] for address in (near, far))
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[1].endswith(theirs) and words[2].endswith(mine) and words[9] != "0":
                return "socket:[%s]" % words[9]
        time.sleep(0.01)
    raise RuntimeError("the connection is not in /proc/net/tcp")


def wrap(connection, **client):
    context = inside_tls.context()
    if client:
        context.load_cert_chain(**client)
    connection.socket = context.wrap_socket(
        connection.socket, server_hostname="localhost", suppress_ragged_eofs=False
    )


def plain(user, word):
    return base64.b64encode(b"\0%s\0%s" % (user.encode(), word.encode())).decode()


def ask(connection, user):
    """what anybody may say before a login: nonsense, wrong passwords by two mechanisms"""
    connection.expect(COMMAND.decode(), "-ERR")
    connection.expect("USER " + user)
    connection.expect("PASS wrong-one", "-ERR [AUTH]")
    connection.expect("AUTH PLAIN " + plain(user, "wrong-two"), "-ERR [AUTH]")


def fetch(connection, user, server, left=0):
    """a session with something in each part of it; left: root's processes that stay meanwhile"""
    found = server.roots()
    for n in range(len(box.MAIL)):
        connection.multi("RETR %d" % (n + 1))
    connection.expect("DELE 1")
    connection.expect("QUIT")
    connection.rest()
    connection.close()
    box.deliver(user)
    if len(found) != left:
        raise AssertionError("root's processes behind the login: %s" % [box.status(pid) for pid in found])


def by_password(server, user, word, left=0):
    connection = server.connect()
    greeting = connection.line()
    assert greeting.startswith(b"+OK"), greeting
    known = inode(connection)
    ask(connection, user)
    connection.expect("USER " + user)
    connection.send(b"PASS %s\r\nNOOP %s\r\n" % (word.encode(), PIPELINED))
    assert connection.line().startswith(b"+OK")
    connection.line()
    fetch(connection, user, server, left)
    return known


def by_stls(server, user, word):
    connection = server.connect()
    connection.line()
    known = inode(connection)
    connection.expect("STLS")
    wrap(connection)
    ask(connection, user)
    connection.expect("AUTH PLAIN " + plain(user, word))
    fetch(connection, user, server)
    return known


def by_tls(server, user, word):
    connection = server.connect()
    known = inode(connection)
    wrap(connection)
    connection.line()
    ask(connection, user)
    connection.expect("AUTH LOGIN", "+ ")
    connection.expect(base64.b64encode(user.encode()).decode(), "+ ")
    connection.expect(base64.b64encode(word.encode()).decode())
    fetch(connection, user, server)
    return known


def by_certificate(server, user, _):
    made = inside_tls.certificates().make(user, ("client",))
    connection = server.connect()
    known = inode(connection)
    wrap(connection, certfile=made.chain, keyfile=made.key)
    connection.line()
    ask(connection, user)
    connection.expect("AUTH EXTERNAL =")
    fetch(connection, user, server)
    return known


def by_apop(server, user, _):
    connection = server.connect()
    known = inode(connection)
    fetch(connection.apop(user, SECRETS[user]), user, server)
    return known


def shared_secrets():
    """options, and the file"""
    file = pathlib.Path(FILE)
    file.touch(0o600)
    file.write_text("".join("%s:%s\n" % pair for pair in SECRETS.items()))
    return ["auth.secrets_file=%s" % file]


def ways():
    """name, how, options"""
    place = inside_tls.lay(inside_tls.certificates().make("localhost"))
    pair = ["tls.certificate=%s/fullchain.pem" % place, "tls.private_key=%s/privkey.pem" % place]
    certificate = ["tls.client_ca=" + inside_tls.certificates().ca, "tls.client_users=alice"]
    inside = ["auth.pam_session=yes", "auth.pam_service=session"]
    box.pam(stage.PAM_UNIX + "session required pam_unix.so\n", "session")
    return {
        "in clear": (by_password, []),
        "by STLS": (by_stls, ["network.tls=starttls", *pair]),
        "in TLS": (by_tls, ["network.tls=implicit", *pair]),
        "by APOP": (by_apop, shared_secrets()),
        "by a certificate": (by_certificate, ["network.tls=implicit", *pair, *certificate]),
        "in a PAM session": (lambda *words: by_password(*words, left=2), inside),
    }


def known(client, word):
    """what the rules need to know; PAM's child hears the pipelined octets for the session it starts"""
    alice = pwd.getpwnam("alice")
    words = {COMMAND: "", PIPELINED: "HS", b"wrong-one": "P", b"wrong-two": "P", word.encode(): "P"}
    homes = tuple(pwd.getpwnam(user).pw_dir for user in ("alice", "bob"))
    return rules.Known(client, homes, alice.pw_uid, words)


def traced():
    """each way of logging in, each rule"""
    word = box.password_of("alice")
    for way, (how, options) in ways().items():
        with t.holds("%s: a session, and no root behind its login" % way):
            with Rooted(*options, trace=way) as server:
                client = how(server, "alice", word)
            processes = straced.load(TRACES / way)
            t.note("%s: %s" % (way, summary(processes)))
            facts = known(client, word)
            for rule, judge in rules.RULES.items():
                bad = judge(processes, facts)
                t.ok(not bad, "%s: %s" % (way, rule), "\n".join(bad[:5]))
            if how is by_apop:
                calls = [(p.role, call) for p in processes.values() for call in p.calls]
                readers = {role for role, call in calls if call.name in straced.READS and FILE in call.shown()}
                t.same(readers, {"pam"}, "%s: PAM's child alone reads the secrets" % way)
            if way in PLANTED:
                for rule, count, missed in planted.faults(processes, facts):
                    name = "%s: planted: each of %d faults is found by %s" % (way, count, rule.__name__)
                    t.ok(count > 0 and not missed, name, "not found: %s" % missed)


def summary(processes):
    calls = sum(len(process.calls) for process in processes.values())
    return "%d calls of %s" % (calls, ", ".join(sorted(process.role for process in processes.values())))


def hashes():
    return {box.shadow(user).encode(): user for user in ("alice", "bob", "root")}


def others_of(server):
    """the monitor, the login process and what else there is, by role"""
    login = pwd.getpwnam("restante").pw_uid
    found = {"monitor": descendants(server.process.pid)[0]}
    for pid in descendants(found["monitor"]):
        maps = pathlib.Path("/proc/%d/maps" % pid).read_text()
        uid = int(process_status(pid, "Uid").split()[0])
        found["login" if uid == login else "pam" if "libpam.so" in maps else "helper"] = pid
    return found


@contextlib.contextmanager
def held_pam():
    """a PAM service that waits, behind pam_unix, until it is let go"""
    gate, reached = pathlib.Path("/run/gate"), pathlib.Path("/run/reached")
    os.mkfifo(gate, 0o600)
    os.mkfifo(reached, 0o600)
    script = pathlib.Path("/run/held")
    script.write_text("#!/bin/sh\necho >%s\nread x <%s\n" % (reached, gate))
    script.chmod(0o755)
    box.pam(stage.PAM_UNIX + "account optional pam_exec.so quiet %s\n" % script, "held")

    def wait():
        reached.read_text()

    yield wait, lambda: gate.write_text("\n")
    gate.unlink()
    reached.unlink()


def memory():
    """what PAM leaves in memory is in its child alone; the password is where it is needed"""
    secrets, word = hashes(), box.password_of("alice").encode()
    with held_pam() as (reached, let_go), Rooted("auth.pam_service=held") as server:
        connection = server.connect()
        connection.line()
        connection.expect("USER alice")
        connection.expect("PASS wrong-one", "-ERR [AUTH]")
        connection.expect("USER alice")
        connection.send(b"PASS %s\r\n" % word)
        reached()
        found = others_of(server)
        t.ok({"monitor", "login", "pam"} <= set(found), "memory: monitor, login and PAM are there", found)
        held = {role: box.memory_has(pid, [*secrets, b"wrong-one"]) for role, pid in found.items()}
        t.ok(
            held["pam"] & set(secrets),
            "memory: while PAM is asked its child holds hashes: the search finds them",
        )
        for role in ("monitor", "login"):
            t.ok(not held[role] & set(secrets), "memory: the %s holds no hash meanwhile" % role)
        t.ok(b"wrong-one" not in held["monitor"], "memory: the monitor has forgotten the refused password")
        let_go()
        assert connection.line().startswith(b"+OK")
        left = box.memory_has(found["monitor"], [*secrets, word, b"wrong-one"])
        t.same(left, set(), "memory: the session holds no hash and no password, right or wrong")
        t.same(server.roots(), [], "memory: PAM's child has ended")
        connection.expect("QUIT")
        connection.close()


def secrets_memory():
    """a secret of APOP's is in PAM's child alone, and there no longer than it takes to look"""
    words = [secret.encode() for secret in SECRETS.values()]
    t.same(box.memory_has(os.getpid(), words), set(words), "secrets: who has them is found to have them")
    with held_pam() as (reached, let_go), Rooted("auth.pam_service=held", *shared_secrets()) as server:
        connection = server.connect()
        stamp = connection.stamp()
        for secret in ("wrong", SECRETS["alice"]):
            connection.send(connection.digest("alice", stamp, secret).encode() + b"\r\n")
            if secret == "wrong":
                assert connection.line().startswith(b"-ERR [AUTH]")
        reached()
        for role, pid in others_of(server).items():
            t.same(box.memory_has(pid, words), set(), "secrets: the %s holds none while PAM is asked" % role)
        monitor = others_of(server)["monitor"]
        let_go()
        assert connection.line().startswith(b"+OK")
        t.same(box.memory_has(monitor, words), set(), "secrets: nor does the session")
        connection.expect("QUIT")
        connection.close()


def descriptors():
    """what root has open below a home while a PAM session lasts: nothing"""
    with Rooted("auth.pam_session=yes", "auth.pam_service=session") as server:
        connection = server.connect()
        connection.login("alice", box.password_of("alice"))
        open_files = {pid: set(box.descriptors(pid).values()) for pid in server.roots()}
        t.same(len(open_files), 2, "PAM session: monitor and PAM's child stay, as root")
        home = pwd.getpwnam("alice").pw_dir
        strange = [path for paths in open_files.values() for path in paths if path.startswith(home)]
        t.same(strange, [], "PAM session: they hold nothing below a home")
        client = inode(connection)
        holders = [pid for pid, paths in open_files.items() if client in paths]
        t.ok(len(holders) <= 1, "PAM session: at most one of them holds the connection", open_files)
        connection.expect("QUIT")
        connection.close()


STEPS = {"traced": traced, "memory": memory, "secrets_memory": secrets_memory, "descriptors": descriptors}


def main():
    """all steps, or those named as arguments"""
    started = time.monotonic()
    stage.install()
    for user in ("alice", "bob"):
        box.account(user, "-G", "mail")
    box.run("chpasswd", input="root:%s\n" % box.password_of("root"))
    for name, step in STEPS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        try:
            step()
        except Exception as error:
            t.ok(False, "%s: to its end" % name, "".join(traceback.format_exception(error)[-6:]))
        t.note("%s: %.1f s since the start" % (name, time.monotonic() - started))
    shutil.rmtree(TRACES, ignore_errors=True)
    t.done()


main()
