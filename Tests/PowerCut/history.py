"""What had happened to each event at some moment, and what is in a spool."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from deliveries import Token, signed_id

FOLDERS = ["new", "cur", "defer", "dead", "done"]
EVENT_FILE = re.compile(r"\d{8}T\d{6}Z-.*-[0-9a-f]{32}\.json")


def lines(path: str) -> Iterator[list[str]]:
    with open(path) as file:
        # A sender or a handler may have been ended in the middle of its last line.
        yield from (line.split() for line in file if line.endswith("\n"))


class History:
    """By the events' ids, the moments at which they were first sent, acknowledged, handled by a command
    and forwarded."""

    def __init__(self, tokens: list[Token], sent: list[str], handled: str, forwarded: str):
        self.tokens: dict[str, Token] = {}
        self.sent: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}
        self.handled: dict[str, int] = {}
        self.forwarded: dict[str, int] = {}
        self.refused = 0
        for path in sent:
            for number, moment, status in lines(path):
                self.note_delivery(tokens[int(number)], int(moment), int(status))
        for record, moments in ((handled, self.handled), (forwarded, self.forwarded)):
            for id, moment, code in lines(record):
                if code == "0":
                    note(moments, id, int(moment))

    def note_delivery(self, token: Token, moment: int, status: int) -> None:
        self.tokens[token.id] = token
        if status == 0:
            note(self.sent, token.id, moment)
        elif status in (200, 202):
            note(self.acknowledged, token.id, moment)
        else:
            self.refused += 1

    def acknowledged_before(self, moment: int) -> set[str]:
        return {id for id, at in self.acknowledged.items() if at < moment}

    def under_way_at(self, moment: int) -> set[str]:
        """Those that were sent, but the sender knew of no acknowledgement."""
        return {id for id, at in self.sent.items() if at < moment} - self.acknowledged_before(moment)

    def handled_before(self, moment: int) -> set[str]:
        """Those that a command had handled, or that had been forwarded."""
        moments = [*self.handled.items(), *self.forwarded.items()]
        return {id for id, at in moments if at < moment}

    def may_be_gone_at(self, moment: int) -> set[str]:
        """Those that had been handled, and that `spool prune` may have removed."""
        return {id for id in self.handled_before(moment) if self.tokens[id].is_old}


def note(moments: dict[str, int], id: str, moment: int) -> None:
    moments[id] = min(moment, moments.get(id, moment))


@dataclass
class Contents:
    """What is in a spool."""

    events: dict[str, str] = field(default_factory=dict)  # the folder of each, by its id
    empty: list[str] = field(default_factory=list)  # files of events
    broken: list[str] = field(default_factory=list)

    def in_folders(self, *folders: str) -> list[str]:
        return [id for id, folder in self.events.items() if folder in folders]


def contents(spool: str) -> Contents:
    found = Contents()
    for folder in FOLDERS:
        for path, _, names in os.walk(f"{spool}/acme/{folder}"):
            for name in filter(EVENT_FILE.fullmatch, names):
                read_event(f"{path}/{name}", folder, found)
    return found


def read_event(path: str, folder: str, found: Contents) -> None:
    with open(path, "rb") as file:
        line = file.read()
    id = id_of_event(line)
    if id:
        found.events[id] = folder
    elif line:
        found.broken.append(path)
    else:
        found.empty.append(path)


def id_of_event(line: bytes) -> str | None:
    """Its id, if it is the signed one and the event is there to its last byte."""
    try:
        event = json.loads(line)
        return event["id"] if line[-1:] == b"\n" and event["id"] == signed_id(event["jws"]) else None
    except (ValueError, KeyError, TypeError, IndexError):
        return None
