#!/usr/bin/env python3
"""Prints the manual page of a program, in mdoc(7), from what the program says of its commands.

Usage: manual.py PROGRAM SECTION

The date is that of SOURCE_DATE_EPOCH, or else today's.
"""

import json
import os
import re
import subprocess
import sys
import textwrap
import time

PAGES = [
    ("delve-webhook", 1),
    ("delve-webhook-spool", 5),
    ("delve-webhook.yaml", 5),
    ("delve-webhook-fcgi", 8),
    ("delve-webhook-forward", 8),
]
FILES = [
    ("/etc/delve-webhook/config.yaml", "The default configuration.", "delve-webhook.yaml", 5),
    ("/var/spool/delve-webhook/", "The spool of the packages.", "delve-webhook-spool", 5),
]
# An option that so many commands have, in the same words, is explained once.
COMMON = 3
MONTHS = (
    "January February March April May June July August September October November December".split()
)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    program, section = sys.argv[1:]
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, stdout=subprocess.PIPE)
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(page(json.loads(dump.stdout)["command"], int(section))))


def page(root, section):
    name = root["commandName"]
    commands = list(leaves(root, []))
    description, exit_codes = without_exit_codes(root.get("discussion", ""))
    lines = [
        f".Dd {date()}",
        f".Dt {name.upper()} {section}",
        ".Os",
        ".Sh NAME",
        f".Nm {name}",
        f".Nd {as_phrase(root['abstract'])}",
        ".Sh SYNOPSIS",
    ]
    for words, command in commands:
        lines += synopsis(words, command)
    lines += [".Nm", ".Fl h | -help | -version"]
    lines += [".Sh DESCRIPTION", *text(f"{root['abstract']}\n\n{description}")]
    if commands == [([], root)]:
        lines += [".Pp", "The options are:", *options(arguments(root))]
    else:
        lines += described(commands)
    lines += [".Sh FILES", ".Bl -tag -width Ds"]
    for path, meaning, other, number in FILES:
        lines += [f".It Pa {path}", meaning, "See", f".Xr {other} {number} ."]
    lines += [".El"]
    if exit_codes:
        lines += [".Sh EXIT STATUS", ".Bl -tag -width Ds -compact"]
        for code, meaning in exit_codes:
            lines += [f".It {code}", *text(meaning)]
        lines += [".El"]
    lines += [".Sh SEE ALSO"]
    others = [f".Xr {other} {number}" for other, number in PAGES if other != name]
    lines += [f"{other} ," for other in others[:-1]] + others[-1:]
    return lines


def date():
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    day = time.gmtime(int(seconds) if seconds else None)
    return f"{MONTHS[day.tm_mon - 1]} {day.tm_mday}, {day.tm_year}"


# Commands and their arguments


def leaves(command, words):
    """The commands that do something, each with the words that lead to it."""
    inner = [
        one
        for one in command.get("subcommands", [])
        if one["commandName"] != "help" and one["shouldDisplay"]
    ]
    if not inner:
        yield words, command
    for one in inner:
        yield from leaves(one, words + [one["commandName"]])


def arguments(command):
    return [
        one
        for one in command.get("arguments", [])
        if one["shouldDisplay"] and one["valueName"] not in ("help", "version")
    ]


def described(commands):
    """A section with what several commands share, and one with each command."""
    uses = {}
    for _, command in commands:
        for one in arguments(command):
            uses.setdefault(json.dumps(one, sort_keys=True), []).append(one)
    common = [same[0] for same in uses.values() if len(same) >= COMMON]
    lines = [".Ss Options of several commands", *options(common), ".Sh COMMANDS"]
    for words, command in commands:
        lines += [f".Ss {' '.join(words)}", *text(command["abstract"])]
        if command.get("discussion"):
            lines += [".Pp", *text(command["discussion"])]
        lines += options([one for one in arguments(command) if one not in common])
    return lines


def synopsis(words, command):
    lines = [".Nm", f".Ic {' '.join(words)}"] if words else [".Nm"]
    for one in arguments(command):
        form = usage(one, " | ")
        lines.append(f".Op {form}" if one["isOptional"] else f".{form}")
    return lines


def usage(argument, separator):
    """As in `Fl -limit Ar limit`."""
    value = f"Ar {argument['valueName']}" + (" ..." if argument["isRepeating"] else "")
    if argument["kind"] == "positional":
        return f"Fl - {value}" if argument["parsingStrategy"] == "postTerminator" else value
    names = sorted(argument["names"], key=lambda name: name["kind"] != "short")
    forms = ["Fl " + ("-" if name["kind"] == "long" else "") + name["name"] for name in names]
    return separator.join(forms) + (f" {value}" if argument["kind"] == "option" else "")


def options(some):
    if not some:
        return []
    lines = [".Bl -tag -width Ds"]
    for one in some:
        meaning = one.get("abstract", "")
        if "defaultValue" in one:
            meaning += f" The default is {one['defaultValue']}."
        lines += [f".It {usage(one, ' , ')}", *text(meaning)]
    return lines + [".El"]


# Text


def without_exit_codes(discussion):
    """The discussion without its paragraph of exit codes, and these with their meanings."""
    rest, codes = [], []
    for paragraph in discussion.split("\n\n"):
        if re.match(r"Exit codes?\b", paragraph):
            listed = re.sub(r"^Exit codes?:?\s+", "", paragraph).rstrip(".")
            codes = re.findall(r"(\d+):? (.*?)(?:; (?=\d)|$)", listed, re.DOTALL)
        else:
            rest.append(paragraph)
    return "\n\n".join(rest), codes


def text(source):
    """Paragraphs, of which the indented ones are shown as they are."""
    lines = []
    for paragraph in source.strip("\n").split("\n\n"):
        if not paragraph.strip():
            continue
        if paragraph.startswith("  "):
            shown = [escaped(line) for line in textwrap.dedent(paragraph).split("\n")]
            lines += [".Bd -literal -offset indent", *shown, ".Ed"]
            continue
        if lines:
            lines.append(".Pp")
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9`-])", " ".join(paragraph.split())):
            # Escapes make a line longer.
            wrapped = textwrap.wrap(sentence, 72, break_long_words=False, break_on_hyphens=False)
            lines += [escaped(line) for line in wrapped]
    return lines


def escaped(line):
    """For a line that is no macro: what is special in roff(7) stands for itself."""
    line = line.replace("\\", "\\e")
    line = re.sub(r"(?<![^\s(`])-+(?=\w)", lambda hyphens: hyphens[0].replace("-", "\\-"), line)
    line = re.sub(r"[^\x00-\x7f]", lambda one: f"\\[u{ord(one[0]):04X}]", line)
    return f"\\&{line}" if line.startswith((".", "'")) else line


def as_phrase(sentence):
    return escaped(sentence[0].lower() + sentence[1:].rstrip("."))


main()
