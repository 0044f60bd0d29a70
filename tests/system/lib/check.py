"""check.py - Test Anything Protocol: one line a check, figures as diagnostics, skips with their reason

A check that raises is a failed check, never a lost one; a test that ends without done() has no
plan, which the harness counts as a failure.  SIGTERM ends it as an error does: whoever has made
something removes it then (tests/limit).

SPDX-License-Identifier: ISC
"""
import contextlib
import signal
import sys
import traceback


def stop(*_):
    """tidying up is not disturbed by the next one"""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


signal.signal(signal.SIGTERM, stop)


class Checks:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def note(self, text):
        for line in str(text).splitlines() or [""]:
            print("# " + line, flush=True)

    def ok(self, good, name, why=None):
        """one check; why is shown when it fails"""
        self.count += 1
        if not good:
            self.failed += 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name), flush=True)
        if not good and why is not None:
            self.note(why)
        return bool(good)

    def same(self, got, want, name):
        return self.ok(got == want, name, "got:  %s\nwant: %s" % (cut(got), cut(want)))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why), flush=True)

    @contextlib.contextmanager
    def holds(self, name):
        """with t.holds("what"): ... - passes when nothing is raised"""
        try:
            yield
        except Exception as error:
            self.ok(False, name, "".join(traceback.format_exception(error)[-3:]))
        else:
            self.ok(True, name)

    def done(self):
        """print the plan and end"""
        print("1..%d" % self.count, flush=True)
        sys.exit(1 if self.failed else 0)


def skip_all(why):
    """end a whole test that cannot run here"""
    print("1..0 # SKIP " + why, flush=True)
    sys.exit(0)


def cut(value, most=600):
    """a value short enough for a diagnostic"""
    text = repr(value)
    return text if len(text) <= most else text[: most // 2] + " ... " + text[-most // 2 :]


def same_octets(got, want):
    """None, or where two byte strings part"""
    if got == want:
        return None
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    low = max(0, at - 30)
    return "octet %d of %d/%d: got %r want %r" % (
        at,
        len(got),
        len(want),
        got[low : at + 30],
        want[low : at + 30],
    )
