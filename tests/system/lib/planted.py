"""planted.py - faults, each planted into a true trace, that its rule must find

A rule that finds nothing in a trace proves something only if it finds what is there.

SPDX-License-Identifier: ISC
"""
import copy
import re

import rules
import straced


def role_is(role):
    return lambda process: process.role == role


def last(process, test):
    return max((i for i, call in enumerate(process.calls) if test(call)), default=None)


def root(call):
    return call.euid == 0


def any_call(_):
    return True


def copied(processes, whose):
    """a copy that may be changed, and the one process in it that is meant; calls are shared"""
    changed = {
        pid: straced.Process(pid, list(process.calls), role=process.role)
        for pid, process in processes.items()
    }
    return changed, next((process for process in changed.values() if whose(process)), None)


def insert(processes, whose, before, text):
    """the processes with one call more, or None where there is no such place"""
    changed, process = copied(processes, whose)
    at = last(process, before) if process else None
    if at is None:
        return None
    process.calls[at:at] = straced.parse(text)
    return relink(changed)


def relink(processes):
    straced.link(processes)
    return processes


def edit(processes, whose, test, change):
    """the calls of one process that test knows, changed or (change gives None) taken away"""
    changed, process = copied(processes, whose)
    if process is None or not any(test(call) for call in process.calls):
        return None
    calls = [(change(copy.copy(call)) if test(call) else call) for call in process.calls]
    process.calls = [call for call in calls if call is not None]
    return relink(changed)


def swap(processes, whose, first, second):
    """two calls of one process in the other order"""
    changed, process = copied(processes, whose)
    found = [last(process, test) for test in (first, second)] if process else [None]
    if None in found:
        return None
    one, two = found
    process.calls[one], process.calls[two] = process.calls[two], process.calls[one]
    return relink(changed)


def gone(_):
    return None


def replaced(old, new):
    def change(call):
        call.text = re.sub(old, new, call.text)
        return call

    return change


def named(name, part=""):
    return lambda call: call.name == name and part in call.text


def reading(processes, known):
    """octets of the client that come to root, by each way there is"""
    theirs = rules.clients(processes, known)
    for what in sorted(theirs):
        how = "the connection" if what == known.client else "the clear end behind TLS"
        for text in (
            'recvfrom(9<%s>, "U", 1, MSG_PEEK, NULL, NULL) = 1',
            'read(77<%s>, "USER", 100) = 4',
            'recvmsg(9<%s>, {msg_name=NULL, msg_iov=[{iov_base="U", iov_len=1}], msg_iovlen=1}, 0) = 1',
            "splice(9<%s>, NULL, 4<pipe:[1]>, NULL, 10, 0) = 10",
        ):
            changed = insert(processes, role_is("monitor"), root, text % what)
            yield "monitor, %s of %s" % (text.split("(")[0], how), changed
        text = 'read(9<%s>, "USER", 100) = 4' % what
        yield "PAM child, read of %s" % how, insert(processes, role_is("pam"), root, text)


def around(processes, _):
    for text in (
        "ptrace(PTRACE_SEIZE, 5, NULL, 0) = 0",
        "io_uring_setup(8, {flags=0}) = 9<anon_inode:[io_uring]>",
    ):
        yield text.split("(")[0], insert(processes, role_is("monitor"), root, text)


def frames(processes, known):
    pair = sorted(rules.pairs(processes, "SOCK_SEQPACKET"))[0]
    word = next(word.decode() for word, types in known.words.items() if not types)
    length = "".join("\\%03o" % octet for octet in len(word).to_bytes(4, "big"))
    for what, socket, octets, size in (
        ("a socket that is no pair", "socket:[1]", "P", 1),
        ("a frame of no known type", pair, "Q", 1),
        ("a field that is longer than its frame", pair, "PT\\000\\000\\000\\011abc", 9),
        ("an over-long frame", pair, "H", rules.FRAME_MOST + 1),
        ("a command of the client", pair, "ET%s%s" % (length, word), 6 + len(word)),
    ):
        text = 'recvmsg(3<%s>, {msg_iov=[{iov_base="%s", iov_len=65536}], msg_iovlen=1}, 0) = %d'
        yield what, insert(processes, role_is("monitor"), root, text % (socket, octets, size))


