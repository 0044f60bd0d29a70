"""boxed.py - install into a stage, start a throw-away system, run one of our programs in there

For the tests that are root and need systemd, accounts and ports of their own: each is a few lines
that name what runs inside (lib/inside*.py).

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import check
from server import BUILD

HERE = pathlib.Path(__file__).resolve().parent.parent
INETDS = pathlib.Path(os.environ.get("INETDS", BUILD / "inetds"))


def make(*words):
    # a make that runs us (make check) has flags and a job server of its own
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    }
    done = subprocess.run(
        ["make", "-s", "-C", BUILD, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean,
    )
    if done.returncode:
        print("Bail out! make %s: %s" % (" ".join(words), done.stderr[-500:].replace("\n", " ")), flush=True)
        sys.exit(1)
    return done.stdout


def run(program, seconds, arguments=()):
    """program of lib, with arguments and ours, in a system of its own; ends with its status"""
    if os.getuid() != 0:
        check.skip_all("only root can make a system of its own")
    if not (BUILD / "Makefile").exists() or not (BUILD / "restante").exists():
        check.skip_all("nothing is built in %s" % BUILD)
    shared = pathlib.Path(tempfile.mkdtemp(prefix="restante-systemd."))
    try:
        shared.chmod(0o755)
        make("install", "DESTDIR=%s" % (shared / "stage"))
        (shared / "directories").write_text(make("directories"))
        shutil.copytree(
            HERE.parent,
            shared / "tests",
            ignore=shutil.ignore_patterns("__pycache__", "*.o", "*.log", "*.trs"),
        )
        if (BUILD / "bench/floor").exists():
            shutil.copy(BUILD / "bench/floor", shared)
        if INETDS.is_dir():
            shutil.copytree(INETDS, shared / "inetds", symlinks=True)
        command = [HERE / "sdbox", shared, "/usr/bin/python3", "tests/system/lib/" + program]
        status, said = start([*command, *arguments, *sys.argv[1:]], seconds)
    finally:
        shutil.rmtree(shared, ignore_errors=True)
    if status == 77:
        check.skip_all(said.strip().replace("sdbox: ", ""))
    sys.stdout.write(said)
    if "\n1.." not in said:
        print("Bail out! the throw-away system ended with status %d" % status, flush=True)
    sys.exit(status)


def start(command, seconds):
    """sdbox, which is to tidy up, too, if we are told to end; its status and what it said"""
    env = {"SDBOX_TIMEOUT": str(seconds), **os.environ}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as box:
        try:
            said = box.communicate()[0]
        finally:
            box.terminate()
    return box.returncode, said
