#!/usr/bin/python3
"""apop.t - mail programs and APOP: with the timestamp in the greeting and without

Those that know APOP log in by it; those that try it only because the greeting offers it, and have
no secret here, still get in with their password and are in no log as an attack.

SPDX-License-Identifier: ISC
"""
import binascii
import os
import pathlib
import poplib
import shutil
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system/lib"))

import check  # noqa: E402
import clients  # noqa: E402
from pop import Pop  # noqa: E402
from server import BUILD, PASSWORD, Server  # noqa: E402

SECRET = "a secret-of-the-printer's"
MAIL = b"Subject: one\r\nFrom: a@example.org\r\n\r\ntext\r\n"
QUIET = ["auth.failure_delay=100ms"]
t = check.Checks()


def python(server, work, user, word):
    pop = poplib.POP3("127.0.0.1", server.port, 20)
    try:
        pop.apop(user, word)
        (work / "got").write_bytes(b"".join(line + b"\r\n" for line in pop.retr(1)[1]))
    except poplib.error_proto as error:
        raise clients.Failed(str(error)) from error
    finally:
        pop.quit()


def curl(*words):
    def run(server, work, user, word):
        url = "pop3://127.0.0.1:%d/1" % server.port
        command = ["curl", "-sS", *words, "-u", user + ":" + word, "-o", work / "got", url]
        clients.Curl(server).run(work, command)

    return run


def mpop(auth):
    def run(server, work, user, word):
        take = server.write(work / "take", "#!/bin/sh\nexec cat >'%s/got'\n" % work, 0o755)
        (work / "word").write_text(word)
        server.own(work / "word")
        where = ["--file=/dev/null", "--host=127.0.0.1", "--port=%d" % server.port, "--user=" + user]
        more = ["--auth=" + auth, "--tls=off", "--uidls-file=%s/uidls" % work, "--passwordeval=cat word"]
        last = ["--delivery=mda,%s" % take, "--keep=on", "--received-header=off"]
        clients.Mpop(server).run(work, ["mpop", "--quiet", *where, *more, *last])

    return run


def fetchmail(server, work, user, word):
    take = server.write(work / "take", "#!/bin/sh\nexec cat >'%s/got'\n" % work, 0o755)
    poll = 'poll localhost protocol apop port %d username "%s" password "%s" sslproto "" keep' % (
        server.port, user, word,
    )
    server.write(work / "rc", poll + " no rewrite no mimedecode pass8bits no stripcr mda '%s'\n" % take, 0o600)
    command = ["fetchmail", "-s", "--invisible", "-f", work / "rc", "--pidfile", work / "pid", "-i", work / "ids"]
    clients.Fetchmail(server).run(work, command)


def script(program, text):
    def run(server, work, user, word):
        server.write(work / "script", text)
        clients.Client(server).run(work, [program, "script", server.port, user, word])

    return run


PERL = """use Net::POP3; my ($port, $user, $word) = @ARGV;
my $pop = Net::POP3->new('127.0.0.1', Port => $port, Timeout => 20) or die;
defined $pop->apop($user, $word) or die $pop->message;
open my $file, '>:raw', 'got' or die; print $file @{$pop->get(1)}; close $file or die; $pop->quit or die;
"""
RUBY = """require 'net/pop'
port, user, word = ARGV
Net::APOP.start('127.0.0.1', port.to_i, user, word) do |pop|
  File.binwrite('got', pop.mails[0].pop)
end
"""
# name: the program, how it is told to use APOP
TOLD = {
    "poplib": ("python3", python),
    "curl": ("curl", curl("--login-options", "AUTH=+APOP")),
    "mpop": ("mpop", mpop("apop")),
    "fetchmail": ("fetchmail", fetchmail),
    "perl": ("perl", script("perl", PERL)),
    "ruby": ("ruby", script("ruby", RUBY)),
}


def visit(server, name, program, run, word, title):
    """what it fetched, None if it failed, and what the log says of it; the account has its name"""
    if not shutil.which(program):
        t.skip(name, "no %s" % program)
        return None
    work = server.own(server.make("work-%s-%d" % (name, time.monotonic_ns())))
    before = {phrase: len(server.events(phrase, name)) for phrase in ("LOGIN", "LOGIN FAILED")}
    got = None
    try:
        run(server, work, name, word)
        got = (work / "got").read_bytes().replace(b"\r\n", b"\n")
    except clients.Failed as failed:
        t.note("%s: %s: %s" % (title, name, str(failed)[-100:]))
    server.wait_idle()
    return got, *([line["method"] for line in server.events(phrase, name)[count:]] for phrase, count in before.items())


