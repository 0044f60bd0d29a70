"""hostile_steps.py - in the box: what the owner of a Maildir plants, holds, swaps and forges

SPDX-License-Identifier: ISC
"""
import os
import pathlib
import signal
import time

import box
import owner
import stage
from bystanders import snapshot, victims
from hostile import CANARY, GOOD, OPEN, OWNER, SHUT, TOP, Session
from hostile import changes, fresh, left, odd, roots, t, taken, wait_for

RACES = 8  # sessions while names change places


def entries():
    """what stands in new and cur, and is no message of the owner's"""
    fresh()
    names = {
        "cur/1001.shadow": ("link", "/etc/shadow"),
        "cur/1002.other:2,S": ("link", OPEN / "new/1.open"),
        "new/1003.other": ("link", OPEN / "new/1.open"),
        "cur/1004.directory": ("link", OPEN / "new"),
        "cur/1005.home": ("link", "../../../open/Maildir/new/1.open"),
        "cur/1006.nowhere": ("link", CANARY / "made-by-a-link"),
        "cur/1007.itself": ("link", "1007.itself"),
        "cur/1008.memory": ("link", "/proc/self/mem"),
        "new/1009.fifo": ("FIFO",),
        "cur/1010.socket": ("socket",),
        "new/1011.directory": ("directory",),
    }
    for name, what in names.items():
        odd(name, *what)
    for name, kind, device in (("1012.zero", 0o20666, (1, 5)), ("1013.tty", 0o20666, (5, 0))):
        os.mknod(TOP / "cur" / name, kind, os.makedev(*device))
    # as where fs.protected_hardlinks is off
    os.link(SHUT / "new/1.shut", TOP / "cur/1014.hard")
    first, ids, replies = taken()
    t.ok(first.startswith("+OK"), "odd entries: the owner logs in all the same", first)
    listed = [line.split()[1] for line in ids]
    t.same(listed, ["1000.good", "1014.hard"], "odd entries: regular files alone are listed")
    t.ok(
        [reply[:4] for reply in replies] == ["+OK ", "+OK ", "-ERR", "-ERR", "+OK "],
        "odd entries: another's file by a hard link of root's is not read",
        replies,
    )
    t.same(left(*names), list(names), "odd entries: they are where they were")
    t.same(left(GOOD[0], "cur/1014.hard"), [], "odd entries: what is marked goes, the link by its name")


def places():
    """Maildir, new and cur that are somewhere else, or shut"""
    for target in (SHUT, OPEN, "/", "/etc", CANARY / "Maildir", "/proc/self/cwd"):
        fresh()
        os.rename(TOP, TOP.with_name("aside"))
        owner.act(OWNER, owner.odd, TOP, "link", target)
        first, *_ = taken()
        t.ok(first.startswith("-ERR [SYS/"), "a Maildir that is a link to %s is refused" % target, first)
        TOP.unlink()
        os.rename(TOP.with_name("aside"), TOP)
    for part in ("new", "cur"):
        for kind, target in (("link", OPEN / part), ("link", "/etc"), ("FIFO", None)):
            fresh()
            owner.act(OWNER, replace_place, part, kind, target)
            first, *_ = taken()
            what = kind if target is None else "%s to %s" % (kind, target)
            t.ok(first.startswith("-ERR [SYS/"), "%s that is a %s is refused" % (part, what), first)
    for part in ("", "new", "cur"):
        fresh()
        (TOP / part).chmod(0)
        first, *_ = taken()
        t.ok(first.startswith("-ERR [SYS/PERM]"), "Maildir/%s of mode 0000 is refused" % part, first)
        (TOP / part).chmod(0o700)


def replace_place(part, kind, target):
    (TOP / part).rename(TOP / ("old-" + part))
    owner.odd(TOP / part, kind, target)


KINDS = (
    ("link", CANARY / "file"),
    ("link", CANARY / "made-by-a-link"),
    ("link", OPEN / "restante.index"),
    ("FIFO", None),
    ("directory", None),
)


