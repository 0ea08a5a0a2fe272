"""What the bench measures on: servers of its own, the pages as production serves them, and a fresh demo."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import environment, processes
from tools.manage import manage_py
from tools.places import ROOT, Trouble, last_lines
from tools.postgres import DURABLE, Postgres, free_port, throw_away
from tools.progress import step
from tools.testing import run_folder
from tools.valkey import Valkey

WORKERS = 2
START_SECONDS = 60.0


@dataclass
class Desk:
    """The running desk: its port, what is in it, and the database past row security."""

    port: int
    facts: dict[str, Any]
    superuser: str
    variables: dict[str, str]
    web: int  # the process whose children answer


@contextmanager
def desk_for_bench(patients: int) -> Iterator[Desk]:
    """Servers that end with the block; Postgres as durable as in production, its data thrown away."""
    with run_folder() as folder:
        cluster = throw_away(folder)
        valkey = Valkey(folder / "valkey", folder / "valkey.log")
        try:
            cluster.start()
            valkey.start()
            _remember(folder, cluster, valkey)
            with _desk(cluster, valkey, folder, patients) as desk:
                yield desk
        finally:
            valkey.stop()
            cluster.stop()
            cluster.remove()


def _remember(folder: Path, cluster: Postgres, valkey: Valkey, *more: int) -> None:
    """Writes down what runs, so that the next run clears up should this one be killed."""
    running = [one.process.pid for one in (cluster, valkey) if one.process is not None]
    (folder / "servers.json").write_text(json.dumps(processes.remember([*running, *more])))


def _durable(cluster: Postgres) -> dict[str, str]:
    """Starts the cluster anew as durable as in production; filling it was not what we measure."""
    cluster.stop()
    cluster.settings = {**DURABLE, "max_connections": "100"}
    cluster.start()
    return {**environment.database_urls(cluster), "BENCH_SUPERUSER_URL": cluster.url("postgres", "frontdesk")}


@contextmanager
def _desk(cluster: Postgres, valkey: Valkey, folder: Path, patients: int) -> Iterator[Desk]:
    port = free_port()
    variables = environment.for_mode(
        "demo",
        **environment.for_tests(),
        **environment.database_urls(cluster),
        REDIS_URL=valkey.url,
        LOG_LEVEL="WARNING",
    )
    variables |= {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DJANGO_SETTINGS_MODULE": "tools.bench.settings",
        "BENCH_SUPERUSER_URL": cluster.url("postgres", "frontdesk"),
        "PYTHONPATH": str(ROOT),
    }
    with step("Tables"):
        owner = dict(variables)
        _run(manage_py(owner, ["migrate", "--verbosity", "0"]), owner)
    with step(f"A practice with {patients:,} patients"):
        facts = json.loads(_run([sys.executable, "-m", "tools.bench.world", str(patients)], variables))
        with cluster.connect(database="frontdesk") as server:
            server.execute("VACUUM ANALYZE")
        variables |= _durable(cluster)
    log = folder / "web.log"
    with log.open("wb") as out:
        web = subprocess.Popen(_granian(port), cwd=ROOT, env=variables, stdout=out, stderr=out)
    try:
        _remember(folder, cluster, valkey, web.pid)
        _wait_for(port, web, log)
        yield Desk(port, facts, cluster.url("postgres", "frontdesk"), variables, web.pid)
    finally:
        web.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            web.wait(10)
        if web.poll() is None:
            web.kill()
            web.wait()


def _granian(port: int) -> list[str]:
    """The pages' server as the Dockerfile starts it."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(WORKERS), "--no-access-log", "--log-level", "warning"),
        "frontdesk.wsgi:application",
    ]


def _run(arguments: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(arguments, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"The bench could not be prepared:\n{done.stderr.strip()[-3000:]}")
    return done.stdout


def _wait_for(port: int, web: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and web.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/empty", timeout=5):
            return
        time.sleep(0.1)
    raise Trouble(f"The pages did not start:\n{last_lines(log)}")


def from_nothing() -> float:
    """Seconds from ./dev demo in a copy without data to its first page; packages are installed."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-bench-"))
    log = folder / "demo.log"
    try:
        _copy_to(folder / "desk")
        port = free_port()
        variables = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        started = time.perf_counter()
        with log.open("wb") as out:
            demo = subprocess.Popen(
                [sys.executable, "-m", "tools", "demo", "--port", str(port)],
                cwd=folder / "desk",
                env={**variables, "PYTHONPATH": str(folder / "desk")},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            _until_ready(demo, log, port)
            return time.perf_counter() - started
        finally:
            demo.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                demo.wait(60)
            processes.end_group(demo.pid)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_to(target: Path) -> None:
    """The files of this checkout without its data, as a clone would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _until_ready(demo: subprocess.Popen[bytes], log: Path, port: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and demo.poll() is None:
        if b"Front desk is ready" in log.read_bytes():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10):
                return
        time.sleep(0.1)
    raise Trouble(f"The fresh demo did not open. The end of its log:\n{last_lines(log)}")
