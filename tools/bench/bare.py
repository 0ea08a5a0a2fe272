"""The floor of the outbox: a Celery task that does nothing but the same HTTP call, once a message."""

from __future__ import annotations

import functools
import os

import requests
from celery import Celery

app = Celery("bare", broker=os.environ["REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.task_default_queue = "bare"
app.conf.worker_prefetch_multiplier = 1


@functools.cache
def session() -> requests.Session:
    """This process's connections."""
    return requests.Session()


@app.task
def send(to: str, body: str) -> None:
    """One text, as the supplier's interface takes it."""
    account, base = os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_BASE_URL"]
    answer = session().post(
        f"{base}/2010-04-01/Accounts/{account}/Messages.json",
        data={"From": os.environ["BENCH_LINE"], "To": to, "Body": body},
        auth=(account, os.environ["TWILIO_AUTH_TOKEN"]),
        timeout=10,
    )
    answer.raise_for_status()
