#!/usr/bin/python3
"""units.t - the units themselves, under a real systemd: floods, failures, crashes, upgrades, confinement

In a throw-away system (sdbox), from what "make install" installs.  What is tested is in
lib/inside_units.py; arguments, if there are any, name the steps to take.

SPDX-License-Identifier: ISC
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

boxed.run("inside_units.py", 300)
