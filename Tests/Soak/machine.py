"""A disk and a wall clock for the programs only, and a port."""

import contextlib
import os
import socket
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Disk:
    """A small ext4 of its own, which can be filled to its last block."""

    def __init__(self, folder, mebibytes):
        self.path = os.path.join(folder, "disk")
        image = os.path.join(folder, "disk.image")
        os.mkdir(self.path)
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.check_call(["mkfs.ext4", "-q", "-m", "0", "-i", "4096", image])
        subprocess.check_call(["mount", "-o", "loop", image, self.path])

    def fill(self):
        with open(os.path.join(self.path, "filler"), "wb") as file:
            space = os.statvfs(self.path)
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize)
            file.seek(0, os.SEEK_END)
            with contextlib.suppress(OSError):
                while True:
                    os.write(file.fileno(), bytes(1024))

    def empty(self):
        os.unlink(os.path.join(self.path, "filler"))

    def unmount(self):
        subprocess.call(["umount", "-l", self.path])


class WallClock:
    """The programs' wall clock, as clock.c has it."""

    def __init__(self, folder):
        library = os.path.join(folder, "clock.so")
        source = os.path.join(HERE, "clock.c")
        subprocess.check_call(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source])
        self.path = os.path.join(folder, "clock")
        self.set_ahead(0)
        self.environment = {"LD_PRELOAD": library, "SOAK_CLOCK": self.path}

    def set_ahead(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("=q", seconds))
