#!/usr/bin/env python3
# docs.t - restante.conf(5) and the example file say what the options table says
#
# The program is $RESTANTE, the one that was built here if that is not set.  It prints its
# table with --options: name, default and what is allowed, a tab between them.
# doc/CLIENTS and the file for mail programs name the same servers.
#
# SPDX-License-Identifier: ISC
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, TESTS)

from lib.tap import Tap  # noqa: E402

DOC = os.path.join(os.path.dirname(TESTS), "doc")
AUTOCONFIG = os.path.join(DOC, "examples/autoconfig/config-v1.1.xml")
BINARY = os.environ.get("RESTANTE") or os.path.join(os.environ.get("top_builddir", "."), "restante")

# what an empty default is called in the manual
NOTHING = "nothing"


# what tells how many connections a supervisor takes; those for port 995 are made of these
LIMITS = {
    "systemd/restante.socket": r"^MaxConnections=(\d+)",
    "xinetd.d/restante.in": r"^\tinstances\s+= (\d+)",
    "doc/examples/tcpserver/run.in": r"^exec tcpserver .*-c (\d+)",
    "doc/examples/tcpsvd/run.in": r"^exec tcpsvd .*-c (\d+)",
    "doc/examples/s6/run.in": r"^exec s6-tcpserver .*-c (\d+)",
}
CHECKS = 8  # connections of HAProxy's checks that may be open as well


def main():
    tap = Tap()
    tap.plan(14)
    table, problem = ask(["--options"])
    tap.ok("the program prints its options", problem or (None if table else "no options"))
    manual = read_manual(os.path.join(DOC, "restante.conf.5"))
    same(tap, "the manual has each option once, in the table's order", names(table), names(manual))
    same(tap, "the manual has the table's defaults", column(table, 1), column(manual, 1))
    same(tap, "the manual says what is allowed as errors do", column(table, 2), column(manual, 2))
    path = os.path.join(DOC, "restante.conf.example")
    example = read_example(path)
    same(tap, "the example has each option once, in the table's order", names(table), names(example))
    same(tap, "the example has the table's defaults", column(table, 1), column(example, 1))
    with open(path, encoding="ascii") as file:
        text = file.read()
    unchanged(tap, "the example changes nothing", text, table)
    unchanged(tap, "the example changes nothing with every option in force",
              re.sub(r"^#(?=[a-z_]+ =)", "", text, flags=re.M), table)
    tap.ok("the tests, files and functions that doc/SECURITY names are there", missing())
    with open(AUTOCONFIG, encoding="utf-8") as file:
        text = file.read()
    tap.ok("mail programs are told all they need, and what is right", wrong_in(text))
    faults = (("<port>995<", "<port>110<"), ("<socketType>SSL<", "<socketType>plain<"), ("</pop3>", ""),
              ("<outgoingServer", "<!-- <outgoingServer"), ("pop.example.org", "pop.example.net"),
              ("password-cleartext", "password-encrypted"))
    missed = [fault for fault in faults if fault[0] not in text or not wrong_in(text.replace(*fault, 1))]
    tap.ok("a fault in that is found", f"not found: {missed}" if missed else None)
    tap.ok("SRV records name the same servers", wrong_records(text))
    tap.ok("HAProxy sends no host more than its supervisor takes", overfull())
    tap.ok("and if it did, that would be found", None if overfull(more=100) else "not found")
    return 1 if tap.failed else 0


def wrong_in(text):
    """What a mail program could not use of the file for it, or None."""
    try:
        provider = xml.etree.ElementTree.fromstring(text.encode()).find("emailProvider")
        incoming = provider.findall("incomingServer")
        found = [server_of(server) for server in incoming + provider.findall("outgoingServer")]
        keeps = [incoming[0].findtext("pop3/" + name) for name in
                 ("leaveMessagesOnServer", "downloadOnBiff", "daysToLeaveMessagesOnServer")]
    except (xml.etree.ElementTree.ParseError, AttributeError, IndexError) as error:
        return repr(error)
    name = "%EMAILLOCALPART%"
    wanted = [("pop3", "pop.example.org", "995", "SSL", "password-cleartext", name),
              ("smtp", "smtp.example.org", "465", "SSL", "password-cleartext", name)]
    domain = provider.get("id"), provider.findtext("domain")
    if found != wanted or keeps != ["true", "true", "14"] or domain != ("example.org", "example.org"):
        return f"{found} {keeps} {domain}"
    return None if provider.findtext("displayName") else "no displayName"


def server_of(server):
    return (server.get("type"), *(server.findtext(name) for name in
                                  ("hostname", "port", "socketType", "authentication", "username")))


