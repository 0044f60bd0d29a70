# play - run one transcript against the program and say what was wrong
#
# SPDX-License-Identifier: ISC
import contextlib
import hashlib
import os
import re
import signal
import time

from lib import after, secure, wire
from lib.after import Wrong
from lib.escapes import decode, show
from lib.maildir import Maildir
from lib.place import Place
from lib.program import PATIENCE, Program, Silence, leftovers
from lib.secure import Secure
from lib.tunnel import Broken

REPLY = re.compile(rb"(\+OK|-ERR)( |\r\n$)|#\d+\r\n$")
REPLY_MAX = 512		# RFC 2449 section 4, with the CRLF
DIGEST = re.compile(r"\{apop (.+?)\}")
TIMESTAMP = re.compile(rb"<[0-9a-f]{32}@[0-9A-Za-z.-]+>")


class Play(Secure):
    def __init__(self, binary, transcript, over, owner=None, names=None, tls=None):
        """
        names: what else than {dir} stands for something in options, env, pam and script lines
        tls: a Ground's means for TLS
        """
        self.binary, self.t, self.tls = binary, transcript, tls
        self.begins, self.over = secure.transport(over)
        self.place = Place(owner, names)
        self.maildir = Maildir(f"{self.place.dir}/mail/alice/Maildir")
        self.runs = {}		# session: Program
        self.heard = []		# the conversation so far, for people
        self.held = b""		# octets of C+ that wait for the next line

    def run(self):
        """None, or what was wrong, with the conversation and the log."""
        try:
            return self._play()
        finally:
            self.place.remove()

    def _play(self):
        try:
            self._prepare()
            self._session("1")
            for index, step in enumerate(self.t.steps):
                self._step(index, step)
            self._finish()
            after.check(self)
        except (Wrong, Silence, Broken, OSError) as wrong:
            return self._report(wrong)
        finally:
            for run in self.runs.values():
                run.end()
            leftovers()
        return None

    def _prepare(self):
        self.place.accounts([(b"alice", b"secret")] + [
            tuple(decode(part) for part in text.split(" ", 1)) for text in self.t.values("account")])
        self.place.service(self.t.values("pam"))
        if self.begins or self.t.values("cert"):
            self.place.secure(self.tls.certs, secure.definitions(self.t), self.tls.relay)
        for name, text, content in self.t.headers:
            if name == "script":
                self.place.write(f"pam/{text}", self.place.expand(content.decode()), 0o755)
        self.maildir.make(self.t)
        self.place.chown()

    def _session(self, name):
        if name not in self.runs:
            own = [self.place.expand(text) for text in self.t.values("option")]
            arguments = ["-c", f"{self.place.dir}/restante.conf"]
            mode = {"tls": ["network.tls=implicit"], "stls": ["network.tls=starttls"]}.get(self.begins, [])
            for option in self.place.options() + mode + own:
                arguments += ["-o", option]
            env = dict(self.place.expand(text).split("=", 1) for text in self.t.values("env"))
            binary, under = self.binary, self.place.expand("; ".join(self.t.values("under")))
            if under:
                binary, arguments = "/bin/sh", ["-c", f'{under}; exec "$0" "$@"', binary] + arguments
            self.runs[name] = Program(binary, arguments, self.over, env)
            self.runs[name].greeted = None	# the line
            self._begin(self.runs[name], self.begins)
        return self.runs[name]

    # the conversation

    def _expand(self, run, text):
        """{apop secret} is the digest of that secret and the timestamp in the greeting"""
        return DIGEST.sub(lambda m: self._digest(run, decode(m[1])), self.place.expand(text))

    @staticmethod
    def _digest(run, secret):
        stamp = TIMESTAMP.search(run.greeted or b"")
        if not stamp:
            raise Wrong(f"no timestamp in the greeting: {show(run.greeted or b'')}")
        return hashlib.md5(stamp[0] + secret).hexdigest()

    def _step(self, index, step):
        run = self._session(step.session)
        self.heard.append(f"{step.line}: {'' if step.session == '1' else step.session}{step.kind} {step.text}")
        try:
            if step.kind == "S-":
                self._unordered(index, run)
            elif step.kind in self.KINDS:
                self.KINDS[step.kind](self, run, self._expand(run, step.text))
            else:
                getattr(self, "_do_" + step.kind)(run, self._expand(run, step.text))
        except (Wrong, Silence, Broken) as wrong:
            what = str(wrong) or f"nothing came for {PATIENCE:g} s; waiting: {show(run.buffer)}"
            raise Wrong(f"{self.t.file}:{step.line}: {what}") from None

    def _say(self, run, text):
        run.send(self._join(decode(text) + b"\r\n"))

    def _say_raw(self, run, text):
        run.send(self._join(decode(text)))

    def _say_later(self, _run, text):
        self.held += decode(text) + b"\r\n"

    def _say_slowly(self, run, text):
        for octet in decode(text) + b"\r\n":
            run.send(bytes([octet]))

    def _join(self, octets):
        octets, self.held = self.held + octets, b""
        return octets

    def _hear_reply(self, run, text):
        """One status line; a * stands for anything."""
        pattern = b".*".join(re.escape(part) for part in decode(text).split(b"*"))
        self._match(run, pattern)

    def _hear_replies(self, run, text):
        """So many status lines alike."""
        count, _, pattern = text.partition(" ")
        for _ in range(int(count)):
            self._hear_reply(run, pattern)

    def _hear_pattern(self, run, text):
        self._match(run, text.encode())

    def _match(self, run, pattern):
        line = run.line()
        run.greeted = run.greeted or line
        if not re.fullmatch(pattern + rb"\r\n", line, re.S):
            raise Wrong(f"heard: {show(line) or 'the end of the connection'}")
        if not (REPLY.match(line) or line.startswith(b"+ ")) or len(line) > REPLY_MAX:
            raise Wrong(f"no legal reply: {show(line)}")

    def _hear_line(self, run, text):
        """One line of a multi-line reply, exactly."""
        line = run.line()
        if line != decode(text) + b"\r\n":
            raise Wrong(f"heard: {show(line) or 'the end of the connection'}")

    def _hear_line_pattern(self, run, text):
        line = run.line()
        if not re.fullmatch(text.encode() + rb"\r\n", line, re.S):
            raise Wrong(f"heard: {show(line) or 'the end of the connection'}")

    def _hear_message(self, run, text):
        """A whole message, as it was delivered, with its final line."""
        wanted = wire.reply(self.maildir.expected[decode(text)])
        got = run.take(len(wanted))
        if got != wanted:
            at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
            raise Wrong(f"at octet {at}: heard {show(got[at:], 80)}, not {show(wanted[at:], 80)}")

    def _mailbox(self, text):
        """What RCEV sends of these messages, without the From lines."""
        return [wire.mbox(self.maildir.expected[decode(path)]) for path in text.split()]

    def _hear_count(self, run, text):
        """The count of octets that RETR or RDEL announces for these messages."""
        octets = sum(wire.FROM_OCTETS + len(part) for part in self._mailbox(text))
        self._match(run, b"#%d" % octets)

    def _hear_mailbox(self, run, text):
        """All of these messages, one behind the other, and not an octet more."""
        for wanted in self._mailbox(text):
            got = run.take(wire.FROM_OCTETS + len(wanted))
            if not re.fullmatch(wire.FROM, got[:wire.FROM_OCTETS]) or got[wire.FROM_OCTETS:] != wanted:
                raise Wrong(f"heard {show(got, 200)}, not a From line and {show(wanted, 120)}")

    def _unordered(self, index, run):
        """The first of several S- lines takes them all, in any order."""
        if index and self.t.steps[index - 1].kind == "S-":
            return
        wanted = []
        for step in self.t.steps[index:]:
            if step.kind != "S-":
                break
            wanted.append(decode(step.text) + b"\r\n")
        got = [run.line() for _ in wanted]
        if sorted(got) != sorted(wanted):
            raise Wrong("heard: " + show(b"".join(sorted(got)), 1000))

    KINDS = {"C:": _say, "C~": _say_raw, "C+": _say_later, "C.": _say_slowly, "S:": _hear_reply, "S+": _hear_replies,
             "S/": _hear_pattern, "S.": _hear_line,
             "S~": _hear_line_pattern, "S<": _hear_message, "S#": _hear_count, "S=": _hear_mailbox}

    # what else happens: @name

    def _do_login(self, run, text):
        """Greeting, USER and PASS, all well."""
        name, _, password = (text or "alice secret").partition(" ")
        if not run.greeted:
            self._hear_reply(run, "+OK*")
        for line in (f"USER {name}", f"PASS {password}"):
            self._say(run, line)
            self._hear_reply(run, "+OK*")

    def _do_quit(self, run, _text):
        self._say(run, "QUIT")
        self._hear_reply(run, "+OK*")
        self._do_end(run, "")

    def _do_end(self, run, _text):
        """The program closes the connection, saying nothing more."""
        rest = run.rest()
        if rest:
            raise Wrong(f"unexpected: {show(rest)}")

    def _do_open(self, _run, _text):
        """Only start the session."""

    def _do_any(self, run, _text):
        """Whatever comes until the connection ends, in whatever way."""
        with contextlib.suppress(Broken):
            run.rest()

    def _do_shutdown(self, run, _text):
        run.shutdown()

    def _do_close(self, run, _text):
        run.close()

    def _do_reset(self, run, _text):
        run.reset()

    def _do_kill(self, run, text):
        run.kill(text)

    def _do_kill_session(self, run, text):
        """A signal to the process that serves the mail, where PAM sessions are kept around it."""
        run.kill(text, run.innermost())

    def _do_kill_all(self, run, text):
        """A signal to all processes of the program, as a supervisor ends a group."""
        os.killpg(run.pid, getattr(signal, f"SIG{text}"))

    def _do_exited(self, run, _text):
        """The process ends by itself, though nobody reads what it wrote."""
        if run.wait() is None:
            raise Wrong("it still runs")

    def _do_writes(self, run, text):
        """So many writes brought all replies since the last @writes (over packets)."""
        count, run.writes = run.writes, 0
        if count != int(text):
            raise Wrong(f"{count} writes")

    def _do_processes(self, run, text):
        """Wait until the run has so many processes."""
        until = time.monotonic() + PATIENCE
        while len(run.group()) != int(text):
            if time.monotonic() > until:
                raise Wrong(f"{len(run.group())} processes")
            time.sleep(0.005)

    def _do_memory(self, run, text):
        """Without a number: look; with one: since then at most so many kB more."""
        if text and run.memory() - run.memory_before > int(text):
            raise Wrong(f"{run.memory() - run.memory_before} kB more")
        run.memory_before = run.memory()

    def _do_took(self, run, text):
        """Seconds between the last octet sent and the last one heard: least most."""
        least, most = map(float, text.split())
        took = run.heard_at - run.sent_at
        if not least <= took <= most * max(1, PATIENCE / 10):
            raise Wrong(f"it took {took:.3f} s")

    def _do_deliver(self, _run, text):
        path, _, content = text.partition(" = ")
        self.maildir.deliver(decode(path), decode(content))
        self.place.chown()

    def _do_write(self, _run, text):
        """Change a file behind the program's back; the new content is what must stay."""
        path, _, content = text.partition(" = ")
        self.maildir.deliver(decode(path), decode(content))

    def _do_remove(self, _run, text):
        os.unlink(self.maildir.at(decode(text)))
        self.maildir.gone(decode(text))

    def _do_rename(self, _run, text):
        old, _, new = text.partition(" -> ")
        os.rename(self.maildir.at(decode(old)), self.maildir.at(decode(new)))

    def _do_mode(self, _run, text):
        mode, _, path = text.partition(" ")
        os.chmod(self.maildir.at(decode(path)), int(mode, 8))

    # the end

    def _finish(self):
        """Every client goes; nothing more may come, and the process ends."""
        for name, run in self.runs.items():
            if run.input is not None:
                run.shutdown()
                if rest := run.rest():
                    raise Wrong(f"unexpected at the end of session {name}: {show(rest)}")
            status = run.wait()
            want = self.t.exits.get(name, "0")
            if want not in ("*", str(status)) or status is None:
                raise Wrong(f"session {name}: exit status {status}, not {want}")
        if pids := leftovers():
            raise Wrong(f"processes left behind: {pids}")

    def _report(self, wrong):
        parts = [str(wrong)] + self.heard[-12:]
        for name, run in self.runs.items():
            parts += [f"log {name}: {line}" for line in run.log().splitlines()[-12:]]
        return "\n".join(parts)
