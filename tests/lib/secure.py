# secure - what transcripts say about TLS: certificates in the set-up, handshakes in the conversation
#
# SPDX-License-Identifier: ISC
import os
import re
import ssl
import time

from lib import tunnel
from lib.after import Wrong
from lib.escapes import decode
from lib.program import PATIENCE
from lib.tunnel import Broken, Tunnel

OVER = re.compile(r"(tls|stls)(?:-(\w+))?$")
DEFAULT = "localhost"


def transport(over):
    """How over begins TLS by itself (tls, stls or nothing), and the connection below it."""
    m = OVER.match(over)
    return (m[1], m[2] or "tcp") if m else ("", over)


def wanted(t, over):
    """Does it need TLS at all, played over that?"""
    return bool(t.values("cert") or OVER.match(over))


def definitions(t):
    """(name, words) of each certificate of a transcript"""
    texts = t.values("cert")
    if not texts and any(OVER.match(over) for over in t.over):
        texts = [DEFAULT]
    return [(text.split()[0], tuple(text.split()[1:])) for text in texts]


class Secure:
    """The part of Play that knows TLS."""

    def _words(self, text):
        return dict(word.partition("=")[::2] for word in text.split())

    def _settings(self, words):
        given = dict(words)
        if "cert" in given:
            cert = self.place.certs[given["cert"]]
            given["cert"] = cert.chain, cert.key
        return tunnel.context(self.tls.certs.ca, given)

    def _start(self, run, words):
        """The handshake; its failure is Broken."""
        session, settings = None, None
        if "session" in words:
            other = self.runs[words["session"]].tunnel
            session, settings = other.tls.session, other.settings
        run.slow = "slow" in words
        run.start_tls(settings or self._settings(words), words.get("sni", DEFAULT), session)

    def _begin(self, run, how):
        """TLS before the first line of the transcript: at once, or by STLS."""
        greeting = b""
        if how == "stls":
            greeting = run.line()
            run.send(b"STLS\r\n")
            if not (reply := run.line()).startswith(b"+OK"):
                raise Wrong(f"STLS: {reply}")
        if how:
            self._start(run, {})
        run.buffer = greeting + run.buffer

    def _do_tls(self, run, text):
        """The handshake, now.  Words: sni alpn min max ciphers cert session slow; fails=pattern."""
        words = self._words(text)
        try:
            self._start(run, words)
        except Broken as broken:
            if "fails" not in words or not re.search(words["fails"], str(broken)):
                raise
            return
        if "fails" in words:
            raise Wrong("the handshake succeeded")

    def _do_hello(self, run, text):
        """The client's first octets of a handshake, in one write with what C+ holds."""
        words = self._words(text)
        hello = Tunnel(run.pull, run.push, self._settings(words), words.get("sni", DEFAULT)).hello()
        run.push(self._join(hello[:int(words["octets"])] if "octets" in words else hello))

    def _do_raw(self, run, text):
        """Octets below TLS."""
        run.push(decode(text))

    def _do_tls_close(self, run, _text):
        """close_notify; the connection stays."""
        run.goodbye()

    def _do_cut(self, run, _text):
        """The end of the connection, without close_notify."""
        run.cut()

    def _do_broken(self, run, text):
        """The connection ends in a way that TLS does not know, or with an alert: pattern."""
        try:
            rest = run.rest()
        except Broken as broken:
            if not re.search(text, str(broken)):
                raise
        else:
            raise Wrong(f"a clean end, after {rest}")

    def _do_resumed(self, run, text):
        if run.tunnel.tls.session_reused != (text == "yes"):
            raise Wrong(f"resumed: {run.tunnel.tls.session_reused}")

    def _do_alpn(self, run, text):
        if (chosen := run.tunnel.tls.selected_alpn_protocol() or "none") != text:
            raise Wrong(f"ALPN: {chosen}")

    def _do_version(self, run, text):
        if (version := run.tunnel.tls.version()) != text:
            raise Wrong(f"version: {version}")

    def _do_served(self, run, text):
        """The server showed this certificate."""
        with open(self.place.certs[text].leaf, encoding="utf-8") as file:
            wanted = ssl.PEM_cert_to_DER_cert(file.read())
        if run.tunnel.tls.getpeercert(True) != wanted:
            raise Wrong(f"another certificate: {run.tunnel.tls.getpeercert()}")

    def _do_renew(self, _run, text):
        """What is served as one name is another's from now on: name -> other."""
        name, _, other = text.partition(" -> ")
        self.place.lay(name, self.place.certs[other])

    def _do_age(self, _run, text):
        """The keys of tickets have been in use for so many more seconds."""
        for top, _, names in os.walk(f"{self.place.dir}/tickets"):
            for name in names:
                path = os.path.join(top, name)
                st = os.stat(path)
                os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns - int(text) * 10**9))

    def _do_kill_relay(self, run, text):
        """A signal to the process that does TLS."""
        run.kill(text, self._relay(run))

    def _relay(self, run):
        until = time.monotonic() + PATIENCE
        while (pid := run.relay()) is None:
            if time.monotonic() > until:
                raise Wrong("there is no restante-tls")
            time.sleep(0.005)
        return pid
