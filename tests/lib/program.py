# program - one run of the program, connected as a supervisor would connect it
#
# The process is the leader of a session of its own; what it leaves behind becomes a
# child of the test (adopt_orphans), so that nothing can hide.
#
# SPDX-License-Identifier: ISC
import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

from lib.tunnel import Tunnel

PATIENCE = 10.0 * float(os.environ.get("RESTANTE_PATIENCE", "1"))	# seconds before a test gives up
PR_SET_CHILD_SUBREAPER = 36

# the leak sanitizer needs ptrace, which the program denies everybody
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=0")}


class Silence(Exception):
    """Nothing came for as long as PATIENCE."""


def adopt_orphans():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def leftovers():
    """Wait for all adopted children to be gone; the pids of those that stay (and are ended)."""
    until = time.monotonic() + PATIENCE / 4
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return []
        if pid == 0 and time.monotonic() > until:
            break
        if pid == 0:
            time.sleep(0.005)
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        pids = [int(pid) for pid in file.read().split()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return pids


def _pipe():
    ours_in, theirs_out = os.pipe()
    theirs_in, ours_out = os.pipe()
    return theirs_in, theirs_out, ours_in, ours_out


def _packets():
    """A pipe that keeps the borders of writes (O_DIRECT, pipe(2)), so that they can be counted."""
    ours_in, theirs_out = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    theirs_in, ours_out = os.pipe()
    return theirs_in, theirs_out, ours_in, ours_out


def _socket():
    ours, theirs = socket.socketpair()
    return theirs.detach(), None, ours.detach(), None


def _tcp(family=socket.AF_INET, host="127.0.0.1"):
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen(1)
        ours = socket.socket(family)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
    return theirs.detach(), None, ours.detach(), None


def _tcp6():
    return _tcp(socket.AF_INET6, "::1")


TRANSPORTS = {"pipe": _pipe, "packets": _packets, "socket": _socket, "tcp": _tcp, "tcp6": _tcp6}


class Program:
    def __init__(self, binary, arguments, over="socket", env=None, cwd="/"):
        their_in, their_out, self.input, ours_out = TRANSPORTS[over]()
        self.output = self.input if ours_out is None else ours_out
        self.log_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary] + arguments, stdin=their_in, stdout=their_in if their_out is None else their_out,
            stderr=self.log_file, env={**ENVIRONMENT, **(env or {})},
            cwd=cwd, start_new_session=True)
        for fd in {their_in, their_out} - {None}:
            os.close(fd)
        self.pid = self.process.pid
        self.buffer = b""
        self.tunnel = None	# a tunnel.Tunnel, once TLS has begun
        self.slow = False	# each octet in a write of its own
        self.writes = 0
        self.sent_at = self.heard_at = time.monotonic()

    def send(self, octets):
        """All of it in one write, as far as the system allows; in one TLS record."""
        if self.tunnel:
            self.tunnel.write(octets)
        else:
            self.push(octets)

    def push(self, octets):
        """The same below TLS."""
        self.sent_at = time.monotonic()
        left = memoryview(octets)
        try:
            while left:
                left = left[os.write(self.output, left[:1] if self.slow else left):]
        except (BrokenPipeError, ConnectionResetError):
            pass	# the replies tell what that means

    def pull(self):
        """Octets of the connection, b"" at its end."""
        if not select.select([self.input], [], [], PATIENCE)[0]:
            raise Silence()
        try:
            octets = os.read(self.input, 1 << 20)
        except ConnectionResetError:
            octets = b""
        self.heard_at = time.monotonic()
        self.writes += bool(octets)
        return octets

    def more(self):
        """Read once more; False at the end of the stream."""
        octets = self.tunnel.read() if self.tunnel else self.pull()
        self.buffer += octets
        return bool(octets)

    def start_tls(self, settings, name=None, session=None):
        """The client's part of a handshake."""
        self.tunnel = Tunnel(self.pull, self.push, settings, name, session)
        self.tunnel.handshake()

    def goodbye(self):
        """close_notify, and nothing after it."""
        self.buffer += self.tunnel.goodbye()

    def line(self):
        """The next line with its end; a shorter rest, or nothing, at the end of the stream."""
        while b"\n" not in self.buffer and self.more():
            pass
        line, end, self.buffer = self.buffer.partition(b"\n")
        return line + end

    def take(self, count):
        """The next count octets, fewer at the end of the stream."""
        while len(self.buffer) < count and self.more():
            pass
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def rest(self):
        """All that still comes."""
        parts = []
        while True:
            parts.append(self.buffer)
            self.buffer = b""
            if not self.more():
                return b"".join(parts)

    def shutdown(self):
        """Say that nothing more will be sent."""
        if self.tunnel:
            self.goodbye()
        self.cut()

    def cut(self):
        """The same for the connection alone, not for TLS above it."""
        if self.output == self.input:
            with socket.socket(fileno=os.dup(self.output)) as s, contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_WR)	# the program may have closed first
        elif self.output is not None:
            os.close(self.output)
            self.output = None

    def close(self):
        for fd in {self.input, self.output} - {None}:
            os.close(fd)
        self.input = self.output = None

    def reset(self):
        """Break the connection, as a client that crashes does (TCP)."""
        with socket.socket(fileno=os.dup(self.input)) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def kill(self, name, pid=None):
        os.kill(pid or self.pid, getattr(signal, f"SIG{name}"))

    def wait(self):
        """The exit status; negative for a signal, None if it does not end."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return None

    def group(self):
        """Parent by pid of all processes of the run, ended ones that nobody waited for included."""
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    _, parent, _, session = file.read().rpartition(")")[2].split()[:4]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(session) == self.pid:
                found[int(name)] = int(parent)
        return found

    def innermost(self):
        """The one process that has no child: the mail session, where PAM sessions are kept."""
        group, relay = self.group(), self.relay()
        return [pid for pid in group if pid not in group.values() and pid != relay][0]

    def relay(self):
        """The process between the network and TLS, None if there is none."""
        for pid in self.group():
            # where valgrind runs it, the name is one word of many; others have it in an option
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                    open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                words = [word for word in file.read().split("\0") if "=" not in word]
                if "restante-tls" in map(os.path.basename, words):
                    return pid
        return None

    def memory(self):
        """The most that any process of the run has held, in kB."""
        most = 0
        for pid in self.group():
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                most = max([most] + [int(line.split()[1]) for line in file if line.startswith("VmHWM:")])
        return most

    def log(self):
        at = os.lseek(self.log_file.fileno(), 0, os.SEEK_END)
        return os.pread(self.log_file.fileno(), at, 0).decode("utf-8", "replace")

    def end(self):
        """Whatever the test did: no process, no descriptor stays."""
        self.close()
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        self.log_file.close()
