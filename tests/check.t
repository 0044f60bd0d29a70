#!/usr/bin/env python3
# check.t - restante --check: each finding, with real certificates, and nothing where nothing is wrong
#
# The program is $RESTANTE, the relay that looks at certificates $RESTANTE_TLS; openssl makes
# them while the test runs.
#
# SPDX-License-Identifier: ISC
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib.certs import Certs  # noqa: E402
from lib.tap import Tap  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("RESTANTE") or
                          os.path.join(os.environ.get("top_builddir", "."), "restante"))
RELAY = os.path.abspath(os.environ.get("RESTANTE_TLS") or os.path.join(os.path.dirname(PROGRAM), "restante-tls"))
GOOD = "restante: configuration is good"
# what a build or a kernel that confines less says besides (sanitizers, valgrind)
BARE = "warning: server.sandbox = auto: "
HOST = "pop.example.org"

# what holds for every call: accounts that are there, nothing in the machine's own place
ALWAYS = {"server.hostname": HOST, "server.login_user": "65534", "tls.user": "65534", "tls.tickets": "no",
          "auth.throttle_delay": "0"}

CA = """[ca]
default_ca = ours
[ours]
database = {dir}/ca.index
new_certs_dir = {dir}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:{host}
"""


class Check:
    """Calls the program, and compares all that it says; in what is expected {} is the directory."""

    def __init__(self, directory):
        self.dir, self.tap = directory, Tap()
        self.certs = Certs(f"{directory}/certs")
        self.conf = self.file("conf", "")
        self.relay = RELAY

    def path(self, name):
        return f"{self.dir}/{name}"

    def file(self, name, content, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def says(self, title, options, expected, status=0, environment=None, by=()):
        """expected: a pattern for each line, in order; GOOD is added where the status is 0; by: what starts it"""
        command = [*by, PROGRAM, "-c", self.conf, "--check"]
        for name, value in {**ALWAYS, "tls.relay": self.relay, **options}.items():
            command += ["-o", f"{name}={value}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60,
                              env={**os.environ, **(environment or {})}, check=False)
        said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(BARE)]
        patterns = [pattern.replace("{}", re.escape(self.dir)) for pattern in expected]
        patterns += [GOOD] if status == 0 else []
        alike = len(said) == len(patterns) and all(re.fullmatch(*pair) for pair in zip(patterns, said))
        problem = None if alike and done.returncode == status else "\n".join(
            [f"exit status {done.returncode}, expected {status}"] + [f"said:     {line}" for line in said]
            + [f"expected: {line}" for line in patterns])
        self.tap.ok(title, problem)

    def pair(self, title, cert, expected, status=0, **options):
        """one certificate by name, its directory being {cert}"""
        at = cert.dir.replace(self.dir, "{}").replace("+", r"\+")
        options = {name.replace("__", "."): value for name, value in options.items()}
        self.says(title, {"tls.certificate": cert.chain, "tls.private_key": cert.key, **options},
                  [pattern.replace("{cert}", at) for pattern in expected], status)


