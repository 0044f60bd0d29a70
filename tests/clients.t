#!/usr/bin/python3
"""clients.t - real mail programs fetch odd messages; not an octet may differ

Each client gets a Maildir of its own twice: once it deletes what it has, once it leaves it on the
server, and those that remember what they have must then fetch nothing at a second visit.  What the
server logs of the sessions is held against what went out.  The comparison is as strict as the
client lets it be; each row says what the client itself changes.

Then the same, with fewer messages, by STLS and by TLS from the start, for each client that can.
Each checks the certificate of the server against an authority that it is given.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import clients  # noqa: E402
import corpus  # noqa: E402
from server import BUILD, PASSWORD, Server  # noqa: E402

MESSAGES = corpus.messages()
WORD = dict(zip([name for name, _, _ in MESSAGES], corpus.words()))

# what TLS could spoil: each kind of record border, and the large ones
TLS_WORDS = re.compile(r"five|dot|line-(819|100k)|body|border|rows-\d$|crlf|empty-body|nothing|nul$|binary")

t = check.Checks()


def workspace(server, name):
    work = server.own(server.make(name))
    server.own(server.make(name + "/in"))
    return work


def logged(server, user):
    """(messages, octets) that the sessions of user sent, as the log has it"""
    lines = server.events("LOGOUT", user)
    return tuple(
        sum(int(line[a]) + int(line[b]) for line in lines)
        for a, b in (("retr", "top"), ("retr_bytes", "top_bytes"))
    )


def compare(client, user, got, messages):
    """each message, and a count that agrees"""
    t.same(len(got), len(messages), "%s: all messages came, none twice" % user)
    wrong = []
    for octets, (name, stored, _) in zip(got, messages):
        where = check.same_octets(octets, client.canonical(corpus.wire(stored)))
        if where:
            wrong.append("%s: %s" % (WORD[name], where))
    t.ok(not wrong, "%s: each octet is as stored" % user, "\n".join(wrong[:8]))


def visit(server, client, messages, keep):
    user = "%s-%s" % (client.name, server.tls or ("keep" if keep else "delete"))
    server.maildir(user, [message[:2] for message in messages])
    work = workspace(server, "work-" + user)
    with t.holds("%s: fetches and is content" % user):
        client.fetch(work, user, PASSWORD, keep)
    server.wait_idle()
    with t.holds("%s: what it fetched can be read" % user):
        compare(client, user, client.fetched(work), messages)
    sent = sum(len(corpus.wire(stored)) for _, stored, _ in messages)
    t.same(
        logged(server, user),
        (len(messages), sent),
        "%s: the log counts the messages and octets that went out" % user,
    )
    t.same(
        {line["reason"] for line in server.events("LOGOUT", user)},
        {"quit"},
        "%s: each session ended by QUIT" % user,
    )
    names = {path.name.split(":")[0] for path in server.left(user)}
    t.same(
        names,
        {name for name, _, _ in messages} if keep else set(),
        "%s: what must be there is there, and no more" % user,
    )
    if keep and client.remembers:
        second_visit(server, client, work, user)


def second_visit(server, client, work, user):
    before = logged(server, user)
    count, had = len(server.events("LOGOUT", user)), len(client.fetched(work))
    with t.holds("%s: comes a second time" % user):
        client.fetch(work, user, PASSWORD, True)
    server.wait_idle()
    t.ok(len(server.events("LOGOUT", user)) > count, "%s: has been there a second time" % user)
    t.same(
        (logged(server, user), len(client.fetched(work))),
        (before, had),
        "%s: fetches nothing the second time" % user,
    )


def refused(server, client):
    """a wrong password: the client says that it failed, the server that it was the password"""
    user = client.name + "-keep"
    work = workspace(server, "work-refused-" + client.name)
    count = len(server.events("LOGIN FAILED", user))
    try:
        client.fetch(work, user, "mistaken", True)
        t.ok(False, "%s: a wrong password is an error to it" % client.name)
    except clients.Failed:
        t.ok(True, "%s: a wrong password is an error to it" % client.name)
    failures = server.wait_events("LOGIN FAILED", count + 1, user, 3)[count:]
    t.same(
        {line.get("reason") for line in failures}, {"auth"}, "%s: and the log has the reason" % client.name
    )


def inside(server, client):
    """all that the log has of this client's visits was inside TLS, the password too"""
    lines = [
        line
        for phrase in ("LOGIN", "LOGOUT")
        for line in server.events(phrase)
        if line["user"].startswith(client.name + "-")
    ]
    t.ok(
        lines and all(line["tls"] in ("TLSv1.2", "TLSv1.3") for line in lines),
        "%s: always inside TLS" % client.name,
        lines[:3],
    )
    ciphers = {"%(tls)s %(cipher)s" % line for line in lines if "cipher" in line}
    t.note("%s: %s" % (client.name, ", ".join(sorted(ciphers))))


def meet(server, kind):
    """one client, one way"""
    begun = time.monotonic()
    client = kind(server)
    messages = [
        m
        for m in MESSAGES
        if (m[2] or not kind.mail_only)
        and WORD[m[0]] not in kind.without
        and (not server.tls or TLS_WORDS.search(WORD[m[0]]))
    ]
    visit(server, client, messages, False)
    if server.tls:
        inside(server, client)
    else:
        visit(server, client, messages, True)
    if kind is not clients.Thunderbird and not server.tls:  # it would ask for another one in a window
        refused(server, client)
    t.note("%s: %d messages, %.1f s" % (kind.name, len(messages), time.monotonic() - begun))


def way(tls):
    """all clients that can go it: None, starttls or implicit"""
    t.note("TLS: %s" % (tls or "none"))
    with Server(["auth.failure_delay=100ms"], tls=tls) as server:
        shutil.copytree(HERE / "system/lib", server.dir / "lib", ignore=shutil.ignore_patterns("__pycache__"))
        for kind in clients.ALL:
            missing = [p for p in kind.programs if not (shutil.which(p) or os.path.isfile(p))]
            if missing:
                t.skip(kind.name, "no %s (packages: %s)" % (" ".join(missing), kind.packages))
            elif tls in kind.ways:
                meet(server, kind)
        t.same(set(server.statuses()), {0}, "every session ended with status 0")
        t.ok(server.wait_idle(), "no process is left")


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    started = time.monotonic()
    t.note("%d messages, %d octets" % (len(MESSAGES), sum(len(stored) for _, stored, _ in MESSAGES)))
    way(None)
    if os.environ.get("RESTANTE_TLS", "yes"):
        way("starttls")
        way("implicit")
    else:
        t.skip("STLS and implicit TLS", "built without TLS")
    t.note("%.1f s in all" % (time.monotonic() - started))
    t.done()


main()
