#!/usr/bin/env python3
# timing.t - the time of a refusal tells nothing of why: a statistic of many samples
#
# PAM takes a few milliseconds for a name that it does not know, and here some thirty more for a
# known one, as with a slow hash.  Refusals of all kinds are asked for in turns, on several
# connections at once, and no kind may be answered sooner or later than another: Mann and
# Whitney's U, which needs no normal distribution.  The limit is one that chance passes once in a
# million times; that a thirtieth of the delay is found with it is part of the test: what hides
# them, the random part of the delay, grows with it.
#
# With APOP the work is the same for a name that has a secret and one that has none, so there the time
# tells nothing even without a delay: of a file so long that reading it is most of that time, as many lines
# are compared whoever it is.
#
# SPDX-License-Identifier: ISC
import base64
import hashlib
import itertools
import math
import os
import random
import re
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import ground, program  # noqa: E402
from lib.place import Place  # noqa: E402
from lib.tap import Tap  # noqa: E402

DELAY = 150		# ms, auth.failure_delay
CONNECTIONS = 12
ROUNDS = 18		# on each connection; a round is one refusal of each kind
SHORT = 4		# rounds where the difference is plain
LIMIT = 4.9		# standard deviations: one in a million
SHIFT = 1 / 30		# of the delay, and this is found

# kind: login name
KINDS = {"an unknown user": "nobodyhere", "a wrong password": "alice", "an account that is locked": "locked",
         "a name that cannot be": "a/b"}

DIGESTS = {"APOP of a name without a secret": "nobodyhere", "APOP with a wrong one": "alice"}
DIGEST_ROUNDS = 20
DIGEST_LINES = 100000
DIGEST_SHIFT = 1 / 4	# of the time: who stops at the right line saves more, and this is found

CHECK = """#!/bin/sh
case "$PAM_TYPE:$PAM_USER" in
auth:alice) sleep 0.03; exit 1 ;;
auth:locked) sleep 0.03; exit 0 ;;
esac
exit 1
"""
SERVICE = ["auth [success=1 default=ignore] pam_exec.so quiet {dir}/pam/check", "auth requisite pam_deny.so",
           "auth required pam_permit.so",
           "account [success=1 default=ignore] pam_exec.so quiet {dir}/pam/check", "account requisite pam_deny.so",
           "account required pam_permit.so"]


def main():
    tap = Tap()
    tap.plan(4 + 2 * len(list(itertools.combinations(KINDS, 2))))
    program.adopt_orphans()
    with ground.Ground() as path:
        place = Place()
        try:
            place.write("pam/check", CHECK, 0o755)
            place.service(SERVICE)
            report(tap, path, place)
            digests(tap, path, place)
        finally:
            place.remove()
            left = program.leftovers()
    tap.ok("no process is left", f"{left}" if left else None)
    return 1 if tap.failed else 0


def report(tap, path, place):
    plain = measure(path, place, 0, SHORT)
    z = score(plain["an unknown user"], plain["a wrong password"])
    tap.ok("without a delay the time tells all", None if abs(z) > LIMIT else f"{z:.1f} standard deviations")
    delay, took = hidden(path, place)
    for a, b in itertools.combinations(KINDS, 2):
        z = score(took[a], took[b])
        print(f"# {a}: {middle(took[a]):.1f} ms, {b}: {middle(took[b]):.1f} ms, {len(took[a])} and "
              f"{len(took[b])} samples, {z:+.2f} standard deviations, delay {delay} ms")
        tap.ok(f"{a} and {b} take the same time", None if abs(z) < LIMIT else f"{z:.1f} standard deviations")
        shift = SHIFT * delay
        z = score([t + shift / 1000 for t in took[a]], took[b])
        print(f"# with {shift:.1f} ms more {z:+.2f} standard deviations")
        tap.ok(f"{a} and {b}: a thirtieth of the delay more would be found",
               None if abs(z) > LIMIT else f"{z:.1f} standard deviations")


def digests(tap, path, place):
    place.write("secrets", "alice:right\n" + "".join(f"name{i}:{i}\n" for i in range(DIGEST_LINES)), 0o600)
    took = measure(path, place, 0, DIGEST_ROUNDS, DIGESTS)
    a, b = took.values()
    shift = DIGEST_SHIFT * middle(a)
    z, shifted = score(a, b), score([t + shift / 1000 for t in a], b)
    print(f"# APOP: {middle(a):.1f} and {middle(b):.1f} ms, {len(a)} samples, {z:+.2f} standard deviations, "
          f"with {shift:.1f} ms more {shifted:+.2f}")
    tap.ok("APOP: a secret or none takes the same time, without any delay",
           None if abs(z) < LIMIT else f"{z:.1f} standard deviations")
    tap.ok("APOP: a quarter more would be found",
           None if abs(shifted) > LIMIT else f"{shifted:.1f} standard deviations")


def hidden(path, place):
    """
    The delay, and the samples with it.  What PAM answers too late is answered at the next multiple,
    whoever it is for: where the machine is so slow that this happens often the delay is too short.
    """
    delay = DELAY
    while True:
        took = measure(path, place, delay, ROUNDS)
        intime = {kind: [t for t in times if t < delay * 1.9e-3] for kind, times in took.items()}
        if delay > 4 * DELAY or min(len(intime[kind]) / len(took[kind]) for kind in KINDS) > 0.97:
            return delay, intime
        delay *= 2


def measure(path, place, delay, rounds, kinds=None):
    """Of each kind, in seconds, how long its refusals took."""
    kinds = kinds or KINDS
    found, problems = {kind: [] for kind in kinds}, []
    threads = [threading.Thread(target=client, args=(path, place, delay, rounds, kinds, found, problems))
               for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise AssertionError(problems[0])
    return found


def client(path, place, delay, rounds, kinds, found, problems):
    arguments = ["-c", f"{place.dir}/restante.conf"]
    secrets = [f"auth.secrets_file={place.dir}/secrets"] if kinds is DIGESTS else []
    for option in place.options() + [f"auth.failure_delay={delay}ms", "auth.max_failures=100",
                                     "limits.login_timeout=2m"] + secrets:
        arguments += ["-o", option]
    run = program.Program(path, arguments)
    try:
        stamp = re.search(rb"<.*>|$", run.line())[0]
        for number in range(rounds):
            for kind in random.sample(list(kinds), len(kinds)):
                found[kind].append(refused(run, kinds[kind], f"wrong{number}", stamp))
    except Exception as problem:	# the main thread is to tell of it, whatever it is
        problems.append(repr(problem))
    finally:
        run.end()


def refused(run, name, password, stamp):
    word = b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode())
    if stamp:
        word = f"APOP {name} {hashlib.md5(stamp + password.encode()).hexdigest()}".encode()
    begin = time.monotonic()
    run.send(word + b"\r\n")
    line = run.line()
    took = time.monotonic() - begin
    if not line.startswith(b"-ERR [AUTH]"):
        raise AssertionError(f"heard {line}")
    return took


def score(a, b):
    """Mann-Whitney U, as standard deviations from what chance gives; positive: a is later."""
    ranked = sorted([(t, 1) for t in a] + [(t, 0) for t in b])
    ranks = sum(rank for rank, (_, of_a) in enumerate(ranked, 1) if of_a)
    u = ranks - len(a) * (len(a) + 1) / 2
    return (u - len(a) * len(b) / 2) / math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)


def middle(times):
    return 1000 * sorted(times)[len(times) // 2]


if __name__ == "__main__":
    sys.exit(main())
