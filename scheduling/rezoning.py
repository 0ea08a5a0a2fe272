"""A practice changes its clock: hours follow by themselves, what was booked by the manager's choice.

Time off follows the clock always: all of Tuesday stays all of Tuesday. What is over stays as it was.
"""

import zoneinfo
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import TruncDate, TruncTime
from django.utils import timezone
from psycopg import sql
from psycopg.errors import ExclusionViolation

from practices import audit
from practices.administration import NotAllowed
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.models import Appointment, BusySlot, ResourceTimeOff, TimeOff

BY_THE_CLOCK = """
UPDATE scheduling_appointment AS visit
SET starts_at = moved.at, ends_at = moved.at + (visit.ends_at - visit.starts_at), time_zone = %(zone)s,
    version = visit.version + 1
FROM (
    SELECT id, (local_date + local_time) AT TIME ZONE %(zone)s AS at FROM scheduling_appointment
    WHERE practice_id = %(practice)s AND starts_at > %(now)s AND time_zone = %(before)s
) moved
WHERE visit.practice_id = %(practice)s AND visit.id = moved.id
"""

TIME_OFF = """
UPDATE {} SET starts_at = (starts_at AT TIME ZONE %(before)s) AT TIME ZONE %(zone)s,
              ends_at = (ends_at AT TIME ZONE %(before)s) AT TIME ZONE %(zone)s
WHERE practice_id = %(practice)s AND ends_at > %(now)s
"""


def follow_clock(*, before: str, keep: str, by: Actor) -> None:
    """After a change of the practice's zone: visits ahead keep the `clock` time, or the `moment`.

    Set-based. Raises NotAllowed where visits would lie over others then.
    """
    practice, now = current_practice(), timezone.now()
    zone = zoneinfo.ZoneInfo(str(practice.time_zone))
    ahead = Appointment.objects.filter(starts_at__gt=now, time_zone=before)
    count = ahead.count()
    facts: dict[str, Any] = {"practice": practice.pk, "now": now, "before": before, "zone": zone.key}
    if keep == "clock":
        _by_the_clock(facts)
    else:
        ahead.update(
            local_date=TruncDate("starts_at", tzinfo=zone),
            local_time=TruncTime("starts_at", tzinfo=zone),
            time_zone=zone.key,
            version=F("version") + 1,
        )
    _move_time_off(facts)
    audit.record(
        "practice.clock-followed", practice, by=by, changes={"keep": ["", keep], "visits": [0, count]}
    )


def _by_the_clock(facts: dict[str, Any]) -> None:
    # All of them move at once: the rows of what they take go first, or neighbours would collide on the way.
    BusySlot.objects.filter(
        appointment__starts_at__gt=facts["now"], appointment__time_zone=facts["before"]
    ).delete()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(BY_THE_CLOCK, facts)
    except IntegrityError as error:
        if not isinstance(error.__cause__, ExclusionViolation):
            raise
        raise NotAllowed(
            "Some visits would lie over others by the new clock. Keep the moment, or move them first."
        ) from error


def _move_time_off(facts: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        for model in (TimeOff, ResourceTimeOff):
            table = sql.Identifier(model._meta.db_table)
            cursor.execute(sql.SQL(TIME_OFF).format(table).as_string(cursor.cursor), facts)
