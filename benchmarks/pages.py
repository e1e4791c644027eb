"""How many visitors the site serves: kept pages beside a constant of the same bytes, and first renders as content grows.

    python -m benchmarks.pages [--small] [--rounds 5] [--seconds 3]

Starts gunicorn as in production with the configured database, which must hold the programme's content (make run), and nginx
with deploy/nginx.conf where it is installed. Every server and its load generator, wrk, have a core of their own. The rounds
take turns, so that a slow minute of the machine meets all alike. Then the cost curves (curves.py), in databases of their own.
Prints medians and ratios and writes them to benchmarks/results/. All of it goes to 127.0.0.1, and stops what it started.
`--small` (`make bench SMALL=1`) runs everything once with little content and writes nothing: does it work?
"""

import argparse
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
    django.setup()

from django.db import connection, transaction
from django.test import Client, override_settings

from benchmarks import synthetic
from benchmarks.curves import curves
from benchmarks.machine import ROOT, SITE, machine, write

PAGE = "/progress/"
CONNECTIONS = 16
GOALS = {
    ("kept, version known in process", "constant"): 0.9,
    ("kept, version asked each time", "bare Django, one query"): 0.7,
    ("behind nginx, micro-cache", "nginx, static gzip"): 0.5,
    ("304, version asked each time", "kept, version asked each time"): 1.0,
    ("304, version known in process", "kept, version known in process"): 1.0,
}


@dataclass
class Target:
    name: str
    port: int
    path: str
    pids: list[int]
    headers: dict[str, str]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(port: int, path: str, **headers: str) -> tuple[int, list[tuple[str, str]], bytes]:
    one = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        one.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = one.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        one.close()


@contextmanager
def started(command: list[str], port: int, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the first core, once it answers."""
    environment = os.environ | {"ALLOWED_HOSTS": "127.0.0.1,localhost", "HTTPS": "off"} | more
    pinned = ["taskset", "-c", "0", *command] if shutil.which("taskset") else command
    with subprocess.Popen(pinned, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                with suppress(OSError):
                    get(port, "/")
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[:4]} does not answer")
                time.sleep(0.1)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def gunicorn(application: str, port: int) -> list[str]:
    """One worker of four threads, so that one core is all it can use."""
    return [
        sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4",
        "--worker-class", "gthread", "--log-level", "error", "--keep-alive", "75", "--no-control-socket",
    ]  # fmt: skip


def tree(pid: int) -> list[int]:
    """A process and what it started."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += tree(int(child))
    return found


def cpu(pids: list[int]) -> float:
    """Seconds of processor that these have used."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError):  # one that nginx needs at its start alone
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(pids: list[int]) -> None:
    """Waits until they have done what they do once they have begun, as the copies of pages; a minute and a half at most."""
    deadline = time.monotonic() + 90
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        before = cpu(pids)
        time.sleep(1)
        quiet = quiet + 1 if cpu(pids) - before < 0.1 else 0


def wrk(target: Target, seconds: int) -> tuple[float, float]:
    """Requests a second and microseconds of the server's processor a request. Raises RuntimeError where any failed."""
    before = cpu(target.pids)
    command = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s"]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{target.port}{target.path}"], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in told and "If-None-Match" not in target.headers:
        raise RuntimeError(f"{target.name}: {told}")
    requests = int(re.search(r"(\d+) requests in", told)[1])  # type: ignore[index]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1]), (cpu(target.pids) - before) / requests * 1e6  # type: ignore[index]


