"""inside_process.py - in the box: what the processes are, own and hold, before and after the login

SPDX-License-Identifier: ISC
"""
import grp
import os
import pathlib
import pwd
import stat
import time

import box
from pop import Pop


killed = []  # units that we shot ourselves


def before_login(t, empty):
    """a monitor that is root, a login process that owns nothing"""
    with Pop(110) as pop:
        pop.line()
        main, others = box.processes_of(box.unit_of(pop))
        t.same(len(others), 1, "before login: two processes")
        monitor(t, box.status(main))
        t.same(box.status(main)["Uid"].split(), ["0"] * 4, "before login: the monitor is root")
        login(t, others[0], empty)
        monitor_descriptors = box.descriptors(main)
        t.note("monitor: %s" % monitor_descriptors)
        pop.expect("QUIT")


# setgid, setuid; kill; chroot; read keys that are not root's own (linux/capability.h)
IN_FORCE = {6, 7, 5, 18, 2}
# modules, raw I/O, ptrace, boot, time, the network's set-up: no PAM module's business
NOBODYS = {16, 17, 19, 22, 25, 12, 13}


def capabilities(seen, field):
    value = int(seen[field], 16)
    return {number for number in range(64) if value >> number & 1}


def monitor(t, seen):
    t.same(capabilities(seen, "CapEff"), IN_FORCE, "before login: the monitor has what it needs in force")
    t.same(capabilities(seen, "CapPrm") & NOBODYS, set(), "before login: and what nobody needs is gone")


def login(t, pid, empty):
    account, seen = pwd.getpwnam("restante"), box.status(pid)
    t.same(seen["Uid"].split(), [str(account.pw_uid)] * 4, "login process: runs as restante, all four uids")
    t.same(seen["Gid"].split(), [str(account.pw_gid)] * 4, "login process: and its group")
    t.same(seen["Groups"].split(), [], "login process: no supplementary groups")
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        t.same(int(seen[field], 16), 0, "login process: %s is empty" % field)
    t.same(seen["NoNewPrivs"], "1", "login process: no new privileges")
    t.same(seen["Seccomp"], "2", "login process: a system call filter")
    t.same(os.readlink("/proc/%d/root" % pid), empty, "login process: its root is the empty directory")
    t.same(os.listdir("/proc/%d/root/" % pid), [], "login process: which is empty")
    t.same(not_dumpable(pid), True, "login process: cannot be traced or dumped")
    fds, limits = box.descriptors(pid), box.limits(pid)
    t.note("login process: %s" % fds)
    strange = [
        target for target in fds.values() if target != "/dev/null" and not target.startswith("socket:")
    ]
    t.same(strange, [], "login process: holds its connection and its pair, no file")
    t.ok(
        len([target for target in fds.values() if target.startswith("socket:")]) <= 3,
        "login process: and no other socket",
        fds,
    )
    t.same(int(limits["Max open files"]), max(fds) + 1, "login process: has no room for another descriptor")
    for limit in ("Max processes", "Max file size", "Max core file size"):
        t.same(limits[limit], "0", "login process: %s is 0" % limit)


def not_dumpable(pid):
    """/proc/PID of a process that is not dumpable belongs to root, whatever its uid"""
    return os.stat("/proc/%d/status" % pid).st_uid == 0


def after_login(t):
    """the monitor has become the session: one process, the user's, with nothing of root's"""
    pop = Pop(110)
    pop.line()
    unit = box.unit_of(pop)
    monitor, _ = box.processes_of(unit)
    for command in ("USER alice", "PASS " + box.password_of("alice"), "STAT"):
        pop.expect(command)
    main, others = box.processes_of(unit)
    t.same(
        (main, others),
        (monitor, []),
        "after login: one process, and it is the one that the supervisor started",
    )
    session(t, main)
    memory(t, main, pop)
    pop.expect("QUIT")
    pop.close()
    t.ok(box.wait_no_sessions(), "after QUIT: no unit is left")


