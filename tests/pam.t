#!/usr/bin/env python3
# pam.t - every return code of PAM, and modules that misbehave
#
# The codes come from pam_debug.so; lib/pam_odd.c is compiled for the rest ($CC).
#
# SPDX-License-Identifier: ISC
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import ground, program, transcript  # noqa: E402
from lib.play import Play  # noqa: E402
from lib.tap import Tap  # noqa: E402

REFUSED = r"-ERR \[AUTH\] (?!.*expired).*"
EXPIRED = r"-ERR \[AUTH\] .*expired.*"
TEMPORARY = r"-ERR \[SYS/TEMP\] .*"
PERMANENT = r"-ERR \[SYS/PERM\] .*"

# phase: {answer: pam_debug's words}
CODES = {
    "auth": {
        REFUSED: "auth_err user_unknown maxtries perm_denied cred_insufficient acct_expired "
                 "new_authtok_reqd authtok_expired",
        TEMPORARY: "authinfo_unavail system_err buf_err conv_err abort service_err cred_unavail cred_err "
                   "session_err no_module_data authtok_err authtok_recover_err authtok_lock_busy "
                   "authtok_disable_aging try_again conv_again incomplete",
        PERMANENT: "open_err symbol_err module_unknown bad_item",
    },
    "acct": {
        REFUSED: "acct_expired perm_denied auth_err user_unknown maxtries cred_insufficient",
        EXPIRED: "new_authtok_reqd authtok_expired",
        TEMPORARY: "authinfo_unavail system_err buf_err conv_err abort service_err cred_err session_err try_again",
        PERMANENT: "open_err symbol_err module_unknown bad_item",
    },
    "cred": {
        TEMPORARY: "cred_err cred_expired cred_unavail user_unknown auth_err perm_denied system_err abort",
    },
    "open_session": {
        TEMPORARY: "session_err auth_err perm_denied user_unknown system_err abort",
    },
}

SERVICE = """pam: auth required {auth}
pam: account required {acct}
pam: session required {session}
"""

REFUSAL = """S: +OK*
C: USER alice
S: +OK*
C: PASS secret
S/ {answer}
C: QUIT
S: +OK*
@end
exit: {status}
nolog: LOGIN,|secret
"""

# title, word for pam_odd, what then happens
ODD = (
    ("one hidden prompt is answered with the password", "asks", "@login\n@quit"),
    ("a second prompt is not answered", "asks-twice", TEMPORARY),
    ("a prompt with echo is not answered", "asks-aloud", TEMPORARY),
    ("a message to the user goes to the log, on one line", "tells",
     "@login\n@quit\nlog: PAM TEXT, .*user=alice, text=expires\nnolog: ^\\+OK"),
    ("a message with no place for an answer", "tells-nobody", "@login\n@quit\nlog: PAM TEXT, .*text=no.answer"),
    ("a prompt with no place for an answer", "asks-nobody", TEMPORARY),
    ("a module that prints reaches neither client nor input", "prints", "@login\nC: STAT\nS: +OK 0 0\n@quit"),
    ("a module that ends the process is no success", "exits", "crash"),
    ("a module that crashes is no success", "crashes", "crash"),
)

CRASH = """S: +OK*
C: USER alice
S: +OK*
C: PASS secret
S/ -ERR \\[SYS/TEMP\\] .*
@shutdown
@any
nolog: LOGIN,|secret
exit: *
"""


def codes():
    for phase, answers in CODES.items():
        for answer, words in answers.items():
            for word in words.split():
                yield code(phase, word, answer)


def code(phase, word, answer):
    modules = dict(auth="pam_debug.so", acct="pam_debug.so", session="pam_debug.so")
    modules["session" if phase == "open_session" else "auth" if phase == "cred" else phase] += f" {phase}={word}"
    text = f"== {phase} {word}\n" + SERVICE.format(**modules)
    if phase in ("cred", "open_session"):
        text += "option: auth.pam_session=yes\n"
    return text + REFUSAL.format(answer=answer, status=69 if answer == PERMANENT else 0)


def odds():
    for title, word, then in ODD:
        text = f"== {title}\n" + SERVICE.format(auth="{module} " + word, acct="pam_permit.so", session="pam_permit.so")
        if then == "crash":
            yield text + CRASH
        else:
            yield text + (REFUSAL.format(answer=then, status=0) if then.startswith("-ERR") else then)
    yield ("== the name that PAM settled on is the account\n"
           + SERVICE.format(auth="{module} renames", acct="pam_permit.so", session="pam_permit.so")
           + "mail: new/1000.a = x\\n\n@login somebody secret\nC: STAT\nS: +OK 1 3\n@quit\n"
           + "log: LOGIN, .*user=alice, .*login=somebody")
    late = SERVICE.format(auth="pam_permit.so", acct="{module} asks-late", session="pam_permit.so")
    yield "== a prompt of the account phase is answered with the password\n" + late + "@login\n@quit"
    yield ("== but not with a digest\n" + late + "script: secrets\n| alice:secret\n"
           + "under: install -m 600 {dir}/pam/secrets {dir}/secrets\noption: auth.secrets_file={dir}/secrets\n"
           + "S: +OK*\nC: APOP alice {apop secret}\nS/ -ERR \\[SYS/TEMP\\] .*\nC: QUIT\nS: +OK*\n@end")
    service = SERVICE.format(auth="{module} asks {dir}/trace", acct="{module} - {dir}/trace",
                             session="{module} - {dir}/trace")
    yield ("== without pam_session: authenticate and account, no credentials, no session\n"
           + service + "@login\n@quit\ntrace: authenticate\\naccount\\n")
    yield ("== with pam_session: credentials before the session, and away after it\n"
           + service + "option: auth.pam_session=yes\n@login\n@quit\n"
           + "trace: authenticate\\naccount\\ncredentials\\nopen\\nclose\\ndelete-credentials\\n")


def compiled(directory):
    """The odd module, or None where there is no compiler or no PAM header."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "pam_odd.c")
    module = os.path.join(directory, "pam_odd.so")
    command = os.environ.get("CC", "cc").split() + ["-shared", "-fPIC", "-o", module, source]
    try:
        built = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    except FileNotFoundError:
        return None
    return module if built.returncode == 0 else None


def main():
    program.adopt_orphans()
    tap = Tap()
    place = ground.Ground(prepare=compiled)
    with place as path:
        play(tap, path, list(codes()), {})
        play(tap, path, list(odds()), {"module": place.prepared})
    tap.plan(tap.count)
    return 1 if tap.failed else 0


def play(tap, path, texts, names):
    for text in texts:
        t, = transcript.parse(text.splitlines(), "pam.t")
        if None in names.values():
            tap.skip(t.title, "no compiler, or no PAM header")
        else:
            tap.ok(t.title, Play(path, t, "socket", names=names).run())


if __name__ == "__main__":
    sys.exit(main())
