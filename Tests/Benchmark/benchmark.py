"""The measurements of Tests/Benchmark/run, which starts this program."""

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import time

from rig import (
    BIN, CORES, PORT, QUICK, ROOT, ROUNDS, compile_floor, cpu, fill, finishing, floor, is_listening,
    median_of, nginx, path, resident_mib, running, say, scratch, show, wait_until, write,
)

SECONDS = 2 if QUICK else 6
RESPONDER = f"{BIN}/delve-webhook-fcgi"


# A request over FastCGI, for the time to the first answer


def record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def is_healthy(socket_path):
    pairs = [(b"REQUEST_METHOD", b"GET"), (b"DELVE_HOOK", b"health")]
    encoded = b"".join(bytes([len(n), len(v)]) + n + v for n, v in pairs)
    request = (
        record(1, struct.pack("!HB5x", 1, 0)) + record(4, encoded) + record(4, b"") + record(5, b"")
    )
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(socket_path)
        except OSError:
            return False
        connection.sendall(request)
        return b"Status: 200" in connection.recv(4096)


# Servers


def configure(spool, settings=""):
    write(
        "config.yaml",
        f"spool: {spool}\nmax-age-seconds: 604800\nmax-token-bytes: 2048\n{settings}"
        "instances:\n  acme:\n    url: https://acme.delvesecurity.app\n    keys: [public.pem]\n",
    )


spools = 0


def fresh_spool():
    """Makes an empty spool. No file is deleted between the runs: ext4 takes long to find an inode
    if many were deleted within the last half minute (recently_deleted in fs/ext4/ialloc.c)."""
    global spools
    spools += 1
    os.mkdir(path(f"spool{spools}"))
    return path(f"spool{spools}")


@contextlib.contextmanager
def responder():
    arguments = [RESPONDER, "--listen", f"unix:{path('s')}", "--config", path("config.yaml")]
    with running(arguments, "responder.log") as process:
        wait_until(lambda: is_healthy(path("s")))
        yield process


@contextlib.contextmanager
def bare_responder(folder):
    arguments = [path("floor"), "respond", folder, path("s"), "16"]
    with running(arguments, "responder.log") as process:
        wait_until(lambda: is_healthy(path("s")))
        yield process
    os.remove(path("s"))


def web_server():
    """Runs nginx in front of the responder, as nginx/README.md has it."""
    os.makedirs(path("delve-webhook"), exist_ok=True)
    for name in ["http", "responder", "delivery", "instance", "locations"]:
        with open(f"{ROOT}/nginx/{name}.conf") as file:
            write(f"delve-webhook/{name}.conf", file.read().replace("100r/s", "1000000r/s"))
    return nginx(
        "include delve-webhook/http.conf;"
        f" upstream delve_webhook {{ server unix:{path('s')} max_fails=0; }}"
        f" server {{ listen 127.0.0.1:{PORT}; include delve-webhook/locations.conf; }}"
    )


@contextlib.contextmanager
def apache(way):
    """Runs Apache. It does not serve as root, so all of its files belong to another user."""
    modules = {"fcgid": ["fcgid"], "cgi": ["cgid"], "proxy": ["proxy", "proxy_fcgi"]}[way]
    os.makedirs(path("delve-webhook"), exist_ok=True)
    for name in ["locations", way]:
        with open(f"{ROOT}/apache/{name}.conf") as file:
            text = file.read()
        text = text.replace("/usr/local/bin/delve-webhook-fcgi", path("bin/delve-webhook-fcgi"))
        text = text.replace("/etc/delve-webhook/config.yaml", path("config.yaml"))
        write(f"delve-webhook/{name}.conf", text.replace("/run/delve-webhook/fcgi.sock", path("s")))
    os.makedirs(path("bin"), exist_ok=True)
    shutil.copy(RESPONDER, path("bin"))
    names = ["mpm_event", "authz_core", "authz_host", "alias", "env", "headers", *modules]
    loads = "".join(f"LoadModule {n}_module /usr/lib/apache2/modules/mod_{n}.so\n" for n in names)
    own = {
        "fcgid": f"FcgidIPCDir {path('i')}\nFcgidProcessTableFile {path('shm')}\n",
        "cgi": f"ScriptSock {path('cgid')}\n",
        "proxy": "",
    }[way]
    write(
        "apache.conf",
        f"ServerRoot {scratch}\nServerName localhost\nListen 127.0.0.1:{PORT}\n"
        f"PidFile {path('apache.pid')}\nErrorLog {path('apache.log')}\n{loads}{own}"
        f"<VirtualHost *>\nInclude delve-webhook/{way}.conf\n</VirtualHost>\n",
    )
    arguments = ["apache2", "-D", "FOREGROUND", "-f", path("apache.conf")]
    if os.getuid() == 0:
        subprocess.check_call(["chown", "-R", "www-data:www-data", scratch])
        user = ["setpriv", "--reuid", "www-data", "--regid", "www-data", "--init-groups"]
        arguments = user + arguments
    with running(arguments, "apache.err") as process:
        wait_until(lambda: is_listening(PORT))
        yield process