def session(t, pid):
    alice, seen = pwd.getpwnam("alice"), box.status(pid)
    t.same(seen["Uid"].split(), [str(alice.pw_uid)] * 4, "session: runs as alice, all four uids")
    t.same(seen["Gid"].split(), [str(alice.pw_gid)] * 4, "session: and her group")
    t.same(
        set(seen["Groups"].split()),
        {str(alice.pw_gid), str(grp.getgrnam("mail").gr_gid)},
        "session: and her other groups",
    )
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        t.same(int(seen[field], 16), 0, "session: %s is empty" % field)
    t.same(seen["NoNewPrivs"], "1", "session: no new privileges")
    t.same(not_dumpable(pid), True, "session: cannot be traced or dumped")
    t.same(seen["Seccomp"], "2", "session: a system call filter")
    limits = box.limits(pid)
    t.same(
        (limits["Max processes"], limits["Max core file size"]),
        ("0", "0"),
        "session: starts no process, leaves no core",
    )
    fds = box.descriptors(pid)
    t.note("session: %s" % fds)
    allowed = ("/dev/null", "socket:", alice.pw_dir + "/Maildir", "anon_inode:")
    t.same(
        [target for target in fds.values() if not target.startswith(allowed)],
        [],
        "session: holds nothing but her Maildir and sockets",
    )
    t.ok(
        stat.S_ISDIR(os.stat("/proc/%d/cwd" % pid).st_mode)
        and os.readlink("/proc/%d/cwd" % pid) in ("/", alice.pw_dir + "/Maildir"),
        "session: keeps no other directory busy",
    )


def memory(t, pid, pop):
    """other accounts' hashes, read by PAM on the way, and the password itself are not in there"""
    secrets = {box.shadow(user).encode(): user for user in ("alice", "bob", "root")}
    t.same(
        box.memory_has(os.getpid(), list(secrets)),
        set(secrets),
        "memory: the search finds what is there (our own)",
    )
    found = box.memory_has(pid, [*secrets, b"alice", box.password_of("alice").encode()])
    t.ok(b"alice" in found, "memory: of the session can be read")
    t.same(
        sorted(secrets[word] for word in found if word in secrets),
        [],
        "memory: the session holds no hash of the shadow file",
    )
    t.ok(box.password_of("alice").encode() not in found, "memory: the session does not hold the password")


def pam_session(t, program):
    """auth.pam_session: root stays to close it, and does, however the session ends"""
    record = pathlib.Path("/run/pam-session")
    script = pathlib.Path("/run/pam-record")
    script.write_text(
        '#!/bin/sh\necho "$PAM_TYPE $PAM_USER $PAM_SERVICE $PAM_RHOST $(id -u)" >>%s\n' % record
    )
    script.chmod(0o755)
    box.pam(
        "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_exec.so %s\n" % script,
        "popsession",
    )
    want = ["%s alice popsession 127.0.0.1 0" % word for word in ("open_session", "close_session")]
    with box.dropin(box.options(program, "auth.pam_session=yes", "auth.pam_service=popsession")):
        for end in ("QUIT", "a killed session"):
            record.write_text("")
            with t.holds("pam_session: a session, then %s" % end):
                pop = box.login("alice")
                unit = box.unit_of(pop)
                main, others = box.processes_of(unit)
                owners = sorted(box.status(pid)["Uid"].split()[0] for pid in [main, *others])
                uid = str(pwd.getpwnam("alice").pw_uid)
                assert owners.count(uid) == 1 and set(owners) == {"0", uid}, owners
                pop.expect("STAT")
                if end == "QUIT":
                    pop.expect("QUIT")
                else:
                    killed.append(unit)
                    os.kill(next(pid for pid in others if box.status(pid)["Uid"].split()[0] == uid), 9)
                pop.close()
            t.ok(box.wait_no_sessions(), "pam_session: after %s nothing is left" % end)
            t.same(
                record.read_text().splitlines(),
                want,
                "pam_session: %s: opened once, closed once, by root" % end,
            )


def stopped(t):
    """systemctl stop in the middle: the client is told, nothing is deleted"""
    had, after = box.left("bob"), box.now()
    pop = box.login("bob")
    pop.expect("DELE 1")
    started = time.monotonic()
    box.run("systemctl", "stop", box.unit_of(pop))
    t.ok(time.monotonic() - started < 5, "stop: the session ends at once")
    last = pop.rest()
    pop.close()
    t.ok(last.startswith(b"-ERR [SYS/TEMP]") or last == b"", "stop: the client hears why, or the end", last)
    t.same(box.left("bob"), had, "stop: nothing is deleted")
    reasons = [
        entry.get("POP3_REASON")
        for entry in box.phrase(box.journal(after, "POP3_USER=bob", want=2), "LOGOUT")
    ]
    t.same(reasons, ["shutdown"], "stop: the log has the reason")
