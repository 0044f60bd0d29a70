"""clients.py - nine mail programs: how each is run, and what it makes of what it fetched

SPDX-License-Identifier: ISC
"""
import os
import poplib
import re
import signal
import ssl
import subprocess
import time

from server import PYTHON

JARS = "/usr/share/java/javax.mail.jar:/usr/share/java/javax.activation.jar"


class Failed(Exception):
    """the client ended with a status that says so"""


class Client:
    """One client: how it is run, and what it makes of what it fetched."""

    name = ""
    programs = ()  # must be there, by name or path
    packages = ""  # where they come from
    mail_only = False  # it rewrites what is not well-formed mail
    remembers = False  # a second visit fetches nothing
    without = ()  # words of messages that it cannot take, and only for reasons of its own
    ways = (None, "starttls", "implicit")  # to TLS, or not

    def __init__(self, server):
        self.server = server

    def run(self, work, command, good=(0,), **more):
        """a command as the account that the server runs as, in a home of its own"""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=150,
            env={**os.environ, "HOME": str(work), "LANG": "C.UTF-8", "TMPDIR": str(work)},
            **more,
            **self.server.drop(),
        )
        if done.returncode not in good:
            raise Failed("status %d: %s" % (done.returncode, done.stdout[-600:].decode(errors="replace")))

    def taker(self, work):
        """a delivery program: each message becomes the next file in work/in"""
        return self.server.write(
            work / "take",
            "#!/bin/sh\ncd '%s/in' || exit 75\n" 'exec cat >"$(printf %%05d "$(ls | wc -l)")"\n' % work,
            0o755,
        )

    def lib(self, name):
        return self.server.dir / "lib" / name

    def fetched(self, work):
        return [path.read_bytes() for path in sorted((work / "in").iterdir())]

    def fetch(self, work, user, password, keep):
        """visit the server once; leave what was fetched in work/in"""
        raise NotImplementedError

    def canonical(self, octets):
        """what the client makes of what is on the wire"""
        return octets


def with_lf(octets):
    return octets.replace(b"\r\n", b"\n")


class Curl(Client):
    """writes what it gets; an empty message becomes an empty line (curl's end-of-body search, 7.88)"""

    name, programs, packages = "curl", ("curl",), "curl"

    def fetch(self, work, user, password, keep):
        scheme = "pop3s" if self.server.tls == "implicit" else "pop3"
        url = "%s://%s:%d/" % (scheme, self.server.host, self.server.port)
        login = ["curl", "-sS", "--fail-early", "-u", user + ":" + password]
        if self.server.tls:
            login += ["--ssl-reqd", "--cacert", self.server.ca]
        count = len(self.server.left(user))
        self.run(work, login + [url + "[1-%d]" % count, "-o", work / "in" / "#1"])
        for path in (work / "in").iterdir():
            path.rename(path.with_name("%05d" % int(path.name)))
        if not keep:
            # -I: no body follows; the numbers do not move, for all is one session that ends in QUIT
            self.run(work, login + [url + "[1-%d]" % count, "-X", "DELE", "-I", "-o", os.devnull])

    def canonical(self, octets):
        return octets or b"\r\n"


class Fetchmail(Client):
    """with "no stripcr" it changes nothing in mail; what is no mail gets headers from it, or is refused;
    two octets too many behind each 8,190 of a longer line, from its buffer (6.4.37, with any server)"""

    name, programs, packages = "fetchmail", ("fetchmail",), "fetchmail"
    mail_only = remembers = True
    without = ("line-8191", "line-8192", "line-8193", "line-100k", "line-1M")

    def fetch(self, work, user, password, keep):
        tls = "sslproto ''"
        if self.server.tls:
            tls = "sslproto 'TLS1.2+' sslcertck sslcertfile '%s'" % self.server.ca
        if self.server.tls == "implicit":
            tls = "ssl " + tls
        self.server.write(
            work / "rc",
            "set no bouncemail\nset invisible\n"
            "poll localhost protocol pop3 port %d %s auth password\n"
            '  username "%s" password "%s"\n'
            "  %s %s no rewrite no mimedecode pass8bits no stripcr mda \"%s\"\n"
            % (
                self.server.port,
                "uidl" if keep else "",
                user,
                password,
                tls,
                "keep" if keep else "fetchall",
                self.taker(work),
            ),
            0o600,
        )
        # 1: there was no new mail.  With keep it fetches by TOP, without by RETR: both must bring all.
        self.run(
            work,
            ["fetchmail", "-s", "-f", work / "rc", "--pidfile", work / "pid", "-i", work / "ids"],
            (0, 1),
        )


