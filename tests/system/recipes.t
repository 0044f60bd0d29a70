#!/usr/bin/python3
"""recipes.t - doc/RECIPES does what it says: files and commands are taken out of the page

In a throw-away system with real accounts, PAM, systemd, xinetd and fail2ban, which bans.  Each
recipe is set up by the page's own text, used, and undone (lib/inside_recipes.py); arguments name
steps.

SPDX-License-Identifier: ISC
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

# a quarter of a minute where nothing else runs
boxed.run("inside_recipes.py", 300)
