"""The forwarder's target: takes events by HTTP, and notes each as the handler does."""

import contextlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

# By the first digit of an event's id: one of sixteen is put off, one is given up.
ANSWERS = {"0": 500, "1": 422}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one segment, at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = ANSWERS.get(event["id"][0], 204)
        code = 0 if status == 204 else status
        # Before the answer: what the forwarder knows to have arrived is noted.
        self.server.record.write(f"{event['id']} {time.monotonic_ns()} {code}\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def target(record: str) -> Iterator[str]:
    """Serves, and gives its URL. Each event is a line of the file `record`."""
    with open(record, "a", buffering=1) as file, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.record = file
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
