#!/usr/bin/python3
"""systemd.t - installed, as root, under a real systemd: sessions, refusals, processes, log

Everything happens in a throw-away system (sdbox): "make install" goes to a stage that is copied
into it, accounts are made there, port 110 is its own.  What is tested is in lib/inside*.py;
arguments, if there are any, name the steps to take (inside.py lists them).

SPDX-License-Identifier: ISC
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

# all steps take a minute where nothing else runs
boxed.run("inside.py", 300)
