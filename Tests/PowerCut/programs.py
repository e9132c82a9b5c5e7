"""The built programs at work on a spool: responder, consumer, pruning."""

import contextlib
import glob
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

from deliveries import SENDERS, Connection, Token
from disk import Failure, run, wait_until
from target import target

TOKENS = 60_000
HOUR = 3600


class Programs:
    """The programs, and their keys, tokens, socket, log and notes in the scratch folder."""

    def __init__(self, binaries: str, scratch: str):
        self.binaries = binaries
        self.scratch = scratch
        self.socket = f"{scratch}/s"
        self.log = f"{scratch}/log"
        self.config = f"{scratch}/config.yaml"
        # What commands and the forwarder's target have handled.
        self.handled = f"{scratch}/handled"
        self.forwarded = f"{scratch}/forwarded"
        self.sent = [f"{scratch}/sent.{sender}" for sender in range(SENDERS)]
        self.private, self.public = f"{scratch}/private.pem", f"{scratch}/public.pem"
        curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run("openssl", "genpkey", "-quiet", *curve, "-out", self.private)
        run("openssl", "pkey", "-in", self.private, "-pubout", "-out", self.public)
        now = int(time.time())
        pairs = zip(self.make_tokens(now - 5 * HOUR, True), self.make_tokens(now, False))
        self.tokens = [token for pair in pairs for token in pair]

    def make_tokens(self, issued: int, is_old: bool) -> list[Token]:
        made = run(f"{self.scratch}/floor", "tokens", self.private, str(TOKENS // 2), str(issued))
        return [Token(text, is_old) for text in made.split()]

    def configure(self, spool: str) -> None:
        with open(self.config, "w") as file:
            file.write(
                f"spool: {spool}\nmax-age-seconds: 604800\nminimum-free-bytes: 0\n"
                "instances:\n  acme:\n    url: https://acme.delvesecurity.app\n"
                f"    keys: [{self.public}]\n    algorithms: [ES256]\n"
            )

    def end_of_log(self) -> str:
        with open(self.log) as file:
            return "".join(file.readlines()[-3:])

    @contextlib.contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen]:
        with open(self.log, "a") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: process.poll() is not None, f"the end of {' '.join(command)}")

    @contextlib.contextmanager
    def responder(self, spool: str) -> Iterator[None]:
        self.configure(spool)
        command = [f"{self.binaries}/delve-webhook-fcgi", "--config", self.config]
        with self.running(*command, "--listen", f"unix:{self.socket}") as process:
            wait_until(lambda: self.is_healthy(process), "the responder to be healthy")
            yield

    def is_healthy(self, process: subprocess.Popen) -> bool:
        if process.poll() is not None:
            raise Failure(f"the responder ended at its start:\n{self.end_of_log()}")
        try:
            with Connection(self.socket) as connection:
                return connection.request(REQUEST_METHOD="GET", DELVE_HOOK="health") == 200
        except OSError:
            return False

    def spool(self, verb: str, *options: str) -> list[str]:
        return [f"{self.binaries}/delve-webhook", "spool", verb, "--config", self.config, *options]

    def handling(self, *options: str) -> list[str]:
        handler = ["--", f"{self.scratch}/handler", self.handled]
        return self.spool("run", "--jobs", "4", "--quiet", *options, *handler)

    @contextlib.contextmanager
    def forwarding(self, spool: str) -> Iterator[None]:
        """Forwards what comes to a target."""
        with target(self.forwarded) as url:
            command = [f"{self.binaries}/delve-webhook-forward", "--spool", spool, "--to", url]
            with self.running(*command, "--jobs", "4", "--quiet", "--follow"):
                yield

    @contextlib.contextmanager
    def pruning(self) -> Iterator[None]:
        """Prunes again and again."""
        is_over = threading.Event()

        def prune() -> None:
            while not is_over.wait(0.3):
                self.prune()

        thread = threading.Thread(target=prune)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def prune(self) -> None:
        """What is finished today can be removed from tomorrow on, so the clock is ahead."""
        library, = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        ahead = {"LD_PRELOAD": library, "FAKETIME": "+3d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with open(self.log, "a") as log:
            command = self.spool("prune", "--older-than", "1h")
            subprocess.run(command, stdout=log, stderr=log, env=os.environ | ahead)
