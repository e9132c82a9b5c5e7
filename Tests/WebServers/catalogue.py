"""The catalogue of deliveries (Tests/Attacks), through a web server, and the answers to it."""

import base64
import collections
import contextlib
import dataclasses
import json
import os
import subprocess

from differences import DIFFERENCES, HUGE, LINE_BREAKS
from rig import ROOT, Responder, check, path, read, say
from servers import Server

HOOKS = {"scan-success": "success", "scan-failure": "failure", "export-complete": "export"}
KINDS = {("scan", "done"): "success", ("scan", "failed"): "failure"}
INSTANCE_KEYS = ("key-location", "x-signature", "audience")

# Their DELVE_HOOK is no hook's name: only a mistake in the server's configuration makes one.
LEFT_OUT = {"hook-name-case", "order-hook-first"}
# All locations name a hook. Through them, these two are at the wrong one.
WRONG_HOOK = {"kind-long", "status-unknown"}


@dataclasses.dataclass(frozen=True)
class Form:
    """How curl is to make the request."""

    name: str
    options: tuple[str, ...] = ()


PLAIN = Form("plain")
# Without the second field, curl would give a length over HTTP/2 and HTTP/3.
CHUNKED = Form("chunked", ('header = "Transfer-Encoding: chunked"', 'header = "Content-Length:"'))
EXPECT = Form("Expect: 100-continue", ('header = "Expect: 100-continue"', "expect100-timeout = 30"))
GZIP = Form("gzip", ("compressed",))


# A handshake of QUIC is given up after ten seconds, which it may need on a busy machine.
AGAIN = {"http3-only": ("retry = 3", "retry-all-errors")}


