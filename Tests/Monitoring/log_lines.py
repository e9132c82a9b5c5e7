"""Lines of the log as the programs write them, and as fail2ban and logcheck must take them.

Usage: log_lines.py PROGRAMS SCRATCH
  PROGRAMS: the folder with the built programs; SCRATCH: an empty folder

Writes into SCRATCH:
  export          the lines as the journal keeps them, in its export format
  syslog          the same as syslog and journalctl print them
  file            refusals as they are where standard error is a file
  banned-journal  the addresses for which fail2ban shall count a refusal in the journal
  banned-syslog   those for which it does in syslog's file
  banned-file     those in file
  reported        the lines of syslog that logcheck shall report
"""

import http.server
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

programs, scratch = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
root = pathlib.Path(__file__).resolve().parents[2]
responder, command = programs / "delve-webhook-fcgi", programs / "delve-webhook"
forwarder = programs / "delve-webhook-forward"

UNITS = {
    "delve-webhook-fcgi": "delve-webhook.service",
    "delve-webhook": "delve-webhook-run.service",
    "delve-webhook-forward": "delve-webhook-forward.service",
    "another": "another.service",
}

# Refusals that the sender can cause with a key in force, or a visitor, or this machine. All others
# are a stranger's.
NEVER_BANNED = {
    "misconfigured", "method", "malformed-body", "malformed-payload", "malformed-claims", "stale",
    "future", "expired", "not-yet-valid", "audience", "wrong-hook", "body-mismatch", "spool-full",
    "spool-read-only", "spool-permission", "spool-descriptors", "spool-io", "spool-closed",
    "spool-locked", "out-of-memory", "overloaded",
}


def code_words():
    text = (root / "Sources/WebhookCore/Refusal/Reasons.swift").read_text()
    words = re.findall(r'(?:Facts\(\s*|spool\()"([a-z-]+)"', text)
    assert len(words) == len(set(words)) > 25, words
    return words