def homes(processes, known):
    home = known.homes[0]
    for text in (
        'newfstatat(AT_FDCWD</>, "%s/Maildir", {st_mode=S_IFDIR|0700}, 0) = 0',
        'openat(AT_FDCWD</>, "%s", O_RDONLY|O_PATH) = 5</nowhere>',
        'openat(4</home>, "x", O_RDONLY) = 5<%s/x>',
        'fstat(5<%s/Maildir/new/1>, {st_mode=S_IFREG|0600}) = 0',
        'read(5<%s/.secret>, "", 100) = 0',
        'write(5<%s/Maildir/restante.lock>, "x", 1) = 1',
    ):
        for role in ("monitor", "pam"):
            yield "%s, %s" % (role, text.split(",")[0]), insert(processes, role_is(role), root, text % home)


def user_of(processes):
    """who becomes the user: the monitor, or the session inside PAM's"""
    return role_is("session") if any(map(role_is("session"), processes.values())) else role_is("monitor")


def order(processes, _):
    session = user_of(processes)
    drop = named("setresuid")
    cases = {"session": session, "login process": role_is("login"), "relay": role_is("relay")}
    for name, whose in cases.items():
        yield name + ": no setresgid", edit(processes, whose, named("setresgid"), gone)
        yield name + ": user before group", swap(
            processes, whose, named("setresgid"), lambda call: drop(call) and root(call)
        )
        yield name + ": root could be had again", edit(processes, whose, named("setuid"), gone)
        yield name + ": and as effective uid", edit(
            processes, whose, lambda call: drop(call) and "-1" in call.text, gone
        )
        yield name + ": new privileges", edit(processes, whose, named("prctl", "NO_NEW_PRIVS"), gone)
        if name != "session":
            yield name + ": groups are kept", edit(
                processes, whose, named("setgroups"), replaced(r"^0,.*", "1, [4]")
            )
            yield name + ": no chroot", edit(processes, whose, named("chroot"), failed)
            yield name + ": no filter", edit(processes, whose, is_filter, gone)
    if session(next(process for process in processes.values() if process.parent is None)):
        yield "session: no setgroups", edit(processes, session, named("setgroups"), gone)


def is_filter(call):
    return rules.filtered([call]) is not None


def failed(call):
    call.result = "-1 EPERM (Operation not permitted)"
    return call


def locked(processes, _):
    for role in ("login", "relay"):
        for text in (
            'openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY) = 5</etc/passwd>',
            "socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 5<socket:[1]>",
            "fcntl(3<socket:[2]>, F_DUPFD, 10) = 10<socket:[2]>",
            "clone(child_stack=NULL, flags=SIGCHLD) = 99999",
        ):
            yield "%s, %s" % (role, text.split("(")[0]), insert(processes, role_is(role), any_call, text)
    text = "recvmsg(3<socket:[2]>, {msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[4</etc/passwd>]}]}, 0) = 1"
    yield "login, a descriptor from elsewhere", insert(processes, role_is("login"), any_call, text)


def users(processes, known):
    def drop(call):
        return call.name == "setresuid" and "-1" not in call.text

    yield "the mail of one is opened by another", edit(
        processes, user_of(processes), drop, replaced(r"\d+", str(known.user + 1))
    )


PLANTS = {
    rules.no_root_reads_client: reading,
    rules.no_way_around: around,
    rules.root_hears_frames_alone: frames,
    rules.no_root_below_homes: homes,
    rules.drops_in_order: order,
    rules.locked_up: locked,
    rules.session_is_user: users,
}


def faults(processes, known):
    """of each rule: how many faults were planted into such a trace, and those it did not find"""
    for rule, plant in PLANTS.items():
        cases = ((what, changed) for what, changed in plant(processes, known) if changed is not None)
        planted = [(what, rule(changed, known)) for what, changed in cases]
        yield rule, len(planted), [what for what, found in planted if not found]
    straced.link(processes)
