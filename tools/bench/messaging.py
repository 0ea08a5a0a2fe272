"""What messaging can carry: sends a second beside bare Celery tasks, and a storm of duplicated webhooks."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import psycopg
from twilio.request_validator import RequestValidator

from tools.bench.load import Ask, Waited, ask_all
from tools.bench.stage import Desk
from tools.places import ROOT, Trouble
from tools.pretend_supplier.client import PretendSupplier

LATENCY = 0.02  # seconds until the pretend supplier answers
PROCESSES = 2
WORKER = ("worker", "--concurrency", str(PROCESSES), "--loglevel", "ERROR", "--without-gossip")
PATIENCE = 300.0
STORM, COPIES, THREADS = 2_000, 20, 20
LINKS = "https://desk.example/v/"  # in each text of the bench


def inside(desk: Desk, *arguments: str) -> dict[str, Any]:
    """Runs `tools.bench.letters` in the desk's environment and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench.letters", *arguments],
        cwd=ROOT,
        env=desk.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Trouble(f"The bench of messaging could not be prepared:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def workers(arguments: list[str], variables: dict[str, str]) -> Iterator[None]:
    """Worker processes that end with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", *arguments, *WORKER, "--without-mingle"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def seconds_until(done: Callable[[], bool], nudge: Callable[[], None]) -> float:
    """How long it takes; `nudge` is what the timetable does meanwhile, every two seconds."""
    began = nudged = time.perf_counter()
    nudge()
    while not done():
        now = time.perf_counter()
        if now - began > PATIENCE:
            raise Trouble("The texts of the bench did not all leave.")
        if now - nudged > 2:
            nudged = now
            nudge()
        time.sleep(0.02)
    return time.perf_counter() - began


class Sending:
    """The same texts twice: through the outbox, and by bare tasks."""

    def __init__(self, desk: Desk, count: int) -> None:
        self.desk, self.count = desk, count
        self.slug = desk.facts["practice"]

    def measure(self) -> tuple[float, float]:
        """Sends a second: ours, and the floor."""
        line = inside(self.desk, "due", self.slug, str(self.count))["line"]
        with PretendSupplier({line: ""}, opt_out_replies=False) as supplier:
            supplier.faults([{"kind": "slow", "rate": 1.0, "seconds": LATENCY}])
            variables = self.desk.variables | {
                "TWILIO_BASE_URL": supplier.base_url,
                "TWILIO_ACCOUNT_SID": supplier.account_sid,
                "TWILIO_AUTH_TOKEN": supplier.auth_token,
                # Nobody posts reports back: neither side is measured with them.
                "PUBLIC_URL": "http://127.0.0.1:1",
                "BENCH_LINE": line,
            }
            ours = self.through_the_outbox(variables, supplier)
        with PretendSupplier({line: ""}, opt_out_replies=False) as supplier:
            supplier.faults([{"kind": "slow", "rate": 1.0, "seconds": LATENCY}])
            floor = self.bare(variables | {"TWILIO_BASE_URL": supplier.base_url}, supplier)
        return ours, floor

    def through_the_outbox(self, variables: dict[str, str], supplier: PretendSupplier) -> float:
        from celery import Celery

        broker = Celery("bench", broker=variables["REDIS_URL"])
        practice = self.desk.facts["practice_id"]

        def wake() -> None:
            for _ in range(PROCESSES):
                broker.send_task("messaging.tasks.deliver_due", args=[practice])

        with psycopg.connect(self.desk.superuser, autocommit=True) as server:
            mine = "practice_id = %s AND idempotency_key LIKE 'bench:due:%%'"

            def left() -> int:
                row = server.execute(
                    f"SELECT count(*) FROM messaging_message WHERE {mine} AND status <> 'sent'",
                    [practice],
                ).fetchone()
                return int(row[0]) if row else 0

            with workers(["-A", "frontdesk"], variables):
                self.ready(broker)
                server.execute(f"UPDATE messaging_message SET send_after = now() WHERE {mine}", [practice])
                seconds = seconds_until(lambda: left() == 0, wake)
            server.execute(f"DELETE FROM messaging_message WHERE {mine}", [practice])
        self.once_each(supplier)
        return self.count / seconds

    def bare(self, variables: dict[str, str], supplier: PretendSupplier) -> float:
        from celery import Celery

        broker = Celery("bench", broker=variables["REDIS_URL"])
        with workers(["-A", "tools.bench.bare"], variables):
            self.ready(broker)

            def all_of_them() -> None:
                if not sent:
                    for number in range(self.count):
                        broker.send_task(
                            "tools.bench.bare.send", args=[f"+1207{number:07d}", "A text"], queue="bare"
                        )
                    sent.append(True)

            sent: list[bool] = []
            seconds = seconds_until(lambda: len(supplier.ledger()) >= self.count, all_of_them)
        return self.count / seconds

    def once_each(self, supplier: PretendSupplier) -> None:
        numbers = [text["to"] for text in supplier.ledger() if LINKS in text["body"]]  # others wait there too
        if len(numbers) != self.count or len(set(numbers)) != self.count:
            raise Trouble(f"{self.count} texts were due, {len(numbers)} left to {len(set(numbers))} numbers.")

    @staticmethod
    def ready(broker: Any) -> None:
        deadline = time.monotonic() + 60
        while not broker.control.ping(timeout=0.5):
            if time.monotonic() > deadline:
                raise Trouble("The workers of the bench did not start.")


def storm(desk: Desk, share: float) -> tuple[Waited, int]:
    """Webhooks, each of them many times at once: how long they waited, and the second effects they had."""
    slug, line = desk.facts["practice"], inside(desk, "due", desk.facts["practice"], "0")["line"]
    different = max(round(STORM * share) // COPIES, 5)
    asks = [webhook(desk, slug, line, number) for number in range(different)] * COPIES
    random.Random(7).shuffle(asks)  # noqa: S311 - the same storm each time
    with psycopg.connect(desk.superuser, autocommit=True) as server:
        before = effects(server, desk)
        waited = ask_all(desk.port, asks, THREADS)
        rows = [now - was for now, was in zip(effects(server, desk), before, strict=True)]
    return waited, sum(abs(row - different) for row in rows)


def effects(server: psycopg.Connection[Any], desk: Desk) -> list[int]:
    """Messages that came in, and receipts of webhooks."""
    practice = desk.facts["practice_id"]
    counts = []
    for what in ("messaging_message WHERE direction = 'in' AND", "messaging_webhookreceipt WHERE"):
        row = server.execute(f"SELECT count(*) FROM {what} practice_id = %s", [practice]).fetchone()
        counts.append(int(row[0]) if row else 0)
    return counts


def webhook(desk: Desk, slug: str, line: str, number: int, from_: str = "", body: str = "") -> Ask:
    """A text that came in, signed as the supplier signs."""
    path = f"/hooks/twilio/{slug}/received/"
    form = {
        "MessageSid": f"SM{number:032x}",
        "From": from_ or f"+1207555{number:04d}",
        "To": line,
        "Body": body or "Could I come an hour later?",
        "NumMedia": "0",
    }
    signer = RequestValidator(desk.variables["TWILIO_AUTH_TOKEN"])
    headers = {
        "X-Twilio-Signature": signer.compute_signature(desk.variables["PUBLIC_URL"] + path, form),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Ask(path, "POST", urlencode(form).encode(), headers)