def nginx_conf(folder: Path, site: int, port: int, static: int, host: str = "localhost") -> Path:
    """deploy/nginx.conf with other ports and folders and without TLS, and a server of one compressed file."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    plain = re.search(r"server \{\n    listen 80;.*?\n\}\n", text, re.S)[0]  # type: ignore[index]
    text = text.replace(plain, "")
    text = re.sub(r"\n *(ssl_\w+|listen|error_log) [^;]*;", "", text)
    text = text.replace("server_name example.org;", f"listen 127.0.0.1:{port};\n    server_name _;", 1)
    for there, here in (
        ("unix:/run/itsci-site/site.sock", f"127.0.0.1:{site}"),
        ("/var/cache/nginx/itsci", f"{folder}/cache"),
        ("$host;", f"{host};"),
        ("limit_conn ", "# limit_conn "),
    ):
        text = text.replace(there, here)
    text = re.sub(r"access_log [^;]*;", "access_log off;", text)
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        "events { worker_connections 512; }\n"
        f"http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;"
        f" uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type text/html; access_log off;\n{text}\n"
        f"server {{ listen 127.0.0.1:{static}; root {folder}/files; gzip_static on; access_log off; }} }}\n"
    )
    return conf


def served(rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    """Requests a second and CPU of each way to answer with the same page."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        targets: list[Target] = []

        def add(name: str, port: int, pid: int, path: str = PAGE, **headers: str) -> None:
            given = {"Accept-Encoding": "gzip", "Host": "localhost"} | {
                key.replace("_", "-"): one for key, one in headers.items()
            }
            targets.append(Target(name, port, path, tree(pid), given))

        ports: dict[str, int] = {}
        for version, words in (("ask", "version asked each time"), ("listen", "version known in process")):
            ports[version] = free_port()
            command = gunicorn("itsci_site.wsgi:application", ports[version])
            process = stack.enter_context(started(command, ports[version], PAGE_CACHE_VERSION=version))
            _status, headers, body = get(ports[version], PAGE, Accept_Encoding="gzip", Host="localhost")
            add(f"kept, {words}", ports[version], process.pid)
            add(f"304, {words}", ports[version], process.pid, If_None_Match=dict(headers)["ETag"])
        told = [pair for pair in headers if pair[0] not in ("Server", "Date", "Connection")]
        bare = folder / "page.json"
        bare.write_text(json.dumps({"headers": told, "body": base64.b64encode(body).decode()}))
        for name, application, more in (
            ("constant", "benchmarks.bare:constant", {}),
            ("bare Django, one query", "benchmarks.bare:django()", {"BARE_DJANGO": "1"}),
        ):
            port = free_port()
            process = stack.enter_context(started(gunicorn(application, port), port, BARE_PAGE=str(bare), **more))
            add(name, port, process.pid, "/")
        if shutil.which("nginx"):
            (folder / "files" / "progress").mkdir(parents=True)
            (folder / "files" / "progress" / "index.html.gz").write_bytes(body)
            (folder / "files" / "progress" / "index.html").write_text("uncompressed")
            site, port, static = free_port(), free_port(), free_port()
            command = gunicorn("itsci_site.wsgi:application", site)
            stack.enter_context(started(command, site, BEHIND_PROXY="on", PAGE_CACHE_VERSION="listen"))
            conf = nginx_conf(folder, site, port, static)
            process = stack.enter_context(started(["nginx", "-c", str(conf), "-p", str(folder)], port))
            add("nginx, static gzip", static, process.pid, "/progress/index.html")
            add("behind nginx, micro-cache", port, process.pid)
        else:
            print("nginx is not installed: its two rows are left out (Debian: apt-get install nginx-light)")
        for target in targets:  # the same bytes, or there is nothing to compare
            status, _headers, got = get(target.port, target.path, **{k.replace("-", "_"): v for k, v in target.headers.items()})
            if (status, got) not in ((200, body), (304, b"")):
                raise RuntimeError(f"{target.name} answers {status} with {len(got)} bytes, not {len(body)}")
        settle([pid for target in targets for pid in target.pids])
        runs: dict[str, list[tuple[float, float]]] = {target.name: [] for target in targets}
        for turn in range(rounds + 1):
            for target in targets:
                measured = wrk(target, seconds if turn else 1)
                if turn:  # the first warms up
                    runs[target.name].append(measured)
    found = {}
    for name, measured_runs in runs.items():
        rates, costs = [rate for rate, _cost in measured_runs], [cost for _rate, cost in measured_runs]
        middle = statistics.median(rates)
        found[name] = {
            "requests/s": round(middle, 1), "spread, %": round(100 * (max(rates) - min(rates)) / middle, 1),
            "CPU us": round(statistics.median(costs), 1),
        }  # fmt: skip
    return found


