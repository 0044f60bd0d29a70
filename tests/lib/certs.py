# certs - certificates and keys for tests: made by openssl when they are needed, kept nowhere
#
# A root, an intermediate authority below it, and leaves below that: a server that forgets
# its chain is found out, for clients are given the root alone.
#
# SPDX-License-Identifier: ISC
import os
import subprocess

CONFIGURATION = """[req]
distinguished_name = name
prompt = no
[name]
CN = {cn}
[of]
{extensions}
"""

AUTHORITY = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n"
SERVER = "basicConstraints = critical, CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = {names}\n"
CLIENT = "basicConstraints = critical, CA:FALSE\nextendedKeyUsage = clientAuth\n"

KEYS = {"ecdsa": ("ec", "ec_paramgen_curve:P-256"), "p384": ("ec", "ec_paramgen_curve:P-384"),
        "p521": ("ec", "ec_paramgen_curve:P-521"), "ed25519": ("ed25519",), "ed448": ("ed448",),
        "rsa": ("rsa", "rsa_keygen_bits:2048"), "pss": ("rsa-pss", "rsa_keygen_bits:2048")}


class Cert:
    """Where the files of one certificate are."""

    def __init__(self, directory):
        self.dir = directory
        self.chain = f"{directory}/fullchain.pem"	# the leaf first, as a server sends it
        self.key = f"{directory}/privkey.pem"
        self.leaf = f"{directory}/cert.pem"


class Certs:
    """Makes certificates in a directory, each once; words say what is odd about it."""

    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)

    @property
    def ca(self):
        """The root that clients trust."""
        return self.authority("test")

    def authority(self, name):
        """A root and an authority below it; the path of the root's certificate."""
        root, below = f"{self.dir}/{name}-root", f"{self.dir}/{name}-below"
        if not os.path.exists(f"{root}.pem"):
            self._make(root, "ecdsa", f"{name} root", AUTHORITY)
            self._make(below, "ecdsa", f"{name} below", AUTHORITY, root)
        return f"{root}.pem"

    def make(self, name, words=()):
        """
        The certificate called name.  words:
          rsa           instead of ECDSA with P-256; so pss, p384, p521, ed25519, ed448
          names=a,b     for these host names, instead of its own
          cn=alice      subject, instead of its own name
          client        to be shown by a client
          by=NAME       from another authority
          days=N        valid for so long, from today
          leaf          without the authority's certificate: the chain is not complete
          key=NAME      with the private key of the certificate made as NAME: they do not match
        """
        cert = Cert(f"{self.dir}/{'+'.join((name, *words))}".replace("*", "wildcard"))
        if not os.path.exists(cert.dir):
            self._issue(cert, name, dict(word.partition("=")[::2] for word in words))
        return cert

    def _issue(self, cert, name, words):
        authority = words.get("by", "test")
        self.authority(authority)
        os.mkdir(cert.dir)
        hosts = ",".join(("IP:" if host[-1].isdigit() else "DNS:") + host
                         for host in words.get("names", name).split(","))
        extensions = CLIENT if "client" in words else SERVER.format(names=hosts)
        below = f"{self.dir}/{authority}-below"
        self._make(f"{cert.dir}/cert", next((word for word in words if word in KEYS), "ecdsa"), words.get("cn", name), extensions,
                   below, words.get("days", "30"))
        if "key" in words:
            _copy(self.make(words["key"]).key, f"{cert.dir}/cert.key")
        os.rename(f"{cert.dir}/cert.key", cert.key)
        with open(cert.chain, "wb") as chain:
            for path in [cert.leaf] + ([] if "leaf" in words else [f"{below}.pem"]):
                chain.write(_content(path))

    def _make(self, path, kind, cn, extensions, issuer=None, days="30"):
        """PATH.pem and PATH.key, signed by issuer or by itself."""
        algorithm, *parameter = KEYS[kind]
        with open(f"{path}.cnf", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(cn=cn, extensions=extensions))
        command = ["openssl", "req", "-utf8", "-x509", "-new", "-nodes", "-config", f"{path}.cnf", "-extensions", "of",
                   "-newkey", algorithm, "-days", days, "-keyout", f"{path}.key", "-out", f"{path}.pem"]
        command += [word for option in parameter for word in ("-pkeyopt", option)]
        if issuer:
            command += ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"openssl: {done.stderr}")
        os.chmod(f"{path}.key", 0o600)


def _content(path):
    with open(path, "rb") as file:
        return file.read()


def _copy(source, target):
    with open(target, "wb") as file:
        file.write(_content(source))
