"""inside_login.py - in the box: who may log in, over which address, and what the others hear

SPDX-License-Identifier: ISC
"""
import concurrent.futures
import pathlib
import pwd
import stat
import time

import box
import corpus
from pop import Pop
from stage import PAM_UNIX


def accounts():
    """one of each kind"""
    for user in ("alice", "bob"):
        box.account(user, "-G", "mail")
    box.account("mailonly", "-s", "/usr/sbin/nologin")
    box.account("locked")
    box.run("passwd", "-l", "locked")
    box.account("empty")
    box.run("passwd", "-d", "empty")
    box.account("ended")
    box.run("chage", "-E", "1", "ended")
    box.account("expired")
    box.run("chage", "-d", "0", "expired")
    box.account("inactive")
    box.run("chage", "-d", "2020-01-01", "-M", "30", "-I", "30", "inactive")
    box.account("system", "-r")
    box.run("chpasswd", input="root:%s\n" % box.password_of("root"))


def whole_session(user, address, **way):
    """log in, read all, delete one; put it back"""
    with box.login(user, address=address, **way) as pop:
        for number, (_, stored) in enumerate(box.MAIL, 1):
            assert pop.multi("RETR %d" % number) == corpus.wire(stored), "RETR %d" % number
        pop.expect("DELE 2")
        pop.expect("QUIT")
        assert pop.rest() == b"", "octets behind QUIT"
    names = [name for name, _ in box.MAIL]
    assert box.left(user) == names[:1] + names[2:], box.left(user)
    box.deliver(user, box.MAIL[1:2])


def addresses(t):
    """the unit as installed, and with the connection as descriptor 3"""
    for how, text in (
        ("StandardInput=socket", "[Service]\n"),
        ("a passed descriptor", "[Service]\nStandardInput=null\nStandardOutput=null\n"),
    ):
        with box.dropin(text):
            for address, seen in (
                ("127.0.0.1", "127.0.0.1"),
                ("::1", "::1"),
                ("::ffff:127.0.0.1", "127.0.0.1"),
            ):
                after = box.now()
                with t.holds("%s: a session from %s" % (how, address)):
                    whole_session("alice", address)
                entries = box.phrase(box.journal(after, "POP3_USER=alice", want=2), "LOGOUT")
                t.same(
                    [entry.get("POP3_IP") for entry in entries],
                    [seen],
                    "%s: %s is logged as %s" % (how, address, seen),
                )


def answer(user, password, method="USER"):
    """the reply to a login and the seconds it took"""
    with Pop(110, timeout=30) as pop:
        pop.line()
        pop.expect("USER " + user)
        started = time.monotonic()
        return pop.command("PASS " + password), time.monotonic() - started


def refused(t):
    """whoever may not, and for whatever reason: one text, one time"""
    wrong = {
        "wrong password": ("alice", "mistaken"),
        "unknown name": ("nosuchname", "mistaken"),
        "wrong password of an expired account": ("expired", "mistaken"),
        "empty password in shadow": ("empty", "mistaken"),
        "name with a path": ("../alice", box.password_of("alice")),
    }
    for user in ("locked", "ended", "system", "root"):
        wrong["right password of " + user] = (user, box.password_of(user))
    with concurrent.futures.ThreadPoolExecutor(len(wrong)) as pool:
        answers = dict(zip(wrong, pool.map(lambda pair: answer(*pair), wrong.values())))
    reference = answers["wrong password"][0]
    t.ok(reference.startswith("-ERR [AUTH] "), "a wrong password is -ERR [AUTH]", reference)
    for case, (text, _) in answers.items():
        t.same(text, reference, "%s: the same text as any wrong password" % case)
    times = sorted(seconds for _, seconds in answers.values())
    t.note("seconds until the refusal: %s" % " ".join("%.2f" % seconds for seconds in times))
    t.ok(times[0] >= 1.9 and times[-1] < 3.9, "the refusal takes the same time for all", times)
    text, _ = answer("empty", "")
    t.ok(text.startswith("-ERR"), "an account without password cannot log in without one", text)


