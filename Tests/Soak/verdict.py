"""Compares what was acknowledged with what arrived, and the end with the beginning."""

import collections
import statistics

from consumers import reasons_of_repeats

# How far the median of the resident memory may grow. A leak in every event is far more.
GROWTH, GROWTH_KIB = 1.15, 2048
# Answers that the conditions cause. Each must have been seen, or the run has shown nothing.
CAUSED = ["stored", "spool-full", "stale", "future", "bad-signature", "replay: duplicate"]
# Answers that they may cause.
EXPECTED = [*CAUSED, "duplicate", "spool-closed", "responder-unreachable", "rate-limited"]

Look = collections.namedtuple(
    "Look", "cycle program resident_kib descriptors threads process seconds"
)


class Verdict:
    """`faults` is empty if everything held."""

    def __init__(self, soak, without_restarts, more_descriptors):
        self.soak, self.receiver, self.sender = soak, soak.receiver, soak.sender
        self.without_restarts = without_restarts
        self.more_descriptors = more_descriptors
        self.faults = []
        self.reasons = collections.Counter()
        self.growth = {}
        consumers = [self.receiver.runner, self.receiver.forwarder]
        for (instance, arrivals), consumer in zip(soak.arrivals.items(), consumers):
            self.compare_arrivals(instance, arrivals)
            self.explain_repeats(instance, arrivals, consumer)
            self.count_events(instance, arrivals)
        self.judge_answers()
        self.verify()
        for program in self.receiver.programs:
            self.compare_looks(program)
        self.figures = {
            "reasons": self.reasons,
            "growth": self.growth,
            "verified": self.verified,
        }

    def compare_arrivals(self, instance, arrivals):
        acknowledged = self.sender.acknowledged(instance)
        arrived = set(arrivals.by_delivery)
        self.name(f"{instance}: acknowledged and never arrived", acknowledged - arrived)
        self.name(f"{instance}: arrived and never acknowledged", arrived - acknowledged)

    def explain_repeats(self, instance, arrivals, consumer):
        for number, its_arrivals in arrivals.by_delivery.items():
            if delivery := self.sender.deliveries.get(number):
                reasons = reasons_of_repeats(
                    delivery, its_arrivals, consumer.kills, self.receiver.responder.kills
                )
                self.reasons.update(filter(None, reasons))
                if None in reasons:
                    self.faults.append(f"{instance}: {number} arrived again without a reason")

    def count_events(self, instance, arrivals):
        done, dead = (len(self.receiver.files(instance, state)) for state in ["done", "dead"])
        if dead or done != arrivals.events():
            self.faults.append(
                f"{instance}: {arrivals.events()} events arrived, {done} in done/, {dead} in dead/"
            )

    def judge_answers(self):
        for code in CAUSED:
            if not self.sender.answers[code]:
                self.faults.append(f"no delivery was answered {code}")
        # What is no code word, but the name of an exception, says that nobody answered.
        for code, count in self.sender.answers.items():
            word = code.removeprefix("replay: ")
            if word.islower() and not {code, word} & set(EXPECTED):
                self.faults.append(f"{count} answers {code}")
        if not self.soak.conditions.withdrawn:
            self.faults.append("no delivery was signed with a key that was out")

    def verify(self):
        code, self.verified = self.receiver.verify()
        if code != 0:
            self.faults.append(f"spool verify: exit code {code}: {self.verified}")

    def compare_looks(self, program):
        """The second cycle without restarts, after one to warm up, against the last one."""
        cycles = [self.without_restarts[1], self.without_restarts[-1]]
        looks = [
            [look for look in self.soak.looks if look[:2] == (cycle, program.name)]
            for cycle in cycles
        ]
        if len({look.process for look in looks[0] + looks[1]}) != 1:
            self.faults.append(f"{program.name}: another process at the end of the quiet half")
            return
        resident = [
            round(statistics.median(look.resident_kib for look in of_one)) for of_one in looks
        ]
        descriptors = [min(look.descriptors for look in of_one) for of_one in looks]
        self.growth[program.name] = {"resident_kib": resident, "descriptors": descriptors}
        if resident[1] > resident[0] * GROWTH + GROWTH_KIB:
            self.faults.append(f"{program.name}: resident memory grew, in KiB: {resident}")
        if descriptors[1] > descriptors[0] + self.more_descriptors:
            self.faults.append(f"{program.name}: there are more descriptors: {descriptors}")

    def name(self, what, deliveries):
        if deliveries:
            self.faults.append(f"{what}: {len(deliveries)}, such as {sorted(deliveries)[:5]}")
