#!/usr/bin/python3
"""coarse.t - changes within one tick of the file system's clock, on a kernel that counts in ticks

A directory that changes twice within a tick has one stamp for both; whoever has read it between
the two and trusts the stamp never sees the second.  The newest kernels hide that, as they give a
finer stamp to what somebody has looked at; so this needs an older one, such as Debian 12's 6.1
in a virtual machine (lib/vm.py), where lib/coarse.c is all there is.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import check  # noqa: E402
import vm  # noqa: E402
from server import BUILD  # noqa: E402

TRIES = int(os.environ.get("RESTANTE_COARSE") or 120)
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(4), "big") // 2)
FEWEST = 10  # of them with both changes within one tick, or it proves nothing
SECONDS = 55  # that 120 may take; then those are judged that there were
PAM = "auth required %s\naccount required %s\n"
COMMAND = """/restante
-c
/restante.conf
-o
auth.pam_confdir=/pam.d
-o
mail.user=nobody
-o
mail.maildir=/mail/%u
-o
log.target=stderr
"""

t = check.Checks()


def compile_init(where):
    command = [*shlex.split(os.environ.get("CC") or "cc"), "-O2", "-static", "-D_GNU_SOURCE"]
    command += ["-o", where / "init", HERE / "lib/coarse.c"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode else None


def files(where):
    """all that is in the machine"""
    pam = vm.loaded_from("libpam.so.0")
    permit = pathlib.Path(pam).resolve().parent / "security/pam_permit.so" if pam else None
    if not permit or not permit.exists():
        permit = next(pathlib.Path("/").glob("lib*/**/security/pam_permit.so"), None)
    if not pam or not permit:
        return None
    restante = BUILD / "restante"
    wanted = {pam, permit, *vm.libraries(restante, pam, permit)}
    return {
        "init": where / "init",
        "restante": restante,
        "restante.conf": b"",
        "command": COMMAND.encode(),
        "pam.d/pop3": (PAM % (permit, permit)).encode(),
        "etc/passwd": b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
        "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
        **{str(path).lstrip("/"): path for path in wanted},
    }


def judge(said):
    wrong = [line for line in said.splitlines() if line.startswith("WRONG")]
    done = re.findall(r"^TRIES (\d+), (\d+) within a tick, (\d+) faults$", said, re.M)
    if not t.ok(done and "DIED" not in said, "the machine ran, and all sessions in it", said[-3000:]):
        return
    tries, pairs = map(int, done[-1][:2])
    t.note("%d tries, %d of them within a tick" % (tries, pairs))
    t.ok(not wrong, "after a change within a tick the next session shows what is there", "\n".join(wrong))
    what = "both changes were within one tick %d times" % FEWEST
    if pairs < FEWEST and tries < TRIES:
        t.skip(what, "this machine is too slow: %d of %d tries" % (pairs, tries))
    else:
        t.ok(pairs >= FEWEST, what)


def main():
    if not os.access(BUILD / "restante", os.X_OK):
        check.skip_all("no program in %s" % BUILD)
    if vm.missing(BUILD):
        check.skip_all(vm.missing(BUILD))
    with tempfile.TemporaryDirectory(prefix="restante-coarse.") as where:
        where = pathlib.Path(where)
        trouble = compile_init(where)
        if trouble:
            check.skip_all("no static programs here: " + trouble.splitlines()[-1])
        content = files(where)
        if content is None:
            check.skip_all("no libpam.so.0 or no pam_permit.so")
        t.note("RESTANTE_SEED=%d RESTANTE_COARSE=%d, %s" % (SEED, TRIES, vm.kernel(BUILD).name))
        judge(vm.run(BUILD, where, content, [TRIES, SEED], max(SECONDS, SECONDS * TRIES / 120)))
    t.done()


main()
