#!/usr/bin/python3
"""fleet.t - HAProxy in front of two hosts that serve one GlusterFS volume, and a host that fails again and again

Hosts are name spaces of a throw-away system: three store the volume, two of them run the program by
tcpserver, one has HAProxy with doc/examples/haproxy-fleet.cfg, and mail is delivered on another all
the time.  What must hold: the lock excludes and gives way across hosts; a session that a dead or
cut off host had frees its mailbox soon; the next login, on another host, finds all mail under the
same unique-ids; who has lost the lock deletes nothing; and in the end each message that was
delivered was stored by its client or lies there still, once.

RESTANTE_FLEET=200 is the number of fail-overs, 4 by default.  Figures are diagnostics.  It is
lib/fleet.py that runs, in a throw-away system.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402
import check  # noqa: E402

FAILOVERS = int(os.environ.get("RESTANTE_FLEET") or 4)
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(4), "big") // 2)
NEEDED = {"glusterd": "glusterfs-server", "haproxy": "haproxy", "tcpserver": "ucspi-tcp", "ip": "iproute2"}

PATH = "%s:%s:/usr/sbin:/sbin" % (boxed.INETDS / "usr/sbin", os.environ["PATH"])

for program, package in NEEDED.items():
    if not shutil.which(program, path=PATH):
        check.skip_all("no %s (package: %s)" % (program, package))
if "fuse" not in pathlib.Path("/proc/filesystems").read_text():
    check.skip_all("this kernel has no FUSE")
boxed.run("fleet.py", 120 + 20 * FAILOVERS, (str(FAILOVERS), str(SEED)))