class Sink(http.server.BaseHTTPRequestHandler):
    """Keeps what is sent to it, and takes it."""

    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.received.append((self.headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Site:
    """A responder's configuration, keys and spool, and the log of what runs there."""

    def __init__(self):
        for folder in ("keys", "spool"):
            (scratch / folder).mkdir()
        pair = ["openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt"]
        pair += ["ec_paramgen_curve:P-521", "-out", "private.pem"]
        subprocess.run(pair, cwd=scratch, check=True)
        public = ["openssl", "pkey", "-in", "private.pem", "-pubout", "-out", "keys/acme.pem"]
        subprocess.run(public, cwd=scratch, check=True)
        self.write_configuration("")
        self.sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=self.sink.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.sink.server_address[1]}"
        self.addresses = 0

    def write_configuration(self, more):
        # On a busy machine, each delivery may be slow; such a line is added below.
        (scratch / "config.yaml").write_text(f"""\
spool: {scratch}/spool
slow-ms: 0
{more}
instances:
  acme:
    url: https://acme.delvesecurity.app
    keys: [keys/acme.pem]
""")

    def delivery(self, *arguments):
        """A delivery as the sender makes it: its parameters and its body."""
        send = [command, "send", self.url, "--key", scratch / "private.pem", *arguments]
        subprocess.run(send, check=True, stdout=subprocess.DEVNULL)
        headers, body = Sink.received[-1]
        return {
            "HTTP_AUTHORIZATION": headers["Authorization"],
            "HTTP_X_SIGNATURE": headers["X-Signature"],
        }, body

    def request(self, parameters, body=b"{}", journal=True, **more):
        """Has the responder, as a plain CGI program, answer a request from an address of its own."""
        self.addresses += 1
        address = f"192.0.2.{self.addresses}"
        if self.addresses % 4 == 0:
            address = f"2001:db8::{self.addresses}"
        environment = {
            "GATEWAY_INTERFACE": "CGI/1.1", "DELVE_WEBHOOK_CONFIG": f"{scratch}/config.yaml",
            "REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": address,
            "DELVE_INSTANCE": "acme", "DELVE_HOOK": "export-complete",
        }
        environment |= parameters | more
        return self.log(
            lambda log: subprocess.run(
                [responder],
                env=os.environ | environment,
                input=body,
                stdout=subprocess.DEVNULL,
                stderr=log,
            ),
            journal,
        )

    def log(self, run, journal=True):
        """What a program wrote to its standard error, which it takes for the journal's."""
        path = scratch / "stderr"
        with open(path, "wb") as log:
            status = os.fstat(log.fileno())
            if journal:
                os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
            run(log)
            os.environ.pop("JOURNAL_STREAM", None)
        return path.read_text().splitlines()


class Journal:
    """Keeps lines as journald does: their priority is no part of their text."""

    def __init__(self):
        self.now = int(time.time())
        self.exported, self.printed = [], []

    def keep(self, program, lines, unit=None):
        """Returns the lines as they are printed."""
        pid = 100 + len(self.printed)
        stamp = time.strftime("%b %d %H:%M:%S", time.gmtime(self.now))
        for line in lines:
            priority, text = re.fullmatch(r"(?:<([0-7])>)?(.*)", line).groups()
            self.printed.append(f"{stamp} hooks {program}[{pid}]: {text}")
            self.exported.append(
                f"__REALTIME_TIMESTAMP={self.now}{len(self.printed):06}\n"
                f"__MONOTONIC_TIMESTAMP={len(self.printed)}\n"
                f"_BOOT_ID={'0' * 31}1\n_HOSTNAME=hooks\n_PID={pid}\n"
                f"_SYSTEMD_UNIT={unit or UNITS[program]}\nSYSLOG_IDENTIFIER={program}\n"
                f"PRIORITY={priority or 3}\nMESSAGE={text}\n"
            )
        return self.printed[-len(lines) :]


class Service:
    """A program that runs until it is asked to end."""

    def __init__(self, arguments, log):
        self.process = subprocess.Popen(arguments, stderr=log)

    def until_it_says(self, text):
        self.until(f"said {text!r}", lambda: text in (scratch / "stderr").read_text())

    def until(self, what, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        self.process.kill()
        log = (scratch / "stderr").read_text()
        sys.exit(f"log_lines.py: {self.process.args[0]} never {what}: {log}")

    def reload(self):
        self.process.send_signal(1)

    def end(self):
        self.process.terminate()
        self.until("ended", lambda: self.process.poll() is not None)


def life_of_a_responder(site, log):
    """It starts, reads its configuration and its keys again, cannot read them, and stops."""
    socket = scratch / "fcgi.sock"
    service = Service(
        [responder, "--listen", f"unix:{socket}", "--config", scratch / "config.yaml"], log
    )
    service.until_it_says("started")
    service.reload()
    service.until_it_says("reloaded")
    key = (scratch / "keys/acme.pem").read_text()
    (scratch / "keys/acme.pem").write_text("nonsense\n")
    service.until_it_says("old keys stay in force")
    service.until_it_says("keys in force")
    (scratch / "keys/acme.pem").write_text(key)
    (scratch / "config.yaml").write_text("nonsense\n")
    service.reload()
    service.until_it_says("reload failed")
    site.write_configuration("")
    service.end()


def life_of_a_consumer(arguments, log):
    """It handles an event, waits for the next one, and stops."""
    service = Service(arguments, log)
    service.until_it_says("result=done")
    service.end()


def main():
    site, journal = Site(), Journal()
    banned, reported = [], []

    def add(new, *, report=True, ban=False, program="delve-webhook-fcgi", unit=None):
        assert new, f"no line after {journal.printed[-1:]}"
        printed = journal.keep(program, new, unit)
        if report:
            reported.extend(printed)
        if ban:
            banned.extend(re.search(r" remote=(\S+)", line)[1] for line in printed)

    # Deliveries that are taken, and then handled.
    parameters, body = site.delivery("--hook", "export-complete")
    stored = site.request(parameters, body)
    add(stored, report=False)
    duplicate = site.request(parameters, body)
    add(duplicate, report=False)
    assert "code=stored" in stored[0] and "code=duplicate" in duplicate[0], (stored, duplicate)
    run = [command, "spool", "run", "--config", scratch / "config.yaml", "--", "/bin/true"]
    done = site.log(lambda log: subprocess.run(run, stderr=log))
    assert done[0].startswith("<6>result=done"), done
    add(done, report=False, program="delve-webhook")
    run[-1] = "/bin/false"
    add(site.request(*site.delivery("--hook", "export-complete")), report=False)
    add(site.log(lambda log: subprocess.run(run, stderr=log)), program="delve-webhook")
    add(site.request(*site.delivery("--hook", "export-complete")), report=False)
    forward = [forwarder, "--config", scratch / "config.yaml", "--to", site.url]
    done = site.log(lambda log: subprocess.run(forward, stderr=log))
    assert done[0].startswith("<6>result=done"), done
    add(done, report=False, program="delve-webhook-forward")
    run[-1] = "/bin/true"
    for program, arguments in {"delve-webhook": run, "delve-webhook-forward": forward}.items():
        add(site.request(*site.delivery("--hook", "export-complete")), report=False)
        at = arguments.index("--config")
        life = site.log(
            lambda log: life_of_a_consumer([*arguments[:at], "--follow", *arguments[at:]], log)
        )
        assert life[-1].startswith("<5>stopping"), life
        add(life, report=False, program=program)

    # Deliveries that are refused.
    forged = site.request(*site.delivery("--forge"))
    real = {"bad-signature": forged}
    signature = {"HTTP_X_SIGNATURE": parameters["HTTP_X_SIGNATURE"]}
    for code, more in {
        "missing-authorization": signature,
        "malformed-authorization": signature | {"HTTP_AUTHORIZATION": "Signed a,b"},
        "token-too-large": signature | {"HTTP_AUTHORIZATION": "Signed " + "a" * 40_000},
        "malformed-token": signature | {"HTTP_AUTHORIZATION": "Signed a.b"},
        "malformed-header": signature | {"HTTP_AUTHORIZATION": "Signed YQ.YQ.YQ"},
        "malformed-x-signature": parameters | {"HTTP_X_SIGNATURE": "a,b"},
        "x-signature-mismatch": parameters | {"HTTP_X_SIGNATURE": "ES256 /api/webhook.key"},
        "body-too-large": parameters | {"CONTENT_LENGTH": "100000"},
        "malformed-body": parameters | {"CONTENT_LENGTH": "x"},
        "method": parameters | {"REQUEST_METHOD": "GET"},
        "misconfigured": parameters | {"DELVE_INSTANCE": "nobody"},
        "wrong-hook": parameters | {"DELVE_HOOK": "scan-success"},
    }.items():
        real[code] = site.request(more)
    real["expired"] = site.request(*site.delivery("--claim", "exp=1600000000"))
    real["algorithm-not-allowed"] = site.request(
        signature | {"HTTP_AUTHORIZATION": "Signed eyJhbGciOiJub25lIn0.YQ.YQ"}
    )
    site.write_configuration(f"minimum-free-bytes: {1 << 60}")
    real["spool-full"] = site.request(*site.delivery())
    site.write_configuration("")
    for code in code_words():
        if code in real:
            assert f"code={code} " in real[code][0], (code, real[code])
        else:
            # Of the same form, for another cause.
            real[code] = [forged[0].replace("bad-signature", code)]
        add(real[code], ban=code not in NEVER_BANNED)
    # With a kept request, and of a location without an instance.
    add([forged[0] + " kept=acme/refused/20261127T060000Z-bad-signature-0a1b.http"], ban=True)
    add([re.sub(r" instance=\S+ hook=\S+", "", forged[0])], ban=True)

    # No sender can make a line that counts against another address.
    victim = "code=bad-signature status=401 remote=203.0.113.1 us=1"
    add(site.request(parameters, body, REMOTE_ADDR=f"203.0.113.1 us=1\n{victim}"))
    add(site.request(signature, REMOTE_ADDR="bad.cafe"))
    add([f'code=stale status=401 instance=acme remote=192.0.2.9 us=1 hint="{victim}"'])
    add([f"reload failed, the old configuration stays in force: {victim}"])
    add([f"left out: {victim}"], program="delve-webhook")
    add([victim], program="another")
    # Syslog's file does not show who wrote a line.
    local = [victim.replace("203.0.113.1", "203.0.113.2")]
    add(local, unit="session-1.scope")
    add(["code=bad-signature status=401 suppressed=90"])
    add(["code=missing-authorization status=401 instance=acme remote=- us=1"])

    # The subject, as a word and quoted; a slow request has further times.
    def with_subject(line, subject):
        head, tail = re.fullmatch(r"(.* subject=)\S+( remote=.*)", line).groups()
        return head + subject + tail

    for subject in ("scan/123", r'"a \"b\" c"', rf'"x\" remote=203.0.113.1 us=1 {victim}"'):
        add([with_subject(stored[0], subject)], report=False)
    add([with_subject(duplicate[0], "scan/123")], report=False)
    add([stored[0] + " slow-us=1900900 receiving-us=0 waiting-us=0 deciding-us=900"])
    add([with_subject(stored[0], '"a" b"')])

    life = site.log(lambda log: life_of_a_responder(site, log))
    words = ("started", "reloaded", "keys in force", "stopping", "stopped")
    for line in life:
        add([line], report=not re.match(rf"<5>({'|'.join(words)})\b", line))
    for word in words:
        assert any(line.startswith(f"<5>{word}") for line in life), (word, life)

    # Where standard error is a file, a line has its time and its level.
    in_file = [
        site.request(signature, journal=False),
        site.request(parameters | {"HTTP_X_SIGNATURE": "a,b"}, journal=False),
        site.request(parameters, body, journal=False),
        [f"2026-11-27T06:00:00Z error reload failed: {victim}"],
    ]
    banned_in_file = [re.search(r" remote=(\S+)", line[0])[1] for line in in_file[:2]]

    for name, content in {
        "export": journal.exported,
        "syslog": journal.printed,
        "banned-journal": banned,
        # Nothing that comes later is counted.
        "banned-syslog": [*banned, "203.0.113.2"],
        "reported": reported,
        "file": sum(in_file, []),
        "banned-file": banned_in_file,
    }.items():
        (scratch / name).write_text("".join(f"{line}\n" for line in content))


main()
