"""rules.py - what no process of a connection may do, held against a trace of it

Each rule is a function of the trace and what is known from outside; it returns sentences, one for
each thing that was found.  privilege.t shows first that each rule finds a planted fault.

SPDX-License-Identifier: ISC
"""
import dataclasses
import re

from straced import READS, WRITES

FRAME_MOST = 65536  # WIRE_MAX
# what root may be sent, and by whom: src/auth/wire.h
FRAMES = {"P": "login", "X": "login", "D": "login", "T": "login", "H": "login", "E": "login", "F": "login"}
FRAMES |= {"C": "relay", "V": "relay", "v": "relay", "Z": "relay"}
FRAMES |= {"a": "pam", "s": "pam", "S": "monitor"}
# what makes a descriptor, a process, or another program
MAKERS = {
    *("open", "openat", "openat2", "creat", "open_by_handle_at", "memfd_create", "pipe", "pipe2"),
    *("socket", "socketpair", "connect", "accept", "accept4", "bind", "listen", "dup", "dup2", "dup3"),
    *("eventfd2", "timerfd_create", "signalfd4", "epoll_create1", "inotify_init1", "userfaultfd", "bpf"),
    *("io_uring_setup", "pidfd_open", "pidfd_getfd", "perf_event_open", "fanotify_init", "shmget", "mount"),
    *("clone", "clone3", "fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv", "keyctl"),
}
STRANGE = {"io_uring_setup", "io_uring_enter", "ptrace", "process_vm_readv", "pidfd_getfd", "bpf"}


@dataclasses.dataclass
class Known:
    client: str  # "socket:[...]", the connection as the program has it
    homes: tuple  # directories of users
    user: int  # who logs in
    words: dict  # what the client says: word, and the frame types that may bring it to root


def every(processes):
    return ((process, call) for process in processes.values() for call in process.calls)


def says(process, call, what):
    return "%s (%s %d, euid %d): %s" % (what, process.role, process.pid, call.euid, call)


def pairs(processes, kind):
    """both ends of each pair that they made"""
    found = set()
    for _, call in every(processes):
        if call.name == "socketpair" and call.good and kind in call.text:
            found |= set(re.findall(r"socket:\[\d+\]", call.text))
    return found


def clients(processes, known):
    """the connection, and the pair behind the TLS relay, where it comes in clear"""
    return {known.client} | pairs(processes, "SOCK_STREAM")


def no_root_reads_client(processes, known):
    theirs = clients(processes, known)
    return [
        says(process, call, "root reads from the network")
        for process, call in every(processes)
        if call.euid == 0 and call.name in READS and theirs & set(call.shown())
    ]


def no_way_around(processes, _):
    """calls that could read without being seen above"""
    strange = ((process, call) for process, call in every(processes) if call.name in STRANGE)
    return [says(process, call, "beside the rules") for process, call in strange]


def made_by(process):
    return {
        shown
        for call in process.history()
        if call.name == "socket" and call.good
        for shown in re.findall(r"socket:\[\d+\]", call.result)
    }


def root_hears_frames_alone(processes, known):
    """sockets that root reads: pairs to its own children; in the PAM child what modules opened"""
    ours, bad = pairs(processes, "SOCK_SEQPACKET"), []
    for process, call in every(processes):
        if call.euid != 0 or call.name not in READS or not call.good:
            continue
        sockets = {shown for shown in call.shown() if shown.startswith("socket:")}
        if not sockets:
            continue
        if sockets <= ours:
            bad += [says(process, call, "no frame: " + why) for why in wrong_frame(call, known)]
        elif "pam" not in process.role or not sockets <= ours | made_by(process):
            bad.append(says(process, call, "root reads a socket that is no pair of ours"))
    return bad


def fields(octets):
    """the fields of a frame; ValueError where its lengths are wrong"""
    at, found = 1, []
    while at < len(octets):
        kind, at = octets[at : at + 1], at + 1
        size = {b"N": 8, b"T": 4}.get(kind, 0)
        value = int.from_bytes(octets[at : at + size], "big")
        if not size or at + size > len(octets) or (kind == b"T" and at + 4 + value > len(octets)):
            raise ValueError("a field that is none at octet %d" % at)
        at += size
        if kind == b"T":
            found.append(octets[at : at + value])
            at += value
    return found


def wrong_frame(call, known):
    octets = call.octets()
    if call.number == 0:
        return []
    if call.number > FRAME_MOST or call.number != len(octets):
        return ["%d octets, %d shown" % (call.number, len(octets))]
    if chr(octets[0]) not in FRAMES:
        return ["type %r" % octets[:1]]
    try:
        texts = fields(octets)
    except ValueError as error:
        return [str(error)]
    return [
        "what the client said, %r, in a frame of type %s" % (word, chr(octets[0]))
        for word, types in known.words.items()
        if chr(octets[0]) not in types and any(word in text for text in texts)
    ]


