"""Wake-ups of the worker; the rows decide what is due."""

from celery import shared_task

from messaging import delivery
from practices.models import Practice
from practices.tenancy import practice_task


@practice_task
def deliver_due(practice: Practice) -> None:
    """Sends what is due for one practice."""
    delivery.deliver_all(practice)


@shared_task
def deliver_due_everywhere() -> None:
    """Sends what is due everywhere: what a lost wake-up left, and what waited for its time."""
    for practice in Practice.objects.all():
        delivery.deliver_all(practice)
