"""The changing conditions. Each lasts for the seconds that it is given, and undoes what it did."""

import os
import shutil
import signal
import time

from program import wait_until


class Conditions:
    def __init__(self, receiver, sender, handler, target):
        self.receiver, self.sender = receiver, sender
        self.handler, self.target = handler, target
        # Deliveries that were refused as they should be: a key that is out had signed them.
        self.withdrawn = []

    def burst(self, seconds):
        """Many at once, as when scans end together. From then on, all workers of a process run."""
        self.sender.burst()
        time.sleep(seconds)

    def reloads(self, seconds):
        """A new setting, a wrong configuration that must not come into force, and nginx."""
        receiver = self.receiver
        receiver.max_age = 541 if receiver.max_age == 540 else 540
        receiver.configure(receiver.key_files)
        receiver.responder.send(signal.SIGHUP)
        time.sleep(seconds / 3)
        receiver.write("config.yaml", "spool: [\n")
        receiver.responder.send(signal.SIGHUP)
        time.sleep(seconds / 3)
        receiver.configure(receiver.key_files)
        receiver.responder.send(signal.SIGHUP)
        receiver.nginx.send(signal.SIGHUP)
        time.sleep(seconds / 3)

    def new_key(self, seconds):
        """A second key: from now on, the sender signs with the one or with the other."""
        receiver = self.receiver
        key, file = next(receiver.key_pairs)
        receiver.configure([*receiver.key_files, file])
        receiver.responder.send(signal.SIGHUP)
        self.sender.keys = [*self.sender.keys, key]
        time.sleep(seconds)

    def old_key_out(self, seconds):
        """The first key goes, once nothing is on its way with it. Then it must be refused."""
        receiver, sender = self.receiver, self.sender
        old, new = sender.keys
        sender.keys = [new]
        wait_until("the old key's deliveries are acknowledged", lambda: not sender.uses(old))
        receiver.configure(receiver.key_files[1:])
        receiver.responder.send(signal.SIGHUP)
        wait_until("the old key is refused", lambda: self.is_refused(old))
        time.sleep(seconds / 2)

    def is_refused(self, key):
        delivery = self.sender.new_delivery(self.sender.instances[0], key, is_wanted=False)
        if self.sender.post(delivery) != "bad-signature":
            return False
        self.withdrawn.append(delivery)
        return True

    def log_rotation(self, seconds):
        """nginx opens new logs; the programs' own are cut, as logrotate's copytruncate does."""
        receiver = self.receiver
        for name in ["nginx-access.log", "nginx-error.log"]:
            path = os.path.join(receiver.logs, name)
            os.rename(path, path + ".1")
        receiver.nginx.send(signal.SIGUSR1)
        for program in receiver.programs:
            with open(program.log, "rb") as log, open(program.log + ".1", "ab") as copy:
                shutil.copyfileobj(log, copy)
            os.truncate(program.log, 0)
        time.sleep(seconds)

    def full_disk(self, seconds):
        self.receiver.disk.fill()
        try:
            time.sleep(seconds)
        finally:
            self.receiver.disk.empty()

    def clock_steps(self, seconds):
        """Within the tolerance, beyond it in both directions, and back."""
        receiver = self.receiver
        try:
            for ahead in [40, 600, 0, -40, -300]:
                receiver.clock.set_ahead(ahead)
                time.sleep(seconds / 5)
                # Beyond the tolerance nothing is stored, and so consumers have nothing to log.
                if abs(ahead) == 40:
                    for program in receiver.programs:
                        wait_until(
                            f"{program.name} logs with a clock that is {ahead} s ahead",
                            lambda: abs(program.log_is_ahead() - ahead) < 20,
                        )
        finally:
            receiver.clock.set_ahead(0)

    def failing_consumers(self, seconds):
        """The handler puts off and then fails; the target refuses and then cuts its connections."""
        for exit_code, mood in [(75, "refuse"), (1, "cut")]:
            self.handler.fail(exit_code)
            self.target.mood = mood
            time.sleep(seconds / 2)
        self.handler.work_again()
        self.target.mood = "answer"

    def restarts(self, seconds):
        """Every program is restarted, and all but nginx are killed."""
        receiver = self.receiver
        steps = [p.restart for p in [*receiver.programs, receiver.nginx]]
        steps += [p.kill for p in receiver.programs]
        for step in steps:
            step()
            time.sleep(seconds / len(steps))

    def of_a_cycle(self, with_restarts):
        return [
            self.burst,
            self.reloads,
            self.new_key,
            self.full_disk,
            self.clock_steps,
            self.old_key_out,
            self.log_rotation,
            self.failing_consumers,
            *([self.restarts] if with_restarts else []),
        ]
