"""inside_hostile.py - all of hostile.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import pathlib
import pwd
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import hostile_steps as steps  # noqa: E402
import stage  # noqa: E402
from bystanders import Bystander, secrets, snapshot, victims  # noqa: E402
from hostile import CANARY, GOOD, OPEN, OWNER, SHUT, Session, changes, t  # noqa: E402
from hostile_held import Held, hangs  # noqa: E402

STEPS = {
    "entries": steps.entries,
    "places": steps.places,
    "files": steps.files,
    "trash": steps.trash,
    "forged": steps.forged,
    "races": steps.races,
    "locks": steps.locks,
    "moving": steps.moving,
    "sparse": steps.sparse,
    "many": lambda: steps.many(1000000 if "--all" in sys.argv else 40000),
    "hangs": hangs,
}


def prepare():
    stage.install()
    box.run("systemctl", "start", "restante.socket")
    for user in (OWNER, "other", "open", "shut", Held.USER):
        box.account(user, mail=user in ("other", Held.USER))
    box.pam(stage.PAM_UNIX + "session required pam_unix.so\n", "popsession")
    pathlib.Path("/home/mallory").chmod(0o700)
    box.deliver("open", [("1.open", b"Subject: OPEN-OCTETS\n\nOPEN-OCTETS\n")])
    box.deliver("shut", [("1.shut", b"Subject: SHUT-OCTETS\n\nSHUT-OCTETS\n")])
    for path in (SHUT.parent, SHUT, *SHUT.iterdir(), SHUT / "new/1.shut"):
        path.chmod(0o600 if path.is_file() else 0o700)
    for part in ("new", "cur", "tmp"):
        (CANARY / "Maildir" / part).mkdir(parents=True)
    (CANARY / "file").write_bytes(b"CANARY-OCTETS\n" * 20)
    (CANARY / "Maildir/cur/1.canary").write_bytes(b"CANARY-OCTETS\n")
    for path in (*CANARY.rglob("*"), CANARY, *OPEN.rglob("*"), OPEN, OPEN.parent):
        path.chmod(0o666 if path.is_file() else 0o777)


def strangers():
    """what stands below the owner's home and is somebody else's, but for what we put there"""
    uid = pwd.getpwnam(OWNER).pw_uid
    home = pathlib.Path("/home/mallory")
    seen = [path for path in home.rglob("*") if path.lstat().st_uid != uid]
    return [str(path) for path in seen if path.lstat().st_nlink == 1 and not path.is_char_device()]


def run_step(name, step, before):
    try:
        step()
    except Exception as error:
        t.ok(False, "%s: to its end" % name, "".join(traceback.format_exception(error)[-6:]))
    t.same(changes(before), [], "%s: other people's files are as they were" % name)
    t.same(strangers(), [], "%s: nothing of root's is in the owner's home" % name)


def main():
    """all steps, or those named as arguments"""
    wanted = [word for word in sys.argv[1:] if not word.startswith("--")]
    started = time.monotonic()
    prepare()
    before = snapshot(victims())
    bystander, held = Bystander("other"), Held()
    for name, step in STEPS.items():
        if wanted and name not in wanted:
            continue
        run_step(name, step, before)
        t.note("%s: %.1f s since the start" % (name, time.monotonic() - started))
    held.end()
    t.note("held: %.1f s since the start" % (time.monotonic() - started))
    bystander.end(t)
    heard = b"".join(Session.all_heard)
    found = [word for word in secrets() if word in heard]
    t.same(found, [], "in %d octets there is none of another user's" % len(heard))
    if not wanted:
        t.ok(GOOD[1].split()[1] in heard, "but the owner's own")
    t.ok(box.wait_no_sessions(), "no session is left")
    t.done()


main()
