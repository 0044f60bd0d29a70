"""corpus.py - odd messages, the same ones at every run, and what each must look like on the wire

stored(): what a delivery agent, a copying administrator or a hostile friend may have left in a
Maildir.  wire(): the octets that RETR must bring, before dot-stuffing; written from RFC 1939
section 3 alone, by another method than the program uses.

SPDX-License-Identifier: ISC
"""
import random
import re

HEAD = (
    b"Return-Path: <sender@example.org>\nFrom: Sender <sender@example.org>\nTo: user@example.org\n"
    b"Subject: %s\nDate: Mon, 02 Nov 2026 10:%02d:00 +0000\nMessage-ID: <%s@corpus.example>\n"
    b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
)


def wire(stored):
    """each LF that no CR precedes gets one; an unfinished last line is finished"""
    sent = re.sub(rb"(?<!\r)\n", b"\r\n", stored)
    return sent if not sent or sent.endswith(b"\n") else sent + b"\r\n"


def plain():
    """(word, body): well-formed mail, any body that any client must bring home unharmed"""
    yield "empty-body", b""
    yield "one-line", b"hello\n"
    yield "unfinished", b"no line end here"
    yield "blank-lines", b"\n\n\n\n"
    yield "dot", b".\n"
    yield "dot-unfinished", b"."
    yield "dot-dot", b"..\n"
    yield "dots-growing", b"".join(b"." * n + b"\n" for n in range(1, 80))
    yield "dot-after-text", b"text\n.\nmore\n"
    yield "dot-first-and-last", b".first\nmiddle\n.last\n"
    yield "dot-space", b". \n.\t\n .\n"
    yield "dot-last-unfinished", b"text\n."
    yield "dot-only-lines", b".\n" * 500
    yield "dot-quit", b".\nQUIT\nDELE 1\n"
    yield "plus-ok", b"+OK not a reply\n-ERR neither\n"
    yield "from-line", b"From somebody Mon Nov  2 10:00:00 2026\n>From quoted\nFrom \n"
    yield "trailing-blanks", b"a  \nb\t\n \n\t\n"
    yield "utf-8", "Grüße aus Köln: žluťoučký kůň, 日本語, 🙂\n".encode() * 40
    yield "latin-1", bytes(range(0xA0, 0x100)) + b"\n"
    yield "eight-bit", bytes(b for b in range(1, 256) if b not in b"\r\n") + b"\n"
    yield "control", bytes(b for b in range(1, 32) if b not in b"\r\n") + b"\x7f\n"
    yield "form-feed", b"page one\n\x0cpage two\n\x1a\nafter control-Z\n"
    yield "crlf", b"stored\r\nwith\r\nCRLF\r\n"
    yield "crlf-unfinished", b"stored\r\nwith\r\nCRLF"
    yield "crlf-dots", b".\r\n..\r\n.a\r\n"
    yield "mixed", b"LF\nCRLF\r\nLF\nCRLF\r\n"
    yield "mixed-blank", b"\r\n\n\r\n\n"
    for size in (70, 76, 78, 79, 80, 127, 128, 255, 256, 509, 510, 511, 512, 513, 997, 998, 999, 1000, 1001):
        yield "line-%d" % size, b"x" * size + b"\n"
    for size in (1021, 1022, 1023, 1024, 1025, 2046, 2047, 2048, 4094, 4095, 4096, 4097, 8191, 8192, 8193):
        yield "line-%d" % size, b"y" * size + b"\nnext\n"
    for size in (65533, 65534, 65535, 65536, 65537):
        body = (b"0123456789" * 7 + b"\n") * (size // 71 + 1)
        yield "body-%d" % size, body[:size]
    for size in (4093, 4094, 4095, 4096, 16383, 16384, 65535, 65536, 131071):
        # a dot right behind a line end that falls on a buffer's border
        line = b"z" * 62 + b"\n"
        yield "border-%d" % size, (line * (size // 63 + 1))[: size - 1] + b"\n.border\n"
    yield "lines-empty-many", b"\n" * 20000
    yield "lines-short-many", b"".join(b"%d\n" % n for n in range(20000))
    yield "header-like", b"Subject: not a header\nX: y\n\nbody of the body\n"
    yield "mime-boundary", b"--boundary\nContent-Type: text/plain\n\npart\n--boundary--\n"
    yield "base64", b"VGhlIHF1aWNrIGJyb3duIGZveA==\n" * 1000
    yield "uuencode", b"begin 644 file\n#0V%T\n`\nend\n"
    # what nobody thought of, as far as it is mail
    dice = random.Random(822)
    parts = (b"", b".", b"..", b". ", b".x", b"x.", b"From x", b">From x", b" ", b"\t", b"-- ", b"y" * 75)
    for number in range(30):
        rows = [dice.choice(parts) + dice.choice((b"\n", b"\n", b"\r\n")) for _ in range(dice.randrange(1, 60))]
        yield "rows-%d" % number, b"".join(rows) + dice.choice((b"", b"no line end"))


def large():
    """bodies that are odd by their size alone"""
    yield "line-100k", b"w" * 100000 + b"\nnext\n"
    yield "line-1M", b"v" * 1048576 + b"\n.\n"
    rows = random.Random(1939)
    yield "five-megabytes", b"".join(
        b"%s\n" % (b"." * rows.randrange(3) + b"%x" % rows.getrandbits(240)) for _ in range(84000)
    )


def strange():
    """(word, whole file): not mail at all, but it was in the Maildir; the server takes it as it is"""
    yield "nothing", b""
    yield "newline", b"\n"
    yield "crlf-alone", b"\r\n"
    yield "cr-alone", b"\r"
    yield "dot-alone", b"."
    yield "dot-line", b".\n"
    yield "dot-crlf", b".\r\n"
    yield "blank-first", b"\nthen a body\n"
    yield "blank-first-dot", b"\n.\n"
    yield "header-only", b"Subject: header only\nFrom: a@example.org\n"
    yield "header-unfinished", b"Subject: header only, cut"
    yield "header-dot", b".Subject: stuffed\n..X: y\n\nbody\n"
    yield "mbox-from", b"From sender Mon Nov  2 10:00:00 2026\nSubject: with a From line\n\nbody\n"
    yield "no-header", b"just text\nand more\n"
    yield "nul", b"Subject: NUL\n\na\0b\n\0\n.\0\n"
    yield "nul-header", b"Sub\0ject: NUL\n\nbody\n"
    yield "cr-inside", b"Subject: lone CR\n\na\rb\n\rc\nd\r\r\n"
    yield "cr-dot", b"Subject: lone CR and a dot\n\na\r.\rb\n\r.\n"
    yield "cr-at-end", b"Subject: lone CR at the end\n\na\r"
    yield "cr-cr-lf", b"Subject: CR CR LF\r\r\n\r\r\nbody\r\r\n"
    yield "lf-cr", b"Subject: LF CR\n\r\n\rbody\n\r"
    yield "all-octets", b"Subject: all\n\n" + bytes(range(256)) * 16
    yield "binary", random.Random(2449).randbytes(50000)
    yield "header-8bit", b"Subject: \xe4\xf6\xfc\nFrom: \xff@example.org\n\nbody\n"
    yield "header-folded", b"Subject: folded\n  once\n\ttwice\nX-Empty:\nX-Blank: \n\nbody\n"
    yield "header-5000", b"Subject: s\n" + b"".join(b"X-%d: y\n" % n for n in range(5000)) + b"\nbody\n"
    yield "header-line-20k", b"Subject: long\nX-Long: " + b"h" * 20000 + b"\n\nbody\n"
    yield "blank-not-empty", b"Subject: a blank line that is not empty\n \nstill header?\n\nbody\n"
    yield "utf-16", "Subject: utf-16\n\nbody\n".encode("utf-16")
    # what nobody thought of: all orders of the octets that mean something
    dice = random.Random(918)
    for number in range(24):
        body = bytes(dice.choice(b"...\r\r\n\n\n\0ax") for _ in range(200))
        yield "dice-%d" % number, b"Subject: dice\n\n" * (number % 2) + body


def messages():
    """[(file name, octets as stored, is it well-formed mail?)] in the order the server must give"""
    found = []
    for number, (word, body) in enumerate([*plain(), *large()]):
        head = HEAD % (word.encode(), number % 60, word.encode())
        if word.startswith("crlf"):
            head = head.replace(b"\n", b"\r\n") + b"\r\n"
        else:
            head += b"\n"
        found.append((word, head + body, True))
    found += [(word, octets, False) for word, octets in strange()]
    return [
        ("%d.M%dP1.corpus" % (1700000000 + n, n), octets, mail) for n, (_, octets, mail) in enumerate(found)
    ]


def words():
    """the word of each message, in the same order"""
    return [word for word, _ in [*plain(), *large(), *strange()]]
