# transcript - read a .pop file: what is to be set up, said, heard and found afterwards
#
# The notation is described in tests/pop3/README.  Nothing is run here.
#
# SPDX-License-Identifier: ISC
import re
from dataclasses import dataclass, field

from lib.escapes import decode

STEP = re.compile(r"(\d?)(C[:+.~]|S[:/.<~+#=-])(?: (.*))?$")
ACTION = re.compile(r"(\d?)@(\w+)(?: (.*))?$")
HEADER = re.compile(r"(\d?)([a-z]+):(?: (.*))?$")

# headers that may come several times, and those that may not
MANY = ("option", "env", "account", "pam", "script", "mail", "mails", "file", "link", "fifo", "dir", "mode",
        "under", "cert")
ONCE = ("over", "maildir", "exit", "needs", "todo")
AFTER = ("gone", "have", "lack", "trace", "log", "nolog")


class Malformed(Exception):
    """A transcript that cannot be understood."""


@dataclass
class Step:
    session: str
    kind: str		# C: C+ C. C~ S: S+ S/ S. S~ S< S- S# S= or the name of an action
    text: str
    line: int


@dataclass
class Transcript:
    title: str
    file: str
    line: int
    over: list = field(default_factory=lambda: ["socket"])
    needs: list = field(default_factory=list)
    maildir: str = "yes"
    todo: str = ""
    headers: list = field(default_factory=list)	# (name, text, content or None)
    steps: list = field(default_factory=list)
    after: list = field(default_factory=list)	# (session, name, text)
    exits: dict = field(default_factory=dict)	# session: text

    def values(self, name):
        return [text for key, text, _ in self.headers if key == name]


def read(path):
    """All transcripts of a file."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return parse((line.rstrip("\n") for line in file), path)


def parse(lines, path):
    """All transcripts in lines; path is what complaints name."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.startswith("== "):
            found.append(Transcript(line[3:].strip(), path, number))
        elif line and not line.startswith("#"):
            _line(found, path, number, line)
    return found


def _line(found, path, number, line):
    if not found:
        raise Malformed(f"{path}:{number}: a line before the first '== title'")
    try:
        _add(found[-1], number, line)
    except (ValueError, IndexError) as error:
        raise Malformed(f"{path}:{number}: {error}: {line}") from None


def _add(t, number, line):
    if line.startswith("|"):
        _continue(t, line[2:] if line.startswith("| ") else line[1:])
    elif m := STEP.match(line):
        session, kind, text = m.groups()
        t.steps.append(Step(session or "1", kind, text or "", number))
    elif m := ACTION.match(line):
        session, name, text = m.groups()
        t.steps.append(Step(session or "1", name, text or "", number))
    elif m := HEADER.match(line):
        _header(t, m[1] or "1", m[2], m[3] or "")
    else:
        raise ValueError("not understood")


def _continue(t, text):
    """A line of a file's content: ends in LF."""
    name, value, content = t.headers[-1]
    if content is None:
        raise ValueError("content without a file")
    t.headers[-1] = (name, value, content + decode(text) + b"\n")


def _header(t, session, name, text):
    if name in ("mail", "mails", "file", "script"):
        path, equals, content = text.partition(" = ")
        t.headers.append((name, path, decode(content) if equals else b""))
    elif name in MANY:
        t.headers.append((name, text, None))
    elif name == "exit":
        t.exits[session] = text
    elif name == "over":
        t.over = text.split()
    elif name == "needs":
        t.needs = t.needs + text.split()
    elif name in ONCE:
        setattr(t, name, text)
    elif name in AFTER:
        t.after.append((session, name, text))
    else:
        raise ValueError("unknown header")
