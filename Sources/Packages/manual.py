#!/usr/bin/env python3
"""Makes the manual pages of a program, in mdoc(7): one of the program, and one of each command.

Usage: manual.py PROGRAM SECTION DIR

The help of the commands comes first. Beside the source of a command, a file called
after its page, as in delve-webhook-spool-run.mdoc, has sections that are written by hand. Those that
the page has already are continued; the others have their place in mdoc's order. The date is that of
SOURCE_DATE_EPOCH, or else today's.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import time

SOURCES = pathlib.Path(__file__).resolve().parent.parent
# The headings that mdoc(7) knows. A page's own sections stand behind DESCRIPTION.
BEFORE_OWN = ["NAME", "SYNOPSIS", "DESCRIPTION"]
BEHIND_OWN = (
    "ENVIRONMENT,FILES,EXIT STATUS,EXAMPLES,DIAGNOSTICS,SEE ALSO,STANDARDS,CAVEATS".split(",")
)
# How long a line may be that is shown with an indent on a terminal of 80 columns.
INDENTED = 70
# What an option brings along.
ENVIRONMENT = {
    "config": [
        ".It Ev DELVE_WEBHOOK_CONFIG",
        "The configuration, if",
        ".Fl -config",
        "is not given.",
    ]
}
FILES = {
    "config": [
        ".It Pa /etc/delve-webhook/config.yaml",
        "The default configuration; see",
        ".Xr delve-webhook.yaml 5 .",
    ],
    "spool": [
        ".It Pa /var/spool/delve-webhook/",
        "The spool, if the configuration names no other; see",
        ".Xr delve-webhook-spool 5 .",
    ],
}
MONTHS = (
    "January February March April May June July August September October November December".split()
)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    program, section, folder = sys.argv[1:]
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, stdout=subprocess.PIPE)
    root = json.loads(dump.stdout)["command"]
    os.makedirs(folder, exist_ok=True)
    for name, sections in pages(root, section):
        path = pathlib.Path(folder, f"{name}.{section}")
        path.write_text("\n".join(page(name, section, sections)) + "\n", encoding="utf-8")


def pages(root, section):
    """Each page's name, and its sections by their headings."""
    program = root["commandName"]
    commands = list(leaves(root, []))
    if commands == [([], root)]:
        yield program, extended(command_page(program, program, [], root), program)
        return
    yield program, extended(overview(program, section, root, commands), program)
    for words, command in commands:
        name = "-".join([program, *words])
        sections = command_page(name, program, words, command)
        written = supplement(name)
        if "EXIT STATUS" not in written:
            written["EXIT STATUS"] = [
                ".Pp",
                "For all other codes, see",
                f".Xr {program} {section} .",
            ]
        yield name, extended(sections, name, written)


def page(name, section, sections):
    lines = [f".Dd {date()}", f".Dt {name.upper()} {section}", ".Os"]
    own = [heading for heading in sections if heading not in BEFORE_OWN + BEHIND_OWN]
    for heading in BEFORE_OWN + own + BEHIND_OWN:
        if sections.get(heading):
            lines += [f".Sh {heading}", *sections[heading]]
    return lines


def date():
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    day = time.gmtime(int(seconds) if seconds else None)
    return f"{MONTHS[day.tm_mon - 1]} {day.tm_mday}, {day.tm_year}"


# The sections


def overview(program, section, root, commands):
    description, exit_codes = without_exit_codes(root.get("discussion", ""))
    listed = [".Bl -tag -width Ds"]
    for words, command in commands:
        listed += [f".It Xr {'-'.join([program, *words])} {section}", *text(command["abstract"])]
    return {
        "NAME": [f".Nm {program}", f".Nd {as_phrase(root['abstract'])}"],
        "SYNOPSIS": [
            ".Nm",
            ".Ar command",
            ".Op Ar argument ...",
            ".Nm",
            ".Cm help",
            ".Op Ar command",
            ".Nm",
            ".Fl h | -help | -version",
        ],
        "DESCRIPTION": text(description),
        "COMMANDS": [*listed, ".El"],
        "ENVIRONMENT": ENVIRONMENT["config"],
        "FILES": FILES["config"] + FILES["spool"],
        "EXIT STATUS": exit_status(exit_codes),
    }


def command_page(name, program, words, command):
    description, exit_codes = without_exit_codes(command.get("discussion", ""))
    arguments = [
        one
        for one in command.get("arguments", [])
        if one["shouldDisplay"] and one["valueName"] not in ("help", "version")
    ]
    described = text(f"{command['abstract']}\n\n{description}")
    if arguments:
        described += [".Pp", "The options are:", *options(arguments)]
    names = [name["name"] for one in arguments for name in one.get("names") or []]
    return {
        "NAME": [f".Nm {name}", f".Nd {as_phrase(command['abstract'])}"],
        "SYNOPSIS": synopsis(program, words, arguments),
        "DESCRIPTION": described,
        "ENVIRONMENT": [line for one in names for line in ENVIRONMENT.get(one, [])],
        "FILES": [line for one in names for line in FILES.get(one, [])],
        "EXIT STATUS": exit_status(exit_codes),
    }


