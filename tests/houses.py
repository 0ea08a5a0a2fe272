"""The whole house as processes on the suite's database: pages, worker, timetable; and a client for it.

Everything is started as the product starts it, with LOG_LEVEL=DEBUG, and writes its log to a file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
import requests
from django.conf import settings

from practices.models import Practice
from tests.conftest import owner_connection
from tests.factories import PASSWORD
from tools.pretend_supplier.client import PretendSupplier

ROOT = Path(__file__).parents[1]
START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def zone_where_it_is(hour: int) -> str:
    """A time zone in which it is about this hour now, so that no journey depends on the hour it runs at."""
    ahead = (hour - dt.datetime.now(dt.UTC).hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def rows_of(practice: Practice) -> dict[str, str]:
    """A hash of each table as far as it is the practice's, read as the owner of the tables."""
    with owner_connection(str(settings.DATABASES["default"]["NAME"])) as owner:
        owner.execute("SELECT set_config('app.practice_id', %s, false)", [str(practice.pk)])
        tables = owner.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND column_name = 'practice_id' ORDER BY 1"
        ).fetchall()
        found = {}
        for (table,) in tables:
            query = f'SELECT t::text FROM "{table}" t WHERE practice_id = %s ORDER BY id'
            rows = owner.execute(query, [practice.pk]).fetchall()  # type: ignore[arg-type]
            found[table] = f"{len(rows)}:{hashlib.sha256(repr(rows).encode()).hexdigest()}"
        return found


class House:
    """Pages, one worker and two timetables, with a pretend supplier of texts and mails."""

    def __init__(self, folder: Path, broker: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.supplier = PretendSupplier({})
        # A broker of its own: another process of the suite may empty or serve the first one.
        self.redis_url = with_path(settings.REDIS_URL, str(broker))
        self.redis = redis.Redis.from_url(self.redis_url)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": with_path(os.environ["DATABASE_URL"], settings.DATABASES["default"]["NAME"]),
            "REDIS_URL": self.redis_url,
            "PUBLIC_URL": self.url,
            "LOG_LEVEL": "DEBUG",
            "TWILIO_BASE_URL": self.supplier.base_url,
            "TWILIO_ACCOUNT_SID": self.supplier.account_sid,
            "TWILIO_AUTH_TOKEN": self.supplier.auth_token,
            "EMAIL_HOST": self.supplier.smtp_host,
            "EMAIL_PORT": str(self.supplier.smtp_port),
            "DELIVERY_GRACE_SECONDS": "1",
            "DELIVERY_BACKOFF_SECONDS": "0.2",
        }

    def start(self) -> None:
        self.supplier.start()
        self.redis.flushdb()
        self.run(
            "desk", "uvicorn", "frontdesk.asgi:application", "--host", "127.0.0.1", "--port", str(self.port),
            "--no-access-log", "--timeout-graceful-shutdown", "1",
        )  # fmt: skip
        celery = ("celery", "-A", "tests.journeys.quick")
        self.run(
            "worker", *celery, "worker", "--concurrency", "1", "--loglevel", "DEBUG",
            "--without-gossip", "--without-mingle",
        )  # fmt: skip
        for name in ("beat", "second-beat"):
            schedule = str(self.folder / name)
            self.run(name, *celery, "beat", "--loglevel", "DEBUG", "--schedule", schedule, "--pidfile=")
        self.wait_until_ready()

    def run(self, name: str, *module: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *module], cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        until, said = time.monotonic() + START_SECONDS, ""
        while time.monotonic() < until:
            try:
                answer = requests.get(f"{self.url}/healthz", timeout=5)
                said = f"{answer.status_code} {answer.text}"
                if answer.status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError(
            f"The house did not start: {said}\n{self.log('desk')[-2000:]}{self.log('worker')[-2000:]}"
        )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def signal(self, number: signal.Signals, *names: str) -> None:
        """To whole process groups: a pool child must not work on while its master sleeps."""
        for name in names:
            os.killpg(self.processes[name].pid, number)

    def resume(self) -> None:
        self.signal(signal.SIGCONT, "worker", "beat", "second-beat")

    def rest(self) -> None:
        """Stops the timetable and lets the worker finish: the tables can be emptied then."""
        self.signal(signal.SIGCONT, "worker")
        self.signal(signal.SIGSTOP, "beat", "second-beat")
        until = time.monotonic() + 5
        while time.monotonic() < until and (self.redis.llen("celery") or self.busy()):
            time.sleep(0.05)
        self.supplier.reset()

    def busy(self) -> int:
        """How many other sessions work on the database."""
        with owner_connection(settings.DATABASES["default"]["NAME"]) as owner:
            row = owner.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state <> 'idle' AND usename = 'frontdesk_app'"
            ).fetchone()
        return int(row[0]) if row else 0

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.supplier.stop()

    def connect(self, practice: Practice) -> None:
        """Lets the supplier carry the practice's line: what is texted to it comes to the desk."""
        line, hooks = str(practice.line_number), f"{self.url}/hooks/twilio/{practice.slug}"
        self.supplier.add_number(line, f"{hooks}/received/", practice.name)


class Visitor:
    """A browser without pictures: keeps cookies, sends our own forms, remembers what it asked for."""

    def __init__(self, url: str) -> None:
        self.url, self.asked = url, list[str]()
        self.session = requests.Session()

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> requests.Response:
        form = {"csrfmiddlewaretoken": self.session.cookies.get("csrftoken", "")} | (data or {})
        return self.send("POST", path, data=form, headers=headers)

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        more["headers"] = {"Referer": self.url} | {k.replace("_", "-"): v for k, v in more["headers"].items()}
        answer = self.session.request(method, self.url + path, timeout=15, **more)
        self.asked += [answer.url, *(step.url for step in answer.history)]
        return answer

    def sign_in(self, email: str = "dana@frontdesk.example") -> None:
        self.get("/account/login/")
        answer = self.post("/account/login/", {"login": email, "password": PASSWORD})
        assert answer.ok, answer.status_code
        assert "sessionid" in self.session.cookies
