"""./dev test: real servers of its own, the browser, then pytest. Several runs may go at the same time."""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools import browser, environment, processes
from tools.places import ROOT, TEST_RUNS
from tools.postgres import Postgres, throw_away
from tools.pretend_clamd import Clamd
from tools.progress import step
from tools.valkey import Valkey

# With these the run is about single tests, or needs the terminal, so it stays in one process.
ONE_PROCESS = {
    "-n",
    "--numprocesses",
    "--pdb",
    "--trace",
    "-s",
    "--collect-only",
    "--co",
    "-h",
    "--help",
    "--version",
}
BROWSER_TESTS = ROOT / "tests" / "browser"


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for one run, locked while it lives, so that the next run can clear away an abandoned one."""
    environment.make_run_folder()
    TEST_RUNS.mkdir(exist_ok=True)
    _clear_abandoned()
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=TEST_RUNS))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _clear_abandoned() -> None:
    """Stop the servers of runs whose ./dev was killed and delete their folders."""
    for folder in TEST_RUNS.glob("run-*"):
        with suppress(OSError), (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop_leftovers(folder)
            _cluster(folder).remove()
            shutil.rmtree(folder, ignore_errors=True)


def _stop_leftovers(folder: Path) -> None:
    with suppress(OSError, ValueError):
        processes.stop_remembered(json.loads((folder / "servers.json").read_text()))


def _cluster(folder: Path) -> Postgres:
    return Postgres(folder / "postgres", folder / "postgres.log")


@contextmanager
def throw_away_servers() -> Iterator[dict[str, str]]:
    """Throw-away servers, yielding the environment for what runs against them."""
    with run_folder() as folder:
        with step("Postgres and Valkey for the tests"):
            cluster = _cluster(folder) if environment.given_database() else throw_away(folder)
            # Tables are filled and emptied all the time: statistics of an empty moment make slow plans.
            cluster.settings = {**cluster.settings, "autovacuum": "off"}
            both = environment.servers(cluster, Valkey(folder / "valkey", folder / "valkey.log"))
            try:
                addresses = {**both.start_postgres(), **both.start_valkey()}
                (folder / "servers.json").write_text(json.dumps(processes.remember(both.process_ids())))
            except BaseException:
                both.stop()
                cluster.remove()
                raise
        try:
            with Clamd() as scanner:
                given = {**environment.for_tests(), "CLAMD_ADDRESS": scanner.address}
                if environment.given_database():
                    given["FRONTDESK_KEEP_PATTERN"] = "1"
                else:
                    given["DATABASE_SUPERUSER_URL"] = cluster.url("postgres")
                yield environment.for_mode("test", **given, **addresses)
        finally:
            both.stop()
            cluster.remove()


def _paths(arguments: list[str]) -> list[Path]:
    """The arguments that name files or folders of tests."""
    return [path for a in arguments if not a.startswith("-") and (path := ROOT / a.split("::")[0]).exists()]


def _wants_browser(arguments: list[str]) -> bool:
    if not BROWSER_TESTS.is_dir() or not any(BROWSER_TESTS.rglob("test_*.py")):
        return False
    paths = _paths(arguments)
    return not paths or any(p.is_relative_to(BROWSER_TESTS) or BROWSER_TESTS.is_relative_to(p) for p in paths)


def _in_parallel(arguments: list[str]) -> list[str]:
    """Two processes for the whole suite; starting a second one does not pay for a few files."""
    options = {a.split("=")[0] for a in arguments} | {a[:2] for a in arguments if not a.startswith("--")}
    few = _paths(arguments) and all(path.is_file() for path in _paths(arguments))
    if options & ONE_PROCESS or few:
        return []
    return ["-n", "2", "--dist", "worksteal"]


def command(arguments: list[str]) -> int:
    """Run the tests and return pytest's exit status."""
    without_browser = "--no-browser" in arguments
    arguments = [a for a in arguments if a != "--no-browser"]
    more: list[str] = []
    found: dict[str, str] = {}
    if without_browser:
        print("  The browser tests are left out (--no-browser).", flush=True)
        more = [f"--ignore={BROWSER_TESTS}"]
    elif _wants_browser(arguments):
        with step("A browser for the tests") as shown:
            program = browser.find_or_install()
            shown.note = str(program)
        found = {"BROWSER_EXE": str(program)}
    with throw_away_servers() as variables:
        pytest = [sys.executable, "-m", "pytest", *_in_parallel(arguments), *more, *arguments]
        status = _run(pytest, {**variables, **found})
    if without_browser:
        print("The browser tests were left out (--no-browser).")
    return status


def _run(pytest: list[str], variables: dict[str, str]) -> int:
    """Run pytest to its end; Ctrl-C reaches it through the terminal, SIGTERM is passed on."""
    process = subprocess.Popen(pytest, cwd=ROOT, env=variables)

    def pass_on(_number: int, _frame: object) -> None:
        process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
