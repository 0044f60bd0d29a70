"""straced.py - what strace -ff -y wrote of one connection: processes, calls, and who each was at the time

Credentials are followed call by call, from the process that the supervisor started as root.  A
descriptor is known by what strace shows behind it (an inode, a path), whatever its number is.

SPDX-License-Identifier: ISC
"""
import dataclasses
import os
import pathlib
import re
import stat

CALL = re.compile(r"^(\w+)\((.*?)(?:\)\s+= (.*)| <unfinished \.\.\.>)$", re.S)
SHOWN = re.compile(r"(?<![\w\"])(?:\d+|AT_FDCWD)<((?:[^<>\\]|->|\\.)*)>")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
FORKS = ("clone", "clone3", "fork", "vfork")
READS = {
    *("read", "readv", "pread64", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg"),
    *("splice", "tee", "sendfile", "copy_file_range", "vmsplice"),
}
WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"}


@dataclasses.dataclass
class Call:
    name: str
    text: str  # the arguments, as strace writes them
    result: str  # "" if it never came back
    euid: int = -1  # before the call

    @property
    def number(self):
        match = re.match(r"-?\d+", self.result)
        return int(match[0]) if match else None

    @property
    def good(self):
        return self.number is not None and self.number >= 0

    def shown(self):
        """what the descriptors are that it was given, and got"""
        return SHOWN.findall(self.text) + SHOWN.findall(self.result)

    def octets(self):
        """of the first string"""
        match = QUOTED.search(self.text)
        return unescape(match[1]) if match else b""

    def __str__(self):
        return "%s(%s) = %s" % (self.name, self.text[:200], self.result)


@dataclasses.dataclass
class Process:
    pid: int
    calls: list
    parent: object = None
    fork: int = 0  # index of the call of the parent that made it
    role: str = "?"

    def history(self):
        """its calls, and before them those of its parent until the fork"""
        if self.parent is None:
            return list(self.calls)
        before = self.parent.history()
        return before[: len(before) - len(self.parent.calls) + self.fork] + self.calls


def unescape(text):
    return text.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1")


def parse(text):
    calls = []
    for line in text.splitlines():
        if line.startswith(("---", "+++")):
            continue
        match = CALL.match(line)
        if not match:
            raise ValueError("not understood: " + line[:300])
        calls.append(Call(match[1], match[2], match[3] or ""))
    return calls


def load(directory):
    """all processes of a traced program, by pid; the first one has no parent"""
    found = {
        int(path.suffix[1:]): Process(int(path.suffix[1:]), parse(path.read_text("latin-1")))
        for path in sorted(pathlib.Path(directory).iterdir())
    }
    link(found)
    return found


def link(processes):
    """who forked whom, who each process was at each call, and what it is for"""
    for process in processes.values():
        for index, call in enumerate(process.calls):
            if call.name in FORKS and call.good and call.number in processes:
                child = processes[call.number]
                child.parent, child.fork = process, index
    tops = [process for process in processes.values() if process.parent is None]
    if len(tops) != 1:
        raise ValueError("not one tree: %s" % [process.pid for process in tops])
    follow(processes, tops[0], 0)
    for process in processes.values():
        process.role = role(process)


def follow(processes, process, euid):
    for index, call in enumerate(process.calls):
        call.euid = euid
        euid = after(call, euid)
        if call.name in FORKS and call.good and call.number in processes:
            follow(processes, processes[call.number], call.euid)


def after(call, euid):
    """the effective uid after a call; the file system's uid counts as one"""
    if not call.good:
        return euid
    words = [word.strip() for word in call.text.split(",")]
    if call.name in ("setuid", "setfsuid"):
        return int(words[0])
    if call.name in ("setresuid", "setreuid") and words[1] != "-1":
        return int(words[1])
    if call.name in ("execve", "execveat") and (path := call.octets().decode()).startswith("/"):
        seen = os.stat(path) if os.path.exists(path) else None
        if seen and seen.st_mode & stat.S_ISUID:
            return seen.st_uid
    return euid


def role(process):
    """by what it does: one that does nothing of its own is its parent's, by another pid"""
    for call in process.calls:
        if call.name == "execve" and call.good and "restante-tls" in call.text:
            return "relay"
        if call.name == "execve" and call.good and "--session=" in call.text:
            return "session"
        if call.name == "chroot":
            return "login"
        if "libpam.so" in call.text and call.name in ("openat", "open"):
            return "pam"
    return "monitor" if process.parent is None else "helper of " + process.parent.role
