# tunnel - the client's end of TLS, above a connection that somebody else reads and writes
#
# Python's ssl works on memory here, so that a test decides about each octet below: one at a
# time, several things in one write, an end without a goodbye.
#
# SPDX-License-Identifier: ISC
import contextlib
import ssl
import warnings

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
            "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Broken(Exception):
    """TLS, or its end, is not as RFC 8446 has it; or the other side said that ours is not."""


def context(ca, words):
    """What the client can and wants; words: min max ciphers alpn (and cert: paths of chain and key)"""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False	# @served compares the certificate itself
    made.load_verify_locations(ca)
    made.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)	# of old versions
        if "min" in words or words.get("max") in ("1.0", "1.1"):
            made.set_ciphers("DEFAULT:@SECLEVEL=0")
            made.minimum_version = VERSIONS[words.get("min", "1.0")]
        if "max" in words:
            made.maximum_version = VERSIONS[words["max"]]
    if "ciphers" in words:
        made.set_ciphers(words["ciphers"])
    if "alpn" in words:
        made.set_alpn_protocols(words["alpn"].split(","))
    if "cert" in words:
        made.load_cert_chain(*words["cert"])
    return made


class Tunnel:
    """pull() brings octets of the connection, b"" at its end; push(octets) sends some."""

    def __init__(self, pull, push, settings, name=None, session=None):
        self.pull, self.push, self.settings = pull, push, settings
        self.coming, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = settings.wrap_bio(self.coming, self.going, server_hostname=name.encode() if name else None)
        if session:
            self.tls.session = session
        self.ended = self.said_goodbye = False
        self.wrong = None

    def hello(self):
        """The client's first octets, not sent."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.going.read()

    def handshake(self):
        self._do(self.tls.do_handshake)

    def write(self, octets):
        self._do(lambda: self.tls.write(octets) if octets else None)

    def read(self):
        """What comes next; b"" once the other side has said goodbye and closed."""
        if self.ended:
            return b""
        try:
            return self._do(self._read_all) or self._closed()
        except ssl.SSLZeroReturnError:
            return self._closed()

    def _read_all(self):
        """All records that are here already; the library reads one at a time."""
        if self.wrong:
            raise self.wrong
        read = self.tls.read(1 << 20)
        try:
            while more := self.tls.read(1 << 20):
                read += more
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.wrong = error	# behind what is to be read first
        return read

    def _closed(self):
        """After close_notify the connection must end with nothing behind it."""
        self.ended = True
        rest = self.coming.read()
        while more := self.pull():
            rest += more
        if rest:
            raise Broken(f"{len(rest)} octets behind close_notify")
        return b""

    def goodbye(self):
        """close_notify; reading goes on.  What came but was not read is returned."""
        read = b""
        if self.ended or self.said_goodbye:
            return read
        # with unread octets the library would take the shutdown for a failure
        with contextlib.suppress(ssl.SSLError):
            while more := self.tls.read(1 << 20):
                read += more
        self.said_goodbye = True
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self._flush()
        return read

    def _flush(self):
        if octets := self.going.read():
            self.push(octets)

    def _do(self, step):
        """A step of the library, with as many octets of the connection as it needs."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLZeroReturnError:
                raise
            except ssl.SSLError as error:
                self._flush()	# our alert
                self.ended = True
                raise Broken(_words(error)) from None
            else:
                self._flush()
                return done

    def _feed(self):
        if octets := self.pull():
            self.coming.write(octets)
        elif self.coming.eof:
            self.ended = True
            raise Broken("the end of the connection")
        else:
            self.coming.write_eof()


def _words(error):
    if isinstance(error, ssl.SSLEOFError) or "UNEXPECTED_EOF" in (error.reason or ""):
        return "the end of the connection, without close_notify"
    return (error.reason or str(error)).lower().replace("_", " ")
