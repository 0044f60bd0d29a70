"""inside_fields.py - in the box: each event has the fields in the journal that restante(8) lists, and no others

SPDX-License-Identifier: ISC
"""
import contextlib
import os
import pathlib
import pwd
import re
import socket

import box
import inside_tls
from pop import Pop
from stage import PAM_UNIX, PROGRAM, where

# of an entry of ours; the journal's own begin with an underscore
FRAME = {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY"}
PROXIED = {"ip": "192.0.2.77", "port": "4711", "proxy": "127.0.0.1"}


def manual():
    """{event: (fields that are always there, all of them)}"""
    text = pathlib.Path(where["mandir"], "man8/restante.8").read_text()
    block = text.split("what stands in brackets may be missing:", 1)[1].split(".Ed", 1)[0]
    found, event = {}, None
    for line in block.splitlines()[2:]:
        event = line[:17].strip() or event
        found[event] = found.get(event, []) + line[17:].split()
    return {
        event: ({word for word in words if word[0] != "["}, {word.strip("[]") for word in words})
        for event, words in found.items()
    }


def sessions(trust):
    """of all kinds: each field that may be there is, once"""
    with box.login("alice", way="clear") as pop:
        with Pop(110) as second:
            second.line()
            second.expect("USER alice")
            second.expect("PASS " + box.password_of("alice"), "-ERR [IN-USE]")
        pop.multi("RETR 1")
        pop.multi("RETR 2")
        pop.multi("RETR 3")
        pop.expect("DELE 1")
        pop.expect("QUIT")
    box.deliver("alice")
    for way in ("stls", "tls"):
        with box.connect(way, context=trust) as pop:
            pop.line()
            pop.expect("USER ALICE")
            pop.expect("PASS mistaken", "-ERR [AUTH]")
            pop.expect("USER ALICE")
            pop.expect("PASS " + box.password_of("alice"))
            pop.expect("STAT")
            pop.socket.unwrap() if way == "stls" else pop.socket.shutdown(socket.SHUT_WR)
    with box.connect("tls", context=trust) as pop:
        pop.line()
        pop.expect("USER alice")
        pop.expect("PASS mistaken again", "-ERR [AUTH]")
        pop.socket.shutdown(socket.SHUT_WR)
    undeletable()
    uncounted()
    cleartext()
    with Pop(box.TLS_PORT) as pop:
        pop.send(b"CAPA\r\n")
        pop.rest()
    with Pop(box.TLS_PORT) as pop:
        with contextlib.suppress(OSError):
            trust.wrap_socket(pop.socket, server_hostname="nobody.example.org")


def undeletable():
    """an update that fails"""
    new = pathlib.Path(pwd.getpwnam("alice").pw_dir, "Maildir")
    with box.login("alice") as pop:
        pop.expect("DELE 1")
        for part in ("new", "cur"):
            os.chmod(new / part, 0o555)
        pop.expect("QUIT", "-ERR")
    for part in ("new", "cur"):
        os.chmod(new / part, 0o755)


def uncounted():
    """deleted, with nobody having asked for its size"""
    box.deliver("alice", [("1800000000.M0P1.box", b"Subject: new\n")])
    with box.login("alice") as pop:
        pop.expect("DELE %d" % len(box.left("alice")))
        pop.expect("QUIT")


def cleartext():
    with Pop(110, "::1") as pop:
        pop.line()
        pop.expect("USER alice", "-ERR")
        pop.expect("QUIT")


def throttled():
    with Pop(110) as pop:
        pop.line()
        for number in range(7):
            pop.expect("USER alice")
            pop.expect("PASS other-%d" % number, "-ERR [AUTH]")


def deferred():
    """PAM cannot tell whether a password is right"""
    box.pam("auth required pam_debug.so auth=authinfo_unavail\naccount required pam_permit.so\n")
    try:
        with Pop(110) as pop:
            pop.line()
            pop.expect("USER alice")
            pop.expect("PASS word", "-ERR [SYS/TEMP]")
    finally:
        box.pam(PAM_UNIX)


def proxied(t, trust):
    """by a proxy: who is meant has a field, and so has the proxy"""
    after = box.now()
    settings = ["network.proxy_from=127.0.0.0/8", "mail.lock_wait=0", "auth.failure_delay=20ms"]
    with box.dropin(box.options(PROGRAM, *settings)):
        with Pop(110) as pop:
            pop.send(b"PROXY TCP4 %(ip)s 192.0.2.1 %(port)s 110\r\n" % {k.encode(): v.encode() for k, v in PROXIED.items()})
            pop.line()
            pop.expect("STLS")
            pop.socket = trust.wrap_socket(pop.socket, server_hostname="localhost")
            pop.expect("USER alice")
            pop.expect("PASS mistaken", "-ERR [AUTH]")
            pop.expect("USER alice")
            pop.expect("PASS " + box.password_of("alice"))
            pop.expect("QUIT")
        with Pop(110) as pop:
            pop.send(b"PROXY nonsense\r\n")
            pop.rest()
        box.wait_no_sessions()
    entries = box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=4)
    told = {phrase(entry): {name: entry.get("POP3_" + name.upper()) for name in PROXIED} for entry in entries}
    bad = told.pop("PROXY FAILED", {})
    t.ok(bad.get("ip") == "127.0.0.1" and bad["proxy"] is None, "fields: a bad header is the proxy's", bad)
    t.same(told, dict.fromkeys(("LOGIN FAILED", "LOGIN", "LOGOUT"), PROXIED), "fields: behind a proxy it is named, too")
    return entries


