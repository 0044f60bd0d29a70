"""owner.py - what the owner of a Maildir may do with a shell: links, locks, races, forgeries, file systems

Runs in the box alone.  What is done as the owner is done in a process that has become him.

SPDX-License-Identifier: ISC
"""
import contextlib
import ctypes
import fcntl
import os
import pwd
import select
import shutil
import signal
import socket
import struct
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
EXCHANGE = 2  # RENAME_EXCHANGE
OFD_SETLK = 37
MASK = (1 << 64) - 1
PRIMES = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)


def start(user, function, *words):
    """a process of the user's that does this; it ends with 1 where that raises"""
    who = pwd.getpwnam(user)
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setgroups([])
        os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
        os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)
        os.umask(0o077)
        function(*words)
        status = 0
    finally:
        os._exit(status)


def act(user, function, *words):
    """the same, and wait for its end"""
    if os.waitstatus_to_exitcode(os.waitpid(start(user, function, *words), 0)[1]) != 0:
        raise RuntimeError("%s as %s failed" % (function.__name__, user))


@contextlib.contextmanager
def meanwhile(user, function, *words):
    """the same in the background, until it is killed"""
    pid = start(user, function, *words)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


# --- each of these is called as the owner ------------------------------------------------------------
def clean(top, messages):
    """a Maildir as deliveries make it, whatever was there before"""
    if top.is_symlink():
        top.unlink()
    elif top.exists():
        for part in ("new", "cur"):
            if (top / part).is_dir() and not (top / part).is_symlink():
                (top / part).chmod(0o700)
        shutil.rmtree(top)
    for part in ("new", "cur", "tmp"):
        (top / part).mkdir(parents=True)
    for name, octets in messages:
        (top / name).write_bytes(octets)


def odd(path, kind, target=None):
    """something that is no regular file, or not only here"""
    if kind == "link":
        path.symlink_to(target)
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(path.parent)
            listener.bind(path.name)
    elif kind == "directory":
        path.mkdir()
        (path / "within").write_bytes(b"x\n")


def hold_locks(top):
    """both locks of a session, for ever"""
    directory = os.open(top, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    file = os.open(top / "restante.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.fcntl(file, OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
    (top / "held").touch()
    signal.pause()


def exchange(one, other):
    """swap two names, all the time"""
    pair = os.fsencode(one), os.fsencode(other)
    while LIBC.renameat2(-100, pair[0], -100, pair[1], EXCHANGE) == 0:
        pass


def litter(directory, count):
    """empty files"""
    at = os.open(directory, os.O_RDONLY)
    for n in range(count):
        os.close(os.open("1%d.empty" % n, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=at))


# --- a forged index --------------------------------------------------------------------------------------
def rotate(value, by):
    value &= MASK
    return (value << by | value >> (64 - by)) & MASK


def turn(value, octets):
    return rotate(value + octets * PRIMES[1], 31) * PRIMES[0] & MASK


def xxh64(data):
    """XXH64 with seed 0: what the index has for checksums, which any owner can make"""
    at, length = 0, len(data)
    if length >= 32:
        lanes = [(PRIMES[0] + PRIMES[1]) & MASK, PRIMES[1], 0, -PRIMES[0] & MASK]
        while at + 32 <= length:
            lanes = [turn(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        total = sum(rotate(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            total = ((total ^ turn(0, lane)) * PRIMES[0] + PRIMES[3]) & MASK
    else:
        total = PRIMES[4]
    total = (total + length) & MASK
    while at + 8 <= length:
        word = turn(0, struct.unpack_from("<Q", data, at)[0])
        total = (rotate(total ^ word, 27) * PRIMES[0] + PRIMES[3]) & MASK
        at += 8
    if at + 4 <= length:
        word = struct.unpack_from("<I", data, at)[0]
        total = (rotate(total ^ (word * PRIMES[0] & MASK), 23) * PRIMES[1] + PRIMES[2]) & MASK
        at += 4
    for octet in data[at:]:
        total = rotate(total ^ (octet * PRIMES[4] & MASK), 11) * PRIMES[0] & MASK
    for shift, prime in ((33, PRIMES[1]), (29, PRIMES[2])):
        total = (total ^ total >> shift) * prime & MASK
    return total ^ total >> 32


def stamp(path):
    seen = os.stat(path)
    return struct.pack("<Qqq", seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns)


def forge(top, entries, octets=(1 << 64) - 1, count=None, blocks=1):
    """an index that fits the directories; entries: (name, in cur, octets, inode)"""
    block = b"".join(
        struct.pack("<QQI", len(name) | (1 | 8 * cur) << 8 | size << 16, inode, 1) + name
        for name, cur, size, inode in entries
    )
    table = struct.pack("<QII", xxh64(block), len(block), len(entries)) * blocks

    size, count = 128 + len(block) + len(table), count or len(entries)

    def header(total):
        figures = struct.pack("<IIQQQQQ", 2, blocks, total, size, count, octets, xxh64(table))
        return b"restante" + figures + stamp(top / "new") + stamp(top / "cur") + bytes(24)

    (top / "restante.index").write_bytes(header(xxh64(header(0))) + block + table)


# --- a file system that hangs: mounted by root, as fusermount does for everybody --------------------------
class Hanging:
    """
    a FUSE file system that answers the first request and no other
    swallow: it takes the others, too; then not even SIGKILL ends who waits
    """

    def __init__(self, place, user, swallow=False):
        who = pwd.getpwnam(user)
        self.place = os.fsencode(place)
        node = "/dev/fuse"
        if not os.path.exists(node):
            os.mknod(node, 0o20666, os.makedev(10, 229))
        self.fd = os.open(node, os.O_RDWR)
        self.swallow, self.asked = swallow, threading.Event()  # somebody waits for it
        options = "fd=%d,rootmode=40000,user_id=%d,group_id=%d" % (self.fd, who.pw_uid, who.pw_gid)
        if LIBC.mount(b"hang", self.place, b"fuse", 6, options.encode()) != 0:
            error = ctypes.get_errno()
            os.close(self.fd)
            raise OSError(error, os.strerror(error))
        self.started = False
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                select.select([self.fd], [], [])
                if self.started and not self.swallow:
                    self.asked.set()
                    break
                request = os.read(self.fd, 1 << 17)
                _, operation, unique = struct.unpack_from("<IIQ", request)
                if operation != 26:  # FUSE_INIT
                    self.asked.set()
                    continue
                self.started = True
                answer = struct.pack("<IIIIHHIIHHI28x", 7, 31, 4096, 0, 12, 9, 4096, 1, 1, 0, 0)
                os.write(self.fd, struct.pack("<IiQ", 16 + len(answer), 0, unique) + answer)

    def end(self):
        """MNT_FORCE ends what waits, MNT_DETACH takes it away"""
        for flag in (1, 2):
            LIBC.umount2(self.place, flag)
        os.close(self.fd)
