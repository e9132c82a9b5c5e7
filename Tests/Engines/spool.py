"""A spool with events of one shape, and the runner that drains it through a recipe."""

import collections
import contextlib
import datetime
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

# Nothing here is verified, but a configuration needs a key.
KEY = os.path.join(os.path.dirname(__file__), "../Attacks/keys/p521.pem")
# What a recipe keeps on the machine.
PROOF = ("jws", "xsignature", "remoteaddr", "requesturi")


def wait_until(what: str, condition: Callable[[], bool]) -> None:
    """Gives up after ten minutes, and says what it waited for."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.05)
    raise SystemExit(f"waited for ten minutes, and not seen: {what}")


class Spool:
    def __init__(self, folder: str, program: str, recipe: str, environment: dict[str, str]):
        self.folder = f"{folder}/spool"
        self.log = f"{folder}/runner.log"
        self.recipe = recipe
        self.environment = os.environ | environment
        self.command = [program, "spool"]
        self.options = ["--config", f"{folder}/config.yaml"]
        self.added = 0
        self.running: subprocess.Popen[bytes] | None = None
        os.makedirs(f"{self.folder}/acme/new")
        with open(f"{self.folder}/acme/format", "w") as file:
            file.write("1\n")
        with open(f"{folder}/config.yaml", "w") as file:
            file.write(
                f"spool: {self.folder}\n"
                "instances:\n"
                "  acme:\n"
                "    url: https://acme.example.com\n"
                f"    keys: [{KEY}]\n"
            )

    def add(self, count: int) -> None:
        """Adds events, each with its own time of issue, unsigned."""
        for number in range(self.added, self.added + count):
            event = example(number)
            name = f"{event['time']}-export-done-{number}-{event['id'][:32]}.json"
            name = name.replace(":", "").replace("-", "", 2)
            # The event gets its name when it is whole, as from a publisher.
            draft = f"{self.folder}/acme/draft"
            with open(draft, "w") as file:
                file.write(json.dumps(event, separators=(",", ":")) + "\n")
            os.rename(draft, f"{self.folder}/acme/new/{name}")
        self.added += count

    def files(self, state: str) -> list[str]:
        return [
            f"{folder}/{name}"
            for folder, _, names in os.walk(f"{self.folder}/acme/{state}")
            for name in names
            if name.endswith(".json")
        ]

    def count(self, state: str) -> int:
        return len(self.files(state))

    def handled(self) -> dict[str, dict[str, Any]]:
        """What has to be in the engine: the events in `done/`, without what stays here, by id."""
        events = {}
        for path in self.files("done"):
            with open(path) as file:
                event = json.load(file)
            events[event["id"]] = {k: v for k, v in event.items() if k not in PROOF}
        return events

    def retry(self) -> None:
        """Makes what was put off due at once."""
        subprocess.run(
            [*self.command, "retry", *self.options, "--all", "--state", "defer"],
            capture_output=True,
            check=False,
        )

    @contextlib.contextmanager
    def runner(self, jobs: int) -> Iterator[None]:
        command = [*self.command, "run", *self.options, "--follow", "--jobs", str(jobs), "--"]
        with open(self.log, "a") as log:
            self.running = subprocess.Popen(
                [*command, self.recipe], env=self.environment, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            self.running.terminate()
            self.running.wait()

    def wait_until(self, what: str, condition: Callable[[], bool]) -> None:
        """Waits for something that the runner does."""

        def is_seen() -> bool:
            if self.running is None or self.running.poll() is not None:
                raise SystemExit(f"the runner has ended, see {self.log}")
            return condition()

        wait_until(f"{what}, see {self.log}", is_seen)

    def drain(self) -> None:
        """Waits until the runner has handled everything. What was put off is due at once."""

        def is_done() -> bool:
            if self.count("defer"):
                self.retry()
            return self.count("done") + self.count("dead") == self.added

        self.wait_until("all events are in done/", is_done)

    def handle(self, more: dict[str, str], *python: str) -> subprocess.CompletedProcess[str]:
        """Gives one event to the recipe, without a runner."""
        return subprocess.run(
            [*python, self.recipe],
            env=self.environment | more,
            input=json.dumps(example(self.added)),
            capture_output=True,
            text=True,
            check=False,
        )


def example(number: int) -> dict[str, Any]:
    issued = 1_790_000_000 + number
    moment = datetime.datetime.fromtimestamp(issued, datetime.timezone.utc)
    when = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = f"{number:026x}" + "a" * 38
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "https://acme.example.com#acme",
        "type": "com.delvesecurity.export.done",
        "subject": f"export/{number}",
        "time": when,
        "data": {"id": str(number), "kind": "export é", "status": "done", "iat": issued},
        "recordedtime": when,
        "instance": "acme",
        "requesturi": "/hooks/x",
        "remoteaddr": "192.0.2.1",
        "eventkey": identity,
        "keyid": "k",
        "xsignature": "ES512 /api/webhook.key",
        "jws": "a.b.c",
    }


def by_id(messages: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The events that an engine holds, by id: more than one is a duplicate."""
    events = collections.defaultdict(list)
    for message in messages:
        event = json.loads(message)
        events[event["id"]].append(event)
    return events
