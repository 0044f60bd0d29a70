"""fleet_mail.py - clients that fetch and delete, deliveries meanwhile, and what must have become of each message

SPDX-License-Identifier: ISC
"""
import random
import subprocess
import threading
import time

import cluster
import postman
from pop import Closed, Pop

BROKEN = (OSError, Closed)
AS_OWNER = ("setpriv", "--reuid=vmail", "--regid=vmail", "--clear-groups")
PAUSE = 0.03  # seconds between two deliveries


class Reader(threading.Thread):
    """one client: stores what it has not, deletes what it has stored, again and again"""

    def __init__(self, number, user, address, seed):
        super().__init__()
        self.number, self.user, self.address = number, user, address
        self.random = random.Random("%d %s" % (seed, user))
        self.source = "%s%d" % (cluster.NET, 200 + number)
        self.stored, self.gone, self.asked, self.wrong = {}, set(), set(), []
        self.whole = self.broken = self.refused = 0
        self.ended = False
        self.last, self.longest = time.monotonic(), 0

    def had(self):
        """another whole session"""
        self.whole += 1
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    def run(self):
        while not self.ended:
            try:
                with Pop(110, self.address, timeout=15, source=self.source) as pop:
                    self.session(pop)
            except BROKEN:
                self.broken += 1
                time.sleep(0.05)
            except Exception as error:
                self.wrong.append(repr(error)[:300])
                time.sleep(0.05)

    def listing(self, pop):
        rows = [line.split(b" ") for line in pop.multi("UIDL").splitlines()]
        uids = [uid.decode() for _, uid in rows]
        if len(set(uids)) != len(uids):
            self.wrong.append("listed twice")
        back = self.gone & set(uids)
        if back:
            self.wrong.append("had been deleted, and came back: %s" % sorted(back)[:3])
        return uids

    def login(self, pop):
        if not pop.line().startswith(b"+OK"):
            return False
        pop.expect("USER " + self.user)
        said = pop.command("PASS word")
        if said.startswith(("-ERR [IN-USE]", "-ERR [SYS/TEMP]")):
            self.refused += 1
            return False
        if not said.startswith("+OK"):
            raise AssertionError(said)
        return True

    def fetch(self, pop, number, uid):
        said = pop.command("RETR %d" % number)
        if not said.startswith("+OK"):
            return False
        octets = pop.body()
        if octets != postman.stored(uid).replace(b"\n", b"\r\n"):
            self.wrong.append("other content: " + uid)
        self.stored[uid] = len(octets)
        return True

    def session(self, pop):
        if not self.login(pop):
            return
        marked = set()
        for number, uid in enumerate(self.listing(pop), 1):
            if uid in self.stored or self.fetch(pop, number, uid):
                pop.expect("DELE %d" % number)
                marked.add(uid)
            if self.random.random() < 0.2:
                time.sleep(self.random.uniform(0, 0.05))
        self.asked |= marked
        if pop.command("QUIT").startswith("+OK"):
            self.gone |= marked
            self.had()


class Traffic:
    """readers by way of the balancer, and a postman on another host"""

    def __init__(self, store, users, address, seed):
        self.readers = [Reader(n, user, address, seed) for n, user in enumerate(users)]
        words = (*AS_OWNER, "/usr/bin/python3", "/srv/postman.py", "/mnt", PAUSE, *users)
        self.postman = store.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.delivered, self.perhaps = {user: set() for user in users}, set()
        self.listener = threading.Thread(target=self.listen)

    def listen(self):
        for line in self.postman.stdout:
            base, user = line.decode().split()[:2]
            if base[0] == "?":
                self.perhaps.add(base[1:])
            else:
                self.delivered[user].add(base)

    def sessions(self):
        return [reader.whole for reader in self.readers]

    def __enter__(self):
        for thread in (self.listener, *self.readers):
            thread.start()
        return self

    def __exit__(self, *_):
        self.postman.stdin.close()
        self.postman.wait()
        self.listener.join()
        for reader in self.readers:
            reader.ended = True
        for reader in self.readers:
            reader.join()

    def judge(self, t, store):
        count = sum(map(len, self.delivered.values()))
        t.note("%d messages delivered, %d perhaps; %d whole sessions, %d broken, %d refused" % (
            count, len(self.perhaps), sum(self.sessions()),
            sum(r.broken for r in self.readers), sum(r.refused for r in self.readers)))
        t.note("a client had to do without a session for %.1f s at most" % max(r.longest for r in self.readers))
        wrong = [problem for reader in self.readers for problem in reader.wrong]
        t.ok(not wrong, "each session was right", "\n".join(wrong[:10]))
        t.ok(count > 0 and all(reader.stored for reader in self.readers), "mail was delivered and fetched meanwhile")
        t.ok(any(reader.broken for reader in self.readers), "clients were cut off")
        lost, twice, unasked = [], [], []
        for reader in self.readers:
            left = store.run("sh", "-c", 'cd "/mnt/$0/Maildir" && ls new cur', reader.user).split()
            left = [name.partition(":")[0] for name in left if "." in name]
            gone = self.delivered[reader.user] - set(left)
            twice += {base for base in left if left.count(base) > 1}
            lost += gone - set(reader.stored)
            unasked += gone - reader.asked
            lost += reader.gone - set(reader.stored)
            twice += reader.gone & set(left)
        t.same(lost, [], "nothing is lost: what was delivered was stored, or lies there still")
        t.same(unasked, [], "what has gone is what a client asked to delete")
        t.same(twice, [], "nothing is there twice, nothing came back")
