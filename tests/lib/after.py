# after - what must be true once every session of a transcript has ended
#
# SPDX-License-Identifier: ISC
import os
import re

from lib.escapes import decode, show


class Wrong(Exception):
    """The program did not do what the transcript says."""


def check(play):
    """All that transcript says of the end; raises Wrong."""
    for session, name, text in play.t.after:
        CHECKS[name](play, play.runs[session], text)
    if problems := play.maildir.problems():
        raise Wrong("\n".join(problems))


def _gone(play, _run, text):
    play.maildir.gone(decode(text))
    if os.path.lexists(play.maildir.at(decode(text))):
        raise Wrong(f"still there: {text}")


def _have(play, _run, text):
    path, equals, content = text.partition(" = ")
    full = play.maildir.at(decode(path))
    if not os.path.lexists(full):
        raise Wrong(f"not there: {path}; but: {_listing(play.maildir.path)}")
    if equals:
        _compare(full, decode(content))


def _lack(play, _run, text):
    if os.path.lexists(play.maildir.at(decode(text))):
        raise Wrong(f"there is: {text}")


def _trace(play, _run, text):
    """What the PAM service wrote into {dir}/trace."""
    _compare(f"{play.place.dir}/trace", play.place.expand(decode(text).decode()).encode())


def _log(_play, run, text):
    if not re.search(text, run.log(), re.M):
        raise Wrong(f"no log line matches {text}")


def _nolog(_play, run, text):
    if found := re.search(text, run.log(), re.M):
        raise Wrong(f"in the log: {found[0]}")


CHECKS = {"gone": _gone, "have": _have, "lack": _lack, "trace": _trace, "log": _log, "nolog": _nolog}


def _compare(path, wanted):
    if not os.path.exists(path):
        raise Wrong(f"not there: {show(os.fsencode(path))}")
    with open(path, "rb") as file:
        got = file.read()
    if got != wanted:
        raise Wrong(f"{show(os.fsencode(path))} holds {show(got)}")


def _listing(top):
    found = []
    for folder, _, files in os.walk(top):
        found += [show(os.path.relpath(os.path.join(folder, name), top)) for name in files]
    return " ".join(sorted(found))
