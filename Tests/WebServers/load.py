"""A load through a web server, during which the responder or the server itself is started anew."""

import contextlib
import re
import signal
import subprocess

from deliveries import INSTANCE, token
from rig import ROOT, Responder, check, path, read, say, until, write
from servers import Server

DELIVERIES = 300


@contextlib.contextmanager
def wrk(server: Server, report: str, *options: str):
    """Eight senders that make the same deliveries again and again, until the block ends."""
    command = [
        "env", f"DELVE_TOKENS={path('tokens')}", "DELVE_THREADS=1", "wrk", "-t1", "-c8", "-d1h",
        "--timeout", "60", "-s", f"{ROOT}/Tests/IntegrationTests/Support/deliveries.lua", *options,
        f"{server.origin}/webhooks/delve/export",
    ]
    with open(path(report), "w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def counted(report: str) -> tuple[int, int]:
    """How many requests wrk has made, and how many of them were not answered with 2xx."""
    requests = re.search(r"(\d+) requests in", report)
    failed = re.findall(r"(?:Non-2xx[^:]*:|connect|read|write) (\d+)", report)
    return int(requests[1]) if requests else 0, sum(map(int, failed))


def check_load(listener, server: Server) -> None:
    write("tokens", "\n".join(token(str(number)) for number in range(DELIVERIES)))

    def restart(responder: Responder) -> None:
        responder.restart()

    def reload(responder: Responder) -> None:
        responder.process.send_signal(signal.SIGHUP)

    def kill(responder: Responder) -> None:
        responder.restart(signal.SIGKILL)

    def reload_server(_: Responder) -> None:
        server.process.send_signal(server.reload)

    under_load(listener, server, "restarts of the responder", restart)
    under_load(listener, server, "reloads of the responder", reload)
    under_load(listener, server, "kills of the responder", kill, loses=not server.repeats)
    if server.reload:
        # A connection that is kept may close just when a sender uses it.
        under_load(listener, server, "reloads of the server", reload_server, "-H", "Connection: close")


def under_load(listener, server: Server, what: str, act, *options: str, loses: bool = False) -> None:
    """Does it five times. No request may be lost, unless the server `loses` those in flight."""
    with Responder(listener, "max-age-seconds: 604800\n", INSTANCE) as responder:
        with wrk(server, "wrk.log", *options):
            for _ in range(5):
                before = responder.answers
                until("answers under load", lambda: responder.answers > before + 50)
                act(responder)
            before = responder.answers
            until("answers after it", lambda: responder.answers > before + 50 + DELIVERIES)
        requests, failed = counted(read("wrk.log"))
        stored = responder.stored
    check(f"{server.name}: {what}: all is stored", stored == DELIVERIES, stored)
    check(f"{server.name}: {what}: no request is lost", loses or failed == 0, read("wrk.log"))
    say(f"{server.name}, five {what}: {requests} requests, {failed} lost")
