"""The receiver under test: keys, configuration, web server, programs and spool."""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from machine import HERE, Disk, WallClock, free_port
from program import Program, wait_until
from webserver import nginx

INSTANCES = ["acme", "beta"]
# Few, so that all of them run, with their descriptors, before anything is compared.
WORKERS = 4
# They take turns. More of them would make `spool verify` try more keys for each event.
KEY_PAIRS = 3


class Receiver:
    def __init__(self, root, programs, folder, hours):
        self.root, self.bin, self.folder = root, programs, folder
        self.logs = self.make_folder("logs")
        self.disk = Disk(folder, int(256 + 160 * hours))
        self.clock = WallClock(folder)
        self.port = free_port()
        self.make_folder("keys")
        self.key_pairs = itertools.cycle([self.make_key(number) for number in range(KEY_PAIRS)])
        self.max_age = 540
        self.nginx = Program("nginx", nginx(self, INSTANCES), self.logs, signal.SIGQUIT)
        self.programs = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_folder(self, name):
        os.makedirs(self.path(name))
        return self.path(name)

    def write(self, name, text):
        with open(self.path(name) + ".new", "w") as file:
            file.write(text)
        os.rename(self.path(name) + ".new", self.path(name))

    # Keys and configuration

    def make_key(self, number):
        """Makes a key pair, and returns the private key and the name of the public one's file."""
        key = ec.generate_private_key(ec.SECP521R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        name = f"keys/{number}.pem"
        self.write(name, public.decode())
        return key, name

    def configure(self, files):
        """Writes the configuration, with these public keys."""
        self.key_files = files
        keys = ", ".join(files)
        instances = "".join(
            f"  {name}:\n    url: https://{name}.delvesecurity.app\n    keys: [{keys}]\n"
            for name in INSTANCES
        )
        self.write(
            "config.yaml",
            f"spool: {self.disk.path}/spool\n"
            f"max-age-seconds: {self.max_age}\n"
            "minimum-free-bytes: 0\n"
            f"workers: {WORKERS}\n"
            f"instances:\n{instances}",
        )

    # Programs

    def start(self, target_url):
        os.mkdir(f"{self.disk.path}/spool")
        self.responder = self.program("responder", "delve-webhook-fcgi", stdin=self.socket())
        self.runner = self.program(
            *["runner", "delve-webhook", "spool", "run", "--instance", INSTANCES[0], "--follow"],
            *["--jobs", "4", "--metrics-file", self.path("runner.prom")],
            after=["--", os.path.join(HERE, "handler"), self.folder],
        )
        self.forwarder = self.program(
            *["forwarder", "delve-webhook-forward", "--instance", INSTANCES[1], "--follow"],
            *["--to", target_url, "--metrics-file", self.path("forwarder.prom")],
        )
        self.programs = [self.responder, self.runner, self.forwarder]
        self.responder.start()
        self.nginx.start()
        # The responder makes the folders that the consumers look into.
        wait_until("the receiver is healthy", self.is_healthy)
        self.runner.start()
        self.forwarder.start()

    def program(self, name, file, *arguments, after=(), stdin=subprocess.DEVNULL):
        command = [os.path.join(self.bin, file), *arguments, "--config", self.path("config.yaml")]
        environment = os.environ | self.clock.environment
        return Program(name, [*command, *after], self.logs, stdin=stdin, env=environment)

    def socket(self):
        """As systemd does, the test holds it: requests wait in it while the responder restarts."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path("fcgi.sock"))
        listener.listen(511)
        return listener

    def is_healthy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/webhooks/delve/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def look_after(self):
        for program in [*self.programs, self.nginx]:
            program.look_after()

    def stop(self):
        """Ends them as an operator would: nginx first, the consumers last."""
        for program in [self.nginx, *self.programs]:
            with program.lock:
                program.stop()

    def clean_up(self):
        for program in [self.nginx, *self.programs]:
            program.clean_up()
        self.disk.unmount()

    # The spool

    def files(self, instance, state):
        """Returns the names of the event files in a state's folder and the folders in it."""
        tree = os.walk(f"{self.disk.path}/spool/{instance}/{state}")
        return [name for _, _, names in tree for name in names if name.endswith(".json")]

    def verify(self):
        """Returns the exit code of `spool verify`, and its last line: the counts."""
        command = [f"{self.bin}/delve-webhook", "spool", "verify", "--json"]
        command += ["--config", self.path("config.yaml")]
        for number in range(KEY_PAIRS):
            command += ["--keys", self.path(f"keys/{number}.pem")]
        result = subprocess.run(command, capture_output=True, text=True)
        lines = result.stdout.splitlines()
        return result.returncode, json.loads(lines[-1]) if lines else {"said": result.stderr}
