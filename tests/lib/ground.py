# ground - the program where anybody can run it, and root left behind
#
# nobody may be unable to read the build tree, so the program is copied first.
#
# SPDX-License-Identifier: ISC
import os
import pwd
import shutil
import tempfile

from lib.certs import Certs


class Ground:
    """
    with Ground() as path: the program's path; started by root, all goes on as nobody.
    With root=True root stays root, and owner is the uid and gid of nobody, for the mail.
    prepare(directory), if given, is called before root is left; what it returns is kept
    in prepared.  The directory is removed at the end.

    relay is restante-tls: $RESTANTE_TLS, beside the program if that is not set, None if it is
    empty (a build without TLS).  certs are the certificates of all tests.
    """

    def __init__(self, root=False, prepare=None):
        self.root, self.prepare = root, prepare
        self.dir = self.owner = self.prepared = self.relay = None

    def __enter__(self):
        path = os.path.abspath(os.environ.get("RESTANTE", "./restante"))
        if not os.access(path, os.X_OK):
            raise FileNotFoundError(f"no program: {path}")
        relay = os.environ.get("RESTANTE_TLS", os.path.join(os.path.dirname(path), "restante-tls"))
        self.relay = relay and os.path.abspath(relay)
        self.dir = tempfile.mkdtemp(prefix="restante-bin-")
        os.chmod(self.dir, 0o755)
        if self.prepare:
            self.prepared = self.prepare(self.dir)
        path = self._settle(path)
        self.certs = Certs(f"{self.dir}/certs")
        return path

    def _settle(self, path):
        """The program's path for the account that we are from now on."""
        if os.getuid() != 0:
            return path
        nobody = pwd.getpwnam("nobody")
        ids = nobody.pw_uid, nobody.pw_gid
        if self.root:
            self.owner = ids
            return path
        shutil.copy(path, self.dir)
        if self.relay and os.path.exists(self.relay):
            self.relay = shutil.copy(self.relay, self.dir)
        os.chown(self.dir, *ids)
        os.setgroups([])
        os.setresgid(ids[1], ids[1], ids[1])
        os.setresuid(ids[0], ids[0], ids[0])
        return os.path.join(self.dir, os.path.basename(path))

    def __exit__(self, *_):
        shutil.rmtree(self.dir)
