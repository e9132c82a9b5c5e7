"""Deliveries over FastCGI, from several processes at once. Each notes when it was answered."""

import base64
import contextlib
import hashlib
import multiprocessing
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from disk import Failure, wait_until

SENDERS = 16
BEGIN, END, PARAMETERS, INPUT, OUTPUT = 1, 3, 4, 5, 6


@dataclass(frozen=True)
class Token:
    text: str
    is_old: bool  # `spool prune` removes only such an event.

    @cached_property
    def id(self) -> str:
        return signed_id(self.text)


def signed_id(token: str) -> str:
    """The id of the event that this token makes."""
    return hashlib.sha256(base64.urlsafe_b64decode(token.split(".")[1] + "==")).hexdigest()


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def encoded(name: str, value: str) -> bytes:
    count = len(value)
    length = struct.pack("!B", count) if count < 128 else struct.pack("!I", count | 1 << 31)
    return bytes([len(name)]) + length + name.encode() + value.encode()


class Connection:
    """A kept FastCGI connection to the responder."""

    def __init__(self, path: str):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def request(self, **parameters: str) -> int:
        """Returns the status of the answer, once its end is there."""
        pairs = b"".join(encoded(name, value) for name, value in parameters.items())
        begin = record(BEGIN, struct.pack("!HB5x", 1, 1))
        self.socket.sendall(
            begin + record(PARAMETERS, pairs) + record(PARAMETERS, b"") + record(INPUT, b"")
        )
        answer = b""
        while True:
            kind, content = self.next_record()
            if kind == OUTPUT:
                answer += content
            elif kind == END:
                return int(re.match(rb"Status: (\d+)", answer).group(1))

    def next_record(self) -> tuple[int, bytes]:
        header = self.stream.read(8)
        if len(header) < 8:
            raise ConnectionError("the responder has closed the connection")
        _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", header)
        return kind, self.stream.read(length + padding)[:length]

    def deliver(self, token: Token) -> int:
        return self.request(
            REQUEST_METHOD="POST", REQUEST_URI="/webhooks/delve/export", REMOTE_ADDR="192.0.2.7",
            CONTENT_LENGTH="0", HTTP_AUTHORIZATION=f"Signed {token.text}",
            HTTP_X_SIGNATURE="ES256 /api/webhook.key",
        )


def turns(count: int, sender: int) -> Iterator[int]:
    """The numbers of the tokens that a sender delivers: each SENDERS-th, and of its neighbour's each
    fourth, which that one is delivering or has just delivered."""
    for row in range(count // SENDERS):
        yield row * SENDERS + sender
        if row % 4 == 0:
            yield row * SENDERS + (sender + 1) % SENDERS


def send(path: str, tokens: list[Token], sender: int, notes_path: str) -> None:
    """Delivers, and writes a line before and after each: the token's number, the moment, the status
    (0 before)."""
    connection = Connection(path)
    with open(notes_path, "wb", buffering=0) as notes:
        for number in turns(len(tokens), sender):
            notes.write(f"{number} {time.monotonic_ns()} 0\n".encode())
            try:
                status = connection.deliver(tokens[number])
            except ConnectionError:
                # On a busy machine a request may take more than the ten seconds that it has.
                connection = Connection(path)
                continue
            notes.write(f"{number} {time.monotonic_ns()} {status}\n".encode())
            if 400 <= status < 500:
                sys.exit(f"a delivery is answered with {status}")
    sys.exit("no token is left")


def deliver_until_answered(path: str, token: Token) -> int:
    """Repeats a delivery as senders do: until it is not the server's failure any more."""
    status = 0

    def is_answered() -> bool:
        nonlocal status
        with contextlib.suppress(ConnectionError), Connection(path) as connection:
            status = connection.deliver(token)
        return 200 <= status < 500

    wait_until(is_answered, "an answer to a repeated delivery")
    return status


@contextlib.contextmanager
def senders(path: str, tokens: list[Token], notes: list[str]) -> Iterator[Callable[[], None]]:
    """Runs the senders, one for each file of notes. Each is a process, so that none waits for another
    one before it notes a moment. Yields what raises a failure if one has ended."""
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=send, args=(path, tokens, sender, file))
        for sender, file in enumerate(notes)
    ]

    def require_all() -> None:
        if not all(process.is_alive() for process in processes):
            raise Failure("a sender has ended")

    for process in processes:
        process.start()
    try:
        yield require_all
    finally:
        for process in processes:
            process.terminate()
            process.join()