def permitted(t):
    with t.holds("an account whose shell is nologin gets its mail"):
        box.login("mailonly").expect("QUIT")
    for user in ("expired", "inactive"):
        text, _ = answer(user, box.password_of(user))
        t.ok(text.startswith("-ERR [AUTH]"), "%s: the right password is refused" % user, text)


def digits(t):
    """a name that is another account's number is a name all the same"""
    name = str(pwd.getpwnam("alice").pw_uid)
    # useradd makes no such name; other directories do
    box.account("digits", mail=False)
    for file in ("/etc/passwd", "/etc/shadow"):
        path = pathlib.Path(file)
        path.write_text(path.read_text().replace("digits:", name + ":", 1))
    box.run("chpasswd", input="%s:%s\n" % (name, box.password_of(name)))
    box.deliver(name, [("1000.own", b"Subject: own\n")])
    with box.login(name) as pop:
        t.same(pop.command("UIDL 1"), "+OK 1 1000.own", "an all-digit name gets its own mail, not a number's")
        pop.expect("QUIT")


def three_failures(t):
    """the third distinct failure ends the connection"""
    with Pop(110, timeout=30) as pop:
        pop.line()
        replies = []
        for word in ("one", "two", "three"):
            pop.expect("USER alice")
            replies.append(pop.command("PASS mistaken-" + word))
        rest = pop.rest()
    t.ok(
        all(reply.startswith("-ERR [AUTH]") for reply in replies),
        "three wrong passwords: each refused",
        replies,
    )
    t.same(rest, b"", "three wrong passwords: then the connection is closed")


def throttled(t, program, directory):
    """one who guesses, by the installed unit: from the sixth failure on he waits, and nobody else does"""
    path, after = pathlib.Path(directory, "throttle"), box.now()
    settings = ["auth.throttle_exempt=", "auth.throttle_delay=3s", "auth.failure_delay=100ms"]
    settings.append("auth.max_failures=99")

    def guess(count, word):
        with Pop(110, timeout=60) as pop:
            pop.line()
            for number in range(count):
                pop.expect("USER alice")
                pop.expect("PASS %s-%d" % (word, number), "-ERR [AUTH]")

    def seconds(address):
        started = time.monotonic()
        box.login("alice", address=address).expect("QUIT")
        return time.monotonic() - started

    with box.dropin(box.options(program, *settings)):
        guess(10, "guess")
        found = path.stat()
        t.same(
            (found.st_uid, stat.S_IMODE(found.st_mode)), (0, 0o600), "throttle: its file is root's alone"
        )
        slow, quick = seconds("127.0.0.1"), seconds("::1")
        t.note("seconds of a login: %.2f for one who has guessed, %.2f for another" % (slow, quick))
        t.ok(slow >= 0.7 and quick < slow, "throttle: who guesses waits, another does not", (slow, quick))
        guess(2, "more")
        t.same(path.stat().st_size, found.st_size, "throttle: its file does not grow")
    lines = box.phrase(box.journal(after, "SYSLOG_IDENTIFIER=pop3d", want=14), "THROTTLED")
    t.same(
        [(line["POP3_IP"], line["MESSAGE"].count("failures=6")) for line in lines],
        [("127.0.0.1", 1)],
        "throttle: the journal has it once",
    )
    path.unlink()


def stock_files(t):
    """the PAM service that we install, with Debian's common files"""
    if pathlib.Path("/etc/pam.d/common-auth").exists() or pathlib.Path("/etc/pam.d/password-auth").exists():
        box.pam(pathlib.Path("/run/shared/pam.d-pop3").read_text())
        with t.holds("the installed PAM service lets a user in"):
            box.login("bob").expect("QUIT")
        text, _ = answer("bob", "mistaken")
        t.ok(text.startswith("-ERR [AUTH]"), "the installed PAM service refuses a wrong password", text)
    box.pam(PAM_UNIX)
