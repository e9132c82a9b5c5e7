#!/usr/bin/env python3
"""Takes the examples out of an installed manual page, so that a test can run what a reader would type.

Usage: examples.py PAGE FOLDER

Writes each block of the section EXAMPLES that holds commands to FOLDER/1, FOLDER/2, …. In a block
with prompts, the commands are the lines behind a prompt. A block that begins with no command is what
a program answers: it is passed over, and its first line is printed.
"""

import gzip
import pathlib
import re
import shutil
import sys

ROFF = {r"\(aq": "'", r"\(ti": "~", r"\(ha": "^", r"\(ga": "`", r"\-": "-", r"\e": "\\", r"\&": ""}


def blocks(page):
    """The lines of each literal block of the section."""
    section, block = "", None
    for line in gzip.open(page, "rt", encoding="utf-8").read().splitlines():
        if line.startswith(".Sh "):
            section = line[4:]
        elif section == "EXAMPLES" and line.startswith(".Bd -literal"):
            block = []
        elif line == ".Ed" and block is not None:
            yield block
            block = None
        elif block is not None:
            block.append(re.sub(r"\\(?:\(..|.)", lambda match: ROFF[match[0]], line))


def commands(block):
    """The lines that a reader types."""
    if not any(line.startswith("$ ") for line in block):
        word = block[0].split()[0]
        return block if "=" in word or word == "cd" or shutil.which(word) else []
    typed, goes_on = [], False
    for line in block:
        if goes_on or line.startswith("$ "):
            typed.append(line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return typed


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True)
    count = 0
    for block in blocks(sys.argv[1]):
        typed = commands(block)
        if typed:
            count += 1
            (folder / str(count)).write_text("\n".join(typed) + "\n", encoding="utf-8")
        else:
            print(block[0])


main()
