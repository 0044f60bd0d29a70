# wire - what RFC 1939 section 3 makes of a message file, written down a second time
#
# The program has its own encoder; this one is here to disagree with it.
#
# SPDX-License-Identifier: ISC
import re


def lines(content):
    """The message as RETR counts it: CRLF line ends, the last line ended, not stuffed."""
    text = re.sub(rb"(?<!\r)\n", b"\r\n", content)
    if text and not text.endswith(b"\n"):
        text += b"\r\n"
    return text


def octets(content):
    return len(lines(content))


def reply(content):
    """What follows the +OK line of RETR, final line included."""
    return re.sub(rb"(?m)^\.", b"..", lines(content)) + b".\r\n"


FROM = rb"From MAILER-DAEMON [A-Z][a-z]{2} [A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d \d{4}\r\n"
FROM_OCTETS = 45


def mbox(content):
    """A message in the stream of RFC 918's RCEV, behind its From line."""
    return re.sub(rb"(?m)^(?=>*From )", b">", lines(content)) + b"\r\n"
