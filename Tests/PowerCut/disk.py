"""The disk that can be cut off (disk.c), under a loop device; file systems on it and on its images."""

import contextlib
import os
import random
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BYTES = 512 << 20
SECTOR = 4096  # as in disk.c


@dataclass(frozen=True)
class FileSystem:
    make: list[str]
    check: list[str]


FILE_SYSTEMS = {
    "ext4": FileSystem(["mkfs.ext4", "-q"], ["e2fsck", "-f", "-n"]),
    "xfs": FileSystem(["mkfs.xfs", "-q"], ["xfs_repair", "-n"]),
    "btrfs": FileSystem(["mkfs.btrfs", "-q"], ["btrfs", "check", "--readonly"]),
}


class Failure(Exception):
    """Something did not hold, in one sentence."""


def run(*command: str, accept: tuple[int, ...] = (0,)) -> str:
    """Returns what a program says, or fails with it."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900
        )
    except subprocess.TimeoutExpired as expiry:
        raise Failure(str(expiry)) from expiry
    if done.returncode not in accept:
        raise Failure(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 600
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited ten minutes in vain for {what}")
        time.sleep(0.02)


@contextlib.contextmanager
def loop_device(file: str, *options: str) -> Iterator[str]:
    """Makes a block device of a file."""
    options = ("--find", "--show", f"--sector-size={SECTOR}", *options)
    device = run("losetup", *options, file).strip()
    descriptor = os.open(device, os.O_RDWR)
    try:
        # From now on the kernel detaches it when nobody has it open any more, even after SIGKILL.
        run("losetup", "--detach", device)
        yield device
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def mounted(kind: str, device: str, folder: str) -> Iterator[str]:
    if kind == "btrfs":
        # It remembers the disk, of which there are older images now.
        run("btrfs", "device", "scan", "--forget", accept=(0, 1))
    os.makedirs(folder, exist_ok=True)
    run("mount", "-t", kind, device, folder)
    try:
        yield folder
    finally:
        run("umount", folder)


@dataclass(frozen=True)
class Cut:
    image: str
    is_lie: bool
    moment: int  # CLOCK_MONOTONIC, in nanoseconds, as all moments are
    unflushed: int
    forgotten: int
    torn: int
    taken_back: int


class Disk:
    """The running disk. What is on it is gone when it ends."""

    def __init__(self, scratch: str):
        self.scratch = scratch
        self.file = f"{scratch}/the-disk"
        open(self.file, "w").close()
        self.process = subprocess.Popen(
            [f"{scratch}/disk", self.file, str(BYTES)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )
        wait_until(lambda: os.path.getsize(self.file) == BYTES, "the disk to be there")

    def ask(self, command: str, require_load: Callable[[], None] = lambda: None) -> list[int]:
        """Returns the numbers of the disk's answer, which may take until the load has come so far."""

        def has_answered() -> bool:
            require_load()
            return bool(select.select([self.process.stdout], [], [], 0.5)[0])

        self.process.stdin.write(command + "\n")
        wait_until(has_answered, f"the disk to answer: {command}")
        answer = self.process.stdout.readline()
        if not answer:
            raise Failure(f"the disk ended at: {command}")
        return [int(number) for number in answer.split()]

    def cut(self, name: str, is_lie: bool, require_load: Callable[[], None]) -> Cut:
        """Waits for a random write or flush, and takes the image of a cut there."""
        image = f"{self.scratch}/{name}.image"
        after, seed = random.randrange(1000), random.randrange(1 << 31)
        how = "lying" if is_lie else "honest"
        numbers = self.ask(f"cut {image} {seed} {after} {how}", require_load)
        return Cut(image, is_lie, *numbers)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def require_barriers(disk: Disk, device: str) -> None:
    """The kernel passes on what makes a write durable: fsync and FUA are a flush behind it."""
    number = os.path.basename(device)
    with open(f"/sys/block/{number}/loop/dio") as file:
        if file.read().strip() != "1":
            raise Failure(f"{device} goes through the page cache: the kernel refuses direct I/O")
    counts = [disk.ask("count")]
    descriptor = os.open(device, os.O_WRONLY)
    try:
        os.pwrite(descriptor, bytes(4096), 0)
        os.fsync(descriptor)
        counts.append(disk.ask("count"))
        os.pwritev(descriptor, [bytes(4096)], 0, os.RWF_DSYNC)
        counts.append(disk.ask("count"))
    finally:
        os.close(descriptor)
    for before, after in zip(counts, counts[1:]):
        if not (after[0] > before[0] and after[1] > before[1]):
            raise Failure(f"no flush reaches the disk: writes and flushes were {counts}")


@contextlib.contextmanager
def running_disk(scratch: str, kind: str) -> Iterator[tuple[Disk, str]]:
    """A disk with a file system of that kind on it. Returns the disk, and where it is mounted."""
    disk = Disk(scratch)
    try:
        with loop_device(disk.file, "--direct-io=on") as device:
            require_barriers(disk, device)
            run(*FILE_SYSTEMS[kind].make, device)
            with mounted(kind, device, f"{scratch}/live") as folder:
                yield disk, folder
    finally:
        disk.end()


@contextlib.contextmanager
def recovered(scratch: str, kind: str, image: str) -> Iterator[str]:
    """Mounts an image, which replays its journal; checks the file system; mounts it to work on it."""
    with loop_device(image) as device:
        with mounted(kind, device, f"{scratch}/recovered"):
            pass
        run(*FILE_SYSTEMS[kind].check, device)
        with mounted(kind, device, f"{scratch}/recovered") as folder:
            yield folder
