"""rooted.py - in the box: the program behind a loopback port of its own, started by root

SPDX-License-Identifier: ISC
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

import pop
import stage
from server import descendants, process_status

TRACES = pathlib.Path("/run/traces")


class Rooted:
    """the program behind a loopback port, started by root, in a trace if there is a name for it"""

    def __init__(self, *options, trace=None):
        settings = ["auth.failure_delay=0", "network.tls=off", *options]
        command = [stage.PROGRAM, *(word for setting in settings for word in ("-o", setting))]
        if trace:
            (TRACES / trace).mkdir(parents=True)
            command = ["/usr/bin/strace", "-ff", "-y", "-s", "70000", "-o", TRACES / trace / "t", *command]
        spawn = pathlib.Path(__file__).with_name("spawn.py")
        command = [sys.executable, spawn, "127.0.0.1", "0", "-", *command]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        """the traces are whole once all of it has ended"""
        for pid in descendants(self.process.pid) if failed else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()

    def connect(self):
        return pop.Pop(self.port)

    def pids(self):
        return [pid for pid in descendants(self.process.pid) if process_status(pid, "Name") != "strace"]

    def roots(self):
        """of its processes, those in which root is left"""
        return [pid for pid in self.pids() if "0" in (process_status(pid, "Uid") or "").split()]