def extended(sections, name, written=None):
    """The sections, with those that were written by hand."""
    for heading, lines in (supplement(name) if written is None else written).items():
        sections[heading] = sections.get(heading, []) + lines
    for heading in ("ENVIRONMENT", "FILES"):
        if sections.get(heading):
            sections[heading] = [".Bl -tag -width Ds", *sections[heading], ".El"]
    return sections


def supplement(name):
    """The sections that were written by hand."""
    sections, lines = {}, []
    for file in SOURCES.glob(f"*/**/{name}.mdoc"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith(".Sh "):
                lines = sections[line.removeprefix(".Sh ")] = []
            else:
                lines.append(line)
    return sections


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


def synopsis(program, words, arguments):
    lines = [f".Nm {program}"]
    if words:
        lines.append(f".Cm {' '.join(words)}")
    for one in arguments:
        form = usage(one, " | ")
        lines.append(f".Op {form}" if one["isOptional"] and not is_command(one) else f".{form}")
    return lines


def is_command(argument):
    """Whether it is the command behind --, which nothing runs without."""
    return argument["parsingStrategy"] == "postTerminator"


def usage(argument, separator):
    """As in `Fl -limit Ar limit`."""
    value = f"Ar {argument['valueName']}"
    if argument["kind"] == "positional":
        value += " ..." if argument["isRepeating"] else ""
        return f"Fl - {value}" if is_command(argument) else value
    names = sorted(argument["names"], key=lambda name: name["kind"] != "short")
    forms = ["Fl " + ("-" if name["kind"] == "long" else "") + name["name"] for name in names]
    return separator.join(forms) + (f" {value}" if argument["kind"] == "option" else "")


def options(some):
    lines = [".Bl -tag -width Ds"]
    for one in some:
        meaning = one.get("abstract", "")
        if "defaultValue" in one:
            meaning += f" The default is {one['defaultValue']}."
        lines += [f".It {usage(one, ' , ')}", *text(meaning)]
    return lines + [".El"]


def exit_status(codes):
    if not codes:
        return []
    lines = [".Bl -tag -width Ds -compact"]
    for code, meaning in codes:
        lines += [f".It {code}", *text(meaning[0].upper() + meaning[1:] + ".")]
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
    """Paragraphs. Of the indented ones, a table becomes a list, and others are shown as they are."""
    lines = []
    for paragraph in source.strip("\n").split("\n\n"):
        if not paragraph.strip():
            continue
        if paragraph.startswith("  "):
            lines += shown(textwrap.dedent(paragraph).split("\n"))
            continue
        if lines:
            lines.append(".Pp")
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9`-])", " ".join(paragraph.split())):
            lines += marked(sentence)
    return lines


def shown(block):
    rows = [re.fullmatch(r"(\S+(?: \S+)*) {2,}(\S.*)", line) for line in block]
    if not all(rows):
        indent = " -offset indent" if max(map(len, block)) < INDENTED else ""
        lines = [as_text(escaped(line)) for line in block]
        return [f".Bd -literal{indent}", *lines, ".Ed"]
    if rows[0][1] == "1.":
        items = [[".It", *text(row[2])] for row in rows]
        return [".Pp", ".Bl -enum -compact", *sum(items, []), ".El"]
    width = max((row[1] for row in rows), key=len)
    items = [[f".It {escaped(row[1])}", *text(row[2])] for row in rows]
    form = f'.Bl -tag -width "{width}" -offset indent -compact'
    return [".Pp", form, *sum(items, []), ".El"]


def marked(sentence):
    """Lines with macros for what stands in backquotes, and for options."""
    lines, words = [], []
    for part in re.findall(r"`[^`]+`\S*|\S+", sentence):
        quoted = re.fullmatch(r"`([^`]+)`([.,:;)]*)", part)
        option = re.fullmatch(r"-(-[a-z][a-z-]*)([.,:;)]*)", part)
        if not quoted and not option:
            words.append(part)
            continue
        lines += wrapped(words)
        words = []
        macro, (name, marks) = (("Ql", quoted.groups()) if quoted else ("Fl", option.groups()))
        lines.append(" ".join([f".{macro}", escaped(name) if quoted else name, *marks]))
    return lines + wrapped(words)


def wrapped(words):
    text = escaped(" ".join(words))
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return [as_text(line) for line in lines]


def escaped(line):
    """What is special in roff(7) stands for itself."""
    line = line.replace("\\", "\\e")
    options = r"(?<![^\s(`])-+(?=[\w\s,.;:]|$)"
    line = re.sub(options, lambda hyphens: hyphens[0].replace("-", "\\-"), line)
    return re.sub(r"[^\x00-\x7f]", lambda one: f"\\[u{ord(one[0]):04X}]", line)


def as_text(line):
    """A line that is no macro, whatever it begins with."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def as_phrase(sentence):
    return escaped(sentence[0].lower() + sentence[1:].rstrip("."))


main()