def files():
    """the files that we keep in a Maildir, as something else; some of it everybody may write"""
    for name in ("restante.lock", "restante.index", "restante.index.tmp", "maildirsize"):
        bad = []
        for kind, target in (*KINDS, ("hard link", CANARY / "file"), ("hard link", SHUT / "new/1.shut")):
            fresh(("new/1001.unread", b"x\n"))
            if kind == "hard link":
                os.link(target, TOP / name)
            else:
                odd(name, kind, target)
            before = snapshot(victims())
            first, ids, replies = taken()
            if not first.startswith("+OK") or len(ids) != 2 or not replies[-1].startswith("+OK"):
                bad.append((kind, str(target), first, ids, replies))
            bad += [(kind, str(target), change) for change in changes(before)]
        t.ok(not bad, "%s is a link, FIFO, directory, hard link: all is served, no more changes" % name, bad)


def trash():
    """mail.on_delete = trash where .Trash or a part of it is elsewhere: it is not followed"""
    with box.dropin(box.options(stage.PROGRAM, "mail.on_delete=trash")):
        for what, path, kind, target in (
            ("a link", ".Trash", "link", CANARY / "Maildir"),
            ("a link to a link", ".Trash", "link", "../Maildir/.Other"),
            ("a FIFO", ".Trash", "FIFO", None),
            ("a directory whose cur is a link", ".Trash/cur", "link", CANARY / "Maildir/cur"),
        ):
            fresh()
            odd(".Other", "link", CANARY / "Maildir")
            if "/" in path:
                owner.act(OWNER, os.mkdir, TOP / ".Trash")
            odd(path, kind, target)
            _, _, replies = taken()
            t.ok(replies and replies[-1].startswith("-ERR"), "trash is %s: QUIT says so" % what, replies)
            t.same(left(GOOD[0]), [GOOD[0]], "trash is %s: the message stays" % what)
        fresh()
        _, _, replies = taken()
        t.ok(replies[-1].startswith("+OK"), "trash: +OK where nothing is odd", replies)
        moved = ".Trash/" + GOOD[0]
        t.same(left(moved, GOOD[0]), [moved], "trash: and the message is in there")


def forged():
    """an index with sums that are right, for directories as they are"""
    inode = os.stat(OPEN / "new/1.open").st_ino
    evil, good = b"1001.evil", GOOD[0].split("/")[1].encode()
    lists = {
        "a link's name": ([(evil, 1, 10, inode)], {}),
        "paths": ([(b"../../../open/Maildir/new/1.open", 1, 10, inode)], {}),
        "an absolute path": ([(b"/home/open/Maildir/new/1.open", 0, 10, inode)], {}),
        "dots": ([(b"..", 1, 10, 1), (b".", 1, 10, 1)], {}),
        "a NUL": ([(b"1000.good\0:2,S", 1, 10, 1)], {}),
        "no name": ([(b"", 1, 10, 1)], {}),
        "another's names": ([(b"1.open", 0, 99, inode)], {}),
        "one message many times": ([(good, 1, 10, 1)] * 500, {}),
        "sizes out of this world": ([(good, 1, (1 << 48) - 1, 1)], {"octets": (1 << 48) - 1}),
        "a huge count": ([(good, 1, 10, 1)], {"count": 1 << 40}),
        "huge blocks": ([(good, 1, 10, 1)], {"blocks": 60000}),
        "a sum that is none": ([(good, 1, 10, 1)], {"octets": 7}),
    }
    trusted = 0
    for what, (listed, more) in lists.items():
        fresh()
        odd("cur/1001.evil", "link", OPEN / "new/1.open")
        owner.act(OWNER, forge, listed, more)
        first, ids, replies = taken()
        trusted += len(ids) != 1
        answered = first.startswith(("+OK", "-ERR [SYS/")) and (replies or not ids)
        t.ok(answered, "forged index, %s: an answer and an end" % what, (first, ids, replies))
        if "1 1001.evil" not in ids:
            t.ok(left("cur/1001.evil"), "forged index, %s: the link is not deleted" % what)
    t.ok(trusted > 0, "forged index: some were believed as far as that goes (%d)" % trusted)


def forge(listed, more):
    owner.forge(TOP, listed, **more)


