"""Wake-ups of the worker; the rows decide what is due."""

from celery import shared_task

from messaging import (
    attachments,
    broadcasts,
    complaints,
    delivery,
    digests,
    escalation,
    promises,
    recordings,
    telephone,
)
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


@practice_task
def carry_urgent(practice: Practice) -> None:
    """Takes the steps of urgent messages that are due for one practice."""
    escalation.carry_all(practice)


@shared_task
def carry_urgent_everywhere() -> None:
    """Takes the steps that are due everywhere; the rows say which."""
    for practice in Practice.objects.all():
        escalation.carry_all(practice)


@shared_task
def watch_promises_everywhere() -> None:
    """Lets promises rise that are about to break, and brings overdue complaints before the managers."""
    for practice in Practice.objects.all():
        promises.warn(practice)
        complaints.escalate_overdue(practice)


@shared_task
def send_digests_everywhere() -> None:
    """Sends what was gathered for each colleague, once an hour of the practice's choice."""
    for practice in Practice.objects.all():
        digests.send_due(practice)


@shared_task
def send_broadcasts_everywhere() -> None:
    """Goes on with broadcasts that are being sent."""
    for practice in Practice.objects.all():
        broadcasts.send_all(practice)


@practice_task
def send_broadcasts(practice: Practice) -> None:
    """Goes on with the broadcasts of one practice."""
    broadcasts.send_all(practice)


@shared_task
def check_attachments_everywhere() -> None:
    """Fetches and scans the files that came with messages; the rows say which are due."""
    for practice in Practice.objects.all():
        attachments.check_due(practice)


@practice_task
def carry_out_calls(practice: Practice) -> None:
    """Lets the telephone follow what people ordered in one practice."""
    telephone.carry_out_all(practice)


@shared_task
def carry_out_calls_everywhere() -> None:
    """Carries out what a lost wake-up left, and ends calls whose last seconds are over."""
    telephone.carry_out_everywhere(Practice.objects.all())


@shared_task
def fetch_recordings_everywhere() -> None:
    """Fetches recordings whose time has come."""
    for practice in Practice.objects.all():
        recordings.fetch_due(practice)
