"""What the demo keeps between runs: one lock, its servers' folders, and what is running just now."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

from tools import environment, processes
from tools.places import DEMO_LOCK, DEMO_POSTGRES, DEMO_STATE, DEMO_VALKEY, LOGS
from tools.postgres import Postgres, write_private
from tools.valkey import Valkey


class DemoLock:
    """Held by the one command that owns the demo's servers; the system frees it when that is killed."""

    def __init__(self) -> None:
        self.file: TextIO | None = None
        self.stopped = 0

    def take(self, who: str) -> bool:
        """Take the lock; False when another command has it. Stops what a killed owner left behind."""
        environment.make_run_folder()
        file = DEMO_LOCK.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self.file = file
        self.stopped = stop_leftovers()
        # Opened for appending, so the new holder is written at the start of the emptied file.
        file.truncate(0)
        file.write(f"{who} {os.getpid()}\n")
        file.flush()
        return True

    def __enter__(self) -> DemoLock:
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.file is not None:
            self.file.close()


def holder() -> str:
    """Who has the lock, as words: the command and its process number."""
    with suppress(OSError, ValueError):
        who, number = DEMO_LOCK.read_text().split()
        return f"./dev {who}, process {number}"
    return "another ./dev command"


def demo_servers() -> environment.Servers:
    """The demo's own servers, or the caller's where DATABASE_URL or REDIS_URL are given."""
    return environment.servers(
        Postgres(DEMO_POSTGRES, LOGS / "postgres.log"), Valkey(DEMO_VALKEY, LOGS / "valkey.log")
    )


def read_state() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        state: dict[str, Any] = json.loads(DEMO_STATE.read_text())
        return state
    return {}


def write_state(variables: dict[str, str], address: str, numbers: list[int]) -> None:
    """Write down what is running, for ./dev manage and for the start after a crash."""
    kept = {name: value for name, value in variables.items() if os.environ.get(name) != value}
    state = {"environment": kept, "address": address, "processes": processes.remember(numbers)}
    write_private(DEMO_STATE, json.dumps(state))


def stop_leftovers() -> int:
    """Stop processes of a demo whose supervisor was killed; returns how many there were."""
    stopped = processes.stop_remembered(read_state().get("processes", {}))
    forget_state()
    return stopped


def forget_state() -> None:
    DEMO_STATE.unlink(missing_ok=True)
