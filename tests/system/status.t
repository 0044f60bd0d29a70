#!/usr/bin/python3
"""status.t - what systemd is told of a session, and the measurement of what one costs it

Everything happens in a throw-away system (sdbox), with our units as they are installed.  It is
lib/inside_status.py that runs; then bench/supervisors, so short that its figures mean nothing,
to see that it still works.

SPDX-License-Identifier: ISC
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

boxed.run("inside_status.py", 120)
