#!/usr/bin/python3
"""powercut.t - the power fails while sessions delete: what QUIT acknowledged has gone, nothing else

A virtual machine (lib/vm.py) has the mail on an ext4 of a disk of its own; in it sessions delete
and say on the serial line what may go and what has gone (lib/powercut.c).  It is killed at some
moment, and with it what was not written to the disk.  Then the journal is replayed, and what is
on the disk is compared.  Where fsync does nothing this must find something: that is tried, too.

$RESTANTE_CUTS (4) times, from the seed $RESTANTE_SEED (any).

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import pwd
import random
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import check  # noqa: E402
import vm  # noqa: E402
from server import BUILD  # noqa: E402

CUTS = int(os.environ.get("RESTANTE_CUTS") or 4)
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(4), "big") // 2)
MESSAGES = 400
SECONDS = 90  # for a machine to boot and to delete something
PATH = "/usr/sbin:/sbin:" + os.environ.get("PATH", "")
DRIVERS = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev"]
DRIVERS += ["virtio_pci", "virtio_blk"]  # in the order in which they are loaded
PAM = "auth required %s\naccount required %s\n"
COMMAND = """/restante
-c
/restante.conf
-o
auth.pam_confdir=/pam.d
-o
mail.user=user
-o
mail.maildir=/mail/user
-o
log.target=stderr
"""
NO_SYNC = "int fsync(int fd) { return fd < 0; }\n"

t = check.Checks()
account = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def base(number):
    return "%d.M%dP1.cut" % (1700000000 + number // 4, number)


def stored(number):
    return b"Subject: %d\n\n" % number + b"line of %d\n" % number * (1 + number % 90)


def tool(*command, fine=(0,)):
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PATH": PATH},
    )
    if done.returncode not in fine:
        raise AssertionError("%s: %s" % (command[0], done.stdout))
    return done.stdout


def compile_all(where):
    """init, and what takes fsync away"""
    cc = shlex.split(os.environ.get("CC") or "cc")
    (where / "nosync.c").write_text(NO_SYNC)
    tool(*cc, "-O2", "-static", "-D_GNU_SOURCE", "-o", where / "init", HERE / "lib/powercut.c")
    tool(*cc, "-O2", "-shared", "-fPIC", "-o", where / "nosync.so", where / "nosync.c")


def files(where):
    """all that is in the machine, None if it cannot be had"""
    pam = vm.loaded_from("libpam.so.0")
    permit = pathlib.Path(pam).resolve().parent / "security/pam_permit.so" if pam else None
    if not permit or not permit.exists():
        permit = next(pathlib.Path("/").glob("lib*/**/security/pam_permit.so"), None)
    if not pam or not permit:
        return None
    restante = BUILD / "restante"
    wanted = {pam, permit, *vm.libraries(restante, pam, permit)}
    modules = vm.modules(BUILD, DRIVERS)
    return {
        "init": where / "init",
        "restante": restante,
        "restante.conf": b"",
        "command": COMMAND.encode(),
        "pam.d/pop3": (PAM % (permit, permit)).encode(),
        "etc/passwd": b"root:x:0:0::/:/bin/sh\nuser:x:%d:%d::/:/bin/sh\n" % (account.pw_uid, account.pw_gid),
        "etc/group": b"root:x:0:\nuser:x:%d:\n" % account.pw_gid,
        **{str(path).lstrip("/"): path for path in wanted},
        **{"modules/%d" % number: path for number, path in enumerate(modules)},
    }


def make_disk(where):
    """a file system with all messages, most in cur"""
    user = where / "top/user"
    for part in ("new", "cur", "tmp"):
        (user / part).mkdir(parents=True)
    for number in range(MESSAGES):
        name = "new/" + base(number) if number % 3 == 0 else "cur/%s:2,S" % base(number)
        (user / name).write_bytes(stored(number))
    if os.getuid() == 0:
        tool("chown", "-R", "%d:%d" % (account.pw_uid, account.pw_gid), user)
    tool("mkfs.ext4", "-q", "-d", where / "top", where / "disk", "24m")


def look(image, where):
    """base name: contents of its files, as they are after the journal was replayed"""
    tool("e2fsck", "-fy", image, fine=(0, 1))
    shutil.rmtree(where / "found", ignore_errors=True)
    (where / "found").mkdir()
    tool("debugfs", "-R", "rdump /user /lost+found %s" % (where / "found"), image)
    found = {}
    for part in ("user/new", "user/cur", "lost+found"):
        for path in (where / "found" / part).iterdir():
            found.setdefault(path.name.partition(":")[0], []).append(path.read_bytes())
    return found


def listen(qemu, chance):
    """what it says until the power is cut"""
    said, end, cut = b"", time.monotonic() + SECONDS, None
    least = chance.randrange(1, 9)
    while time.monotonic() < (cut or end):
        if cut is None and said.count(b"GONE") >= least:
            cut = time.monotonic() + chance.uniform(0, 0.4)
        if select.select([qemu.stdout], [], [], 0.02)[0]:
            more = os.read(qemu.stdout.fileno(), 65536)
            if not more or b"DIED" in more:
                return said + more
            said += more
    return said


def cut(where, content, seed):
    """what is wrong after one, and how many messages had gone"""
    chance, image = random.Random(seed), where / "image"
    shutil.copy(where / "disk", image)
    drive = ["-drive", "file=%s,if=virtio,format=raw,cache=writeback" % image]
    qemu = vm.start(BUILD, where, content, [seed, account.pw_uid], drive)
    said = b""
    try:
        said = listen(qemu, chance)
    finally:
        qemu.kill()
        said += qemu.communicate()[0]
    said = said.decode("latin-1").replace("\r", "")
    if "DIED" in said or "START" not in said:
        raise AssertionError(said[-2000:])
    told = {what: set() for what in ("GOES", "GONE")}
    for what, names in re.findall(r"^(GOES|GONE) (.*)\.$", said, re.M):
        told[what] |= set(names.split())
    return compare(look(image, where), told["GOES"], told["GONE"]), len(told["GONE"])


def compare(found, goes, gone):
    names = {base(number): stored(number) for number in range(MESSAGES)}
    wrong = ["is there, but had gone: " + name for name in sorted(gone & found.keys())]
    for name, octets in names.items():
        if found.get(name, []) != [octets] and not (name in goes and name not in found):
            wrong.append("%s: %d files, or other content" % (name, len(found.get(name, []))))
    return wrong + ["a strange file: " + name for name in found.keys() - names.keys()]


def lacking():
    if not os.access(BUILD / "restante", os.X_OK):
        return "no program in %s" % BUILD
    if vm.missing(BUILD):
        return vm.missing(BUILD)
    if not vm.modules(BUILD, DRIVERS):
        return "no drivers of %s (tests/system/kernel fetches them)" % vm.kernel(BUILD)
    for name in ("mkfs.ext4", "e2fsck", "debugfs"):
        if not shutil.which(name, path=PATH):
            return "no " + name
    return None


def main():
    if lacking():
        check.skip_all(lacking())
    with tempfile.TemporaryDirectory(prefix="restante-powercut.") as where:
        where = pathlib.Path(where)
        try:
            compile_all(where)
        except AssertionError as error:
            check.skip_all("no static programs here: %s" % str(error).splitlines()[-1])
        content = files(where)
        if content is None:
            check.skip_all("no libpam.so.0 or no pam_permit.so")
        make_disk(where)
        t.note("RESTANTE_SEED=%d RESTANTE_CUTS=%d, %s" % (SEED, CUTS, vm.kernel(BUILD).name))
        for number in range(CUTS):
            started = time.monotonic()
            with t.holds("cut %d: what QUIT acknowledged has gone, nothing else" % (number + 1)):
                wrong, gone = cut(where, content, SEED + number)
                t.note("%d messages had gone, %.1f s" % (gone, time.monotonic() - started))
                assert gone > 0, "no session was acknowledged"
                assert not wrong, "%d: %s" % (len(wrong), wrong[:5])
        (where / "initrd.gz").unlink(missing_ok=True)
        with t.holds("without fsync this test finds that messages come back"):
            wrong, _ = cut(where, {**content, "preload": where / "nosync.so"}, SEED + CUTS)
            assert any(line.startswith("is there, but had gone") for line in wrong), wrong
    t.done()


main()
