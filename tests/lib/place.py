# place - a directory of its own for one transcript: Maildirs, accounts, PAM services
#
# SPDX-License-Identifier: ISC
import contextlib
import os
import pwd
import shutil
import tempfile

CHECK = """#!/bin/sh
# the accounts of one test; pam_exec gives the password on standard input
IFS= read -r password
case "$PAM_USER:$password" in
%s
esac
exit 1
"""

# pam_exec can only say "system error"; the jump makes "wrong password" of it
SERVICE = """auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {dir}/pam/check
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
"""


class Place:
    """A fresh directory, removed by remove()."""

    def __init__(self, owner=None, names=None):
        """
        owner: the uid and gid that shall own the mail, where that is not the caller
        names: what {name} stands for, besides {dir}
        """
        self.dir = tempfile.mkdtemp(prefix="restante-test-")
        self.names = {"dir": self.dir, **(names or {})}
        os.chmod(self.dir, 0o755)
        self.owner = owner
        self.user = self.names["user"] = pwd.getpwuid(owner[0] if owner else os.getuid()).pw_name
        for name in ("pam", "mail"):
            os.mkdir(f"{self.dir}/{name}", 0o755)
        self.write("restante.conf", "")
        self.certs = {}		# name: Cert
        self.relay = None

    def write(self, path, text, mode=0o644):
        full = os.path.join(self.dir, path)
        with open(full, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(full, mode)
        return full

    def expand(self, text):
        for name, value in self.names.items():
            text = text.replace("{%s}" % name, value)
        return text

    def accounts(self, pairs):
        """pairs of name and password, as octets"""
        rows = b"\n".join(_quote(name + b":" + password) + b") exit 0 ;;" for name, password in pairs)
        path = self.write("pam/check", "", 0o755)
        with open(path, "wb") as file:
            file.write(CHECK.encode().replace(b"%s", rows))

    def service(self, lines=None, name="pop3"):
        """The PAM service file; lines replace the usual ones."""
        if lines != ["none"]:
            text = "".join(line + "\n" for line in lines) if lines else SERVICE
            self.write(f"pam/{name}", self.expand(text))

    def secure(self, certs, definitions, relay):
        """Certificates below {dir}/tls, as certbot has them; the first is the default."""
        if not os.path.exists(relay):
            raise FileNotFoundError(f"no relay: {relay}")
        self.relay = relay
        os.mkdir(f"{self.dir}/tls")
        self.names["ca"] = certs.ca
        for name, words in definitions:
            self.certs[name] = certs.make(name, words)
            os.mkdir(f"{self.dir}/tls/{name}")
            self.lay(name, self.certs[name])
            self.names[f"{name}.cert"] = f"{self.dir}/tls/{name}/fullchain.pem"
            self.names[f"{name}.key"] = f"{self.dir}/tls/{name}/privkey.pem"
        first = definitions[0][0]
        self.names["cert"], self.names["key"] = self.names[f"{first}.cert"], self.names[f"{first}.key"]

    def lay(self, name, cert):
        """The files served as name are cert's: the key first, then the certificate."""
        for path, target in (("privkey.pem", cert.key), ("fullchain.pem", cert.chain)):
            link = f"{self.dir}/tls/{name}/{path}"
            os.symlink(target, f"{link}.new")
            os.rename(f"{link}.new", link)

    def options(self):
        """What every run of the program is given before the test's own options."""
        given = {
            "log.target": "stderr",
            "server.hostname": "pop.example.org",
            "auth.pam_confdir": f"{self.dir}/pam",
            "auth.failure_delay": "0",
            "mail.user": self.user,
            "mail.maildir": f"{self.dir}/mail/%u/Maildir",
        }
        if self.owner:
            given["server.login_user"] = self.user
        if self.relay:
            given.update({
                "tls.relay": self.relay,
                "tls.user": self.user,
                "tls.ticket_directory": f"{self.dir}/tickets",
                "tls.certificate": self.names["cert"],
                "tls.private_key": self.names["key"],
            })
        return [f"{key}={value}" for key, value in given.items()]

    def chown(self):
        """Give the mail to its owner.  A session may be writing its index, so names come and go."""
        if self.owner:
            for top, dirs, files in os.walk(os.fsencode(f"{self.dir}/mail")):
                for name in [b"."] + dirs + files:
                    with contextlib.suppress(FileNotFoundError):
                        os.chown(os.path.join(top, name), *self.owner, follow_symlinks=False)

    def remove(self):
        for top, dirs, _ in os.walk(os.fsencode(self.dir)):
            for name in dirs:
                if not os.path.islink(os.path.join(top, name)):
                    os.chmod(os.path.join(top, name), 0o700)
        shutil.rmtree(self.dir)


def _quote(octets):
    return b"'" + octets.replace(b"'", b"'\\''") + b"'"
