#!/usr/bin/python3
"""siege.t - thousands of sessions under a real systemd, and who is let in meanwhile

With our units as they are installed: sessions that do nothing, sessions that never rest, a
thousand connects a second from one address, readers and writers of an octet a second.  Then the
limits of tcpserver and xinetd.  What must hold: nobody else notices, each octet is right, memory
does not grow, and afterwards nothing is left: no process, zombie, unit, descriptor, file.

RESTANTE_LOAD=600 takes ten minutes, with 2,000 idle and 500 active sessions; by default it is 10
seconds with less of all.  Figures are diagnostics.  It is lib/siege.py that runs, in a
throw-away system.

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

boxed.run("siege.py", SECONDS * 2 + 240, (str(SECONDS), str(SEED)))
