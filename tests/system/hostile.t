#!/usr/bin/python3
"""hostile.t - the owner of a Maildir has a shell: what he plants, others never notice

In a throw-away system with real accounts: links to other people's mail, FIFOs, devices, forged
indexes, swapped directories, held locks, files that move while they are sent, a million messages,
a file system that hangs.  Somebody else logs in meanwhile, all the time; other people's files, some
of which everybody may write, are compared before and after, and whatever the owner heard is
searched for their octets.  Arguments: steps of lib/inside_hostile.py; --all: in full size.

SPDX-License-Identifier: ISC
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

boxed.run("inside_hostile.py", 300)
