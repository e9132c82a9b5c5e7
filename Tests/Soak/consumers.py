"""What arrives at the two consumers, and why some of it arrives twice."""

import collections
import http.server
import json
import os
import socket
import threading
import time

Arrival = collections.namedtuple("Arrival", "moment event is_answered")


class Arrivals:
    """What arrived at the consumer of one instance. Moments are the monotonic clock's."""

    def __init__(self):
        self.by_delivery = collections.defaultdict(list)
        self.count = 0

    def add(self, event, is_answered=True):
        event = json.loads(event)
        arrival = Arrival(time.monotonic(), event["id"], is_answered)
        self.by_delivery[event["data"]["id"]].append(arrival)
        self.count += 1

    def events(self):
        """Counts the different events."""
        return len({a.event for arrivals in self.by_delivery.values() for a in arrivals})

    def repeats(self):
        return self.count - len(self.by_delivery)


class HandlerArrivals(Arrivals):
    """Reads what the handler of `spool run` appends to the file `arrived`."""

    def __init__(self, folder):
        super().__init__()
        self.fails = os.path.join(folder, "fails")
        self.bytes_read = 0
        self.file = open(os.path.join(folder, "arrived"), "a+b")
        self.file.seek(0)
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        rest = b""
        while True:
            *lines, rest = (rest + self.file.read()).split(b"\n")
            for line in lines:
                self.add(line)
                self.bytes_read += len(line) + 1
            time.sleep(0.5)

    def is_read(self):
        return self.bytes_read == os.stat(self.file.name).st_size

    def fail(self, exit_code):
        with open(self.fails, "w") as file:
            print(exit_code, file=file)

    def work_again(self):
        os.unlink(self.fails)


class Target(Arrivals, http.server.ThreadingHTTPServer):
    """A stand-in for what the forwarder posts to."""

    daemon_threads = True
    address_family = socket.AF_INET

    def __init__(self):
        Arrivals.__init__(self)
        http.server.ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), TargetRequest)
        # "answer", "refuse" (503) or "cut": the connection ends in place of an answer.
        self.mood = "answer"
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A connection that the killed forwarder has left is no fault."""


class TargetRequest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        event = self.rfile.read(length)
        mood = self.server.mood
        if mood == "refuse":
            return self.answer(503)
        if len(event) == length:
            with self.server.lock:
                self.server.add(event, is_answered=mood == "answer")
        # Long enough for a kill of the forwarder to come in between.
        time.sleep(0.2)
        if mood == "cut":
            self.close_connection = True
        else:
            self.answer(204)

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


# For how many seconds, at most, a consumer has had an event in hand when it is killed.
IN_HAND = 30


def reasons_of_repeats(delivery, arrivals, consumer_kills, responder_kills):
    """Returns why each arrival but the first came; None if nothing explains it."""
    return [
        reason_of_repeat(delivery, earlier, later, consumer_kills, responder_kills)
        for earlier, later in zip(arrivals, arrivals[1:])
    ]


def reason_of_repeat(delivery, earlier, later, consumer_kills, responder_kills):
    if earlier.event != later.event:
        return "signed again by the sender" if delivery.signed > 1 else None
    if not earlier.is_answered:
        return "the target's answer was lost"
    # A handler may outlive its runner for a moment.
    if any(-5 < kill - earlier.moment < IN_HAND and kill < later.moment for kill in consumer_kills):
        return "the consumer was killed with it in hand"
    if any(delivery.first_try <= kill <= delivery.acknowledged for kill in responder_kills):
        return "the responder was killed before its answer"
    if delivery.met_full_disk:
        return "the disk was full between the responder's two links"
    return None
