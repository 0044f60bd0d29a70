"""inside_pam.py - in the box: modules of PAM that need root's powers have them, and no others

The monitor keeps the least in force; the PAM child, forked from it, has to get the rest back.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import pwd

import box

SERVICE = """auth required pam_unix.so
account required pam_unix.so
session required pam_exec.so {script}
session required pam_limits.so
session required pam_mkhomedir.so
session required pam_namespace.so
session required pam_unix.so
"""

# what a module that starts programs passes on: administration, limits, owners, audit
PASSED = {21, 24, 0, 1, 3, 29, 30}
# modules, raw I/O, ptrace, boot, time, the network's set-up: nobody's
GONE = {16, 17, 19, 22, 25, 12, 13}

# no bounds of the unit's: as xinetd or tcpserver would start us
UNBOUND = "CapabilityBoundingSet=~\nRestrictNamespaces=no\n"


def modules(t, program):
    """pam_limits sets, pam_mkhomedir makes, pam_namespace mounts; a script has root's powers"""
    record = pathlib.Path("/run/pam-powers")
    script = pathlib.Path("/run/pam-powers.sh")
    script.write_text("#!/bin/sh\ngrep ^Cap /proc/self/status >%s\n" % record)
    script.chmod(0o755)
    box.pam(SERVICE.format(script=script), "poppowers")
    pathlib.Path("/etc/security/limits.d/restante.conf").write_text("dora - nofile 77\n")
    pathlib.Path("/etc/security/namespace.conf").write_text("/mnt /mnt-of/ user root\n")
    os.makedirs("/mnt-of", mode=0o000, exist_ok=True)
    for part in ("new", "cur", "tmp"):
        os.makedirs("/etc/skel/Maildir/" + part, exist_ok=True)
    box.run("useradd", "-M", "-d", "/home/dora", "dora")
    box.run("chpasswd", input="dora:%s\n" % box.password_of("dora"))
    settings = box.options(program, "auth.pam_session=yes", "auth.pam_service=poppowers", "server.sandbox=require")
    with box.dropin(settings + UNBOUND), t.holds("pam powers: a session"):
        after = box.now()
        look(t, record)
        ends = box.phrase(box.journal(after, "POP3_USER=dora", want=2), "LOGOUT")
        # it had said nothing before it confined itself: its log was to be opened before
        t.same([entry.get("POP3_REASON") for entry in ends], ["quit"], "pam powers: the session could log its end")
    t.ok(box.wait_no_sessions(), "pam powers: nothing is left")


def look(t, record):
    pop = box.login("dora")
    main, others = box.processes_of(box.unit_of(pop))
    uid = str(pwd.getpwnam("dora").pw_uid)
    [session] = [pid for pid in others if box.status(pid)["Uid"].split()[0] == uid]
    t.ok(os.path.isdir("/home/dora/Maildir/new"), "pam powers: pam_mkhomedir made the home")
    t.same(box.limits(session)["Max open files"], "77", "pam powers: pam_limits set a limit")
    t.ok(
        os.readlink("/proc/%d/ns/mnt" % session) != os.readlink("/proc/%d/ns/mnt" % main),
        "pam powers: pam_namespace gave the session a view of its own",
    )
    passed = powers(dict(line.split(":\t") for line in record.read_text().splitlines()), "CapEff")
    # some systems have not got all of them
    wanted = PASSED & powers(box.status(1), "CapBnd")
    t.same(passed & PASSED, wanted, "pam powers: a program of a module's has root's powers")
    t.same(passed & GONE, set(), "pam powers: but not those that nobody needs")
    t.same(powers(box.status(main), "CapBnd") & GONE, set(), "pam powers: nor can anybody get them back")
    for field in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        t.same(powers(box.status(session), field), set(), "pam powers: the session's %s is empty" % field)
    t.same(box.status(session)["Seccomp"], "2", "pam powers: the session has a filter")
    pop.expect("QUIT")
    pop.close()


def powers(seen, field):
    value = int(seen[field], 16)
    return {number for number in range(64) if value >> number & 1}
