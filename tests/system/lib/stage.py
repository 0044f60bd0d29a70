"""stage.py - in the box: what was installed, and where; its installation into this system

SPDX-License-Identifier: ISC
"""
import pathlib
import shutil
import subprocess

import box

PAM_UNIX = "auth required pam_unix.so\naccount required pam_unix.so\n"
SHARED = pathlib.Path("/run/shared")
where = dict(line.split("=", 1) for line in (SHARED / "directories").read_text().splitlines())
PROGRAM = where["sbindir"] + "/restante"
RELAY = where["libexecdir"] + "/restante-tls"
EMPTY = where["localstatedir"] + "/lib/restante/empty"
TICKETS = where["runstatedir"] + "/restante"
CONFIGURATION = where["sysconfdir"] + "/restante/restante.conf"
UNITS = (
    "restante.socket",
    "restante@.service",
    "restante-pop1.socket",
    "restante-pop1@.service",
    "restante-tls.socket",
    "restante-tls@.service",
    "system-restante.slice",
)


def looked_in():
    """the directories that systemd takes units from; with another prefix there must be links"""
    return {pathlib.Path(path).resolve() for path in box.run("systemd-path", "systemd-search-system-unit").strip().split(":")}


def install():
    """what make install put into the stage, in its place; then what a package would do after it"""
    subprocess.run("cp -a %s/stage/. /" % SHARED, shell=True, check=True)
    installed = pathlib.Path(where["systemdsystemunitdir"])
    for unit in UNITS if installed.resolve() not in looked_in() else ():
        pathlib.Path("/run/systemd/system", unit).symlink_to(installed / unit)
    shutil.copy(where["pamdir"] + "/pop3", SHARED / "pam.d-pop3")
    box.pam(PAM_UNIX)
    box.run("systemd-sysusers", where["sysusersdir"] + "/restante.conf")
    shutil.rmtree(EMPTY, ignore_errors=True)
    box.run("systemd-tmpfiles", "--create", where["tmpfilesdir"] + "/restante.conf")
    box.run("systemctl", "daemon-reload")
