"""What a web server in front of the responder serves, to whom, and what it says of it in its log."""

import contextlib
import glob
import os
import subprocess

from deliveries import INSTANCE, fields
from rig import SOCKET, Responder, check, path, read, say, until
from servers import Server

OK, REFUSED = ("200",), ("403", "404")


def ask(server: Server, location: str, *options: str) -> tuple[str, str, str]:
    """Returns the status, the header in lower case, and the content."""
    common = ["curl", "--silent", "--include", "--http1.1", "--max-time", "60", "--cacert"]
    result = subprocess.run(
        [*common, path("cert.pem"), *options, f"{server.origin}/webhooks/delve/{location}"],
        stdout=subprocess.PIPE, check=False,
    )
    text = result.stdout.decode("latin-1").replace("\r\n", "\n").replace("HTTP/1.1 100 Continue\n\n", "")
    head, _, content = text.partition("\n\n")
    return (head.split(" ") + [""])[1], head.lower(), content


def check_answer(server: Server, what: str, request: list[str], statuses, *parts: str) -> None:
    """`parts` are looked for in the content, and in lower case in the header."""
    status, head, content = ask(server, *request)
    holds = status in statuses and all(part in content or part.lower() in head for part in parts)
    check(f"{server.name}: {what}", holds, f"{status} {head!r} {content[:200]!r}")


def check_service(listener, server: Server) -> None:
    with Responder(listener, "", INSTANCE) as responder:
        internal_locations(server)
        deliveries(server, responder)
        refusals(server, responder)
        bodies(server, responder)
        unreachable(server)
    full = f"{2**62}"
    with Responder(listener, "", INSTANCE, minimum_free=full):
        for request in (["export", *fields("9"), "-d", "{}"], ["health"]):
            check_answer(server, f"a full disk, said at {request[0]}", request, ("503",),
                         '"spool-full"', "\nretry-after: 30")
    tokens = [name for name in [path(server.log), *glob.glob(path("log/*"))] if "eyJ" in read(name)]
    check(f"{server.name}: no log has a token", not tokens, tokens)
    say(f"{server.name}: what it serves, and to whom")


def internal_locations(server: Server) -> None:
    check_answer(server, "health", ["health"], OK, '{"code":"healthy"}')
    check_answer(server, "HEAD of health", ["health", "--head"], OK)
    for name, part in (("health", "healthy"), ("metrics", "# HELP"), ("status", "<html")):
        check_answer(server, name, [name], OK, part)
        # Apache takes all of 127.0.0.0/8 for this machine.
        if server.name != "Apache":
            elsewhere = [name, "--interface", "127.0.0.2", "-H", "X-Forwarded-For: 127.0.0.1"]
            check_answer(server, f"{name} for another address", elsewhere, ("403",))


def deliveries(server: Server, responder: Responder) -> None:
    request = ["exports/111-1221?x=1", *fields("1"), "-d", "{}"]
    check_answer(server, "a delivery", request, ("202",), '"stored"')
    check_answer(server, "the same once more", request, OK, '"duplicate"')
    event = next(responder.events(), {})
    facts = {key: event.get(key) for key in ("requesturi", "remoteaddr", "hook")}
    right = {
        "requesturi": "/webhooks/delve/exports/111-1221?x=1", "remoteaddr": "127.0.0.1",
        "hook": "export-complete",
    }
    check(f"{server.name}: path, sender and hook in the event", facts == right, facts)
    claims = ["-H", "Delve-Instance: other", "-H", "Delve-Hook: health", "-H", "Proxy: http://x"]
    request = ["success?--version", *fields("2", "scan"), *claims, "-d", "{}"]
    check_answer(server, "the sender chooses no instance and no hook", request, ("202",), '"stored"')
    check_answer(server, "a failed scan", ["failure", *fields("3", "scan", "failed"), "-d", "{}"],
                 ("202",), '"stored"')


def refusals(server: Server, responder: Responder) -> None:
    before = responder.stored
    signed = fields("4")
    check_answer(server, "another hook's event", ["success", *signed, "-d", "{}"], ("422",), '"wrong-hook"')
    check_answer(server, "GET", ["export"], ("405",), '"method"', "\nallow: post")
    check_answer(server, "no token", ["export", "-d", "{}"], ("401",), '"missing-authorization"',
                 "\nwww-authenticate: signed", "\ncache-control: no-store", "application/problem+json")
    for name in ("X-Signature", "Authorization"):
        request = ["export", *signed, "-H", f"{name}: two", "-d", "{}"]
        check_answer(server, f"two of {name}", request, ("400",))
    for location in ("other", "success/x", "success/", "healthy", "health/x", ""):
        check_answer(server, f"nothing at /{location}", [location, *signed, "-d", "{}"], REFUSED)
    check(f"{server.name}: a refusal stores nothing", responder.stored == before)


def bodies(server: Server, responder: Responder) -> None:
    before = responder.stored
    sizes = (65_536, 65_537, 200_000)
    for size in sizes:
        with open(path(f"{size}"), "wb") as file:
            file.write(b" " * size)
    exact, over, far = (f"@{path(str(size))}" for size in sizes)
    request = ["export", *fields("5"), "--data-binary"]
    check_answer(server, "a byte more than the limit", [*request, over], ("413",), '"body-too-large"')
    # A server may close the connection before all of it is sent, and curl then sees no answer.
    check_answer(server, "far more than the limit", [*request, far], ("413", ""))
    chunked = ["export", *fields("5"), "-H", "Transfer-Encoding: chunked", "--data-binary"]
    if server.takes_large_chunked:
        check_answer(server, "a byte more, chunked", [*chunked, over], ("413",), '"body-too-large"')
        check_answer(server, "far more, chunked", [*chunked, far], ("413", ""))
    else:
        for body in (exact, over, far):
            check_answer(server, "a large body, chunked", [*chunked, body], ("400", ""))
        chunked = request
    check(f"{server.name}: a body that is too large stores nothing", responder.stored == before)
    check_answer(server, "a body at the limit", [*chunked, exact], ("202",), '"stored"')


@contextlib.contextmanager
def no_socket():
    os.rename(SOCKET, SOCKET + ".away")
    try:
        yield
    finally:
        os.rename(SOCKET + ".away", SOCKET)


def unreachable(server: Server) -> None:
    request = ["export", *fields("6"), "-d", "{}"]
    parts = ("\nretry-after: 30",) if server.invites else ()
    with no_socket():
        check_answer(server, "no responder", request, ("502", "503"), *parts)
    # lighttpd comes back to it within a second, all others at once.
    until(f"{server.name} to find the responder again", lambda: ask(server, "health")[0] == "200")
    check_answer(server, "the responder is back", request, ("202",), '"stored"')
