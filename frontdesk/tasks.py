"""What the timetable starts at the top of the house."""

from celery import shared_task

from frontdesk import health


@shared_task
def heartbeat() -> None:
    health.mark("worker")