class Mpop(Client):
    """hands on lines with LF"""

    name, programs, packages = "mpop", ("mpop",), "mpop"
    remembers = True

    def fetch(self, work, user, password, keep):
        tls = ["--tls=off"]
        if self.server.tls:
            tls = ["--tls=on", "--tls-trust-file=" + self.server.ca]
            tls.append("--tls-starttls=%s" % ("off" if self.server.tls == "implicit" else "on"))
        self.run(
            work,
            [
                "mpop",
                "--quiet",
                "--file=/dev/null",
                "--host=" + self.server.host,
                "--port=%d" % self.server.port,
                "--user=" + user,
                "--passwordeval=echo " + password,
                "--auth=user",
                *tls,
                "--uidls-file=%s/uidls" % work,
                "--delivery=mda,%s" % self.taker(work),
                "--keep=%s" % ("on" if keep else "off"),
                "--received-header=off",
            ],
        )

    canonical = staticmethod(with_lf)


class Getmail(Client):
    """lines with LF; takes no line of a megabyte (its limit in poplib); makes headers where there are none"""

    name, programs, packages = "getmail", ("getmail",), "getmail6"
    mail_only = remembers = True
    without = ("line-1M",)
    ways = (None, "implicit")

    def fetch(self, work, user, password, keep):
        kind = "SimplePOP3Retriever"
        if self.server.tls:
            kind = "SimplePOP3SSLRetriever\nca_certs = " + self.server.ca
        self.server.write(
            work / "rc",
            "[retriever]\ntype = %s\nserver = %s\nport = %d\n"
            "username = %s\npassword = %s\n[destination]\ntype = MDA_external\npath = %s\n"
            "[options]\ndelete = %s\nread_all = false\ndelivered_to = false\nreceived = false\nverbose = 0\n"
            % (
                kind,
                self.server.host,
                self.server.port,
                user,
                password,
                self.taker(work),
                "false" if keep else "true",
            ),
            0o600,
        )
        self.run(work, ["getmail", "--getmaildir=%s" % work, "--rcfile=rc"])

    canonical = staticmethod(with_lf)


class Poplib(Client):
    """Python's own, after UTF8 (RFC 6856); its limit of 2,048 octets a line is lifted, as its users do"""

    name = "poplib"

    def connect(self):
        where = {"host": self.server.host, "port": self.server.port, "timeout": 20}
        if not self.server.tls:
            return poplib.POP3(**where)
        context = ssl.create_default_context(cafile=self.server.ca)
        if self.server.tls == "implicit":
            return poplib.POP3_SSL(**where, context=context)
        pop = poplib.POP3(**where)
        pop.stls(context)
        return pop

    def fetch(self, work, user, password, keep):
        poplib._MAXLINE = 1 << 22
        pop = self.connect()
        try:
            if "UTF8" in pop.capa():
                pop.utf8()
            pop.user(user)
            pop.pass_(password)
        except poplib.error_proto as error:
            pop.close()
            raise Failed(str(error)) from error
        count, total = pop.stat()
        sizes = [int(line.split()[1]) for line in pop.list()[1]]
        if (count, total) != (len(sizes), sum(sizes)) or len(pop.uidl()[1]) != count:
            raise Failed("STAT, LIST and UIDL do not agree")
        for number, size in enumerate(sizes, 1):
            octets = b"".join(line + b"\r\n" for line in pop.retr(number)[1])
            if len(octets) != size:
                raise Failed("LIST says %d of message %d of %d octets" % (size, number, len(octets)))
            (work / "in" / ("%05d" % number)).write_bytes(octets)
            if not keep:
                pop.dele(number)
        pop.quit()