def on():
    names = sorted(TOLD)
    secrets = "# for a test\n" + "".join("%s:%s\n" % (name, SECRET) for name in names)
    text = MAIL.replace(b"\r\n", b"\n")
    with Server(QUIET, secrets=secrets) as server:
        for name in names:
            server.maildir(name, [("1000.a", MAIL)])
        for name, (program, run) in TOLD.items():
            found = visit(server, name, program, run, SECRET, "told")
            if found:
                t.same(found, (text, ["APOP"], []), "%s: told to use APOP, it does" % name)
                got, logins, failures = visit(server, name, program, run, "wrong", "wrong")
                t.same((got, logins), (None, []), "%s: with a wrong secret it fails" % name)
                t.ok("APOP" in failures, "%s: and the log says so" % name, failures)
        t.same(set(server.statuses()), {0}, "every session ended with status 0")


def untold():
    """curl, which takes the first that it knows of AUTH's mechanisms, APOP, USER, and no other after it"""
    text = MAIL.replace(b"\r\n", b"\n")
    nothing = "auth.mechanisms="
    for title, rules, name, word, wanted in (
        ("with AUTH's mechanisms it uses one of them", [], "other", PASSWORD, (text, ["PLAIN"], [])),
        ("without them, with a secret, APOP", [nothing], "curl", SECRET, (text, ["APOP"], [])),
        ("with neither it fails, and is in the log", [nothing], "other", PASSWORD, (None, [], ["APOP"])),
    ):
        with Server([*QUIET, *rules], secrets="%s:%s\n" % (name, SECRET)) as server:
            server.maildir("curl", [("1000.a", MAIL)])
            found = visit(server, "curl", "curl", curl(), word, "untold")
            if found:
                t.same(found, wanted, "curl, untold: %s" % title)


def replayed():
    """what was heard on one connection is worth nothing on another one, at the same time or later"""
    with Server(QUIET, secrets="alice:%s\n" % SECRET) as server:
        server.maildir("alice", [("1000.a", MAIL)])
        with Pop(server.port) as first, Pop(server.port) as second:
            heard = first.digest("alice", first.stamp(), SECRET)
            t.ok(second.digest("alice", second.stamp(), SECRET) != heard, "two connections, two timestamps")
            second.expect(heard, "-ERR [AUTH]")
            first.expect(heard)
            first.expect("QUIT")
        with Pop(server.port) as third:
            third.line()
            third.expect(heard, "-ERR [AUTH]")
            third.expect(heard.upper().replace("APOP ALICE", "APOP alice"), "-ERR [AUTH]")


def base64(text):
    return binascii.b2a_base64(text.encode(), newline=False).decode()


def stubborn():
    """as MailKit does: the timestamp is there, so APOP, then each mechanism, then USER"""
    with Server([*QUIET, "auth.max_failures=3"], secrets="other:x\n") as server:
        server.maildir("alice", [("1000.a", MAIL)])
        for password, start in ((PASSWORD, "+OK"), ("mistaken", "-ERR")):
            with Pop(server.port) as pop:
                stamp = pop.stamp()
                pop.expect(pop.digest("alice", stamp, password), "-ERR")
                pop.expect("AUTH PLAIN " + base64("\0alice\0" + password), start)
                if start == "-ERR":
                    pop.expect("AUTH LOGIN", "+ ")
                    pop.expect(base64("alice"), "+ ")
                    pop.expect(base64(password), start)
                    pop.expect("USER alice")
                    pop.expect("PASS " + password, start)
                    pop.expect("QUIT")
        server.wait_idle()
        lines = [line["method"] for line in server.events("LOGIN FAILED")]
        t.same(lines, ["PLAIN"], "APOP, then a password: one that is right leaves no failure, a wrong one one")


def off():
    text = MAIL.replace(b"\r\n", b"\n")
    for rules, method in ([], "PLAIN"), (["auth.mechanisms="], "USER"):
        with Server([*QUIET, *rules]) as server:
            server.maildir("curl", [("1000.a", MAIL)])
            found = visit(server, "curl", "curl", curl(), PASSWORD, "off")
            if found:
                t.same(found, (text, [method], []), "curl: not offered, so %s" % method)
            with Pop(server.port) as pop:
                t.ok(b"<" not in pop.line(), "without secrets the greeting has no timestamp")


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    started = time.monotonic()
    for step in (on, untold, replayed, stubborn, off):
        with t.holds("%s: to its end" % step.__name__):
            step()
    t.note("%.1f s in all" % (time.monotonic() - started))
    t.done()


main()
