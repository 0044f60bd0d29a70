#!/usr/bin/python3
"""privilege.t - proof by trace: who reads the client, who is root, what is dropped and when

Sessions of each kind are run under strace in a throw-away system with real accounts and pam_unix:
in clear, by STLS, in TLS, with a client's certificate, inside a PAM session; with wrong passwords
before and pipelined commands behind the login.  lib/rules.py holds what no process may do against
the traces, lib/planted.py plants each fault and sees it found.  Then memory is searched for what
PAM leaves there.

SPDX-License-Identifier: ISC
"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import boxed  # noqa: E402

boxed.run("inside_privilege.py", 120)