def wrong_records(text):
    """Records of doc/CLIENTS, as a zone file has them, against the servers in the other file."""
    with open(os.path.join(DOC, "CLIENTS"), encoding="ascii") as file:
        records = dict(re.findall(r"^    (_\w+)\._tcp\.example\.org\. +\d+ IN SRV (\d+ \d+ \d+ +\S+)$", file.read(),
                                  re.M)[:3])
    servers = [server_of(server) for server in xml.etree.ElementTree.fromstring(text.encode()).iter()
               if server.tag in ("incomingServer", "outgoingServer")]
    wanted = {service: f"0 1 {port} {host}." for service, (_, host, port, *_) in
              zip(("_pop3s", "_submissions"), servers)}
    wanted["_pop3"] = "0 0 0   ."	# RFC 6186 section 3.4: not offered
    return None if records == wanted else f"{records} {wanted}"


def sent(name):
    """How many connections an example lets pass to each server."""
    with open(os.path.join(DOC, "examples", name), encoding="ascii") as file:
        return int(re.findall(r"^\s*default-server .*\bmaxconn (\d+)", file.read(), re.M)[0])


def overfull(more=0):
    """The supervisors that take no more than the fleet's balancer sends, or None."""
    top = os.path.dirname(TESTS)
    most = max(sent("haproxy-fleet.cfg"), 2 * sent("haproxy.cfg")) + more
    found = []
    for path, pattern in LIMITS.items():
        with open(os.path.join(top, path), encoding="ascii") as file:
            limits = re.findall(pattern, file.read(), re.M)
        if len(limits) != 1 or int(limits[0]) < most + CHECKS:
            found.append(f"{path} {limits}, HAProxy {most}")
    return ", ".join(found) or None


def missing():
    """What of it is not, or None."""
    top = os.path.dirname(TESTS)
    with open(os.path.join(DOC, "SECURITY"), encoding="ascii") as file:
        text = file.read()
    paths = set(re.findall(r"\b(?:tests|src|scripts|doc)/[\w./-]*\w", text))
    functions = set(re.findall(r"\((\w+_\w+)(?:, (\w+_\w+))?\)", text))
    code = ""
    for folder, _, files in os.walk(os.path.join(top, "src")):
        for name in files:
            if name.endswith(".c"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    code += file.read()
    lacking = [path for path in paths if not os.path.exists(os.path.join(top, path))]
    lacking += [name for pair in functions for name in pair if name and name + "(" not in code]
    if len(paths) < 15 or len(functions) < 5:
        return f"too little was found to look for: {paths} {functions}"
    return " ".join(sorted(lacking)) or None


def ask(arguments):
    """The rows of --options, and what went wrong."""
    done = subprocess.run([BINARY] + arguments, stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", timeout=60, check=False)
    rows = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    odd = [row for row in rows if len(row) != 3]
    if done.returncode or odd:
        return [row for row in rows if row not in odd], f"exit status {done.returncode}, {odd}\n{done.stderr}"
    return rows, None


def read_manual(path):
    """Of each ".It Cm section.key" the lines "Default: X." and "Allowed: X." behind it."""
    rows, section = [], ""
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    for at, line in enumerate(lines):
        if line.startswith(".Ss "):
            section = line[4:]
        item = re.fullmatch(r"\.It Cm (([a-z]+)\.[a-z_]+)", line)
        if item:
            default, allowed = (value(lines, at + 1, "Default"), value(lines, at + 2, "Allowed"))
            name = item[1] if section == f"Section [{item[2]}]" else f"{item[1]} below {section}"
            rows.append((name, "" if default == NOTHING else default, allowed))
    return rows


def value(lines, at, label):
    found = re.fullmatch(label + r": (.*)\.", lines[at]) if at < len(lines) else None
    if not found:
        return f'no "{label}: ...."'
    text = found[1]
    for roff, plain in ((r"\-", "-"), (r"\(ti", "~"), (r"\(aq", "'"), (r"\&", ""), (r"\e", "\\")):
        text = text.replace(roff, plain)
    return text


def read_example(path):
    """Of each "#key = value" the name with its section, and the value."""
    rows, section = [], ""
    with open(path, encoding="ascii") as file:
        for line in file:
            head = re.fullmatch(r"\[([a-z]+)\]\n", line)
            pair = re.fullmatch(r"#([a-z_]+) =(?: (\S.*))?\n", line)
            if head:
                section = head[1]
            elif pair:
                rows.append((f"{section}.{pair[1]}", pair[2] or ""))
            elif not re.fullmatch(r"(# .*|#)?\n", line):
                rows.append((f"stray line: {line.strip()}", ""))
    return rows


def names(rows):
    return [row[0] for row in rows]


def column(rows, index):
    return [f"{row[0]}: {row[index]}" for row in rows]


def same(tap, title, table, text):
    odd = [f"table only: {line}" for line in table if line not in text]
    odd += [f"text only:  {line}" for line in text if line not in table]
    if not odd and table != text:
        odd = ["the order differs"]
    tap.ok(title, "\n".join(odd) or None)


def unchanged(tap, title, text, table):
    with tempfile.NamedTemporaryFile("w", prefix="restante-test-", encoding="ascii") as file:
        file.write(text)
        file.flush()
        rows, problem = ask(["-c", file.name, "--options"])
    if problem:
        tap.ok(title, problem)
    else:
        same(tap, title, column(table, 1), column(rows, 1))


sys.exit(main())
