# crew - run many transcripts at once: most of their time is waiting
#
# Each worker is a process, so that all orphans it sees are its own.
#
# SPDX-License-Identifier: ISC
import json
import os
import traceback

from lib import program


def results(tasks, workers):
    """What each of tasks (functions without arguments) returns, in their order."""
    pipes = [_start(tasks[first::workers]) for first in range(workers)]
    for index in range(len(tasks)):
        line = pipes[index % workers].readline()
        yield json.loads(line) if line else "the worker died"
    for pipe in pipes:
        pipe.close()
        os.wait()


def _start(tasks):
    ours, theirs = os.pipe()
    if os.fork():
        os.close(theirs)
        return os.fdopen(ours, encoding="utf-8")
    os.close(ours)
    status = 1
    try:
        program.adopt_orphans()
        with os.fdopen(theirs, "w", encoding="utf-8") as pipe:
            for task in tasks:
                print(json.dumps(task()), file=pipe, flush=True)
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)