def cases() -> list[dict]:
    with open(f"{ROOT}/Tests/Attacks/attacks.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def location(case: dict) -> str:
    """The path at which the case is sent: its hook's, or that of what its token says it is."""
    if case["hook"]:
        return HOOKS[case["hook"]]
    with contextlib.suppress(Exception):
        part = case["authorization"].split()[-1].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=="))
        return KINDS.get((claims["kind"], claims["status"]), "export")
    return "export"


def settings_of(case: dict) -> tuple[int, str, str]:
    """What the responder needs for it: clock, settings, settings of the instance. JSON is YAML."""
    config = case.get("config", {})
    keys = [f"{ROOT}/Tests/Attacks/{key}" for key in case["keys"]]
    instance = {"keys": keys, "algorithms": case["algorithms"]}
    instance |= {key: config[key] for key in INSTANCE_KEYS if key in config}
    return (
        case["now"],
        "".join(f"{k}: {json.dumps(v)}\n" for k, v in config.items() if k not in INSTANCE_KEYS),
        "".join(f"    {key}: {json.dumps(value)}\n" for key, value in instance.items()),
    )


# Requests


def quoted(text: str) -> str:
    """For curl's configuration file."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def field(number: int, name: str, value: str | None) -> str:
    if value is None:
        return ""
    if value == "":
        return f"header = {quoted(name + ';')}\n"
    line = f"{name}: {value}"
    if len(line) < 50_000:
        return f"header = {quoted(line)}\n"
    # curl takes no line of that length from its configuration.
    with open(path(f"curl/{number}.field"), "wb") as file:
        file.write(line.encode("latin-1"))
    return f"header = {quoted('@' + file.name)}\n"


def request(number: int, case: dict, server: Server, protocol: str, form: Form) -> str:
    with open(path(f"curl/{number}.body"), "wb") as file:
        file.write(case.get("body", "{}").encode("latin-1"))
    return "".join([
        f"url = {quoted(f'{server.origin}/webhooks/delve/{location(case)}')}\n",
        f"{protocol}\n", f"cacert = {quoted(path('cert.pem'))}\n", "max-time = 60\n",
        f"data-binary = {quoted('@' + file.name)}\n",
        f"output = {quoted(path(f'curl/{number}.answer'))}\n",
        f'write-out = "{number} %{{http_code}} %{{http_version}} %header{{content-encoding}}\\n"\n',
        *(f"{option}\n" for option in (*form.options, *AGAIN.get(protocol, ()))),
        field(number, "Authorization", case["authorization"]),
        field(number, "X-Signature", case["xsignature"]),
    ])


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    code: str | None
    protocol: str = ""
    encoding: str = ""

    def __str__(self) -> str:
        return f"{self.status} {self.code or '(the server itself)'}"

    @property
    def is_servers_own(self) -> bool:
        """A refusal without a code word, or no answer: the connection was closed, or never made."""
        return self.code is None and (self.status == 0 or self.status >= 400)


def deliver(batch: list[dict], server: Server, protocol: str, form: Form) -> list[Answer]:
    """Makes the deliveries in turn, with one curl. A status of 0: the server gave no answer."""
    os.makedirs(path("curl"), exist_ok=True)
    requests = [request(i, case, server, protocol, form) for i, case in enumerate(batch)]
    with open(path("curl/config"), "wb") as file:
        file.write("next\n".join(requests).encode("latin-1"))
    curl = ["curl", "--silent", "--config", file.name]
    output = subprocess.run(curl, stdout=subprocess.PIPE, text=True, check=False).stdout
    lines = dict(line.split(" ", 1) for line in output.splitlines())
    return [answer(number, lines.get(str(number), "0 0 ")) for number in range(len(batch))]


def answer(number: int, line: str) -> Answer:
    """What curl says of a request, and the code word in the content that it kept."""
    status, version, encoding = line.split(" ")
    code = None
    with contextlib.suppress(ValueError, AttributeError):
        code = json.loads(read(f"curl/{number}.answer")).get("code")
    with contextlib.suppress(FileNotFoundError):
        os.remove(path(f"curl/{number}.answer"))
    return Answer(int(status), code, version, encoding)


# Answers


def expected(case: dict, stored: set[str]) -> tuple[int, str]:
    if case["name"] in stored:
        return 202, "stored"
    if case["name"] in WRONG_HOOK:
        return 422, "wrong-hook"
    return case["expect"]["status"], case["expect"]["code"]


def groups(left_out: set[str]) -> list[tuple[tuple, list[dict]]]:
    """The cases that one responder can serve, in their order, with what it needs for them."""
    found = collections.defaultdict(list)
    for case in cases():
        if case["name"] not in left_out:
            found[settings_of(case)].append(case)
    return list(found.items())


def pieces(batch: list[dict], alone: set[str]) -> list[list[dict]]:
    """Each of `alone` in a piece of its own, so that a connection that it costs is nobody else's."""
    parts: list[list[dict]] = [[]]
    for case in batch:
        parts += [[case], []] if case["name"] in alone else []
        if case["name"] not in alone:
            parts[-1].append(case)
    return [part for part in parts if part]


PROTOCOLS = {"http1.1": "1.1", "http2": "2", "http3-only": "3"}


def run_catalogue(listener, server: Server, protocol: str = "http1.1", form: Form = PLAIN) -> list[Answer]:
    """Makes every delivery, and compares the answers with the catalogue's."""
    differs = DIFFERENCES[server.name, protocol]
    # Over HTTP/2 and HTTP/3, curl sends no line break in a field, and no more than 64 KiB of fields.
    left_out = LEFT_OUT if protocol == "http1.1" else LEFT_OUT | LINE_BREAKS | HUGE
    answers, own, wrong = [], [], 0
    for (now, settings, instance), batch in groups(left_out):
        with Responder(listener, settings, instance, now) as responder:
            got = [
                answer
                for piece in pieces(batch, differs.by_server | LINE_BREAKS)
                for answer in deliver(piece, server, protocol, form)
            ]
            for case, answer in zip(batch, got):
                if case["name"] in differs.by_server:
                    right = answer.is_servers_own
                    own.append(case["name"])
                else:
                    want = differs.by_responder.get(case["name"]) or expected(case, differs.stored)
                    right = (answer.status, answer.code) == want
                    right = right and answer.protocol == PROTOCOLS[protocol]
                wrong += not right
                if not right:
                    print(f"  {case['name']}: got {answer} over HTTP {answer.protocol}", flush=True)
            stored = sum(answer.status == 202 for answer in got)
            wrong += responder.stored != stored
            answers += got
    what = f"{server.name} {server.version}, {protocol}, {form.name}: {len(answers)} deliveries"
    check(what, wrong == 0, f"{wrong} are wrong")
    say(f"{what}, {len(own)} of them refused by the server itself")
    return answers
