"""page.py - a page of doc/ whose files and commands can be put into force

A heading is underlined by dashes.  Below it, indented by four blanks: "--- PATH" and the file's
text; or commands, each behind "# ".

SPDX-License-Identifier: ISC
"""
import pathlib
import re
import subprocess
import textwrap


class Page:
    def __init__(self, path, places):
        """places: {path on the page: path here}, the longest first"""
        self.places = places
        text = pathlib.Path(path).read_text()
        parts = re.split(r"^(\S.*)\n-{5,}\n", text, flags=re.M)
        self.sections = dict(zip(parts[1::2], map(blocks, parts[2::2])))

    def here(self, text):
        """with this system's directories"""
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text

    def files(self, heading):
        return {self.here(path): self.here(text) for path, text in self.sections[heading] if path}

    def apply(self, heading, said=""):
        """write and run all that is below a heading, in its order; said: what commands are told"""
        for path, text in self.sections[heading]:
            if path:
                self.write(path)(self.here(text))
            else:
                self.run(text, said)

    def write(self, path):
        file = pathlib.Path(self.here(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.write_text

    def run(self, command, said):
        done = subprocess.run(
            ["bash", "-euc", self.here(command)],
            input=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            start_new_session=True,  # no terminal to ask for passwords at
        )
        if done.returncode:
            raise RuntimeError("%s: %d: %s" % (command, done.returncode, done.stdout))


def blocks(text):
    """[(path, its text) or (None, command)] in the page's order"""
    found = []
    open_file = False
    for paragraph in re.split(r"\n\n+", text.strip("\n")):
        if not re.match(r" {4}", paragraph):
            open_file = False
            continue
        lines = textwrap.dedent(paragraph).strip("\n").split("\n")
        if lines[0].startswith("--- "):
            found.append((lines[0][4:], "\n".join(lines[1:]) + "\n"))
            open_file = True
        elif lines[0].startswith("# ") and not open_file or all(line.startswith("# ") for line in lines):
            found += [(None, line[2:]) for line in lines]
            open_file = False
        elif open_file:
            path, before = found.pop()
            found.append((path, before + "\n" + "\n".join(lines) + "\n"))
        else:
            raise ValueError("neither a file nor commands: %r" % paragraph)
    return found
