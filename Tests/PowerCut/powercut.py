"""Cuts off a disk under load, and judges each image. Tests/PowerCut/run starts this program.

Usage: powercut.py BIN SCRATCH CUTS FILE-SYSTEM…
"""

import os
import platform
import random
import statistics
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from deliveries import deliver_until_answered, senders
from disk import Cut, Failure, recovered, run, running_disk
from history import Contents, History, contents
from programs import Programs

CUTS_OF_A_LOAD = 10
CONTROLS = 3
REPEATED = 20


@dataclass
class Result:
    """The column of a file system in the table."""

    kind: str
    cuts: int = 0
    acknowledged: int = 0
    handled: int = 0
    forwarded: int = 0
    looked_for: int = 0
    unflushed: list[int] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    torn: int = 0
    in_hand: int = 0
    pruned: int = 0
    stored_again: int = 0
    empty: int = 0
    lost: int = 0
    lost_by_control: list[int] = field(default_factory=list)
    failures: int = 0

    def say(self, text: str) -> None:
        print(f"{self.kind}: {text}", flush=True)

    def fail(self, text: str) -> None:
        self.failures += 1
        self.say(text)

    def require(self, holds: bool, text: str) -> None:
        if not holds:
            self.fail(text)

    def require_none(self, found: Collection[str], text: str) -> None:
        self.require(not found, f"{len(found):,} {text}, such as {sorted(found)[:2]}")


# The load


def cut_under_load(
    programs: Programs, kind: str, cuts: int, controls: int
) -> tuple[list[Cut], History]:
    """Takes the images, the controls' last, while everything works on the disk."""
    for record in (programs.handled, programs.forwarded):
        open(record, "w").close()
    with running_disk(programs.scratch, kind) as (disk, folder):
        spool = f"{folder}/spool"
        os.mkdir(spool)
        with (
            programs.responder(spool), programs.running(*programs.handling("--follow")),
            programs.forwarding(spool), programs.pruning(), senders(programs.socket, programs.tokens, programs.sent) as require_all,
        ):
            taken = [disk.cut(f"cut-{n}", n >= cuts, require_all) for n in range(cuts + controls)]
    return taken, History(programs.tokens, programs.sent, programs.handled, programs.forwarded)


# The judgement


def judge(programs: Programs, result: Result, cut: Cut, history: History) -> None:
    """Everything that must hold on the image of a cut."""
    acknowledged = history.acknowledged_before(cut.moment)
    count(result, cut, acknowledged)
    with recovered(programs.scratch, result.kind, cut.image) as folder:
        spool = f"{folder}/spool"
        judge_what_is_left(result, contents(spool), acknowledged, cut, history)
        with programs.responder(spool):
            under_way = deliver_again(programs, result, cut, history)
            # Some events are put off or given up, hence 1.
            run(*programs.handling(), accept=(0, 1))
            run(*programs.spool("verify"))
        found = contents(spool)
    promised = (acknowledged | under_way) - history.may_be_gone_at(cut.moment)
    result.require_none(promised - found.events.keys(), "lost after the recovery")
    result.require_none(found.in_folders("new", "cur"), "not handled after the recovery")
    result.require_none(found.empty + found.broken, "not whole after the recovery")


def count(result: Result, cut: Cut, acknowledged: set[str]) -> None:
    result.cuts += 1
    result.looked_for += len(acknowledged)
    result.unflushed.append(cut.unflushed)
    result.forgotten.append(cut.forgotten)
    result.torn += cut.torn


def judge_what_is_left(
    result: Result, found: Contents, acknowledged: set[str], cut: Cut, history: History
) -> None:
    """Judges the spool before anybody has touched it."""
    may_be_gone = history.may_be_gone_at(cut.moment)
    gone = acknowledged - found.events.keys()
    lost = gone - may_be_gone
    result.in_hand += len(found.in_folders("cur"))
    result.pruned += len(gone & may_be_gone)
    result.lost += len(lost)
    result.empty += len(found.empty)
    result.require_none(lost, "lost")
    unhandled = set(found.in_folders("done")) - history.handled_before(cut.moment)
    result.require_none(unhandled, "in done/, and nobody has handled them")
    result.require_none(found.broken, "not whole")
    # There, kernels before a fix of 2025 leave an empty file of an event that nobody was told of.
    if result.kind != "btrfs":
        result.require_none(found.empty, "empty")


