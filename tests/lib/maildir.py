# maildir - make a Maildir as a transcript describes it, and compare it afterwards
#
# Whatever a transcript does, at its end every message must be there, octet for octet,
# under its base name in new or cur, unless the transcript says that it is gone.
#
# SPDX-License-Identifier: ISC
import collections
import os

from lib.escapes import decode, show


class Maildir:
    def __init__(self, path):
        self.path = os.fsencode(path)
        self.expected = {}	# path as octets: content

    def make(self, t):
        """All that the headers of transcript t ask for."""
        parts = {"yes": ("new", "cur", "tmp"), "no-cur": ("new", "tmp"), "no-new": ("cur", "tmp"), "bare": ()}
        if t.maildir == "nohome":
            return
        os.makedirs(os.path.dirname(self.path))
        if t.maildir in parts:
            for name in (b".",) + tuple(p.encode() for p in parts[t.maildir]):
                os.makedirs(self.at(name), 0o700, exist_ok=True)
        elif t.maildir == "file":
            open(self.path, "xb").close()
        elif t.maildir.startswith("link "):
            os.symlink(t.maildir[5:], self.path)
        elif t.maildir != "none":
            raise ValueError(f"maildir: {t.maildir}")
        for name, text, content in t.headers:
            self._make(name, text, content)

    def _make(self, name, text, content):
        if name == "mail":
            self.deliver(decode(text), content)
        elif name == "mails":
            count, _, pattern = text.partition(" ")
            self._deliver_many([decode(pattern.replace("%d", str(n + 1))) for n in range(int(count))], content)
        elif name == "file":
            self.write(decode(text), content)
        elif name == "link":
            link, _, target = text.partition(" -> ")
            os.symlink(decode(target), self.at(decode(link)))
        elif name == "fifo":
            os.mkfifo(self.at(decode(text)))
        elif name == "dir":
            os.makedirs(self.at(decode(text)))
        elif name == "mode":
            mode, _, path = text.partition(" ")
            os.chmod(self.at(decode(path)), int(mode, 8))

    def at(self, path):
        return os.path.join(self.path, path)

    def write(self, path, content):
        with open(self.at(path), "wb") as file:
            file.write(content)

    def deliver(self, path, content):
        """A message that must be there at the end."""
        self.write(path, content)
        self.expected[path] = content

    def _deliver_many(self, paths, content):
        """A %d is the message's number; without one all are links to one file, which is quicker."""
        for n, path in enumerate(paths, 1):
            if n == 1 or b"%d" in content:
                self.deliver(path, content.replace(b"%d", b"%d" % n))
            else:
                os.link(self.at(paths[0]), self.at(path))
                self.expected[path] = content

    def gone(self, path):
        """The message made as path must not be there at the end."""
        del self.expected[path]

    def problems(self):
        """What was lost, changed, or is there and should not be."""
        want = collections.Counter((_base(path), content) for path, content in self.expected.items())
        have = collections.Counter(self._present())
        lost = [f"lost or changed: {show(base)}" for base, _ in want - have]
        extra = [f"unexpected message file: {show(base)}: {show(content)}" for base, content in have - want]
        return lost + extra

    def _present(self):
        for where in (b"new", b"cur"):
            if not os.path.isdir(self.at(where)) or os.path.islink(self.at(where)):
                continue
            os.chmod(self.at(where), 0o700)
            for entry in os.scandir(self.at(where)):
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith(b"."):
                    yield _base(entry.name), _content(entry.path)


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except PermissionError:
        os.chmod(path, 0o600)
        with open(path, "rb") as file:
            return file.read()


def _base(path):
    return os.path.basename(path).split(b":")[0]
