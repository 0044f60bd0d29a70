# tap - results in the Test Anything Protocol
#
# SIGTERM ends a test as an error does: whoever has made something removes it then (tests/limit).
#
# SPDX-License-Identifier: ISC
import signal
import sys


def stop(*_):
    """Tidying up is not disturbed by the next one."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


signal.signal(signal.SIGTERM, stop)


class Tap:
    """Counts and prints; failed says at the end whether anything was wrong."""

    def __init__(self, out=sys.stdout):
        self.out, self.count, self.failed = out, 0, 0

    def plan(self, tests):
        self._line(f"1..{tests}")

    def ok(self, title, problem=None, todo=""):
        """
        One result; problem is None or says, in several lines if need be, what was wrong.
        todo: why a failure is expected; then it is success that fails, so that the mark goes.
        """
        self.count += 1
        self.failed += (problem is None) == bool(todo)
        mark = f" # TODO {todo}" if todo else ""
        self._line(f"{'not ok' if problem else 'ok'} {self.count} - {_safe(title)}{mark}")
        for line in (problem or "").splitlines():
            self._line(f"#   {line}")

    def skip(self, title, why):
        self.count += 1
        self._line(f"ok {self.count} - {_safe(title)} # SKIP {why}")

    def _line(self, text):
        print(text, file=self.out, flush=True)


def _safe(title):
    return title.replace("#", "no. ")
