#!/usr/bin/python3
"""inside_recipes.py - all of recipes.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import sys
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import inside_ban  # noqa: E402
import inside_move  # noqa: E402
import inside_tls  # noqa: E402
from page import Page  # noqa: E402
from pop import Closed, Pop  # noqa: E402
from stage import CONFIGURATION, PAM_UNIX, PROGRAM, SHARED, install, where  # noqa: E402

t = check.Checks()
TEXT = pathlib.Path("%s/stage%s/RECIPES" % (SHARED, where["docdir"]))
PAGE = Page(
    TEXT,
    {
        "/etc/restante/restante.conf": CONFIGURATION,
        "/usr/lib/systemd/system/": where["systemdsystemunitdir"] + "/",
        "/usr/share/doc/restante/": where["docdir"] + "/",
        "/usr/sbin/restante": PROGRAM,
    },
)
# refusals need not take their time here
QUICK = ("auth.failure_delay=100ms", "auth.require_tls=no", "auth.throttle_delay=0")
WRONG, TEMPORARY, EXPIRED = "-ERR [AUTH] ", "-ERR [SYS/TEMP] ", "-ERR [AUTH] the password has expired"


def answer(user, password=None, address="127.0.0.1", source=None, port=110):
    """the reply to PASS"""
    with Pop(port, address, source=source) as pop:
        pop.line()
        pop.expect("USER " + user)
        reply = pop.command("PASS " + (password or box.password_of(user)))
        if reply.startswith("+OK"):
            pop.expect("QUIT")
            pop.rest()
        return reply


def lets(user, *more, name, **ways):
    t.ok(answer(user, *more, **ways).startswith("+OK"), name)


def refuses(user, *more, name, start=WRONG, **ways):
    reply = answer(user, *more, **ways)
    t.ok(reply.startswith(start), name, reply)


def last_reason(after):
    """why the last login failed"""
    return box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d"), "LOGIN FAILED")[-1]["POP3_REASON"]


def virtual():
    PAGE.apply("Virtual users, one account for all mail", "Mail Only 1\nMail Only 1\n")
    owner = pwd.getpwnam("vmail")
    for user in ("alice", "bob"):
        top = pathlib.Path("/srv/vmail/example.org", user)
        for part in ("cur", "new", "tmp"):
            (top / part).mkdir(parents=True, exist_ok=True)
        file = top / "new" / ("1700000000." + user)
        file.write_text("Subject: %s\n" % user)
        for path in (top, *top.iterdir(), file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    for login in ("alice@example.org", "alice", "Alice@Example.ORG"):
        with t.holds("virtual users: a session as %s" % login), box.login(login, "Mail Only 1") as pop:
            main, _ = box.processes_of(box.unit_of(pop))
            assert box.status(main)["Uid"].split() == [str(owner.pw_uid)] * 4, "not vmail's process"
            assert pop.command("UIDL 1") == "+OK 1 1700000000.alice"
            pop.expect("QUIT")
    refuses("alice", "mistaken", name="virtual users: a wrong password")
    refuses("alice", box.password_of("alice"), name="virtual users: the account of that name has no part in it")
    refuses("bob", "Mail Only 1", name="virtual users: who has no line has no mail")
    refuses("alice@example.net", "Mail Only 1", name="virtual users: another domain is another person")
    found = os.stat("/etc/restante/passwords")
    t.same((found.st_uid, found.st_mode & 0o777), (0, 0o600), "virtual users: the passwords are root's alone")
    shutil.rmtree("/srv/vmail/example.org/alice")
    refuses("alice", "Mail Only 1", start=TEMPORARY, name="virtual users: no Maildir yet is no empty one")


def mail_password():
    PAGE.apply("A password for mail only", "Mail Only 2\nMail Only 2\n")
    lets("alice", "Mail Only 2", name="mail password: it logs in")
    refuses("alice", name="mail password: that of the account no longer does")
    refuses("alice", "mistaken", name="mail password: nor a wrong one")
    lets("bob", name="mail password: who has none uses that of the account")
    refuses("bob", "mistaken", name="mail password: and a wrong one is refused")
    refuses("nosuchname", "Mail Only 2", name="mail password: as is an unknown name")
    text = pathlib.Path("/etc/pam.d/pop3").read_text()
    box.pam(text.replace("auth    required pam_unix.so\n", ""))
    refuses("bob", name="mail password: without the second line who has none is refused")
    lets("alice", "Mail Only 2", name="mail password: and who has one is not")
    with inside_tls.settings(CONFIGURATION, "[auth]\npam_service = pop3-db\n"):
        lets("alice", "Mail Only 2", name="mail password: from a database")
        refuses("alice", name="mail password: and no other")
        lets("bob", name="mail password: who is not in there uses that of the account")
        refuses("bob", "mistaken", name="mail password: and no other, again")
    found = os.stat("/etc/restante/mail.db")
    t.same((found.st_uid, found.st_mode & 0o077), (0, 0), "mail password: the database is root's alone")


def switch():
    PAGE.apply("The group pop3 as a switch")
    after = box.now()
    lets("alice", name="switch: who is in the group")
    refuses("bob", name="switch: who is not")
    t.same(last_reason(after), "denied", "switch: the log says why")
    refuses("alice", "mistaken", name="switch: a wrong password")
    t.same(answer("bob"), answer("alice", "mistaken"), "switch: both are told the same")
    with box.login("alice") as pop:
        box.run("gpasswd", "--delete", "alice", "pop3")
        t.ok(pop.command("STAT").startswith("+OK"), "switch: a session that is there stays")
        pop.expect("QUIT")
        pop.rest()
    refuses("alice", name="switch: and is not there the next time")
    with inside_tls.settings(CONFIGURATION, "[auth]\npam_service = pop3-but\n"):
        lets("alice", name="list: who is not in it")
        refuses("bob", name="list: who is")
        pathlib.Path("/etc/restante/no-pop3").unlink()
        reply = answer("alice")
        t.ok(reply.startswith("-ERR"), "list: without the list nobody comes in", reply)


def networks():
    PAGE.apply("From which networks")
    box.account("carol")
    for address, source, permitted in (
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("192.0.2.1", "192.0.2.7", True),
        ("192.0.2.1", "198.51.100.7", False),
        ("2001:db8::1", "2001:db8:7::7", True),
        ("2001:db8::1", "2001:db8:8::7", False),
    ):
        check_it = lets if permitted else refuses
        check_it("alice", address=address, source=source, name="networks: alice from %s" % (source or address))
    lets("carol", address="192.0.2.1", source="198.51.100.7", name="networks: carol from anywhere")
    lets("carol", address="2001:db8::1", source="2001:db8:8::7", name="networks: by IPv6, too")
    refuses("carol", "mistaken", address="192.0.2.1", source="192.0.2.7", name="networks: with her password only")


def expired():
    for user, option, day in (("old", "-d", "0"), ("gone", "-E", "1")):
        box.account(user)
        box.run("chage", option, day, user)
    refuses("old", start=EXPIRED, name="expired: the client is told")
    refuses("old", "mistaken", name="expired: a stranger is not")
    t.ok(not answer("old", "mistaken").startswith(EXPIRED), "expired: not a word of it")
    PAGE.apply("Passwords that have expired")
    lets("old", name="expired: overlooked, mail goes on")
    refuses("old", "mistaken", name="expired: with the right password")
    refuses("gone", name="expired: an account that has ended stays closed")
    lets("alice", name="expired: all others as before")


def printers():
    sockets = "Old printers, on a port of the LAN"
    with inside_tls.configured(CONFIGURATION):
        PAGE.apply(sockets)
        try:
            lets("alice", address="192.0.2.1", source="192.0.2.7", name="printers: a device in the LAN")
            secret = pathlib.Path("/etc/restante/secrets").read_text().strip().partition(":")[2]
            with Pop(110, "192.0.2.1", source="192.0.2.7") as pop:
                with t.holds("printers: one that knows APOP"):
                    pop.apop("alice", secret).expect("QUIT")
            found = reached("192.0.2.1", "198.51.100.7")
            complaints = [str(entry["MESSAGE"]) for entry in box.journal(0, "_PID=1", "UNIT=restante-lan.socket")]
            cannot = any("firewall" in line for line in complaints)
            t.same(found, "refused" if cannot else "dropped", "printers: not from elsewhere, by the kernel if it can")
            unfiltered()
            found = reached("192.0.2.1", "198.51.100.7")
            t.same(found, "refused", "printers: nor a password in clear where the kernel drops nothing")
            lets("alice", address="192.0.2.1", source="192.0.2.7", name="printers: but from the LAN")
            for address in ("127.0.0.1", "::1", "2001:db8::1"):
                t.same(reached(address), "nothing", "printers: nothing listens on port 110 of %s" % address)
            with t.holds("printers: the others have port 995"):
                box.login("bob", way="tls", context=inside_tls.context()).expect("QUIT")
        finally:
            box.run("systemctl", "disable", "--now", "restante-lan.socket")
            box.run("systemctl", "start", "restante.socket")


def unfiltered():
    """the socket without the kernel's filter, as on a system that has none"""
    directory = pathlib.Path("/etc/systemd/system/restante-lan.socket.d")
    directory.mkdir()
    (directory / "test.conf").write_text("[Socket]\nIPAddressDeny=\nIPAddressAllow=\n")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "restante-lan.socket")


