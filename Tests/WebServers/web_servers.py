"""The parts of Tests/WebServers/run, which starts this program.

Usage: web_servers.py ROOT PROGRAMS SCRATCH PART
"""

import functools
import signal
import sys

from announced import check_announced
from catalogue import CHUNKED, EXPECT, GZIP, PLAIN, Answer, Form, run_catalogue
from deliveries import fields
from load import check_load
from rig import PART, check, failures, held, hold_socket, make_certificate, say
from servers import SERVERS, Server, caddy, nginx
from service import check_answer, check_service


def one_server(listener) -> None:
    """All there is over HTTP/1.1, through the server that the part names."""
    with SERVERS[PART]() as server:
        check_announced(listener, server, "http1.1")
        for form in (PLAIN, CHUNKED, EXPECT):
            run_catalogue(listener, server, form=form)
        check_packed(server, run_catalogue(listener, server, form=GZIP))
        check_service(listener, server)
        check_load(listener, server)
    if PART == "nginx":
        unbuffered(listener, "http1.1", CHUNKED, EXPECT)


def check_packed(server: Server, answers: list[Answer]) -> None:
    """nginx packs answers of 200 alone, Apache all. The others are not told to."""
    if server.name in ("nginx", "Apache"):
        own = [a for a in answers if a.code and (a.status == 200 or server.name == "Apache")]
        plain = [answer for answer in own if answer.encoding != "gzip"]
        check(f"{server.name} packs its answers", own and not plain, plain[:3])


def unbuffered(listener, protocol: str, *forms: Form, **options) -> None:
    """Through an nginx that hands bodies on as they come."""
    with nginx(unbuffered=True, **options) as server:
        check_announced(listener, server, protocol, "nginx, unbuffered")
        for form in forms:
            run_catalogue(listener, server, protocol, form)


def http2(listener) -> None:
    for start in SERVERS.values():
        with start() as server:
            run_catalogue(listener, server, "http2")
            # lighttpd 1.4.69 takes no body over HTTP/2 whose length is not given. It may close the
            # connection before curl has seen so.
            if server.name == "lighttpd":
                request = ["export", "-d", "{}", *fields("1"), "--http2", "-H", "Transfer-Encoding: chunked"]
                check_answer(server, "a body without a length over HTTP/2", request, ("411", ""))
            else:
                check_announced(listener, server, "http2")
                run_catalogue(listener, server, "http2", CHUNKED)
            check_packed(server, run_catalogue(listener, server, "http2", GZIP))
    unbuffered(listener, "http2", PLAIN, CHUNKED)


def http3(listener) -> None:
    for start in (functools.partial(nginx, http3=True), caddy):
        with start() as server:
            check_announced(listener, server, "http3-only")
            for form in (PLAIN, CHUNKED):
                run_catalogue(listener, server, "http3-only", form)
            check_packed(server, run_catalogue(listener, server, "http3-only", GZIP))
    unbuffered(listener, "http3-only", PLAIN, CHUNKED, http3=True)


def main() -> None:
    make_certificate()
    with hold_socket() as listener:
        {"http2": http2, "http3": http3}.get(PART, one_server)(listener)
    say(f"{len(held)} checks held, {len(failures)} did not")
    sys.exit(bool(failures))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    main()