def phrase(entry):
    found = re.match(r"[A-Z ]+(?=, )", str(entry["MESSAGE"]))
    return found[0] if found else None


def fields(t):
    after, trust = box.now(), inside_tls.context()
    settings = ["auth.lowercase=yes", "auth.throttle_exempt=", "auth.throttle_delay=1s"]
    settings += ["auth.failure_delay=20ms", "auth.max_failures=99"]
    settings += ["auth.cleartext_from=127.0.0.0/8", "mail.lock_wait=0"]
    with box.dropin(box.options(PROGRAM, *settings)):
        sessions(trust)
        throttled()
        deferred()
        box.wait_no_sessions()
    entries = box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=20)
    listed = manual()
    others = [entry for entry in entries if phrase(entry) not in listed and any(name[:5] == "POP3_" for name in entry)]
    t.same([entry["MESSAGE"] for entry in others], [], "fields: no event but those that the manual lists")
    users = re.compile(r"^LOG(IN|OUT),.* user=alice[, ]")
    by_text = sorted(str(entry["MESSAGE"]) for entry in entries if users.match(str(entry["MESSAGE"])))
    found = box.journal(after, "POP3_USER=alice", want=len(by_text))
    by_field = sorted(str(entry["MESSAGE"]) for entry in found if phrase(entry) in ("LOGIN", "LOGOUT"))
    t.ok(by_text and by_field == by_text, "fields: journalctl POP3_USER=alice finds alice's sessions, and no others", by_field)
    entries += [entry for entry in proxied(t, trust) if phrase(entry) == "PROXY FAILED"]
    seen = {event: [] for event in listed}
    for entry in entries:
        if phrase(entry) in seen:
            names = {name for name in entry if name[0] != "_"}
            seen[phrase(entry)].append({own(name) for name in names - FRAME})
    for event, (always, ever) in listed.items():
        rows = seen[event]
        t.same(sorted(set().union(*rows)), sorted(ever), "fields: %s has those that the manual lists" % event)
        t.same(
            sorted(set.intersection(*rows)) if rows else None,
            sorted(always),
            "fields: %s always has those without brackets" % event,
        )


def own(name):
    return name[5:].lower() if name.startswith("POP3_") else name
