"""A program that is started, restarted, killed and looked at."""

import calendar
import contextlib
import math
import os
import re
import signal
import subprocess
import threading
import time


def wait_until(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} seconds in vain: {what}")
        time.sleep(0.1)


class Program:
    """`starts` counts its processes, `kills` has the moments at which one was killed."""

    def __init__(self, name, arguments, folder, stop=signal.SIGTERM, **options):
        self.name, self.arguments, self.options = name, arguments, options
        self.stop_signal = stop
        self.log = os.path.join(folder, name + ".log")
        self.faults = []
        self.endings = {}
        self.kills = []
        self.starts = 0
        self.lock = threading.Lock()
        self.process = None

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=log, **self.options)
        self.started = time.monotonic()
        self.starts += 1

    def send(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Asks the process to end, and waits for it."""
        self.end(self.stop_signal, 0)

    def end(self, number, expected):
        self.endings[number.name] = self.endings.get(number.name, 0) + 1
        self.send(number)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = f"none within 60 seconds of {number.name}"
            self.process.wait()
        if code != expected:
            self.faults.append(f"{self.name}: exit code {code} after {number.name}")

    def restart(self):
        with self.lock:
            self.stop()
            self.start()

    def kill(self):
        with self.lock:
            self.kills.append(time.monotonic())
            self.end(signal.SIGKILL, -signal.SIGKILL)
            self.start()

    def look_after(self):
        """A process that ended by itself is a fault. Another one goes on in its place."""
        with self.lock:
            code = self.process.poll()
            if code is not None:
                self.faults.append(f"{self.name}: ended by itself, exit code {code}")
                self.start()

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()

    def log_is_ahead(self):
        """Returns by how many seconds its latest log line is ahead of the true time."""
        with open(self.log, "rb") as file:
            file.seek(max(0, os.path.getsize(self.log) - 4096))
            stamps = re.findall(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", file.read(), re.M)
        if not stamps:
            return math.nan
        latest = time.strptime(stamps[-1].decode(), "%Y-%m-%dT%H:%M:%S")
        return calendar.timegm(latest) - time.time()

    def account(self):
        """Returns what the process has, or None if there is none."""
        folder = f"/proc/{self.process.pid}"
        try:
            with open(f"{folder}/status") as file:
                status = file.read()
            descriptors = len(os.listdir(f"{folder}/fd"))
            resident = int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
            return {
                "resident_kib": resident,
                "descriptors": descriptors,
                "threads": int(re.search(r"Threads:\s+(\d+)", status).group(1)),
                "process": self.starts,
                "seconds": int(time.monotonic() - self.started),
            }
        except (OSError, AttributeError):
            return None
