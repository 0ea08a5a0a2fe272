"""The Celery application and the whole timetable: static here, rows decide what is due."""

import os
from typing import Any

from celery import Celery
from celery.schedules import schedule
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "frontdesk.settings")

app = Celery("frontdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "heartbeat": {"task": "frontdesk.tasks.heartbeat", "schedule": schedule(5.0)},
    "deliver what is due": {"task": "messaging.tasks.deliver_due_everywhere", "schedule": schedule(5.0)},
    "carry urgent messages": {"task": "messaging.tasks.carry_urgent_everywhere", "schedule": schedule(5.0)},
    "go on with broadcasts": {
        "task": "messaging.tasks.send_broadcasts_everywhere",
        "schedule": schedule(5.0),
    },
    "follow the calls": {"task": "messaging.tasks.carry_out_calls_everywhere", "schedule": schedule(5.0)},
    "fetch recordings": {"task": "messaging.tasks.fetch_recordings_everywhere", "schedule": schedule(10.0)},
    "send the digests": {"task": "messaging.tasks.send_digests_everywhere", "schedule": schedule(60.0)},
    "check attachments": {
        "task": "messaging.tasks.check_attachments_everywhere",
        "schedule": schedule(10.0),
    },
    "watch promises": {
        "task": "messaging.tasks.watch_promises_everywhere",
        "schedule": schedule(60.0),
    },
    "queue reminders": {"task": "scheduling.tasks.queue_reminders_everywhere", "schedule": schedule(60.0)},
    "tell clinicians": {"task": "scheduling.tasks.tell_clinicians_everywhere", "schedule": schedule(60.0)},
    "settle delays": {"task": "scheduling.tasks.settle_delays_everywhere", "schedule": schedule(60.0)},
    "find recalls": {"task": "scheduling.tasks.sweep_recalls_everywhere", "schedule": schedule(60.0)},
    "chase requests for another time": {
        "task": "scheduling.tasks.chase_time_requests_everywhere",
        "schedule": schedule(30.0),
    },
    "offer what opened": {"task": "scheduling.tasks.work_openings_everywhere", "schedule": schedule(15.0)},
    "start the reviews": {"task": "frontdesk.tasks.start_reviews_everywhere", "schedule": schedule(60.0)},
}
# A wake-up older than the next one is worth nothing: it may not pile up while the worker is away.
for entry in app.conf.beat_schedule.values():
    entry["options"] = {"expires": 2 * entry["schedule"].run_every.total_seconds()}


@worker_init.connect
def refuse_unsafe_start(**_: Any) -> None:
    from frontdesk.checks import refuse_unsafe_start

    refuse_unsafe_start()
