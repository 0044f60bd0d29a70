#!/usr/bin/python3
"""siege.t - thousands of sessions under a real systemd, and who is let in meanwhile

With our units as they are installed: sessions that do nothing, sessions that never rest,
connections of one address that are turned away, readers and writers of an octet a second; then a
thousand connects a second, which systemd, tcpserver and xinetd each bear in their way.  What must
hold: each octet is right, who is logged in does not notice, memory does not grow, and afterwards
nothing is left: no process, zombie, unit, descriptor, file.

RESTANTE_LOAD=600 takes ten minutes by systemd, with 2,000 idle and 500 active sessions, and as
many by xinetd with a thousand connects a second all the time; by default it is 10 seconds with
less of all.  Arguments name the steps to take: systemd, xinetd, limits.  Figures are diagnostics.
It is lib/siege.py that runs, in a throw-away system.

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

SECONDS = int(os.environ.get("RESTANTE_LOAD") or 10)
SEED = int(os.environ.get("RESTANTE_SEED") or int.from_bytes(os.urandom(4), "big") // 2)

boxed.run("siege.py", SECONDS * 3 + 360 if SECONDS > 10 else 240, (str(SECONDS), str(SEED)))