# Loads


def load(connections, tokens, seconds=SECONDS):
    """Returns wrk's report: requests, requests per second, requests whose answer was not 2xx, and
    latencies in milliseconds."""
    threads = min(2, connections)
    environment = dict(os.environ, DELVE_TOKENS=path(tokens), DELVE_THREADS=str(threads))
    arguments = ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s"]
    arguments += ["--latency", "--timeout", "30", "-s", f"{ROOT}/Tests/IntegrationTests/Support/deliveries.lua"]
    url = f"http://127.0.0.1:{PORT}/webhooks/delve/export"
    report = subprocess.check_output(arguments + [url], env=environment, text=True)

    def number(pattern):
        match = re.search(pattern, report)
        return float(match.group(1)) if match else 0.0

    def milliseconds(text):
        value, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    latency = re.search(r"Latency\s+(\S+)\s+\S+\s+(\S+)", report).groups()
    quantiles = dict(re.findall(r"(50|99)%\s+(\S+)", report))
    if "Socket errors" in report:
        say(f"  ! {re.search('Socket errors.*', report).group(0)}")
    return {
        "requests": number(r"(\d+) requests in"),
        "per_second": number(r"Requests/sec:\s+([\d.]+)"),
        "refused": number(r"Non-2xx or 3xx responses: (\d+)"),
        "p50_ms": milliseconds(quantiles["50"]),
        "p99_ms": milliseconds(quantiles["99"]),
        "max_ms": milliseconds(latency[1]),
    }


def measured(process, connections, tokens, seconds=SECONDS):
    """Returns the load's report with the responder's user and system microseconds per request."""
    before = cpu(process)
    report = load(connections, tokens, seconds)
    after = cpu(process)
    report["user_us"] = (after[0] - before[0]) * 1e6 / report["requests"]
    report["system_us"] = (after[1] - before[1]) * 1e6 / report["requests"]
    return report


# The measurements


def prepare():
    compile_floor()
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]
    subprocess.check_call(
        ["openssl", "genpkey", "-quiet", *curve, "-out", path("private.pem")]
    )
    subprocess.check_call(
        ["openssl", "pkey", "-in", path("private.pem"), "-pubout", "-out", path("public.pem")]
    )
    count = 8_000 if QUICK else 30_000
    with open(path("tokens"), "w") as file:
        arguments = [path("floor"), "tokens", path("private.pem"), str(count), str(int(time.time()))]
        subprocess.check_call(arguments, stdout=file)
    with open(path("tokens")) as file:
        tokens = file.read().split()
    # The signature's first digit is always A. The second digit is not.
    forged = [t[: t.rindex(".") + 10] + ("B" if t[t.rindex(".") + 10] == "A" else "A")
              + t[t.rindex(".") + 11 :] for t in tokens[:500]]
    write("forged", "\n".join(forged))
    foreign = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"
    write("algorithm", "\n".join(foreign + t[t.index(".") :] for t in tokens[:500]))
    write("oversized", "\n".join(t + "A" * 2_048 for t in tokens[:500]))
    write("same", "\n".join(tokens[:500]))
    write("empty", "\n".join([""] * 500))


def floor_now(seconds):
    """Returns the CPU microseconds of a verification and of a publish by 16 threads, and the
    publishes per second, at the machine's present speed. A virtual machine's speed changes within
    a minute."""
    count, _, user, system = floor("verify", seconds, 1)
    check = (user + system) * 1e6 / count
    count, wall, user, system = floor("publish", fresh_spool(), seconds, 16)
    return check, (user + system) * 1e6 / count, count / wall


