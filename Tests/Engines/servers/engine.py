"""What the drill asks of an engine, and a server's processes."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

from spool import wait_until


class Refusal(NamedTuple):
    """A fault of the operator's, and how a recipe has to name it."""

    what: str
    exit_code: int
    sentence: str
    environment: dict[str, str] = {}


class Engine:
    # Names the recipe, too.
    name = ""
    events = 400
    cuts = 4
    # How the name of the file ends that has to be synced for each event; empty if it has no disk.
    synced_file = ""
    # The variable that says where the engine is, and how it reads if nobody is there.
    nowhere: dict[str, str] = {}

    def __init__(self, folder: str, debian13: str):
        self.folder, self.debian13 = folder, debian13
        # The recipe's.
        self.environment: dict[str, str] = {}

    def start(self) -> None: ...

    def cut(self) -> None:
        """From here on, no event arrives; what was in hand may have, or not."""

    def mend(self) -> None: ...

    def stop(self) -> None: ...

    def messages(self) -> list[str]:
        """The JSON of every event that the engine holds."""
        return []

    def refusals(self) -> Iterator[Refusal]:
        """Brings about one fault after another. At the end, all is well."""
        yield from ()

    def processes(self) -> list[int]:
        return []


class Server(Engine):
    """An engine that is a program of its own, and is killed."""

    # Begins the server's command, so that it runs as the user whom its folder belongs to.
    launcher = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]

    def __init__(self, folder: str, debian13: str):
        super().__init__(folder, debian13)
        self.data = make_folder(f"{folder}/data")
        self.leaders: list[subprocess.Popen[bytes]] = []

    def spawn(self, arguments: list[str], environment: dict[str, str] | None = None) -> None:
        """Starts a process in a session of its own, with which its children die."""
        with open(f"{self.folder}/server.log", "a") as log:
            leader = subprocess.Popen(
                [*self.launcher, *arguments],
                env=os.environ | {"HOME": self.data} | (environment or {}),
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.leaders.append(leader)

    def processes(self) -> list[int]:
        sessions = {leader.pid for leader in self.leaders}
        return [pid for pid in all_processes() if session_of(pid) in sessions]

    def cut(self) -> None:
        """Kills every process of the server at once."""
        while running := self.processes():
            for pid in running:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            for leader in self.leaders:
                leader.poll()
            time.sleep(0.01)
        for leader in self.leaders:
            leader.wait()
        self.leaders = []

    def mend(self) -> None:
        self.start()

    def stop(self) -> None:
        self.cut()

    def wait_for_port(self, port: int) -> None:
        def answers() -> bool:
            for leader in self.leaders:
                if leader.poll():
                    raise SystemExit(f"the server ended by itself, see {self.folder}/server.log")
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        wait_until(f"{self.name} listens, see {self.folder}/server.log", answers)

    def foreign_listeners(self) -> list[str]:
        """The addresses that others than this machine can reach."""
        pids = set(self.processes())
        lines = subprocess.run(
            ["ss", "-Hltnp"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        ours = [line for line in lines if pids & set(map(int, re.findall(r"pid=(\d+)", line)))]
        if not ours:
            raise SystemExit(f"{self.name} listens nowhere, says ss")
        addresses = [line.split()[3] for line in ours]
        return [a for a in addresses if not a.startswith(("127.0.0.1:", "[::1]:"))]


def make_folder(path: str) -> str:
    """Makes a folder for a server that runs without rights."""
    os.mkdir(path)
    shutil.chown(path, "nobody", "nogroup")
    return path


def all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def session_of(pid: int) -> int | None:
    """The session of a process that has not ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[3])


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]