def ratios(found: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    return [
        {"what": one, "to": other, "ratio": round(found[one]["requests/s"] / found[other]["requests/s"], 2), "goal": goal}
        for (one, other), goal in GOALS.items()
        if one in found and other in found
    ]


PERIODS = """
INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, published_at, reason,
                             stage, authors, translated_from)
SELECT series.id, make_date(1900 + period, 1, 1), 'year', '', 1000 + period, 'reported', {source}, '2001-01-01', '',
       'published', '{{}}', '{{}}'
FROM generate_series(0, 98) AS period, regions_series AS series
WHERE series.metric_id = (SELECT id FROM regions_metric WHERE slug = 'miners')
"""


def rendered(runs: int) -> dict[str, dict[str, float]]:
    """Queries and milliseconds of this process's processor for a page that is made anew: every main one, files and feeds.

    With the programme's own content, and figure pages of a hundred periods, which are taken back at the end.
    """
    addresses = [
        "/", "/where-we-work/", "/where-we-work/katanga/", "/where-we-work/katanga/?as-at=2026-11-25", "/progress/",
        "/progress/?as-at=2026-11-25", "/progress/miners/", "/progress/miners/?as-at=2026-11-25", "/progress/changes/",
        "/data/", "/data/corrections/", "/stories/", "/stories/child-labour-katanga/", "/meetings/",
        "/meetings/kalemie-2016-03-11/",
        "/accessibility/", "/search/?q=mine", "/search/?q=katamga", "/programmes/scaling-up-itsci/",
        "/programmes/scaling-up-itsci/progress/miners/",
        "/embed/miners/",
        "/feeds/figures.atom", "/feeds/meetings.atom", "/feeds/meetings.ics", "/sitemap.xml", "/sitemap-pages.xml",
        "/data/dataset.jsonld", "/data/regions.geojson", "/data/iati.xml", "/share.png", "/progress/miners/share.png",
    ]  # fmt: skip
    found = {}
    with override_settings(**SITE), transaction.atomic():
        for address in addresses:
            found[address] = made(address, runs)
            if not re.match(r"/sitemap|/data/\w+\.", address):  # those have one address for both languages
                found[f"/fr{address}"] = made(f"/fr{address}", runs)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE regions_reading DISABLE TRIGGER USER")
            cursor.execute(PERIODS.format(source="(SELECT min(id) FROM regions_source)"))
        for where in ("/progress/miners/", "/fr/progress/miners/", "/programmes/scaling-up-itsci/progress/miners/"):
            found[f"{where}, 100 periods"] = made(where, runs)
        transaction.set_rollback(True)
    return found


BACK = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SELECT set_config('search_path'")
"""What a past day needs only because all of this stands in a transaction."""


def made(address: str, runs: int) -> dict[str, float]:
    client, queries = Client(), []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(BACK):
            queries.append(sql)
        return execute(sql, params, many, context)

    spent = []
    for turn in range(runs + 2):
        queries.clear()
        with connection.execute_wrapper(note):
            begun = time.process_time()
            answer = client.get(address)
            if turn > 1:
                spent.append(time.process_time() - begun)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answers {answer.status_code}")
    return {"queries": len(queries), "CPU ms": round(1000 * statistics.median(spent), 1), "least": round(1000 * min(spent), 1)}


def resident(pid: int) -> float:
    """Megabytes that a process holds."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def memory() -> dict[str, float]:
    """Of a worker: after its first page, and with every public page kept in each language and encoding."""
    port = free_port()
    with started(gunicorn("itsci_site.wsgi:application", port), port) as process:
        (worker,) = [pid for pid in tree(process.pid) if not tree(pid)[1:]]
        found = {"first page, MB": round(resident(worker), 1)}
        addresses = every_address(port)
        for address in addresses:
            for encoding in ("br", "gzip", "identity"):
                get(port, address, Accept_Encoding=encoding, Host="localhost")
        return found | {"pages": len(addresses), "warm, MB": round(resident(worker), 1)}


def every_address(port: int) -> list[str]:
    """Every page of the sitemap in each language, and the feeds and small files."""
    index = get(port, "/sitemap.xml", Host="localhost")[2].decode()
    found = set()
    for section in re.findall(r"<loc>https?://[^/]+(/[^<]+)</loc>", index):
        found |= set(re.findall(r"https?://localhost[^/]*(/[^<\"]*)", get(port, section, Host="localhost")[2].decode()))
    return sorted(found | {"/feeds/figures.atom", "/feeds/meetings.atom", "/data/iati.xml", "/data/regions.geojson"})


def print_table(title: str, rows: dict[str, dict[str, float]]) -> None:
    names = list(next(iter(rows.values())))
    print(f"\n| {title} | " + " | ".join(names) + " |\n|---|" + "---:|" * len(names))
    for label, row in rows.items():
        print(f"| {label} | " + " | ".join(f"{row[name]:,}" for name in names) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure kept pages beside a constant.")
    parser.add_argument("--small", action="store_true", help="Everything once, with little content: does it work?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    asked = parser.parse_args()
    rounds, seconds, runs = (1, 1, 1) if asked.small else (asked.rounds, asked.seconds, 15)
    for program in ("wrk", "taskset"):
        if not shutil.which(program):
            sys.exit(f"There is no {program} here, which this needs (Debian: apt-get install wrk util-linux).")
    found: dict[str, Any] = {"machine": machine()}
    print(found["machine"])
    found["rendered"] = rendered(runs)
    print_table("Made anew", found["rendered"])
    found["served"] = served(rounds, seconds)
    print_table(f"{PAGE}, gzip", found["served"])
    found["ratios"] = ratios(found["served"])
    for one in found["ratios"]:
        met = "met" if one["ratio"] >= one["goal"] else "NOT met"
        print(f"{one['what']} : {one['to']} = {one['ratio']} (goal {one['goal']}, {met})")
    found["memory"] = memory()
    print_table("A worker", {"resident": found["memory"]})
    found["curves"] = curves(synthetic.SMALL if asked.small else synthetic.SIZES)
    if not asked.small:
        write("pages", found)


if __name__ == "__main__":
    main()
