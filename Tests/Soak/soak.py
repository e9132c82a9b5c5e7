"""Runs the receiver for hours under changing conditions, and says every minute how it is."""

import json
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

from conditions import Conditions
from consumers import HandlerArrivals, Target
from program import wait_until
from receiver import INSTANCES, Receiver
from sender import Sender
from verdict import Look, Verdict

ROOT, PROGRAMS, HOURS = sys.argv[1], sys.argv[2], float(sys.argv[3])
TEMPORARY = tempfile.gettempdir()
STATES = os.path.join(TEMPORARY, "delve-soak.jsonl")
KEPT_LOGS = os.path.join(TEMPORARY, "delve-soak.logs")
# The first and the last quarter of the cycles have restarts. Between them, all programs live on.
CYCLES = max(8, round(HOURS * 6 / 4) * 4)
CYCLE_SECONDS = HOURS * 3600 / CYCLES
WITHOUT_RESTARTS = range(CYCLES // 4, CYCLES - CYCLES // 4)
# The responder keeps the folder of each hour open, one for each instance.
MORE_DESCRIPTORS = len(INSTANCES) * math.ceil(1 + HOURS / 2)
# An event that was put off may wait for minutes.
DRAINED_WITHIN = 900
LOOK_EVERY = min(5, CYCLE_SECONDS / 10)


class Soak:
    def __init__(self, folder):
        self.receiver = Receiver(ROOT, PROGRAMS, folder, HOURS)
        self.handler = HandlerArrivals(folder)
        self.target = Target()
        key, file = next(self.receiver.key_pairs)
        self.receiver.configure([file])
        self.sender = Sender(self.receiver.port, INSTANCES, key)
        self.conditions = Conditions(self.receiver, self.sender, self.handler, self.target)
        self.arrivals = {INSTANCES[0]: self.handler, INSTANCES[1]: self.target}
        self.looks = []
        self.faults = []
        self.cycle, self.condition = 0, "start"
        self.is_over = False
        self.started = time.monotonic()
        # A thread that has ended would be missed by nobody.
        threading.excepthook = lambda args: self.faults.append(
            f"a thread ended: {args.exc_value!r}"
        )

    def run(self):
        self.receiver.start(f"http://localhost:{self.target.server_port}/")
        self.sender.start()
        observers = [threading.Thread(target=work) for work in [self.look, self.report]]
        for thread in observers:
            thread.start()
        try:
            self.go_through_cycles()
            self.drain()
        finally:
            self.is_over = True
            for thread in observers:
                thread.join()
        self.say_state()
        self.receiver.stop()
        verdict = Verdict(self, WITHOUT_RESTARTS, MORE_DESCRIPTORS)
        self.faults += verdict.faults
        figures = self.state() | verdict.figures
        del figures["processes"]
        print(json.dumps(figures, indent=2))

    def go_through_cycles(self):
        for self.cycle in range(CYCLES):
            conditions = self.conditions.of_a_cycle(self.cycle not in WITHOUT_RESTARTS)
            slot = CYCLE_SECONDS / len(conditions)
            for number, condition in enumerate(conditions):
                self.meet(condition, slot / 2)
                end = self.started + self.cycle * CYCLE_SECONDS + (number + 1) * slot
                time.sleep(max(0, end - time.monotonic()))

    def meet(self, condition, seconds):
        self.condition = condition.__name__
        try:
            condition(seconds)
        except TimeoutError as problem:
            self.faults.append(f"{self.condition}: {problem}")
        self.condition = "calm"

    def drain(self):
        """Nothing new is sent; what is on its way arrives."""
        self.condition = "drain"
        self.sender.is_issuing = False
        for what, condition in [
            ("every delivery is acknowledged", lambda: not self.sender.pending()),
            ("the sender has sent its replays", lambda: not self.sender.due),
            ("the consumers have handled every event", self.is_drained),
            ("what the handler has written is read", self.handler.is_read),
        ]:
            try:
                wait_until(what, condition, DRAINED_WITHIN)
            except TimeoutError as problem:
                self.faults.append(f"drain: {problem}")

    def is_drained(self):
        states = ["new", "cur", "defer"]
        return not any(self.receiver.files(i, s) for i in INSTANCES for s in states)

    # Looking

    def look(self):
        while not self.is_over:
            self.receiver.look_after()
            for program in self.receiver.programs:
                if account := program.account():
                    self.looks.append(Look(self.cycle, program.name, **account))
            time.sleep(LOOK_EVERY)

    def report(self):
        while not self.is_over:
            self.say_state()
            for _ in range(60):
                time.sleep(0 if self.is_over else 1)

    def state(self):
        deliveries = self.sender.wanted()
        return {
            "time": time.strftime("%FT%TZ", time.gmtime()),
            "seconds": round(time.monotonic() - self.started),
            "cycle": f"{self.cycle + 1}/{CYCLES}",
            "condition": self.condition,
            "deliveries": len(deliveries),
            "acknowledged": sum(d.acknowledged is not None for d in deliveries),
            "signed_again": sum(d.signed > 1 for d in deliveries),
            "arrived": {name: len(a.by_delivery) for name, a in self.arrivals.items()},
            "arrived_again": {name: a.repeats() for name, a in self.arrivals.items()},
            "answers": dict(self.sender.answers),
            "endings": {p.name: p.endings for p in [*self.receiver.programs, self.receiver.nginx]},
            "processes": {p.name: p.account() for p in self.receiver.programs},
            "faults": self.all_faults(),
        }

    def say_state(self):
        state = self.state()
        with open(STATES, "a") as file:
            print(json.dumps(state), file=file)
        arrived = " ".join(f"{name} {count}" for name, count in state["arrived"].items())
        accounts = " ".join(
            f"{name} {account['resident_kib']} KiB {account['descriptors']} descriptors"
            for name, account in state["processes"].items()
            if account
        )
        print(
            f"{state['time']} cycle {state['cycle']} {state['condition']}:"
            f" {state['deliveries']} deliveries, {state['acknowledged']} acknowledged,"
            f" arrived: {arrived}; {accounts}; {len(state['faults'])} faults",
            flush=True,
        )

    def all_faults(self):
        programs = [*self.receiver.programs, self.receiver.nginx]
        return [*self.faults, *self.sender.faults, *[f for p in programs for f in p.faults]]

    def keep_logs(self):
        shutil.copytree(self.receiver.logs, KEPT_LOGS)
        print(f"The logs are kept in {KEPT_LOGS}")


def run_in(folder):
    """Returns whether everything held. Ends what it started, also after Ctrl-C or SIGTERM."""
    soak = Soak(folder)
    try:
        soak.run()
        if faults := soak.all_faults():
            soak.keep_logs()
        for fault in faults:
            print("FAULT", fault)
        return not faults
    finally:
        for number in [signal.SIGINT, signal.SIGTERM]:
            signal.signal(number, signal.SIG_IGN)
        soak.receiver.clean_up()


def main():
    for number in [signal.SIGINT, signal.SIGTERM]:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    open(STATES, "w").close()
    shutil.rmtree(KEPT_LOGS, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix="delve-soak.")
    try:
        has_held = run_in(folder)
        print("Everything held." if has_held else "Not everything held.")
        sys.exit(not has_held)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
