# escapes - the notation of octets in transcripts
#
# \r \n \t \0 \\ \xNN as in C; \b{text} is the base64 of text; \{3*ab} is ababab; both
# may hold escapes.  Everything else stands for itself, as UTF-8.
#
# SPDX-License-Identifier: ISC
import base64
import re

SIMPLE = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
PART = re.compile(r"\\x([0-9A-Fa-f]{2})|\\b(\{)|\\\{(\d+)(\*)|\\([rnt0\\])|([^\\}]+|\})")


def decode(text):
    """The octets that text stands for."""
    octets, end = _parts(text, 0, False)
    assert end == len(text)
    return octets


def _parts(text, at, inside):
    """Octets up to the end, or inside braces to the one that closes them; where that is."""
    out = []
    while at < len(text) and not (inside and text[at] == "}"):
        m = PART.match(text, at)
        if not m:
            raise ValueError(f"unknown escape {text[at:at + 4]}")
        octets, at = _one(m)
        out.append(octets)
    if inside and at == len(text):
        raise ValueError("missing }")
    return b"".join(out), at


def _one(m):
    code, base, times, _, simple, plain = m.groups()
    if plain:
        return plain.encode(), m.end()
    if code:
        return bytes([int(code, 16)]), m.end()
    if simple:
        return SIMPLE[simple], m.end()
    octets, end = _parts(m.string, m.end(), True)
    return base64.b64encode(octets) if base else octets * int(times), end + 1


SHOWN = {13: "\\r", 10: "\\n", 9: "\\t", 0: "\\0", 92: "\\\\"}


def show(octets, most=300):
    """Octets as a person can read them, cut where they are many."""
    text = "".join(chr(b) if 32 <= b < 127 and b != 92 else SHOWN.get(b, f"\\x{b:02x}") for b in octets[:most])
    return text if len(octets) <= most else f"{text}... ({len(octets)} octets)"
