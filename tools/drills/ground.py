"""The ground of a drill: servers, pages, workers and a supplier of its own; all end with the block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools import environment, processes
from tools.drills.workers import Worker
from tools.manage import manage_py
from tools.places import ROOT, Trouble, last_lines
from tools.postgres import Postgres, free_port, throw_away
from tools.pretend_supplier.client import PretendSupplier
from tools.progress import step
from tools.testing import run_folder
from tools.valkey import Valkey

GROUPS = 2
# What takes minutes in production takes seconds here; the order of the waits is the same. The grace is longer
# than a supplier on a busy machine needs to write a text down: asked sooner, its list proves nothing. With
# 2.5 s and twenty processes to a core it was not: six texts that the supplier took seconds later went twice.
SHORT = {
    "TWILIO_TIMEOUT_SECONDS": "0.5",
    "DELIVERY_LEASE_SECONDS": "3.5",
    "DELIVERY_GRACE_SECONDS": "6",
    "DELIVERY_BACKOFF_SECONDS": "0.1",
}


class Broker(Valkey):
    """A broker that can die and come back empty under the same address."""

    def die(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def come_back(self) -> None:
        """Start again, empty, on the same port with the same password."""
        for _attempt in range(50):
            self._spawn()
            if self._answers():
                return
            time.sleep(0.1)
        raise Trouble("The broker did not come back.")


class Pages:
    """The web server, as production starts it."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self.port, self.log = free_port(), log
        self.variables = variables | {"PUBLIC_URL": self.url}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return when it answers."""
        arguments = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        sparse = ["--workers", "1", "--blocking-threads", "8", "--no-access-log", "--log-level", "warning"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "granian", *arguments, *sparse, "frontdesk.wsgi:application"],
                cwd=ROOT,
                env=self.variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > until or self.process.poll() is not None:
                raise Trouble(f"The pages did not start. The end of their log:\n{last_lines(self.log)}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Return whether anything answers; /healthz may say that the timetable is missing."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def stop(self) -> None:
        """End it with all its processes."""
        if self.process is not None:
            processes.end_group(self.process.pid)
            self.process.wait(10)
            self.process = None


class Ground:
    """What a drill stands on."""

    def __init__(
        self, folder: Path, variables: dict[str, str], broker: Broker, supplier: PretendSupplier
    ) -> None:
        self.folder, self.variables = folder, variables
        self.broker, self.supplier = broker, supplier
        self.crew: list[Worker] = []
        self.pages: Pages | None = None
        self._switched_off = ""

    @property
    def address(self) -> str:
        """Return where the pages answer; raises Trouble while there are none."""
        if self.pages is None:
            raise Trouble("No pages are open.")
        return self.pages.url

    def without(self, protection: str) -> None:
        """Let only workers and pages work in which a protection is switched off."""
        self._staff(protection)

    def work_normally(self) -> None:
        """Let workers and pages work as the product does."""
        self._staff("")

    def _staff(self, switched_off: str) -> None:
        if self.crew and self._switched_off == switched_off:
            return
        self.dismiss()
        self._switched_off = switched_off
        variables = self.variables | {"DRILL_SWITCHED_OFF": switched_off}
        self.pages = Pages(variables, self.folder / "pages.log")
        self.pages.start()
        os.environ["PUBLIC_URL"] = self.pages.url
        from django.conf import settings

        settings.PUBLIC_URL = self.pages.url
        for number in range(GROUPS):
            log = self.folder / f"worker-{number}.log"
            worker = Worker(self.pages.variables, log, "tools.drills.app")
            worker.start()
            self.crew.append(worker)
        for worker in self.crew:
            worker.wait_until_it_works()

    def replace(self, worker: Worker) -> None:
        """Kill a worker group and start another in its place, which answers some seconds later."""
        worker.kill()
        worker.start()

    def dismiss(self) -> None:
        """End workers and pages."""
        for worker in self.crew:
            worker.signal(signal.SIGCONT)
            worker.kill()
        self.crew.clear()
        if self.pages is not None:
            self.pages.stop()
            self.pages = None


@contextmanager
def ground_for_drills() -> Iterator[Ground]:
    """Everything started, migrated and known to this process; it all ends with the block."""
    with run_folder() as folder, ExitStack() as ending:
        cluster, broker = throw_away(folder), Broker(folder / "valkey", folder / "valkey.log")
        ending.callback(cluster.remove)
        ending.callback(cluster.stop)
        ending.callback(broker.stop)
        with step("Servers for the drills"):
            cluster.start()
            broker.start()
            remember(folder, cluster, broker)
        supplier = ending.enter_context(PretendSupplier({}))
        variables = variables_for(cluster, broker, supplier)
        with step("Tables"):
            migrate(variables)
        os.environ.update(variables)
        import django

        django.setup()
        ground = Ground(folder, variables, broker, supplier)
        ending.callback(ground.dismiss)
        yield ground


def remember(folder: Path, cluster: Postgres, broker: Broker) -> None:
    """Write down what runs, so that the next run clears up should this one be killed."""
    running = [one.process.pid for one in (cluster, broker) if one.process is not None]
    (folder / "servers.json").write_text(json.dumps(processes.remember(running)))


def variables_for(cluster: Postgres, broker: Broker, supplier: PretendSupplier) -> dict[str, str]:
    """The environment of everything in a drill."""
    given = environment.for_tests() | environment.database_urls(cluster) | SHORT
    return environment.for_mode("demo", **given) | {
        "DJANGO_SETTINGS_MODULE": "tools.drills.settings",
        "REDIS_URL": broker.url,
        "LOG_LEVEL": "ERROR",
        "TWILIO_BASE_URL": supplier.base_url,
        "TWILIO_ACCOUNT_SID": supplier.account_sid,
        "TWILIO_AUTH_TOKEN": supplier.auth_token,
        "EMAIL_HOST": supplier.smtp_host,
        "EMAIL_PORT": str(supplier.smtp_port),
        "PYTHONPATH": str(ROOT),
    }


def migrate(variables: dict[str, str]) -> None:
    """Make the tables."""
    owner = dict(variables)
    done = subprocess.run(
        manage_py(owner, ["migrate", "--verbosity", "0"]),
        cwd=ROOT,
        env=owner,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Trouble(f"The tables could not be made:\n{done.stderr[-2000:]}")
