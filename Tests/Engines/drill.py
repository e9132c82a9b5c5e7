"""Drains a spool into engines through the shipped recipes, while the engines are cut off again and
again, and looks for every event that is done.

Arguments: the repository, the folder of the built programs, a folder for all files, the root of
Debian 13, and the engine's name.
"""

import contextlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from servers.engine import Engine, Server
from spool import Spool, by_id, wait_until

ROOT, PROGRAMS, SCRATCH, DEBIAN13, NAME = sys.argv[1:]
JOBS = 4
# Handled one after the other, while the engine's syncs are counted.
SLOW_EVENTS = 20

# The classes in servers/, of which only one is loaded: each needs its client.
ENGINES = {"rabbitmq": "RabbitMQ", "nats": "NATS", "redis": "Redis", "kafka": "Kafka", "s3": "S3"}


def must(holds: bool, problem: str) -> None:
    if not holds:
        raise SystemExit(f"FAILED: {problem}")


def check_refusals(engine: Engine, spool: Spool) -> int:
    """Gives the recipe an event under one fault after another. None may be taken for handled."""
    count = 0

    def check(what: str, code: int, sentence: str, more: dict[str, str], *python: str) -> None:
        nonlocal count
        result = spool.handle(more, *python)
        must(
            result.returncode == code and sentence in result.stderr,
            f"{what}: exit code {result.returncode} in place of {code}, {result.stderr!r}",
        )
        count += 1

    # Without the folders that packages are in.
    check("no library", 69, "is missing; install it", {"PYTHONPATH": ""}, "/usr/bin/python3", "-S")
    check("nobody is there", 75, "", engine.nowhere)
    for refusal in engine.refusals():
        check(refusal.what, refusal.exit_code, refusal.sentence, refusal.environment)
    return count


def drain_under_cuts(engine: Engine, spool: Spool) -> int:
    """Returns how many events were put off because the engine was away."""

    def is_noticed() -> bool:
        must(spool.count("done") < spool.added, "all events are done, as if nothing was cut off")
        # More than there are jobs: each of these knows that the engine is away.
        return spool.count("defer") > JOBS

    put_off = 0
    spool.add(engine.events)
    with spool.runner(JOBS):
        for number in range(1, engine.cuts + 1):
            share = engine.events * number // (engine.cuts + 1)
            spool.wait_until(f"{share} events are done", lambda: spool.count("done") >= share)
            engine.cut()
            spool.wait_until("events are put off", is_noticed)
            put_off += spool.count("defer")
            engine.mend()
        spool.drain()
    if engine.synced_file:
        # What was promised last is there, too.
        engine.cut()
        engine.mend()
    return put_off


@contextlib.contextmanager
def counted_syncs(engine: Engine, trace: str) -> Iterator[None]:
    """Writes a line for each sync that the engine asks the kernel for."""
    processes = engine.processes()
    strace = subprocess.Popen(
        ["strace", "-f", "-qq", "-y", "-e", "trace=fsync,fdatasync", "-o", trace]
        + [part for pid in processes for part in ("-p", str(pid))]
    )

    def is_traced(pid: int) -> bool:
        with open(f"/proc/{pid}/status") as file:
            return "TracerPid:\t0\n" not in file.read()

    wait_until("strace is attached", lambda: all(map(is_traced, processes)))
    try:
        yield
    finally:
        strace.terminate()
        strace.wait()


def count_syncs(engine: Engine, spool: Spool) -> int:
    """Each event waits for its promise before the next begins: so each needs a sync of its own."""
    trace = f"{engine.folder}/syncs"
    with counted_syncs(engine, trace):
        spool.add(SLOW_EVENTS)
        with spool.runner(jobs=1):
            spool.drain()
    with open(trace) as file:
        syncs = sum(f"{engine.synced_file}>" in line for line in file)
    must(syncs >= SLOW_EVENTS, f"{syncs} syncs for {SLOW_EVENTS} events: see {trace}")
    return syncs


def check_events(engine: Engine, spool: Spool) -> int:
    """Returns how many events the engine holds more than once."""
    handled, found = spool.handled(), by_id(engine.messages())
    must(len(handled) == spool.added, f"{len(handled)} of {spool.added} events are in done/")
    must(spool.count("dead") == 0, f"{spool.count('dead')} events are in dead/")
    missing = handled.keys() - found.keys()
    must(not missing, f"{len(missing)} events of done/ are not there: {sorted(missing)[:3]}")
    changed = [key for key, event in handled.items() if any(copy != event for copy in found[key])]
    must(not changed, f"{len(changed)} events were changed on the way: {changed[:3]}")
    return sum(len(copies) > 1 for copies in found.values())


def drill(engine: Engine) -> str:
    """Returns one line of figures."""
    started = time.monotonic()
    engine.start()
    try:
        spool = Spool(
            engine.folder,
            f"{PROGRAMS}/delve-webhook",
            f"{ROOT}/Sources/delve-webhook/recipes/{engine.name}",
            engine.environment,
        )
        if isinstance(engine, Server):
            must(not engine.foreign_listeners(), f"it listens on {engine.foreign_listeners()}")
        refusals = check_refusals(engine, spool)
        put_off = drain_under_cuts(engine, spool)
        synced = "no disk"
        if engine.synced_file:
            synced = f"{count_syncs(engine, spool)} syncs for {SLOW_EVENTS}"
        twice = check_events(engine, spool)
    finally:
        engine.stop()
    return (
        f"{spool.added} events, {engine.cuts} cuts: none lost, {twice} twice, {put_off} times put"
        f" off; {synced}; {refusals} faults named; {time.monotonic() - started:.0f} s"
    )


os.mkdir(f"{SCRATCH}/{NAME}")
module = importlib.import_module(f"servers.{NAME}")
print(drill(getattr(module, ENGINES[NAME])(f"{SCRATCH}/{NAME}", DEBIAN13)))
