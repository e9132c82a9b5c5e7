"""A stand-in for S3: objects in memory, and connections that are cut off in three places."""

import http.server
import itertools
import threading
from collections.abc import Iterator

from servers.engine import Engine, Refusal, free_port

PLACES = ("before the request is read", "in the middle of the object", "instead of the answer")


class S3(Engine):
    name = "s3"
    # Its client is slow to start.
    events = 150
    nowhere = {"S3_ENDPOINT": f"http://127.0.0.1:{free_port()}"}

    def start(self) -> None:
        self.objects: dict[str, list[str]] = {}
        self.is_cut = False
        self.status = 200
        self.places = itertools.cycle(PLACES)
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                engine.put(self)

            def log_message(self, *_: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.environment = {
            "S3_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}",
            "S3_BUCKET": "bucket",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }

    def put(self, request: http.server.BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        place = next(self.places) if self.is_cut else None
        if place == PLACES[0]:
            return
        length = int(request.headers["Content-Length"])
        if place == PLACES[1]:
            request.rfile.read(length // 2)
            return
        body = request.rfile.read(length)
        if self.status == 200 and request.path.startswith("/bucket/") and len(body) == length:
            self.objects.setdefault(request.path, []).append(body.decode())
        if place == PLACES[2]:
            return
        request.send_response(self.status if request.path.startswith("/bucket/") else 404)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def cut(self) -> None:
        self.is_cut = True

    def mend(self) -> None:
        self.is_cut = False

    def stop(self) -> None:
        self.server.shutdown()

    def messages(self) -> list[str]:
        return [body for bodies in self.objects.values() for body in bodies]

    def refusals(self) -> Iterator[Refusal]:
        yield Refusal("a bucket that is not there", 69, "S3 refuses", {"S3_BUCKET": "none"})
        yield Refusal("no bucket", 78, "S3_BUCKET is not set", {"S3_BUCKET": ""})
        yield Refusal("no key", 78, "S3's client refuses", {"AWS_ACCESS_KEY_ID": ""})
        self.status = 503
        yield Refusal("a service that is overloaded", 75, "S3 refuses")
        self.status = 403
        yield Refusal("a key without rights", 69, "S3 refuses")
        self.status = 200