def measure_floor():
    say("The floor, without the program")
    check, publish, publishes = floor_now(SECONDS)
    show("P-521 verification, CPU", check, "µs", "floor_verify_us")
    count, wall, *_ = floor("verify", SECONDS, CORES)
    show(f"verifications on {CORES} cores", count / wall, "/s", "floor_verify_per_second")
    show("bare publish, 16 threads, CPU", publish, "µs", "floor_publish16_us")
    show("bare publishes, 16 threads", publishes, "/s", "floor_publish16_per_second")
    count, wall, user, system = floor("publish", fresh_spool(), SECONDS, 1)
    show("bare publish, one thread, CPU", (user + system) * 1e6 / count, "µs", "floor_publish1_us")
    show("bare publish, one thread, wall", wall * 1e6 / count, "µs", "floor_publish1_wall_us")


def stored_round(connections):
    """Measures the floor, the responder and the bare responder, one right after the other. Only
    ratios within one round can be trusted."""
    check, publish, publishes = floor_now(1)
    spool = fresh_spool()
    configure(spool)
    with responder() as process, web_server():
        report = measured(process, connections, "tokens", SECONDS // ROUNDS)
        stored = len(os.listdir(f"{spool}/acme/new"))
        report["peak"] = resident_mib(process, "VmHWM")
    with bare_responder(fresh_spool()) as process, web_server():
        bare = measured(process, connections, "tokens", SECONDS // ROUNDS)
    assert report["refused"] == bare["refused"] == 0, report
    # Requests that were in progress when wrk ended are stored, too, but are not in its count.
    assert report["requests"] <= stored <= report["requests"] + connections, (stored, report)
    used, used_bare = (r["user_us"] + r["system_us"] for r in (report, bare))
    checks = CORES * 1e6 / check
    return report | {
        "cpu_ratio": used / (check + publish),
        "bare_ratio": used_bare / (check + publish),
        "of_bare_ratio": used / used_bare,
        "of_verify_rate": report["per_second"] / checks,
        "bare_of_verify_rate": bare["per_second"] / checks,
        "of_publish_rate": report["per_second"] / publishes,
    }


def measure_stored():
    say(f"\nStored events, behind nginx, each durable; rounds: {ROUNDS}, and their medians")
    reports = []
    for connections in [1, 8, 32, 128]:
        report = median_of([stored_round(connections) for _ in range(ROUNDS)])
        reports.append(report)
        for key, name, unit, at_most in [
            ("user_us", "CPU, user", "µs", None),
            ("system_us", "CPU, system", "µs", None),
            ("cpu_ratio", "CPU, of the floor just before", "×", 1.15),
            ("bare_ratio", "the same of a bare responder in C", "×", None),
            ("of_bare_ratio", "CPU, of the bare responder's", "×", None),
            ("per_second", "events", "/s", None),
            ("p50_ms", "latency, p50", "ms", None),
            ("p99_ms", "latency, p99", "ms", None),
            ("max_ms", "latency, max", "ms", None),
        ]:
            label = f"{connections} connections: {name}"
            show(label, report[key], unit, f"stored{connections}_{key}", at_most)

    def best(key):
        return max(report[key] for report in reports)

    show("best rate, of the bare verification's", best("of_verify_rate"), "×", "stored_of_verify_rate")
    show("the same of the bare responder", best("bare_of_verify_rate"), "×", "bare_of_verify_rate")
    show("best rate, of the bare publish's", best("of_publish_rate"), "×", "stored_of_publish_rate")
    show("resident memory at most, 16 workers", best("peak"), "MiB", "resident_peak_mib", 16)


def duplicate_round():
    check, *_ = floor_now(1)
    configure(fresh_spool())
    with responder() as process, web_server():
        load(8, "same", 1)
        report = measured(process, 16, "same", SECONDS // ROUNDS)
    with bare_responder("-") as process, web_server():
        bare = measured(process, 16, "same", SECONDS // ROUNDS)
    used, used_bare = (r["user_us"] + r["system_us"] for r in (report, bare))
    return report | {"used": used, "ratio": used / check, "bare_ratio": used_bare / check}


def show_answers(name, report, key):
    show(f"{name}: answers", report["per_second"], "/s", f"{key}_per_second")
    for quantile in ["p50", "p99", "max"]:
        value = report[f"{quantile}_ms"]
        show(f"{name}: latency, {quantile}", value, "ms", f"{key}_{quantile}_ms")


def measure_others():
    say("\nWhat is not stored, 16 connections")
    report = median_of([duplicate_round() for _ in range(ROUNDS)])
    show("duplicate: CPU", report["used"], "µs", "duplicate_us")
    name = "duplicate: CPU, of the verification just before"
    show(name, report["ratio"], "×", "duplicate_ratio", 1.1)
    show("the same of a bare responder in C", report["bare_ratio"], "×", "duplicate_bare_ratio")
    show_answers("duplicate", report, "duplicate")
    configure(fresh_spool())
    with responder() as process, web_server():
        for tokens, name in [
            ("forged", "bad signature"), ("empty", "missing token"),
            ("algorithm", "algorithm not allowed"), ("oversized", "oversized token"),
        ]:
            report = measured(process, 16, tokens)
            assert report["refused"] == report["requests"], report
            used = report["user_us"] + report["system_us"]
            at_most = None if tokens == "forged" else 60
            show(f"{name}: CPU", used, "µs", f"{tokens}_us", at_most)
            show_answers(name, report, tokens)


def measure_start():
    say("\nThe process")
    configure(fresh_spool())
    times = []
    for _ in range(10):
        begin = time.monotonic()
        arguments = [RESPONDER, "--listen", f"unix:{path('s')}", "--config", path("config.yaml")]
        with running(arguments, "responder.log") as process:
            while not is_healthy(path("s")):
                time.sleep(0.0002)
            times.append((time.monotonic() - begin) * 1000)
            idle = resident_mib(process)
    times.sort()
    show("start to first answer, median of 10", times[5], "ms", "start_ms", 10)
    show("resident memory, idle", idle, "MiB", "resident_idle_mib")
    show("size of the executable", os.path.getsize(RESPONDER) / 2**20, "MiB", "executable_mib")


def measure_apache():
    say("\nStored events under Apache, 8 connections")
    for way in ["proxy", "fcgid", "cgi"]:
        configure(fresh_spool())
        user = {"user": "www-data", "group": "www-data", "extra_groups": []} if os.getuid() == 0 else {}
        with contextlib.ExitStack() as stack:
            if way == "proxy":
                subprocess.check_call(["chown", "-R", "www-data:www-data", scratch])
                arguments = [RESPONDER, "--listen", f"unix:{path('s')}", "--config", path("config.yaml")]
                shutil.copy(RESPONDER, path("responder"))
                arguments[0] = path("responder")
                stack.enter_context(running(arguments, "responder.log", **user))
                wait_until(lambda: is_healthy(path("s")))
            stack.enter_context(apache(way))
            report = load(8, "tokens")
        assert report["refused"] == 0, (way, report)
        show(f"{way}: events", report["per_second"], "/s", f"{way}_per_second")
        show(f"{way}: latency, p99", report["p99_ms"], "ms", f"{way}_p99_ms")


def measure_backlog():
    """Measures an empty spool and a full one in turns."""
    sizes = [100_000] if QUICK else [100_000, 1_000_000]
    say(f"\nWith a backlog in the spool, 16 connections; rounds: {ROUNDS}, and their medians")
    with open(path("tokens")) as file:
        tokens = file.read().split()
    slices = [f"tokens{i}" for i in range(ROUNDS)]
    for i, name in enumerate(slices):
        write(name, "\n".join(tokens[i::ROUNDS]))
    for size in sizes:
        spool = fresh_spool()
        fill(f"{spool}/acme", size, int(time.time()) - 7200)
        rounds = []
        for tokens in slices:
            empty = accepted_per_second(fresh_spool(), tokens)
            full = accepted_per_second(spool, tokens)
            rounds.append({"empty": empty, "full": full, "ratio": full / empty})
        report = median_of(rounds)
        show("an empty spool: accepted", report["empty"], "/s", f"backlog{size}_empty_per_second")
        show(f"{size:,} events: accepted", report["full"], "/s", f"backlog{size}_per_second")
        show(f"{size:,} events: of the empty spool's rate", report["ratio"], "×", f"backlog{size}_ratio")


def accepted_per_second(spool, tokens):
    configure(spool)
    with responder(), web_server():
        before = len(os.listdir(f"{spool}/acme/new"))
        report = load(16, tokens, SECONDS // ROUNDS)
        assert len(os.listdir(f"{spool}/acme/new")) >= before + report["requests"], report
    return report["per_second"]


with finishing():
    prepare()
    measure_floor()
    measure_stored()
    measure_others()
    measure_start()
    measure_apache()
    measure_backlog()
