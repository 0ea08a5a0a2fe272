"""Whether database, broker, worker and timetable answer.

The timetable sends a heartbeat task every five seconds and leaves its mark when it does; the worker leaves
its own when it runs the task. Marks fade, so a process that hangs is as visible as one that is gone.
"""

from collections.abc import Callable
from typing import Any

from celery.signals import before_task_publish
from django.db import connection

from practices.changes import client

HEARTBEAT = "frontdesk.tasks.heartbeat"
FADES_AFTER_SECONDS = 20


def mark(part: str) -> None:
    """Notes that a part of the system is alive."""
    client().set(f"heartbeat:{part}", 1, ex=FADES_AFTER_SECONDS)


@before_task_publish.connect(sender=HEARTBEAT)
def timetable_is_alive(**_: Any) -> None:
    mark("timetable")


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def has_mark(part: str) -> bool:
    return bool(client().exists(f"heartbeat:{part}"))


PARTS: dict[str, Callable[[], bool]] = {
    "database": database_answers,
    "broker": lambda: bool(client().ping()),
    "worker": lambda: has_mark("worker"),
    "timetable": lambda: has_mark("timetable"),
}


def state() -> dict[str, str]:
    """`up` or `down` for each part; what raises is down, and says no more to a stranger."""
    return {name: "up" if _answers(question) else "down" for name, question in PARTS.items()}


def _answers(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except Exception:
        return False
