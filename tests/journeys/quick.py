"""The product's own timetable, in a hurry: `celery -A tests.journeys.quick beat`."""

from celery.schedules import schedule

from frontdesk.celery import app

for _entry in app.conf.beat_schedule.values():
    _entry["schedule"] = schedule(0.5)
    _entry["options"] = {"expires": 5}
