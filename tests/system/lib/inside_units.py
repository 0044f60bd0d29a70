#!/usr/bin/python3
"""inside_units.py - all of units.t that happens in the throw-away system; see there

SPDX-License-Identifier: ISC
"""
import sys
import time
import traceback

sys.dont_write_bytecode = True

import box  # noqa: E402
import check  # noqa: E402
import inside_table  # noqa: E402
from stage import install  # noqa: E402

t = check.Checks()

STEPS = {
    "table": lambda: inside_table.table(t),
}


def main():
    """all steps, or those named as arguments"""
    install()
    box.run("systemctl", "start", "restante.socket", "restante-tls.socket")
    for name, step in STEPS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        started = time.monotonic()
        try:
            step()
        except Exception as error:
            t.ok(False, "%s: to its end" % name, "".join(traceback.format_exception(error)[-6:]))
        t.note("%s: %.1f s" % (name, time.monotonic() - started))
    t.done()


main()