def races():
    """names that are swapped with links while sessions open, list, read and delete"""
    evil = TOP.with_name("evil")
    for what, one, other, target in (
        ("new", TOP / "new", TOP / "evil", OPEN / "new"),
        ("cur", TOP / "cur", TOP / "evil", CANARY / "Maildir/cur"),
        ("the Maildir", TOP, evil, OPEN),
        ("a message", TOP / GOOD[0], TOP / "evil", OPEN / "new/1.open"),
    ):
        fresh(("new/1001.second", b"x\n"))
        owner.act(OWNER, owner.odd, other, "link", target)
        served = refused = 0
        with owner.meanwhile(OWNER, owner.exchange, one, other):
            for _ in range(RACES):
                first, _, _ = taken()
                served += first.startswith("+OK")
                refused += first.startswith("-ERR [SYS/")
        t.same(served + refused, RACES, "race: %s and a link change places: served or refused" % what)
        t.note("race, %s: %d served, %d refused" % (what, served, refused))
        if one.is_symlink():
            one.unlink()
            os.rename(other, one)
        elif other.is_symlink():
            other.unlink()


def locks():
    """the owner holds his own lock for ever"""
    fresh()
    with owner.meanwhile(OWNER, owner.hold_locks, TOP):
        wait_for(lambda: (TOP / "held").exists())
        started = time.monotonic()
        first, *_ = taken()
        took = time.monotonic() - started
    t.ok(first.startswith("-ERR [IN-USE]"), "a lock held for ever: [IN-USE]", first)
    t.ok(2.5 < took < 8, "a lock held for ever: said after mail.lock_wait (%.1f s)" % took)
    t.ok(taken()[0].startswith("+OK"), "a lock held for ever: free once its holder is dead")


BIG = ("new/1001.big", b"Subject: big\n\n" + b"0123456789 abcdefghijklmnopqrstuvwxyz\n" * 200000)


def moving():
    """a message that is cut, or grows, while it is sent"""
    for what, size in (("cut", 100000), ("grown", len(BIG[1]) + 5000000)):
        fresh(BIG)
        with Session() as session:
            session.login()
            announced = int(session.pop.expect("RETR 2").split()[1])
            owner.act(OWNER, os.truncate, TOP / BIG[0], size)
            rest = session.pop.rest() if what == "cut" else session.pop.body()
            if what == "cut":
                whole = rest.endswith(b"\r\n.\r\n")
                t.ok(not whole and len(rest) < announced, "a message cut while it is sent: no good end")
            else:
                t.same(len(rest), announced, "a message that grows while it is sent: what was announced")
                session.pop.expect("QUIT")
        t.ok(left(BIG[0], "cur/1001.big:2,S"), "a message that is %s while it is sent: the file stays" % what)


def sparse():
    """a file of 1 TB with nothing in it: to count it takes minutes, but SIGTERM ends it"""
    fresh(("new/1001.sparse", b""))
    owner.act(OWNER, os.truncate, TOP / "new/1001.sparse", 1 << 40)
    with Session() as session:
        session.login()
        unit = box.unit_of(session.pop)
        main, others = box.processes_of(unit)
        t.same(roots([main, *others]), [], "a sparse file of 1 TB: no process of root serves it")
        session.pop.send(b"STAT\r\n")
        started = time.monotonic()
        os.kill(main, signal.SIGTERM)
        last = session.pop.rest()
        took = time.monotonic() - started
    t.ok(took < 5, "a sparse file of 1 TB: SIGTERM ends the session (%.1f s)" % took, last)
    t.same(len(left("new/1001.sparse", GOOD[0])), 2, "a sparse file of 1 TB: nothing is deleted")


def many(count):
    """a directory of very many entries: the others do not wait for it"""
    fresh()
    started = time.monotonic()
    owner.act(OWNER, owner.litter, TOP / "new", count)
    t.note("%d files made in %.1f s" % (count, time.monotonic() - started))
    started = time.monotonic()
    with Session() as session:
        first = session.login()
        t.ok(first.startswith("+OK"), "%d empty messages: the owner logs in" % count, first)
        # a million on a busy machine
        session.pop.socket.settimeout(200)
        t.same(session.count(), count + 1, "%d empty messages: counted" % count)
        session.pop.expect("QUIT")
    t.note("%d empty messages: %.1f s to log in and STAT" % (count, time.monotonic() - started))
