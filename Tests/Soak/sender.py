"""Signs deliveries, and repeats each until it is answered with 2xx."""

import base64
import collections
import dataclasses
import heapq
import http.client
import json
import random
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

# The hooks' kinds and statuses, as the vendor's article has them.
HOOKS = {
    "success": ("scan", "done"),
    "failure": ("scan", "failed"),
    "export": ("export", "done"),
}
PER_SECOND = 4
BURST = 50
THREADS = 16
LONGEST_PAUSE = 10
# A token that was refused for so long is signed again. The responder takes it for 540 seconds.
OLDEST_TOKEN = 400
REPLAYED = 0.02


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def sign(payload, key):
    """Returns the compact JWS of these bytes, ES512 (RFC 7518, 3.4)."""
    message = base64url(compact({"typ": "JWT", "alg": "ES512"})) + b"." + base64url(payload)
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA512())))
    return message + b"." + base64url(r.to_bytes(66, "big") + s.to_bytes(66, "big"))


@dataclasses.dataclass(slots=True, eq=False)
class Delivery:
    """One event for one instance, and what became of it. Moments are the monotonic clock's."""

    id: str
    instance: str
    # Whether it is repeated until it is acknowledged.
    is_wanted: bool
    hook: str = dataclasses.field(default_factory=lambda: random.choice(list(HOOKS)))
    first_try: float | None = None
    acknowledged: float | None = None
    signed: int = 0
    tries: int = 0
    met_full_disk: bool = False
    issued: int = 0
    key: ec.EllipticCurvePrivateKey | None = None
    body: bytes = b""
    token: bytes = b""

    def sign(self, key):
        kind, status = HOOKS[self.hook]
        body = {"id": self.id, "kind": kind, "status": status}
        self.issued = int(time.time())
        self.key = key
        self.body = compact(body)
        self.token = sign(compact(body | {"iat": self.issued}), key)
        self.signed += 1

    def forget_token(self):
        """A run of many hours has many deliveries."""
        self.key, self.body, self.token = None, b"", b""


class Sender:
    def __init__(self, port, instances, key):
        self.port, self.instances = port, instances
        self.keys = [key]
        self.deliveries = {}
        self.answers = collections.Counter()
        self.faults = []
        self.is_issuing = False
        self.due = []
        self.condition = threading.Condition()

    def start(self):
        self.is_issuing = True
        for work in [self.issue, *[self.work] * THREADS]:
            threading.Thread(target=work, daemon=True).start()

    def new_delivery(self, instance, key, is_wanted=True):
        with self.condition:
            delivery = Delivery(str(len(self.deliveries) + 1), instance, is_wanted)
            self.deliveries[delivery.id] = delivery
        delivery.sign(key)
        return delivery

    def issue(self):
        """Makes new deliveries, at an even rate."""
        next_one = time.monotonic()
        while self.is_issuing:
            self.issue_for_all()
            next_one += 1 / PER_SECOND
            time.sleep(max(0, next_one - time.monotonic()))

    def burst(self):
        for _ in range(BURST):
            self.issue_for_all()

    def issue_for_all(self):
        for instance in self.instances:
            self.put(self.new_delivery(instance, random.choice(self.keys)), 0)

    def put(self, delivery, pause):
        with self.condition:
            heapq.heappush(self.due, (time.monotonic() + pause, int(delivery.id), delivery))
            self.condition.notify()

    def take(self):
        with self.condition:
            while True:
                pause = self.due[0][0] - time.monotonic() if self.due else None
                if pause is not None and pause <= 0:
                    return heapq.heappop(self.due)[2]
                self.condition.wait(pause)

    def work(self):
        while True:
            self.deliver(self.take())

    def deliver(self, delivery):
        if delivery.acknowledged:
            return self.replay(delivery)
        if time.time() - delivery.issued > OLDEST_TOKEN:
            delivery.sign(self.keys[-1])
        self.post(delivery)
        if delivery.acknowledged:
            if random.random() < REPLAYED:
                self.put(delivery, random.uniform(0, 30))
            else:
                delivery.forget_token()
        else:
            delivery.tries += 1
            self.put(delivery, min(2**delivery.tries, LONGEST_PAUSE) * random.uniform(0.8, 1))

    def replay(self, delivery):
        """Sends a delivery once more that was acknowledged: it must not be stored a second time."""
        status, code = self.exchange(delivery)
        self.answers["replay: " + code] += 1
        if status == 202:
            self.faults.append(f"the replay of {delivery.id} was stored a second time")

    def post(self, delivery):
        """Returns the answer's code word."""
        delivery.first_try = delivery.first_try or time.monotonic()
        status, code = self.exchange(delivery)
        if status // 100 == 2:
            delivery.acknowledged = time.monotonic()
        delivery.met_full_disk |= code.startswith("spool-")
        self.answers[code] += 1
        return code

    def exchange(self, delivery):
        """Returns the answer's status and code word, or 0 and what went wrong."""
        fields = {
            "Authorization": b"Signed " + delivery.token,
            "X-Signature": "ES512 /api/webhook.key",
            "Content-Type": "application/json",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            path = f"/webhooks/delve/{delivery.instance}/{delivery.hook}"
            connection.request("POST", path, delivery.body, fields)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()).get("code", "?")
        except (OSError, http.client.HTTPException) as problem:
            return 0, type(problem).__name__
        except ValueError:
            return answer.status, "no-json"
        finally:
            connection.close()

    def wanted(self):
        """Returns all deliveries but those whose key is out."""
        with self.condition:
            deliveries = list(self.deliveries.values())
        return [d for d in deliveries if d.is_wanted or d.acknowledged]

    def pending(self):
        return [d for d in self.wanted() if not d.acknowledged]

    def acknowledged(self, instance):
        """Returns the numbers of the deliveries that were answered with 2xx."""
        return {d.id for d in self.wanted() if d.acknowledged and d.instance == instance}

    def uses(self, key):
        """Whether a delivery is on its way that this key signed."""
        return any(d.key is key for d in self.pending())