def no_root_below_homes(processes, known):
    """opened, looked at, changed: by its path, or by a descriptor"""

    def below(text):
        return any(re.search(re.escape(home) + r"(?![\w.-])", text) for home in known.homes)

    return [
        says(process, call, "root below a home")
        for process, call in every(processes)
        if call.euid == 0
        and any(
            below(text)
            for text in (call.shown() if call.name in READS | WRITES else [call.text, *call.shown()])
        )
    ]


def position(calls, name, test=lambda call: True):
    return next((i for i, call in enumerate(calls) if call.name == name and test(call)), None)


def filtered(calls):
    """where the system call filter came"""
    named = ("PR_SET_SECCOMP", "SECCOMP_SET_MODE_FILTER")
    return next((i for i, call in enumerate(calls) if call.good and call.text.startswith(named)), None)


def refused_root(call):
    return call.number == -1 and "EPERM" in call.result and "0" in re.split(r", ?", call.text)


def drops(calls, jailed):
    """where in a life its privileges went, by name; None where they did not"""

    def words(call):
        return re.split(r", ?", call.text)

    gone = position(calls, "setresuid", lambda call: call.good and call.euid == 0 and "-1" not in call.text)
    steps = {
        "groups": position(
            calls, "setgroups", lambda call: call.good and (not jailed or words(call)[0] == "0")
        ),
        "gid": position(calls, "setresgid", lambda call: call.good and "0" not in words(call)),
        "uid": gone,
        "proof by setuid": position(calls, "setuid", refused_root),
        "proof by seteuid": position(calls, "setresuid", refused_root),
        "no new privileges": position(calls, "prctl", lambda call: "PR_SET_NO_NEW_PRIVS, 1" in call.text),
    }
    if jailed:
        steps = {"chroot": position(calls, "chroot", lambda call: call.good), **steps, "filter": filtered(calls)}
    return steps


def first_touch(calls, process, processes, known):
    """where it first reads the client, or opens something below a home"""
    theirs, inherited = clients(processes, known), len(calls) - len(process.calls)
    for index, call in enumerate(process.calls):
        reads = call.name in READS and theirs & set(call.shown())
        if reads or ("open" in call.name and any(home in call.text for home in known.homes)):
            return inherited + index
    return None


def drops_in_order(processes, known):
    """whoever reads the client or a home: chroot, groups, group, user, proof, all of it before"""
    bad = []
    for process in processes.values():
        calls = process.history()
        touch = first_touch(calls, process, processes, known)
        if touch is None:
            continue
        steps = drops(calls, process.role in ("login", "relay"))
        missing = [name for name, at in steps.items() if at is None]
        order = [at for at in steps.values() if at is not None]
        if missing or order != sorted(order) or order[-1] > touch:
            found = "missing %s, at %s, first touch at %d" % (missing, steps, touch)
            bad.append("%s %d: %s" % (process.role, process.pid, found))
    return bad


def locked_up(processes, known):
    """login process and relay: once their filter is there, no descriptor is made by them or comes to login"""
    bad = []
    for process in processes.values():
        start = filtered(process.calls)
        if process.role not in ("login", "relay"):
            continue
        if start is None:
            bad.append("%s %d has no filter" % (process.role, process.pid))
            continue
        # what libraries ask for and the filter denies is not made
        for call in (call for call in process.calls[start:] if call.good):
            if call.name in MAKERS or (call.name == "fcntl" and "F_DUPFD" in call.text):
                bad.append(says(process, call, "made behind the filter"))
            if process.role == "login" and "SCM_RIGHTS" in call.text and call.name in READS:
                bad.append(says(process, call, "a descriptor for the login process"))
    return bad


def session_is_user(processes, known):
    """who reads mail is the user and nobody else"""
    return [
        says(process, call, "mail is read by somebody else")
        for process, call in every(processes)
        if "open" in call.name and any(home in call.text for home in known.homes) and call.euid != known.user
    ]


RULES = {
    "nothing that is root reads from the network": no_root_reads_client,
    "there is no way around being seen": no_way_around,
    "root hears frames of its children alone, whole ones, no client text in them": root_hears_frames_alone,
    "nothing that is root opens or looks at anything below a home": no_root_below_homes,
    "privileges go before the first octet: jail, groups, group, user, proof, filter": drops_in_order,
    "login and relay make no descriptor behind their filter": locked_up,
    "mail is opened by its user alone": session_is_user,
}