def openssl(*arguments):
    done = subprocess.run(("openssl",) + arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise OSError(f"openssl: {done.stderr}")


def self_signed(check, name, *options, key="rsa:2048"):
    """a certificate that is its own issuer, key and all in one file"""
    both = check.path(name)
    openssl("req", "-x509", "-new", "-nodes", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
            "-newkey", key, "-keyout", f"{both}.key", "-out", f"{both}.crt", "-days", "90", *options)
    return check.file(name, read(f"{both}.crt") + read(f"{both}.key"))


def dated(check, name, first, last):
    """self-signed, in force between two days; openssl req knows no beginning, openssl ca does"""
    config = check.file("ca.conf", CA.format(dir=check.dir, host=HOST))
    check.file("ca.index", "")
    key, request, both = (check.path(f"{name}{end}") for end in (".key", ".csr", ".pem"))
    openssl("req", "-new", "-nodes", "-subj", f"/CN={HOST}", "-newkey", "rsa:2048", "-keyout", key, "-out", request)
    openssl("ca", "-batch", "-notext", "-config", config, "-selfsign", "-keyfile", key, "-in", request, "-out", both,
            "-startdate", f"{first}000000Z", "-enddate", f"{last}000000Z")
    return check.file(f"{name}.pem", read(both) + read(key))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def certificates(check):
    make = check.certs.make
    good = make(HOST)
    check.says("no TLS at all", {}, [])
    check.pair("a good certificate", good, [])
    check.says("two good ones: ECDSA and RSA", {
        "tls.certificate": f"{good.chain} {make(HOST, ('rsa',)).chain}",
        "tls.private_key": f"{good.key} {make(HOST, ('rsa',)).key}"}, [])
    check.says("self-signed, the key in the same file", {"tls.certificate": self_signed(check, "both.pem")}, [])
    check.pair("expires within 14 days", make(HOST, ("days=9",)),
               [r"warning: {cert}/fullchain\.pem: expires on 20\d\d-\d\d-\d\d, in less than 14 days"])
    check.pair("lasts a little longer", make(HOST, ("days=16",)), [])
    check.says("expired", {"tls.certificate": dated(check, "old", "20200101", "20210101")},
               [r"error: {}/old\.pem: expired on 2021-01-01"], 66)
    stale = check.file("stale.pem", read(good.chain) + read(check.path("old.pem")))
    check.says("a chain with a certificate that has expired", {"tls.certificate": stale, "tls.private_key": good.key},
               [r"warning: {}/stale\.pem: certificate 3 in it, of the chain, expired on 2021-01-01"])
    check.says("not yet valid", {"tls.certificate": dated(check, "new", "20970101", "20990101")},
               [r"error: {}/new\.pem: not valid before 2097-01-01"], 66)
    check.pair("without the certificate of its issuer", make(HOST, ("leaf",)),
               [r"warning: {cert}/fullchain\.pem: the chain is not complete: its issuer \(.*test below.*\) is not in the "
                r'file; clients may say "unknown CA"'])
    check.pair("for another name", make("imap.example.org", ("names=imap.example.org,smtp.example.org",)),
               [r"warning: {cert}/fullchain\.pem: not for the name pop\.example\.org, but for imap\.example\.org "
                r"smtp\.example\.org"])
    check.pair("for a wildcard above the name", make("*.example.org"), [])
    check.says("a short RSA key", {"tls.certificate": self_signed(check, "short.pem", key="rsa:1024")},
               [r"error: {}/short\.pem: the TLS library refuses it: ee key too small",
                r"warning: {}/short\.pem: an RSA key of 1024 bits is too short for many clients; 2048 is the least"], 66)
    check.says("the same where old devices are served",
               {"tls.certificate": self_signed(check, "short.pem", key="rsa:1024"), "tls.min_version": "1.0"},
               [r"warning: {}/short\.pem: an RSA key of 1024 bits is too short .*", r"warning: tls\.min_version = 1\.0: .*"])
    check.says("ciphers that are none", {"tls.certificate": good.chain, "tls.private_key": good.key,
                                         "tls.ciphers": "nonsense"},
               [r"error: tls\.ciphers: nonsense: no cipher match"], 66)
    check.says("authorities that are none", {"tls.certificate": good.chain, "tls.private_key": good.key,
                                             "tls.client_ca": check.file("ca.pem", "words"),
                                             "tls.client_users": "alice"},
               [r"error: {}/ca\.pem: no certificate is in the file"], 66)
    if os.geteuid() == 0:
        check.says("without server.hostname the host's name counts if it has a dot",
                   {"tls.certificate": good.chain, "tls.private_key": good.key, "server.hostname": ""},
                   [r"warning: .*: not for the name .*"] if "." in os.uname().nodename else [])


def damage(check):
    make = check.certs.make
    good, other = make(HOST), make(HOST, ("key=other",))
    os.chmod(other.key, 0o600)
    check.pair("another's key", other,
               [r"error: {cert}/privkey\.pem: the private key does not match the certificate in {cert}/fullchain\.pem"], 66)
    swapped = check.file("swapped.pem", "".join(reversed(re.findall(r"(?s)-----BEGIN.*?-----END[^\n]*\n",
                                                                    read(good.chain)))))
    check.says("the chain before the certificate", {"tls.certificate": swapped, "tls.private_key": good.key},
               [r"error: {}/swapped\.pem: the certificate that matches the private key must be the first",
                r"warning: {}/swapped\.pem: the chain is not complete: .*",
                r"warning: {}/swapped\.pem: not for the name .*, but for no name at all"], 66)
    missing = check.path("missing.pem")
    check.says("files that are not there", {"tls.certificate": missing, "tls.private_key": missing},
               [r"error: {}/missing\.pem: No such file or directory"] * 2, 66)
    check.says("files that are none", {"tls.certificate": check.dir, "tls.private_key": "/dev/zero"},
               [r"error: {}: not a regular file", "error: /dev/zero: not a regular file"], 66)
    check.says("no certificate and no key in them", {
        "tls.certificate": check.file("empty", ""), "tls.private_key": check.file("words", "no key\n")},
               [r"error: {}/empty: no certificate is in the file",
                r"error: {}/words: no private key that can be read is in the file"], 66)
    torn = check.file("torn", read(good.leaf).replace("MII", "MIJ", 1))
    check.says("a damaged certificate", {"tls.certificate": torn, "tls.private_key": good.key},
               [r"error: {}/torn: a certificate in the file is damaged"], 66)
    leaf, below = re.findall(r"(?s)-----BEGIN.*?-----END[^\n]*\n", read(good.chain))
    for what, text in (("is damaged", below.replace("MII", "MIJ", 1)), ("is no base64", below.replace("MII", "M!I", 1)),
                       ("is cut short", below[:len(below) // 2])):
        check.says(f"a chain of which the second certificate {what}",
                   {"tls.certificate": check.file("chain", leaf + text), "tls.private_key": good.key},
                   [r"error: {}/chain: a certificate in the file is damaged"], 66)
    check.says("a damaged key behind its certificate",
               {"tls.certificate": check.file("pair", read(good.chain) + read(good.key).replace("MI", "MJ", 1))},
               [r"error: {}/pair: no private key that can be read is in the file"], 66)
    openssl("ec", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", check.path("locked.key"))
    os.chmod(check.path("locked.key"), 0o600)
    check.says("a key under a passphrase", {"tls.certificate": good.chain, "tls.private_key": check.path("locked.key")},
               [r"error: {}/locked\.key: no private key that can be read is in the file"], 66)
    key = check.file("open.key", read(good.key), 0o644)
    check.says("a key that everybody may read", {"tls.certificate": good.chain, "tls.private_key": key},
               [r"warning: {}/open\.key: the private key is open to everybody \(mode 0644\); 0600 is enough"])
    if os.geteuid() == 0:
        os.chown(check.file("group.key", read(good.key), 0o640), 0, 65534)
        check.says("a key that a group may read", {"tls.certificate": good.chain, "tls.private_key": check.path("group.key")},
                   [r"warning: {}/group\.key: the private key is open to a group \(mode 0640\); 0600 is enough"])
        os.chown(check.path("group.key"), 65534, 0)
        check.says("a key of another user", {"tls.certificate": good.chain, "tls.private_key": check.path("group.key")},
                   [r"warning: {}/group\.key: the private key belongs to another user \(uid 65534\)"])


def lay(check, cert, folder):
    """as certbot does: links in live/ to files in archive/"""
    live, archive = check.path(f"live/{folder}"), check.path(f"archive/{folder}")
    os.makedirs(live)
    os.makedirs(archive)
    for name, source in (("fullchain", cert.chain), ("privkey", cert.key)):
        shutil.copy(source, f"{archive}/{name}1.pem")
        os.symlink(f"../../archive/{folder}/{name}1.pem", f"{live}/{name}.pem")


def directory(check):
    make, live = check.certs.make, {"tls.directory": check.path("live")}
    check.says("a directory that is not there", live,
               [r"error: -o: tls\.directory = {}/live: No such file or directory"], 78)
    os.mkdir(check.path("live"))
    check.file("live/README", "of certbot\n")
    check.says("a directory without a certificate", live,
               [r"error: -o: tls\.directory = {}/live: there is no certificate in it"], 78)
    lay(check, make(HOST), HOST)
    lay(check, make("*.example.net"), "example.net")
    lay(check, make("*.example.com"), "*.example.com")
    check.says("certbot's live/ as it is, and folders of wildcards", live, [])
    check.says("no folder for the host, and no certificate beside it", {**live, "server.hostname": "mail.example.biz"},
               [r"warning: clients that ask for no name get no certificate: there is no tls\.certificate, and no folder "
                r"mail\.example\.biz \(server\.hostname\) in tls\.directory"])
    lay(check, make(HOST), "imap.example.org")
    lay(check, make("late.example.org", ("days=5",)), "late.example.org")
    lay(check, make("bad.example.org", ("key=other",)), "bad.example.org")
    os.chmod(check.path("live/bad.example.org/privkey.pem"), 0o600)
    for name in ("old", "Upper.example.org", "_.example.org"):
        os.mkdir(check.path(f"live/{name}"))
    check.says("each folder has its finding", live, [
        r"warning: {}/live/Upper\.example\.org: no name of a server, in lower case: never used",
        r"warning: {}/live/_\.example\.org: no name of a server, in lower case: never used",
        r"error: {}/live/bad\.example\.org/privkey\.pem: the private key does not match .*",
        r"warning: {}/live/imap\.example\.org/fullchain\.pem: not for the name imap\.example\.org, but for pop\.example\.org",
        r"warning: {}/live/late\.example\.org/fullchain\.pem: expires on .*",
        r"warning: {}/live/old: neither fullchain\.pem nor privkey\.pem: not used"], 66)


def credentials(check):
    make = check.certs.make
    os.mkdir(check.path("credentials"))
    late = make(HOST, ("days=7",))
    shutil.copy(late.chain, check.path("credentials/tls.certificate"))
    shutil.copy(late.key, check.path("credentials/tls.private_key"))
    place = {"CREDENTIALS_DIRECTORY": check.path("credentials")}
    check.says("credentials of systemd are looked at", {},
               [r"warning: {}/credentials/tls\.certificate: expires on .*"], environment=place)
    check.says("but for a certificate that is configured",
               {"tls.certificate": make(HOST).chain, "tls.private_key": make(HOST).key}, [], environment=place)


def options(check):
    good = check.certs.make(HOST)
    tls = {"tls.certificate": good.chain, "tls.private_key": good.key}
    check.says("TLS is asked for, and there is no certificate", {"network.tls": "implicit"},
               [r"restante: -o: network\.tls = implicit: it needs tls\.certificate .*"], 78)
    check.says("more keys than certificates", {**tls, "tls.private_key": f"{good.key} {good.key}"},
               [r"restante: -o: tls\.private_key = .*: not as many as in tls\.certificate; .*"], 78)
    check.says("network.tls = off", {**tls, "network.tls": "off"},
               [r"warning: network\.tls = off: certificates are not used"])
    check.says("a relay that is not there", {**tls, "tls.relay": check.path("none")},
               [r"error: -o: tls\.relay = {}/none: No such file or directory"], 78)
    check.says("a relay that is none", {**tls, "tls.relay": "/bin/false"},
               [r"error: -o: tls\.relay = /bin/false: it does not check certificates"], 78)
    check.says("old versions of TLS", {**tls, "tls.min_version": "1.0"},
               [r"warning: tls\.min_version = 1\.0: RFC 8996 forbids it; .*security level is 0.*"])
    authority = {"tls.client_ca": check.certs.authority("clients")}
    check.says("client certificates", {**tls, **authority, "tls.client_users": "alice"}, [])
    check.says("client certificates that let nobody in", {**tls, **authority},
               [r"warning: tls\.client_ca without tls\.client_users: .*"])
    check.says("users without an authority", {**tls, "tls.client_users": "alice"},
               [r"warning: tls\.client_users without tls\.client_ca: .*"])
    check.says("an authority that is not there",
               {**tls, "tls.client_ca": check.path("none"), "tls.client_users": "alice"},
               [r"error: -o: tls\.client_ca = {}/none: No such file or directory"], 78)
    check.says("keys of tickets in a directory of their own",
               {**tls, "tls.tickets": "yes", "tls.ticket_directory": check.path("tickets")}, [])
    os.chmod(check.path("tickets"), 0o755)
    check.says("a directory of ticket keys that is open to others",
               {**tls, "tls.tickets": "yes", "tls.ticket_directory": check.path("tickets")},
               [r"warning: tls\.ticket_directory: {}/tickets: .*0700.*: no session is resumed"])
    throttle = {**tls, "auth.throttle_delay": "15s"}
    check.says("a throttle's directory that is open to others",
               {**throttle, "auth.throttle_directory": check.path("tickets")},
               [r"warning: auth\.throttle_directory: {}/tickets: .*0700.*: guessing is not slowed down"])
    check.says("a throttle's directory of its own",
               {**throttle, "auth.throttle_directory": check.path("throttled")}, [])
    check.says("accounts that are not there", {**tls, "tls.user": "no-such", "server.login_user": "no.such"},
               [r"warning: server\.login_user = no\.such: there is no such account; root needs it",
                r"warning: tls\.user = no-such: there is no such account; root needs it"])
    check.says("proxies that anybody can be", {**tls, "network.proxy_from": "192.0.2.1 ::/0"},
               [r"warning: network\.proxy_from = 192\.0\.2\.1 ::/0: whoever connects from there may claim any address"])
    check.says("proxies that a whole office can be", {**tls, "network.proxy_from": "10.0.0.0/8"},
               [r"warning: network\.proxy_from = 10\.0\.0\.0/8: whoever connects from there may claim any address"])
    check.says("proxies that are hosts", {**tls, "network.proxy_from": "192.0.2.1 2001:db8::1 10.0.0.0/24"}, [])
    secrets(check)
    check.says("what has nothing to do with TLS", {"auth.require_tls": "no", "limits.idle_timeout": "1m"},
               [r"warning: limits\.idle_timeout is under 10 minutes, against RFC 1939",
                r"warning: auth\.require_tls = no lets passwords pass in clear"])


MOUNTS = """900022 1 254:0 / / rw,relatime - ext4 /dev/vda rw
900040 900022 0:50 / /nowhere/nfs rw,noatime shared:7 - nfs4 nas:/mail rw,vers=4.2,local_lock=none
900041 900022 0:51 / /nowhere/nfs\\040old rw - nfs nas:/old rw,vers=3,nolock,local_lock=all
900042 900022 0:52 / /nowhere/smb rw - cifs //nas/home rw
900043 900022 0:53 / /nowhere/gluster rw - fuse.glusterfs gl:/mail rw
"""
# one over another that has a mount below, of the same name as a directory that is now in sight
HIDDEN = """cd "$0" && mkdir over && mount -t tmpfs one over && mkdir over/b && mount -t tmpfs two over/b &&
mount -t tmpfs three "$0/over" && mkdir "$0/over/b" && sed "s/ - tmpfs three / - cifs three /" /proc/self/mountinfo >list &&
mount --bind list /proc/$$/mountinfo && exec "$@" """


def places(check):
    """where the Maildirs are: as if the kernel had told of these file systems"""
    spaces = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    by = [*spaces, "sh", "-c", 'mount --bind "$0" /proc/$$/mountinfo && exec "$@"', check.file("mounts", MOUNTS)]
    # no identity as NFS has it: a machine that has one is warned of nothing
    identified = any(os.path.exists(path) and read(path).strip() not in ("", "(null)") for path in (
        "/sys/fs/nfs/net/nfs_client/identifier", "/sys/module/nfs/parameters/nfs4_unique_id"))
    if identified or subprocess.run([*by, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        check.tap.skip("where the Maildirs are", "no mount name space here, or NFS has an identity")
        return
    for maildir, warnings in (
            ("/nowhere/gluster/%u/Maildir", []), ("/nowhere/else/%u", []), ("/nowhere/nfsx/%u", []),
            ("/nowhere/nfs/%d/%n", [r'warning: /nowhere/nfs is NFS, where this host is known as ".*" alone: .*nfs4_unique_id.*']),
            ("/nowhere/nfs old/%u", [r"warning: /nowhere/nfs old is nfs without locks that other hosts see \(rw,.*nolock.*\): .*"]),
            ("/nowhere/smb/x%u", [r"warning: /nowhere/smb is SMB: .*"])):
        check.says(f"Maildirs at {maildir}", {"mail.maildir": maildir}, warnings, by=by)
    top = check.path("hidden")
    os.mkdir(top)
    check.says("what a mount hides does not count", {"mail.maildir": top + "/over/b/%u"},
               [r"warning: .*/hidden/over is SMB: .*"], by=[*spaces, "sh", "-c", HIDDEN, top])
    homes = "x:x:5000:5000::/nowhere/smb/x:/bin/sh\ny:x:5001:5001::/nowhere/smb/y:/bin/sh\nz:x:5:5::/nowhere/nfs/z:/bin/sh\n"
    by[-1:] = [check.path("mounts"), *("sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', check.file("homes", homes, 0o644))]
    check.says("the homes of those who may log in, each file system once", {}, [r"warning: /nowhere/smb is SMB: .*"], by=by)


def secrets(check):
    def says(title, text, expected, status=0, mode=0o600, **more):
        check.says(title, {"auth.secrets_file": check.file("secrets", text, mode), **more}, expected, status)

    good = "# printers\n\nalice:twenty octets at least\n"
    error, warning = (rf"{word}auth\.secrets_file = {{}}/secrets: " for word in ("error: -o: ", "warning: "))
    says("a file of secrets", good, [])
    says("one that the group may read", good, [error + r"{}/secrets: open to group or others; chmod 600 it"], 78, 0o640)
    says("a line in it that is none", good + "bob\n", [error + r"{}/secrets:4: no ':'; allowed: name:secret"], 78)
    says("short secrets", good + "bob:short\n", [warning + r"1 of 2 secrets are shorter than 16 octets"])
    says("no secret at all", "#\n", [warning + r"there is no secret in it; clients try APOP in vain"])
    check.says("a file of secrets that is not there", {"auth.secrets_file": check.path("none")},
               [r"error: -o: auth\.secrets_file = {}/none: {}/none: No such file or directory"], 78)


def main():
    if not os.environ.get("RESTANTE_TLS", "yes"):
        print("1..0 # SKIP built without TLS")
        return 0
    if not shutil.which("openssl"):
        print("1..0 # SKIP no openssl")
        return 0
    with tempfile.TemporaryDirectory(prefix="restante-check-") as place:
        check = Check(place)
        for part in (certificates, damage, directory, credentials, options, places):
            part(check)
        check.tap.plan(check.tap.count)
    return 1 if check.tap.failed else 0


sys.exit(main())
