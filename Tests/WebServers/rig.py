"""A folder, the responder on a socket as systemd would hold it, and processes that end with us."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT, BIN, SCRATCH, PART = sys.argv[1:]
RESPONDER = f"{BIN}/delve-webhook-fcgi"

# As the packages make them: the folder and the socket let in the group www-data.
RUN = f"{SCRATCH}/run"
SOCKET = f"{RUN}/fcgi.sock"


def path(name: str) -> str:
    return os.path.join(SCRATCH, name)


def write(name: str, text: str) -> str:
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(text)
    return path(name)


def read(name: str) -> str:
    """A file's text, or nothing if there is no such file."""
    with contextlib.suppress(FileNotFoundError), open(path(name), errors="replace") as file:
        return file.read()
    return ""


def replaced(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        if old not in text:
            sys.exit(f"the configuration no longer says: {old}")
        text = text.replace(old, new)
    return text


# What held, and what did not

held: list[str] = []
failures: list[str] = []


def check(what: str, holds: bool, otherwise: object = "") -> None:
    """Counts a check; of one that fails, says what was there instead."""
    (held if holds else failures).append(what)
    if not holds:
        print(f"  FAILED: {what}: {otherwise}", flush=True)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def until(what: str, condition) -> None:
    """Waits for a minute at most: much longer than even a busy machine needs."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    sys.exit(f"waited a minute for {what}")


# Processes


@contextlib.contextmanager
def running(arguments: list[str], log: str, **options):
    with open(path(log), "a") as file:
        process = subprocess.Popen(arguments, stdout=file, stderr=file, **options)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen, number: int = signal.SIGTERM) -> None:
    process.send_signal(number)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        check("a process ends when it is asked to", False, process.args)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# The responder


def hold_socket() -> socket.socket:
    """The listener that each responder inherits, as from systemd."""
    os.mkdir(RUN)
    shutil.chown(RUN, "root", "www-data")
    os.chmod(RUN, 0o750)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCKET)
    shutil.chown(SOCKET, "root", "www-data")
    os.chmod(SOCKET, 0o660)
    listener.listen(4096)
    return listener


class Responder:
    """A responder with a spool of its own, which inherits the socket.

    Its wall clock stands still at `now`, if that is given (faketime(1)).
    """

    count = 0

    def __init__(
        self, listener: socket.socket, settings: str, instance: str, now: int | None = None,
        minimum_free: str = "0",
    ):
        Responder.count += 1
        self.listener, self.now, self.starts = listener, now, 0
        self.spool, self.log = path(f"spool-{Responder.count}"), f"responder-{Responder.count}.log"
        os.mkdir(self.spool)
        self.configuration = write(
            f"config-{Responder.count}.yaml",
            f"spool: {self.spool}\nminimum-free-bytes: {minimum_free}\n{settings}instances:\n  acme:\n"
            f"    url: https://acme.delvesecurity.app\n{instance}",
        )
        self.start()

    def __enter__(self) -> "Responder":
        return self

    def __exit__(self, *_) -> None:
        end(self.process)

    def start(self) -> None:
        environment = dict(os.environ)
        if self.now is not None:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.now))
            environment |= {
                "LD_PRELOAD": "libfaketime.so.1", "FAKETIME": stamp, "TZ": "UTC",
                "LD_LIBRARY_PATH": ":".join(
                    f"/usr/lib/{machine}-linux-gnu/faketime" for machine in ("x86_64", "aarch64")
                ),
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        descriptor = self.listener.fileno()
        command = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{descriptor}'
        with open(path(self.log), "a") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", command, "bash", RESPONDER, "--config", self.configuration],
                env=environment, pass_fds=[descriptor], stderr=log,
            )
        self.starts += 1
        until(f"the responder to start: {self.log}", self.has_started)

    def has_started(self) -> bool:
        if self.process.poll() is not None:
            sys.exit(f"the responder did not start: {read(self.log)}")
        return read(self.log).count(" started version=") == self.starts

    def restart(self, number: int = signal.SIGTERM) -> None:
        """Ends it, with this signal, and starts another one on the same socket and spool."""
        end(self.process, number)
        self.start()

    def events(self):
        """The events in the spool."""
        for name in glob.glob(f"{self.spool}/acme/new/*.json"):
            with open(name, encoding="utf-8") as file:
                yield json.load(file)

    @property
    def stored(self) -> int:
        return len(glob.glob(f"{self.spool}/acme/new/*.json"))

    @property
    def answers(self) -> int:
        """How many deliveries it says that it has stored, or had stored before."""
        return len(re.findall(r"code=(?:stored|duplicate)", read(self.log)))


# Certificates


def make_certificate() -> None:
    """A certificate for 127.0.0.1 that signs itself: cert.pem, cert.key, and both in both.pem."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", path("cert.key"), "-out", path("cert.pem")],
        check=True, stderr=subprocess.DEVNULL,
    )
    write("both.pem", read("cert.pem") + read("cert.key"))
    os.chmod(path("cert.key"), 0o644)
    os.chmod(path("both.pem"), 0o644)
