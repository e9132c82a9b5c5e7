"""The measurements of Tests/Benchmark/scale, which starts this program."""

import contextlib
import functools
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import time

from rig import (
    ARGUMENTS, BIN, PORT, QUICK, ROUNDS, compile_floor, cpu, fill, finishing, floor, median_of,
    nginx, path, resident_mib, running, say, show, wait_until, write,
)

EVENTS = 100_000 if QUICK else 1_000_000
SECONDS = 5 if QUICK else 20
COMMAND, FORWARD = f"{BIN}/delve-webhook", f"{BIN}/delve-webhook-forward"
ISSUED = int(time.time()) - 7200


# Spools


@functools.cache
def make_spool(name, count, issued=ISSUED):
    """Makes a spool, at the first call, and beside it the key that signed its events."""
    write(f"{name}.pem", fill(path(f"{name}/acme"), count, issued))
    return path(name)


def full_spool():
    return make_spool("full", EVENTS)


def folder(spool, state):
    return f"{spool}/acme/{state}"


def files(directory):
    """Gives a folder's files, one at a time: the names of a million would make this program as
    large as those that it measures, see `run`."""
    with os.scandir(directory) as entries:
        yield from entries


def handled(spool):
    return (file for day in files(folder(spool, "done")) for file in files(day.path))


def move(entries, directory):
    """Moves files into another folder. Returns how many there were."""
    count = 0
    for count, file in enumerate(entries, 1):
        os.rename(file.path, f"{directory}/{file.name}")
    return count


# Programs


def spool_command(verb, spool, *arguments):
    return [COMMAND, "spool", verb, "--spool", spool, *arguments]


def run(arguments, output=os.devnull, given=os.devnull):
    """Returns the seconds that a program takes, and the peak of its memory in MiB. The peak is
    never less than that of this program, some 16 MiB, for exec(2) keeps it."""
    with open(given) as stdin, open(output, "w") as stdout:
        begin = time.monotonic()
        with running(arguments, "errors", stdin=stdin, stdout=stdout) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begin
    if process.returncode != 0:
        with open(path("errors")) as errors:
            sys.exit(f"{' '.join(arguments)}: {process.returncode}\n{errors.read()}")
    return seconds, usage.ru_maxrss / 1024


def show_run(name, key, ours, memory=None):
    seconds, peak = run(ours)
    show(name, seconds, "s", f"{key}_s")
    show(f"{name}: memory at most", peak, "MiB", f"{key}_peak_mib", at_most=memory)


def show_comparison(
    name, key, ours, theirs, at_most, memory=None, prepare=None, output=os.devnull
):
    """Measures a command of ours and what it is compared with, in alternation."""
    rounds = []
    for _ in range(ROUNDS):
        if prepare:
            prepare()
        bare, _ = run(theirs, output)
        seconds, peak = run(ours, output)
        rounds.append({"seconds": seconds, "bare": bare, "ratio": seconds / bare, "peak": peak})
    report = median_of(rounds) | {"peak": max(report["peak"] for report in rounds)}
    show(name, report["seconds"], "s", f"{key}_s")
    show(f"{name}: compared with", report["bare"], "s", f"{key}_compared_s")
    show(f"{name}: ratio", report["ratio"], "×", f"{key}_ratio", at_most=at_most)
    show(f"{name}: memory at most", report["peak"], "MiB", f"{key}_peak_mib", at_most=memory)


# The rate at which events are handled


def drain(spool, arguments):
    """Returns how many events a program handles, and the seconds from its start to its end. It is
    stopped after SECONDS. Its events are new again then."""
    begin = time.monotonic()
    with running(arguments, "errors") as process, contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS)
    seconds = time.monotonic() - begin
    return move(handled(spool), folder(spool, "new")), seconds


def show_rates(name, key, few, rate, at_least=None, bare_name="", bare=None):
    """Measures few events, all of them, and what the rate is compared with, in alternation."""
    few_spool = make_spool(f"few{few}", few)
    rounds = []
    for _ in range(ROUNDS):
        report = {"few": rate(few_spool)}
        if bare:
            report["bare"] = bare()
            report["of_bare"] = report["few"] / report["bare"]
        report["many"] = rate(full_spool())
        rounds.append(report | {"ratio": report["many"] / report["few"]})
    report = median_of(rounds)
    show(f"{name}, {few:,} events", report["few"], "/s", f"{key}_few_per_second")
    show(f"{name}, {EVENTS:,} events", report["many"], "/s", f"{key}_per_second", at_least=at_least)
    show(f"{name}, of the rate with {few:,}", report["ratio"], "×", f"{key}_ratio", at_least=0.8)
    if bare:
        show(bare_name, report["bare"], "/s", f"{key}_compared_per_second")
        show(f"{name}, of that with {few:,}", report["of_bare"], "×", f"{key}_of_compared")