class Script(Client):
    """a program of ours around a library: fetch PORT USER PASSWORD DIRECTORY KEEP [starttls|implicit CA]"""

    command = ()

    def fetch(self, work, user, password, keep):
        tls = [self.server.tls, self.server.ca] if self.server.tls else []
        self.run(
            work,
            [*self.command, self.server.port, user, password, work / "in", "keep" if keep else "", *tls],
        )


class Perl(Script):
    """lines with LF; inside TLS as they come"""

    name, packages = "perl", "perl libio-socket-ssl-perl"
    programs = ("perl", "/usr/share/perl5/IO/Socket/SSL.pm")

    def canonical(self, octets):
        return octets if self.server.tls else with_lf(octets)

    def __init__(self, server):
        super().__init__(server)
        self.command = ("perl", self.lib("fetch.pl"))


class Ruby(Script):
    name, programs, packages = "ruby", ("ruby",), "ruby ruby-net-pop"
    ways = (None, "implicit")

    def __init__(self, server):
        super().__init__(server)
        self.command = ("ruby", self.lib("fetch.rb"))


class JavaMail(Script):
    name, programs, packages = "javamail", ("javac", *JARS.split(":")), "default-jdk-headless libmail-java"

    def __init__(self, server):
        super().__init__(server)
        classes = server.own(server.make("java"))
        self.run(classes, ["javac", "-cp", JARS, "-d", classes, self.lib("Fetch.java")])
        self.command = ("java", "-XX:TieredStopAtLevel=1", "-cp", "%s:%s" % (JARS, classes), "Fetch")


class Thunderbird(Client):
    """keeps an mboxrd with LF and five header lines of its own; what is no mail it repairs"""

    name, programs, packages = "thunderbird", ("thunderbird", "certutil"), "thunderbird libnss3-tools"
    mail_only = remembers = True
    OWN = rb"\A(?:X-(?:Account-Key|UIDL|Mozilla-\w+):[^\n]*\n)+"

    def fetch(self, work, user, password, keep):
        profile = work / "profile"
        before = len(self.server.events("LOGOUT", user))
        if not profile.exists():
            self.run(
                work,
                [
                    PYTHON,
                    self.lib("thunderbird.py"),
                    profile,
                    self.server.port,
                    user,
                    password,
                    "keep" if keep else "",
                    self.server.tls or "",
                ],
            )
            self.trust(work, profile)
        with open(work / "output", "wb") as output:
            process = subprocess.Popen(
                ["thunderbird", "--headless", "--no-remote", "--profile", profile],
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "HOME": str(work), "TMPDIR": str(work)},
                start_new_session=True,
                **self.server.drop(),
            )
        try:
            if len(self.server.wait_events("LOGOUT", before + 1, user, 60)) <= before:
                raise Failed(
                    "no session within a minute: " + (work / "output").read_text(errors="replace")[-600:]
                )
            # it writes popstate.dat, which says what it has, after the session
            end = time.monotonic() + 10
            while keep and time.monotonic() < end and self.known(profile) < len(self.server.left(user)):
                time.sleep(0.1)
            time.sleep(0.5)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)

    def trust(self, work, profile):
        if self.server.tls:
            database, ca = "sql:%s" % profile, self.server.ca
            self.run(work, ["certutil", "-A", "-d", database, "-n", "test", "-t", "CT,,", "-i", ca])

    @staticmethod
    def known(profile):
        state = profile / "Mail/pop/popstate.dat"
        return (
            sum(1 for line in state.read_text().splitlines() if line.startswith("k "))
            if state.exists()
            else 0
        )

    def fetched(self, work):
        inbox = (work / "profile/Mail/pop/Inbox").read_bytes()
        return [re.sub(self.OWN, b"", part) for part in re.split(rb"(?m)^From - [^\n]*\n", inbox)[1:]]

    def canonical(self, octets):
        return re.sub(rb"(?m)^(>*From )", rb">\1", with_lf(octets)) + b"\r\n"


ALL = (Curl, Fetchmail, Mpop, Getmail, Poplib, Perl, Ruby, JavaMail, Thunderbird)
