"""Watching and stopping: nothing outlives the demo, and what dies is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import demo_state, environment, processes, supervisor
from tools.places import Trouble

# A parent that ignores SIGTERM and has a child in its session which does the same.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    print("child", os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests must not touch the demo of whoever runs them."""
    for module, name in (
        (supervisor, "LOGS"),
        (demo_state, "DEMO_LOCK"),
        (demo_state, "DEMO_STATE"),
    ):
        monkeypatch.setattr(module, name, tmp_path / name.lower())
    supervisor.LOGS.mkdir()


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_child_that_will_not_stop_is_killed_with_its_own_children() -> None:
    child = supervisor.Child("stubborn", ["-c", STUBBORN], dict(os.environ))
    assert eventually(lambda: "child" in child.log.read_text())
    grandchild = int(child.log.read_text().split()[1])
    assert processes.identity(grandchild)
    child.stop(seconds=0.2)
    assert child.died()
    assert eventually(lambda: not processes.identity(grandchild))


def test_a_child_that_dies_is_named_with_the_end_of_its_log() -> None:
    demo = supervisor.Demo(8000)
    demo.children.append(supervisor.Child("worker", ["-c", "print('no broker'); exit(3)"], dict(os.environ)))
    assert eventually(demo.children[0].died)
    with pytest.raises(Trouble, match=r"worker stopped by itself \(exit status 3\).*\n.*no broker"):
        demo.check_children()


def test_a_second_demo_is_refused_and_the_lock_is_free_after_the_first() -> None:
    first, second = demo_state.DemoLock(), demo_state.DemoLock()
    assert first.take("demo")
    assert not second.take("demo")
    assert demo_state.holder() == f"./dev demo, process {os.getpid()}"
    with first:
        pass
    assert second.take("manage")
    with second:
        pass


def test_the_demo_says_so_when_another_has_its_data() -> None:
    with demo_state.DemoLock() as lock:
        assert lock.take("demo")
        demo_state.write_state({}, "http://127.0.0.1:8000", [])
        with pytest.raises(Trouble, match=r"in use at http://127\.0\.0\.1:8000"):
            supervisor.command([])


def test_what_a_killed_demo_left_behind_is_stopped_at_the_next_start() -> None:
    # A shell that starts the suite in the background lets its children ignore the signal.
    hears = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    waits = hears + "print('up', flush=True); time.sleep(600)"
    left = subprocess.Popen(
        [sys.executable, "-c", waits], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert left.stdout is not None
    assert left.stdout.readline() == "up\n"
    demo_state.write_state({}, "http://127.0.0.1:8000", [left.pid])
    with demo_state.DemoLock() as lock:
        assert lock.take("demo")
        assert lock.stopped == 1
    assert left.wait(10) == -signal.SIGINT


def test_a_number_that_means_another_process_by_now_is_left_alone() -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        assert processes.stop_remembered({str(other.pid): "an earlier start"}) == 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_taken_port_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "is_free", lambda port: False)
    with pytest.raises(Trouble, match=r"Port 8000 is taken.*--port 8001"):
        supervisor.command([])


def test_the_demos_secrets_are_kept_and_private(tmp_path: Path) -> None:
    path, data = tmp_path / "demo.env", tmp_path / "postgres"
    first = environment.demo_secrets(path, data)
    assert path.stat().st_mode & 0o077 == 0
    assert environment.demo_secrets(path, data) == first
    assert first["FIELD_KEYS"].startswith("k1:")


def test_data_without_its_keys_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(Trouble, match="--fresh"):
        environment.demo_secrets(tmp_path / "demo.env", tmp_path / "postgres")


def test_a_database_address_without_the_owners_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@127.0.0.1/a")
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    with pytest.raises(Trouble, match="DATABASE_OWNER_URL"):
        environment.given_database()


def test_nothing_of_a_test_can_reach_a_real_supplier() -> None:
    assert environment.for_tests()["TWILIO_BASE_URL"] == environment.NOWHERE