def measure_run():
    command = ["--jobs", "4", "--", "/bin/true"]

    def rate(spool):
        count, seconds = drain(spool, spool_command("run", spool, *command))
        return count / seconds

    def spawned():
        count, seconds, *_ = floor("spawn", 4_000, 4)
        return count / seconds

    show_rates("spool run -- /bin/true", "run", 10_000, rate,
               bare_name="bare processes (/bin/true), 4 at a time", bare=spawned)


@contextlib.contextmanager
def postgresql():
    """Runs a server, which does not serve as root. Gives a function that runs SQL, and its URL."""
    os.mkdir(path("pg"))
    user = {}
    if os.getuid() == 0:
        shutil.chown(path("pg"), "nobody")
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    initdb = ["initdb", "-D", path("pg/data"), "-U", "delve", "-A", "trust", "-E", "UTF8"]
    subprocess.check_call(initdb, stdout=subprocess.DEVNULL, **user)
    server = ["postgres", "-D", path("pg/data"), "-k", path("pg"), "-c", "listen_addresses="]
    url = f"postgresql:///postgres?host={path('pg')}&user=delve"

    def sql(*commands):
        arguments = [word for command in commands for word in ("-c", command)]
        return subprocess.check_output(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", *arguments, url])

    with running(server, "pg.log", **user):
        wait_until(lambda: subprocess.call(["pg_isready", "-q", "-d", url]) == 0)
        yield sql, url


def measure_forward():
    """The rate with 10,000 events would be that of the program's start: they take half a second."""
    with postgresql() as (sql, url):
        run([FORWARD, "--to", url, "--prepare"])

        def rate(spool):
            sql("TRUNCATE delve_event", "CHECKPOINT")
            count, seconds = drain(spool, [FORWARD, "--spool", spool, "--to", url])
            assert int(sql("SELECT count(*) FROM delve_event")) == count, count
            return count / seconds

        def copied():
            count = int(sql("SELECT count(*) FROM delve_event"))
            sql(f"\\copy delve_event TO '{path('rows')}'")
            sql("TRUNCATE delve_event", "CHECKPOINT")
            begin = time.monotonic()
            sql(f"\\copy delve_event FROM '{path('rows')}'")
            return count / (time.monotonic() - begin)

        show_rates("to PostgreSQL", "forward", EVENTS // 10, rate, at_least=10_000,
                   bare_name="COPY of the same rows", bare=copied)


def measure_http():
    def rate(spool):
        url = f"http://localhost:{PORT}/"
        count, seconds = drain(spool, [FORWARD, "--spool", spool, "--to", url])
        return count / seconds

    with nginx(f"server {{ listen 127.0.0.1:{PORT}; location / {{ return 204; }} }}"):
        show_rates("to nginx", "http", EVENTS // 10, rate)


# Looking


def measure_list():
    spool = full_spool()
    ls = ["sh", "-c", 'ls -f "$1" | sort', "sh", folder(spool, "new")]
    json = spool_command("list", spool, "--json")
    oldest = spool_command("list", spool, "--limit", "5")
    for output, name, key in [
        (os.devnull, "spool list", "list"), (path("list"), "spool list, to a file", "list_file"),
    ]:
        show_comparison(name, key, spool_command("list", spool), ls, 3, memory=160, output=output)
    show_run("spool list --json", "list_json", json, memory=160)
    show_run("spool list --limit 5", "list5", oldest, memory=160)


def event_id(name):
    """Returns the first 32 digits of an event's id: its file's name ends in them."""
    return name[-37:-5]


def measure_show():
    spool = full_spool()
    new = folder(spool, "new")
    event = event_id(next(itertools.islice(files(new), EVENTS // 2, None)).name)
    two_readings = ["sh", "-c", 'ls -f "$1"; ls -f "$1"; "$2" --version', "sh", new, COMMAND]
    show_comparison("spool show", "show", spool_command("show", spool, event), two_readings, 1)
    show_run("one ls -f", "ls", ["ls", "-f", new])


def measure_stats():
    show_run("spool stats", "stats", spool_command("stats", full_spool()))


def measure_verify():
    """Every proof holds: else it would end with 1."""
    spool = full_spool()
    verify = spool_command("verify", spool, "--keys", f"{spool}.pem")
    show_run("spool verify", "verify", verify, memory=64)


# Waiting, and the operator's changes


def put_off(spool):
    """Makes the new events deferred ones, with records that say: not within the hour. `new/` is
    made afresh: an ext4 folder that once held many names takes long to read ever after."""
    def time_in(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))

    record = (
        f'{{"attempts":1,"deferrals":0,"lastattempt":"{time_in(0)}",'
        f'"nextattempt":"{time_in(3600)}","exit":1,"stderr":""}}\n'
    )
    new, defer, old = (folder(spool, state) for state in ["new", "defer", "old"])
    os.rename(new, old)
    os.mkdir(new)
    for file in files(old):
        with open(f"{defer}/{file.name}.state", "w") as state:
            state.write(record)
    move(files(old), defer)
    os.rmdir(old)


def measure_waiting():
    count, arrivals = EVENTS // 10, 5
    spool = make_spool("waiting", count)
    put_off(spool)
    # Of another time, so that they are other events.
    arriving = make_spool("arriving", arrivals, ISSUED + 3600)
    delays = []
    follow = spool_command("run", spool, "--follow", "--", "/bin/true")
    with running(follow, "errors") as process:
        time.sleep(15)
        before = sum(cpu(process))
        time.sleep(3 * SECONDS)
        percent = (sum(cpu(process)) - before) / (3 * SECONDS) * 100
        memory = resident_mib(process, "VmHWM")
        for number, file in enumerate(list(files(folder(arriving, "new"))), 1):
            begin = time.monotonic()
            os.rename(file.path, folder(spool, f"new/{file.name}"))
            wait_until(lambda: sum(1 for _ in handled(spool)) == number)
            delays.append(time.monotonic() - begin)
            time.sleep(1)
    name = f"{count:,} put off"
    show(f"{name}, spool run --follow: of a core", percent, "%", "waiting_percent", at_most=1)
    show(f"{name}, spool run --follow: memory at most", memory, "MiB", "waiting_peak_mib")
    typical = statistics.median(delays)
    show(f"{name}: an arrival is handled after", typical, "s", "waiting_arrival_s")
    show(f"{name}: the slowest of {arrivals}", max(delays), "s", "waiting_arrival_max_s")


def measure_retry():
    """Of events in `dead/`, where they are looked for. One pass finds many as well as few."""
    few, many = 20, 2_000
    count = EVENTS * 3 // 10
    spool = make_spool("retry", count)
    new, dead = folder(spool, "new"), folder(spool, "dead")
    move(files(new), dead)
    names = [file.name for file in itertools.islice(files(dead), many)]
    rounds = []
    for _ in range(ROUNDS):
        report = {}
        for number in [few, many]:
            ids = write("ids", "".join(f"{event_id(name)}\n" for name in names[:number]))
            report[number], _ = run(spool_command("retry", spool, "-"), given=ids)
            assert move(files(new), dead) == number, number
        rounds.append(report | {"ratio": report[many] / report[few]})
    report = median_of(rounds)
    for number in [few, many]:
        show(f"spool retry, {number:,} of {count:,}", report[number], "s", f"retry{number}_s")
    show("spool retry, ratio", report["ratio"], "×", "retry_ratio", at_most=5)


def measure_prune():
    """The files are links: `new/` keeps them, so both delete names and free nothing."""
    spool = make_spool("prune", 0)
    day, bare = folder(spool, "done/2026-01-01"), path("bare")
    os.mkdir(bare)

    def prepare():
        for copy in [bare, day]:
            subprocess.check_call(["cp", "-al", folder(full_spool(), "new") + "/.", copy])
        subprocess.check_call(["sync", "-f", bare])

    prune = spool_command("prune", spool, "--older-than", "30d")
    find = ["find", bare, "-name", "*.json", "-delete"]
    show_comparison("spool prune", "prune", prune, find, 3, memory=64, prepare=prepare)
    assert not os.path.exists(day), day


PARTS = {
    "run": measure_run, "forward": measure_forward, "http": measure_http, "list": measure_list,
    "show": measure_show, "stats": measure_stats, "verify": measure_verify,
    "waiting": measure_waiting, "retry": measure_retry,
    # The last: where many files were deleted within the last half minute, ext4 takes long to find
    # an inode (recently_deleted in fs/ext4/ialloc.c).
    "prune": measure_prune,
}

os.environ["LC_ALL"] = "C"
wanted = [argument for argument in ARGUMENTS if argument != "--quick"] or list(PARTS)
with finishing():
    compile_floor()
    say(f"{EVENTS:,} events; rounds: {ROUNDS}, and their medians")
    for part in PARTS:
        if part in wanted:
            say(f"\n{part} (load: {os.getloadavg()[0]:.1f})")
            PARTS[part]()
