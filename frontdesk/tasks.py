"""What the timetable starts at the top of the house."""

from celery import shared_task

from frontdesk import health, reviews


@shared_task
def heartbeat() -> None:
    health.mark("worker")


@shared_task
def start_reviews_everywhere() -> None:
    reviews.start_everywhere()
