"""Visits that are one appointment to the patient: a visit and those that it replaced, or that replaced it."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection

from practices.tenancy import current_practice

LONGEST = 500  # moves of one appointment that are followed

UP = """
WITH RECURSIVE up (leaf, id, parent, depth) AS (
    SELECT id, id, rescheduled_from_id, 0 FROM scheduling_appointment
    WHERE practice_id = %(practice)s AND id = ANY(%(keys)s)
    UNION ALL
    SELECT up.leaf, a.id, a.rescheduled_from_id, up.depth + 1
    FROM up JOIN scheduling_appointment a ON a.practice_id = %(practice)s AND a.id = up.parent
    WHERE up.depth < %(longest)s
)
"""

ROOTS = f"""{UP}
SELECT DISTINCT ON (leaf) leaf, id FROM up ORDER BY leaf, depth DESC
"""  # noqa: S608 - constants only

WORDS = """
WITH RECURSIVE chain (id, depth) AS (
    SELECT %(root)s::uuid, 0
    UNION ALL
    SELECT a.id, chain.depth + 1
    FROM chain JOIN scheduling_appointment a
        ON a.practice_id = %(practice)s AND a.rescheduled_from_id = chain.id
    WHERE chain.depth < %(longest)s
)
SELECT count(*) FROM scheduling_notice n JOIN chain ON chain.id = n.appointment_id
WHERE n.practice_id = %(practice)s AND n.kind = ANY(%(kinds)s)
"""


IN_CALENDARS = f"""{UP}
SELECT DISTINCT up.leaf FROM up
JOIN scheduling_notice n ON n.practice_id = %(practice)s AND n.appointment_id = up.id
JOIN messaging_message m ON m.practice_id = %(practice)s AND m.id = n.message_id
WHERE m.calendar IS NOT NULL AND m.status = ANY(%(statuses)s)
"""  # noqa: S608 - constants only


def roots_of(visits: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """The first visit of each one's chain, which names the appointment for good; one query."""
    keys = list(visits)
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ROOTS, {"practice": current_practice().pk, "keys": keys, "longest": LONGEST})
        return dict(cursor.fetchall())


def words_about(root: uuid.UUID, kinds: Iterable[str]) -> int:
    """How many messages of these kinds there have been about a chain, those that were taken back too."""
    given: dict[str, Any] = {
        "practice": current_practice().pk,
        "root": root,
        "kinds": list(kinds),
        "longest": LONGEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(WORDS, given)
        (count,) = cursor.fetchone()
    return int(count)


def in_calendars(visits: Iterable[uuid.UUID], statuses: Iterable[str]) -> set[uuid.UUID]:
    """Those that a message in one of these states, about them or what they replaced, brought; one query."""
    given: dict[str, Any] = {
        "practice": current_practice().pk,
        "keys": list(visits),
        "statuses": list(statuses),
        "longest": LONGEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(IN_CALENDARS, given)
        return {key for (key,) in cursor.fetchall()}
