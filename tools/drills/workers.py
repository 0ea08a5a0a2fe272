"""Worker groups of a drill: started like the product's, killed and stopped at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tools.places import ROOT

READY = b" ready."
START_SECONDS = 180.0


class Worker:
    """A real Celery worker: its process group is killed as a whole, as a machine would."""

    def __init__(self, environment: dict[str, str], log: Path, app: str = "frontdesk") -> None:
        self.environment, self.log, self.app = environment, log, app
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it answers a little later."""
        arguments = ["--concurrency", "2", "--loglevel", "WARNING"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", self.app, "worker", *arguments, *quiet],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group: master and pool at once."""
        if self.process is not None:
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL for the whole group."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait(timeout=10)
            self.process = None

    def children(self) -> list[int]:
        """Return the processes of the pool."""
        if self.process is None:
            return []
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(one) for one in path.read_text().split()] if path.exists() else []

    def wait_until_it_works(self) -> None:
        """Return when the pool is there; raises TimeoutError with the end of the log."""
        until = time.monotonic() + START_SECONDS
        while len(self.children()) < 2:
            if time.monotonic() > until or self.process is None or self.process.poll() is not None:
                raise TimeoutError(f"A worker did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
