"""What length of a chunked body a web server announces to the responder: CONTENT_LENGTH."""

import socket
import struct
import subprocess
import threading

from deliveries import fields
from rig import check, path, say, write
from servers import Server

# More than nginx reads together with a header, and less than HAProxy's buffer.
SIZE = 10_000
KNOWN = str(SIZE)
# The others wait for the whole body. Apache waits for 16 KiB of it, but not for all of a slow one.
ANNOUNCED = {"nginx, unbuffered": {""}, "Caddy": {"-1"}, "Apache": {KNOWN, None}}


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def records(connection: socket.socket):
    """The kind and the content of each record that comes."""
    file = connection.makefile("rb")
    while header := file.read(8):
        _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", header)
        yield kind, file.read(length + padding)[:length]


def pairs(data: bytes) -> dict[str, str]:
    """Names and values of FastCGI, 3.4."""
    found, at = {}, 0
    while at < len(data):
        lengths = []
        for _ in range(2):
            size = 4 if data[at] & 0x80 else 1
            lengths.append(int.from_bytes(data[at : at + size], "big") & 0x7FFFFFFF)
            at += size
        name, value = data[at : at + lengths[0]], data[at + lengths[0] : at + sum(lengths)]
        found[name.decode()] = value.decode("latin-1")
        at += sum(lengths)
    return found


def answered_once(listener: socket.socket, seen: dict[str, str]) -> None:
    """Takes one request in the place of the responder, and answers it with 200."""
    # The responder, which shares it, does not wait in it.
    listener.setblocking(True)
    connection, _ = listener.accept()
    with connection:
        parameters = b""
        for kind, content in records(connection):
            parameters += content if kind == 4 else b""
            if kind == 5 and not content:
                break
        seen |= pairs(parameters)
        connection.sendall(record(6, b"Status: 200\r\n\r\n") + record(6, b"") + record(3, bytes(8)))


def check_announced(listener: socket.socket, server: Server, protocol: str, name: str = "") -> None:
    name = name or server.name
    seen: dict[str, str] = {}
    thread = threading.Thread(target=answered_once, args=(listener, seen), daemon=True)
    thread.start()
    body = write("announced", "x" * SIZE)
    subprocess.run(
        ["curl", "--silent", f"--{protocol}", "--max-time", "60", "--cacert", path("cert.pem"),
         "--data-binary", f"@{body}", "-H", "Transfer-Encoding: chunked", "-H", "Content-Length:",
         *fields("1"), f"{server.origin}/webhooks/delve/export"],
        check=False, stdout=subprocess.DEVNULL,
    )
    thread.join(60)
    length = seen.get("CONTENT_LENGTH")
    right = seen.get("DELVE_HOOK") == "export-complete" and length in ANNOUNCED.get(name, {KNOWN})
    check(f"{name}, {protocol}: the length that it announces of a chunked body", right, repr(length))
    say(f"{name}, {protocol}: announces the length of a chunked body as {length!r}")