def deliver_again(programs: Programs, result: Result, cut: Cut, history: History) -> set[str]:
    """Repeats what was under way, as senders do, and some of what was acknowledged. Returns the ids of
    the former."""
    acknowledged = sorted(history.acknowledged_before(cut.moment))
    under_way = history.under_way_at(cut.moment)
    repeated = set(random.sample(acknowledged, min(REPEATED, len(acknowledged))))
    for id in under_way | repeated:
        status = deliver_until_answered(programs.socket, history.tokens[id])
        result.require(status in (200, 202), f"a repeated delivery is answered with {status}")
        result.stored_again += status == 202 and id in repeated
    return under_way


def judge_control(programs: Programs, result: Result, cut: Cut, history: History) -> None:
    """The disk has lied, so there must be a loss."""
    with recovered(programs.scratch, result.kind, cut.image) as folder:
        found = contents(f"{folder}/spool")
    promised = history.acknowledged_before(cut.moment) - history.may_be_gone_at(cut.moment)
    lost = len(promised - found.events.keys())
    result.lost_by_control.append(lost)
    result.require(lost > 0, "nothing is missing on a disk that has lied: this test finds nothing")


def cut_all(programs: Programs, kind: str, cuts: int) -> Result:
    result = Result(kind)
    for first in range(0, cuts, CUTS_OF_A_LOAD):
        honest = min(CUTS_OF_A_LOAD, cuts - first)
        controls = CONTROLS if first + honest == cuts else 0
        taken, history = cut_under_load(programs, kind, honest, controls)
        result.acknowledged += len(history.acknowledged)
        result.handled += len(history.handled)
        result.forwarded += len(history.forwarded)
        result.require(bool(history.handled and history.forwarded), "one consumer had nothing to do")
        result.say(
            f"{len(taken)} images under load; {len(history.acknowledged):,} events acknowledged,"
            f" {len(history.handled):,} handled, {len(history.forwarded):,} forwarded,"
            f" {history.refused:,} refused"
        )
        for cut in taken:
            judge_image(programs, result, cut, history)
    return result


def judge_image(programs: Programs, result: Result, cut: Cut, history: History) -> None:
    failures = result.failures
    try:
        (judge_control if cut.is_lie else judge)(programs, result, cut, history)
    except (Failure, OSError) as failure:
        result.fail(str(failure))
    finally:
        os.remove(cut.image)
    if result.failures > failures:
        result.say(f"that was after {cut}")


# The table


def median_and_most(numbers: list[int]) -> str:
    return f"{statistics.median(numbers):g}, {max(numbers)}"


ROWS: dict[str, Callable[[Result], str]] = {
    "file system": lambda r: r.kind,
    "cuts": lambda r: f"{r.cuts:,}",
    "events acknowledged": lambda r: f"{r.acknowledged:,}",
    "of them handled by a command": lambda r: f"{r.handled:,}",
    "of them forwarded": lambda r: f"{r.forwarded:,}",
    "looked for, over all cuts": lambda r: f"{r.looked_for:,}",
    "writes without a flush, per cut (median, most)": lambda r: median_and_most(r.unflushed),
    "writes forgotten, per cut (median, most)": lambda r: median_and_most(r.forgotten),
    "writes torn": lambda r: f"{r.torn:,}",
    "events in cur/ at a cut": lambda r: f"{r.in_hand:,}",
    "events handled and pruned before a cut": lambda r: f"{r.pruned:,}",
    "stored again by a repeated delivery": lambda r: f"{r.stored_again:,}",
    "empty files in place of events": lambda r: f"{r.empty:,}",
    "events lost": lambda r: f"{r.lost:,}",
    "events lost by each control": lambda r: ", ".join(map(str, r.lost_by_control)),
    "failures": lambda r: f"{r.failures:,}",
}


def table(results: list[Result]) -> str:
    columns = [list(ROWS)] + [[row(result) for row in ROWS.values()] for result in results]
    widths = [max(map(len, column)) for column in columns]
    rows = [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, values, widths[1:])])
        for name, *values in zip(*columns)
    ]
    return "\n".join([f"Linux {platform.release()}", *rows])


def main(binaries: str, scratch: str, cuts: str, *kinds: str) -> int:
    try:
        programs = Programs(binaries, scratch)
        results = [cut_all(programs, kind, int(cuts)) for kind in kinds]
    except Failure as failure:
        print(failure)
        return 1
    print(table(results))
    return 1 if any(result.failures for result in results) else 0


sys.exit(main(*sys.argv[1:]))
