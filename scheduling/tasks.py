"""The diary's part of the timetable."""

import logging

from celery import shared_task

from practices.models import Practice
from scheduling import news, recalls
from scheduling.chasing import chase_requests
from scheduling.delays import settle_delays
from scheduling.offering import work_openings
from scheduling.reminders import queue_reminders

logger = logging.getLogger(__name__)


@shared_task
def queue_reminders_everywhere() -> None:
    """Queues what is due in each practice; one that fails does not stop the others."""
    for practice in Practice.objects.all():
        try:
            queue_reminders(practice)
        except Exception:
            logger.exception("reminders of practice %s failed", practice.pk)


@shared_task
def tell_clinicians_everywhere() -> None:
    """Tells clinicians of late changes; a practice that fails does not stop the others."""
    for practice in Practice.objects.all():
        try:
            news.tell_due(practice)
        except Exception:
            logger.exception("news of practice %s failed", practice.pk)


@shared_task
def settle_delays_everywhere() -> None:
    """Rows about late clinicians go when they are over; one practice that fails does not stop the others."""
    for practice in Practice.objects.all():
        try:
            settle_delays(practice)
        except Exception:
            logger.exception("delays of practice %s failed", practice.pk)


@shared_task
def sweep_recalls_everywhere() -> None:
    """Finds and tells whose turn it is in each practice; one that fails does not stop the others."""
    for practice in Practice.objects.all():
        try:
            recalls.sweep(practice)
        except Exception:
            logger.exception("recalls of practice %s failed", practice.pk)


@shared_task
def chase_time_requests_everywhere() -> None:
    """Makes calls of what nobody answered; a practice that fails does not stop the others."""
    for practice in Practice.objects.all():
        try:
            chase_requests(practice)
        except Exception:
            logger.exception("requests for another time of practice %s failed", practice.pk)


@shared_task
def work_openings_everywhere() -> None:
    """Asks the waitlist about what opened; a practice that fails does not stop the others."""
    for practice in Practice.objects.all():
        try:
            work_openings(practice)
        except Exception:
            logger.exception("openings of practice %s failed", practice.pk)
