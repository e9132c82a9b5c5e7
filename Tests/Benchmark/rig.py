"""What both benchmarks use: a folder for their files, the table, programs that run meanwhile."""

import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT, BIN, *ARGUMENTS = sys.argv[1:]
QUICK = "--quick" in ARGUMENTS
ROUNDS = 1 if QUICK else 3
CORES = os.cpu_count()
TICK = os.sysconf("SC_CLK_TCK")

# Other users' servers have to get in.
scratch = tempfile.mkdtemp(prefix="delve-benchmark.")
os.chmod(scratch, 0o755)


def path(name):
    return os.path.join(scratch, name)


def write(name, text):
    with open(path(name), "w") as file:
        file.write(text)
    return path(name)


# The table

results = {}


def say(text=""):
    print(text, flush=True)


def show(name, value, unit, key, at_most=None, at_least=None):
    """Prints one line of the table; `key` is its name in the JSON."""
    results[key] = {"value": round(value, 4)}
    text = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
    line = f"  {name:<58} {text:>12} {unit:<4}"
    for bound, limit, met in [
        ("at most", at_most, at_most is None or value <= at_most),
        ("at least", at_least, at_least is None or value >= at_least),
    ]:
        if limit is not None:
            results[key] |= {bound.replace(" ", "_"): limit, "met": met}
            line += f"   ({bound} {limit:,}: {'met' if met else 'MISSED'})"
    say(line.rstrip())


def median_of(rounds):
    return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}


@contextlib.contextmanager
def finishing():
    """At the end prints the table as JSON. Removes the folder also after Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
        say("\n" + json.dumps(results))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        for number in [signal.SIGINT, signal.SIGTERM]:
            signal.signal(number, signal.SIG_IGN)
        subprocess.call(["rm", "-rf", scratch])


# The floor


def compile_floor():
    compile_ = ["gcc", "-O2", "-o", path("floor"), f"{ROOT}/Tests/Benchmark/floor.c"]
    subprocess.check_call([*compile_, "-lfcgi", "-lcrypto", "-pthread"])


def floor(*arguments):
    """Returns the operations, and the seconds of wall, user and system time."""
    output = subprocess.check_output([path("floor"), *map(str, arguments)], text=True).split()
    return int(output[0]), *map(float, output[1:])


def fill(folder, count, issued):
    """Makes an instance's folder of a spool, with new events. Returns the key that signed them."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    arguments = [path("floor"), "fill", folder, str(count), str(issued)]
    key = subprocess.check_output(arguments, text=True)
    subprocess.check_call(["sync", "-f", scratch])
    return key


# Processes and their accounts


@contextlib.contextmanager
def running(arguments, log, **options):
    with open(path(log), "a") as file:
        process = subprocess.Popen(arguments, **{"stdout": file, "stderr": file, **options})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def cpu(process):
    """Returns the user and system seconds of a process, by the kernel's accounts (in ticks)."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) / TICK, int(fields[12]) / TICK


def resident_mib(process, field="VmRSS"):
    with open(f"/proc/{process.pid}/status") as file:
        return int(re.search(rf"{field}:\s+(\d+)", file.read()).group(1)) / 1024


def wait_until(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    sys.exit("a program did not do within ten seconds what it was started for")


# nginx


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PORT = free_port()


def is_listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def nginx(http):
    """Runs nginx with this in its http block, which has to listen on PORT."""
    temporary = "".join(
        f"{n}_temp_path {path('t-' + n)}; " for n in "client_body proxy fastcgi uwsgi scgi".split()
    )
    write(
        "nginx.conf",
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; pid {path('nginx.pid')};"
        f" error_log {path('nginx.log')}; worker_processes {CORES};"
        f" events {{ worker_connections 4096; }} http {{ access_log off; {temporary} {http} }}",
    )
    arguments = ["nginx", "-e", path("nginx.log"), "-c", path("nginx.conf")]
    with running(arguments, "nginx.log") as process:
        wait_until(lambda: is_listening(PORT))
        yield process