def reached(address, source=None):
    """how far a password in clear gets"""
    try:
        with Pop(110, address, timeout=2, source=source) as pop:
            pop.line()
            said = [pop.command("USER alice"), pop.command("PASS " + box.password_of("alice"))]
    except ConnectionRefusedError:
        return "nothing"
    except TimeoutError:
        return "dropped"
    except Closed:
        return "closed"
    return "in" if said[1].startswith("+OK") else "refused" if said[0].startswith("-ERR [AUTH]") else said


def complete():
    """no recipe is left out, but the one that says so; what looks like a file of PAM is one"""
    tested = [heading for heading in PAGE.sections if "no test of ours" not in str(SOURCE[heading])]
    t.same(len(PAGE.sections) - len(tested), 1, "page: all but one recipe are tested")
    t.same(sorted(tested), sorted(HEADINGS), "page: and each by a step of ours")
    for heading in PAGE.sections:
        for path, text in PAGE.files(heading).items():
            lines = [line for line in text.splitlines() if path.startswith("/etc/pam.d/") and line]
            bad = [line for line in lines if line.split()[0] not in ("auth", "account", "@include")]
            t.same(bad, [], "page: %s of %s" % (path, heading)) if lines else None


STEPS = {
    # the first, as it counts all failures in the journal
    "fail2ban": lambda: inside_ban.bans(t, PAGE),
    "Virtual users, one account for all mail": virtual,
    "A password for mail only": mail_password,
    "The group pop3 as a switch": switch,
    "From which networks": networks,
    "Passwords that have expired": expired,
    "Old printers, on a port of the LAN": printers,
    "A running xinetd: from qmail-pop3d, or from Courier": lambda: inside_move.moves(t, PAGE),
}
HEADINGS = list(STEPS)
SOURCE = dict(zip(PAGE.sections, TEXT.read_text().split("\n-----")[1:]))


def fresh():
    """as before the first recipe"""
    pathlib.Path(CONFIGURATION).write_text("")
    box.pam(PAM_UNIX)
    for user in ("alice", "bob"):
        box.deliver(user)


def main():
    install()
    pathlib.Path("/etc/restante").mkdir(exist_ok=True)
    for address in ("192.0.2.1", "192.0.2.7", "198.51.100.7", "2001:db8::1", "2001:db8::7", "2001:db8:7::7", "2001:db8:8::7"):
        box.run("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
    for user in ("alice", "bob"):
        box.account(user)
    box.run("systemctl", "start", "restante.socket", "restante-tls.socket")
    complete()
    for heading, step in STEPS.items():
        if sys.argv[1:] and not any(word in heading for word in sys.argv[1:]):
            continue
        fresh()
        try:
            with contextlib.nullcontext() if step is printers else box.dropin(box.options(PROGRAM, *QUICK)):
                step()
        except Exception as error:
            t.ok(False, "%s: to its end" % heading, "".join(traceback.format_exception(error)[-6:]))
    t.done()


main()
