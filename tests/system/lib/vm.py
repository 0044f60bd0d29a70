"""vm.py - a machine with another kernel: qemu without KVM, everything in an initrd

The kernel is $RESTANTE_KERNEL, or the last of boot/vmlinuz-* below $KERNEL (where
tests/system/kernel unpacked one; BUILD/kernel if that is not set), or of /boot.

SPDX-License-Identifier: ISC
"""
import gzip
import os
import pathlib
import re
import shutil
import stat
import subprocess

QEMU = "qemu-system-x86_64"


def kernel(build, name="*"):
    """the newest, None if there is none"""
    if os.environ.get("RESTANTE_KERNEL"):
        return pathlib.Path(os.environ["RESTANTE_KERNEL"])
    places = [pathlib.Path(os.environ.get("KERNEL") or build / "kernel") / "boot", pathlib.Path("/boot")]

    def version(path):
        return [int(number) for number in re.findall(r"\d+", path.name)]

    for place in places:
        found = sorted(place.glob("vmlinuz-" + name), key=version)
        if found:
            return found[-1]
    return None


def missing(build):
    """why no machine can run here, None if one can"""
    if os.uname().machine != "x86_64":
        return "this machine is no x86_64"
    if not shutil.which(QEMU):
        return "no " + QEMU
    if not kernel(build):
        return "no kernel (tests/system/kernel DIRECTORY fetches one, KERNEL=DIRECTORY)"
    return None


def libraries(*paths):
    """what the loader wants for these programs and libraries, the loader too"""
    found = set()
    for path in paths:
        text = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True).stdout
        found |= {match[1] for match in re.finditer(r"(?:=>|^)\s*(/\S+) \(0x", text, re.M)}
    return found


def loaded_from(name):
    """where the loader finds it"""
    text = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, text=True).stdout
    match = re.search(r"^\s*%s \(.*x86-64.*\) => (\S+)" % re.escape(name), text, re.M)
    return match and match[1]


def entry(name, mode, octets, number):
    """a file of an archive that "cpio -H newc" would have made"""
    path = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(octets), 0, 0, 0, 0, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + b"\0" * (-len(head) % 4) + octets + b"\0" * (-len(octets) % 4)


def initrd(files):
    """files: path in the machine without /: octets, or the path of a file here"""
    parts = []
    directories = {str(parent) for name in files for parent in pathlib.PurePath(name).parents}
    for name in sorted((directories | {"dev", "proc", "tmp", "mail"}) - {"."}):
        parts.append(entry(name, stat.S_IFDIR | 0o755, b"", len(parts) + 1))
    for name, what in files.items():
        octets, mode = (what, 0o644) if isinstance(what, bytes) else (pathlib.Path(what).read_bytes(), 0o755)
        parts.append(entry(name, stat.S_IFREG | mode, octets, len(parts) + 1))
    parts.append(entry("TRAILER!!!", 0, b"", 0))
    return gzip.compress(b"".join(parts), 1)


def modules(build, names):
    """files of those that the kernel does not have built in, in the order of names"""
    path = kernel(build)
    where = path.parent.parent / "lib/modules" / path.name.partition("-")[2] / "kernel"
    return [found for name in names for found in where.glob("**/%s.ko" % name)]


def start(build, where, files, arguments, more):
    """boot with files, one of them init; more: arguments of qemu; what it writes is a pipe"""
    image = where / "initrd.gz"
    if not image.exists():
        image.write_bytes(initrd(files))
    command = [QEMU, "-accel", "tcg", "-smp", "1", *more]
    command += ["-m", "512", "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot", "-serial", "stdio"]
    command += ["-kernel", kernel(build), "-initrd", image, "-append"]
    command += ["console=ttyS0 quiet panic=-1 rdinit=/init -- " + " ".join(map(str, arguments))]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, **streams)


def run(build, where, files, arguments, seconds):
    """boot with files for so many seconds at most; what it wrote"""
    # its clock counts instructions, two ns for each: however slow it is, it does not know
    with start(build, where, files, arguments, ["-icount", "shift=1,align=off,sleep=off"]) as qemu:
        try:
            said = qemu.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            qemu.kill()
            said = qemu.communicate()[0]
    return said.decode("latin-1").replace("\r", "")
