"""The schedule audit of one day for a thousand practices, beside one window query over the same visits.

The practices, their clinicians, hours, patients and visits are made by SQL; one visit in fifty has a fault.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from tools.bench.growth import LEVELS, Growth
from tools.bench.stage import Desk
from tools.places import ROOT, Trouble

PRACTICES, CLINICIANS, VISITS = 1000, 5, 170
FIRST = 5_000_000  # keys that nothing else has
TIMES = 3
# Overlaps of one clinician, found by one pass over the sorted visits: the least that a check can do.
WINDOW = """
    SELECT count(*) FROM (
        SELECT starts_at < max(ends_at) OVER (PARTITION BY practitioner_id ORDER BY starts_at
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS late
        FROM scheduling_appointment a WHERE a.practice_id = ANY (%s) AND a.local_date = %s
            AND a.status IN ('booked', 'arrived', 'fulfilled')
    ) marked WHERE late
"""
COUNT = {"practices": PRACTICES, "clinicians": CLINICIANS, "visits": VISITS, "start": FIRST}
PRACTICE = "(SELECT %(start)s + p AS practice FROM generate_series(1, %(practices)s) p)"
CLINICIAN = "md5('c' || practice || '-' || who)::uuid"
PATIENT = "md5('p' || practice || '-' || visit)::uuid"
KIND = "md5('k' || practice)::uuid"
# Each row is the template's with these values in place.
ROWS = (
    (
        "practices_practice",
        f"{PRACTICE} g",
        "'id', practice, 'slug', 'bench-' || practice, 'link_code', left(md5('l' || practice), 6), "
        "'line_number', '+1' || (2000000000 + practice), "
        "'email_sender', 'desk@bench-' || practice || '.example'",
        "t.id = %(practice)s",
    ),
    (
        "scheduling_appointmenttype",
        f"{PRACTICE} g",
        f"'id', {KIND}, 'practice_id', practice, 'minutes', 20, 'clinicians', 1",
        "t.id = %(kind)s::uuid",
    ),
    (
        "scheduling_practitioner",
        f"{PRACTICE} g, generate_series(0, %(clinicians)s - 1) who",
        f"'id', {CLINICIAN}, 'practice_id', practice, 'user_id', NULL, 'room_id', NULL, 'location_id', NULL",
        "t.id = %(who)s::uuid",
    ),
    (
        "scheduling_weeklyhours",
        f"{PRACTICE} g, generate_series(0, %(clinicians)s - 1) who, generate_series(1, 7) day, "
        "(VALUES ('07:00', '12:00'), ('12:00', '20:00')) AS hours (opens, closes)",
        f"'id', gen_random_uuid(), 'practice_id', practice, 'practitioner_id', {CLINICIAN}, 'weekday', day, "
        "'starts', opens, 'ends', closes, 'valid_from', NULL, 'valid_until', NULL, 'location_id', NULL, "
        "'room_id', NULL",
        "t.id = (SELECT id FROM scheduling_weeklyhours LIMIT 1)",
    ),
    (
        "patients_patient",
        f"{PRACTICE} g, generate_series(0, %(visits)s - 1) visit",
        f"'id', {PATIENT}, 'practice_id', practice, 'deceased', visit = 7, 'active', true, "
        "'needs', CASE WHEN visit = 11 THEN ARRAY['interpreter'] ELSE ARRAY[]::text[] END",
        "t.id = (SELECT patient_id FROM scheduling_appointment WHERE id = %(visit)s::uuid)",
    ),
    (
        "patients_contactpoint",
        f"{PRACTICE} g, generate_series(0, %(visits)s - 1) visit",
        f"'id', gen_random_uuid(), 'practice_id', practice, 'patient_id', {PATIENT}, 'system', 'phone'",
        "t.id = (SELECT id FROM patients_contactpoint LIMIT 1)",
    ),
    (
        "scheduling_appointment",
        f"{PRACTICE} g, generate_series(0, %(visits)s - 1) visit, "
        "LATERAL (SELECT visit %% %(clinicians)s AS who, visit / %(clinicians)s AS place) p, "
        "LATERAL (SELECT (%(day)s::date + time '07:00' + place * interval '20 minutes' "
        "- CASE WHEN visit = 42 THEN interval '10 minutes' ELSE interval '0' END) "
        "AT TIME ZONE %(zone)s AS at) w",
        "'id', md5('v' || practice || '-' || visit)::uuid, 'practice_id', practice, "
        f"'patient_id', {PATIENT}, "
        f"'practitioner_id', {CLINICIAN}, 'appointment_type_id', {KIND}, 'room_id', NULL, 'starts_at', at, "
        "'ends_at', at + CASE WHEN visit = 99 THEN interval '15 minutes' ELSE interval '20 minutes' END, "
        "'local_date', %(day)s, 'status', 'booked', 'confirmation', 'confirmed', 'session', NULL, "
        "'needs', ARRAY[]::text[], 'booked_by_id', NULL, 'rescheduled_from_id', NULL, 'linked_id', NULL, "
        "'series_id', NULL, 'series_position', NULL, 'follow_up_id', NULL, 'overbook_reason', ''",
        "t.id = %(visit)s::uuid",
    ),
)


class Auditing:
    """A thousand practices in the bench's database, and what is asked of them."""

    def __init__(self, desk: Desk, server: psycopg.Connection) -> None:
        self.desk, self.server, self.facts = desk, server, desk.facts
        self.history = Growth(server, desk.facts)  # no triggers and no references from here on
        found = server.execute(
            "SELECT time_zone, (now() AT TIME ZONE time_zone)::date FROM practices_practice WHERE id = %s",
            [self.facts["practice_id"]],
        ).fetchone()
        if found is None:
            raise LookupError("the bench's practice is gone")
        self.zone, self.day = found
        self.practices = list(range(FIRST + 1, FIRST + PRACTICES + 1))

    def fill(self) -> None:
        values = COUNT | {
            "practice": self.facts["practice_id"],
            "kind": self.facts["kind"],
            "who": self.facts["practitioner_ids"][0],
            "visit": self.facts["visit"],
            "day": self.day,
            "zone": str(self.zone),
        }
        for table, made, given, template in ROWS:
            self.server.execute(
                f"INSERT INTO {table} SELECT r.* FROM {table} t, {made}, "
                f"LATERAL jsonb_populate_record(t, jsonb_build_object({given})) r WHERE {template}",
                values,
            )
            self.server.execute(f"ANALYZE {table}")

    def window(self) -> float:
        return median(lambda: self.server.execute(WINDOW, [self.practices, self.day]).fetchall())

    def checks(self) -> Iterator[tuple[str, float, int]]:
        """Each check alone, then all of them in one statement: its name, milliseconds, rows."""
        texts = json.loads(self._inside("statements"))
        given = {
            "practices": self.practices,
            "first": [self.day] * PRACTICES,
            "last": [self.day] * PRACTICES,
        }
        with psycopg.connect(self.desk.variables["SWEEP_DATABASE_URL"], autocommit=True) as reader:
            for name, text in texts.items():
                rows = len(reader.execute(text, given).fetchall())
                yield name, median(lambda text=text: reader.execute(text, given).fetchall()), rows  # type: ignore[misc]

    def reviews(self) -> tuple[float, int, int]:
        """The morning reviews of all practices, findings stored: seconds, reviews, findings."""
        seconds, started = json.loads(self._inside("reviews"))
        rows = self.server.execute(
            "SELECT count(*) FROM frontdesk_finding WHERE practice_id >= %s", [FIRST]
        ).fetchone()
        return seconds, started, rows[0] if rows else 0

    def _inside(self, what: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tools.bench.auditing", what],
            cwd=ROOT,
            env=os.environ | self.desk.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Trouble(f"The audit could not be measured:\n{done.stderr[-2000:]}")
        return done.stdout


def median(work: Callable[[], object]) -> float:
    each = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        each.append((time.perf_counter() - started) * 1000)
    return sorted(each)[TIMES // 2]


def main(what: str) -> None:
    """In a process with the product: the statements as text, or the reviews of the morning."""
    import django

    django.setup()
    from scheduling.audit.checks import CHECKS
    from scheduling.audit.statement import statement

    if what == "statements":
        texts = {check.name: statement([check]) for check in CHECKS}
        json.dump(texts | {"all checks": statement(CHECKS)}, sys.stdout)
        return
    from frontdesk import reviews
    from practices.models import Practice

    Practice.objects.filter(pk__gte=FIRST).update(
        morning_review_at=dt.time(0), evening_review_at=dt.time(23, 59, 59)
    )
    started = time.perf_counter()
    count = reviews.start_everywhere()
    json.dump([time.perf_counter() - started, count], sys.stdout)


def rows_of(
    desk: Desk, server: psycopg.Connection
) -> Iterator[tuple[str, float, str, float | None, float | None]]:
    """What, ours, unit, floor, limit."""
    asked = Auditing(desk, server)
    asked.history.up_to(LEVELS[0])
    asked.fill()
    first: float | None = None
    for level in LEVELS:
        asked.history.up_to(level)
        floor = asked.window()
        for name, ours, found in asked.checks():
            if level == LEVELS[0] or name == "all checks":
                words = f"audit, {PRACTICES:,} practices, {name} ({found:,} found), {level:,} visits before"
                limit: Any = 5 * floor if name != "all checks" else None
                yield words, ours, "ms", floor, limit
        first = first or ours
        if level != LEVELS[0]:
            yield f"  all checks to the same at {LEVELS[0]:,}", ours / first, "×", None, 1.1
    seconds, reviews, found = asked.reviews()
    yield f"{reviews:,} morning reviews, {found:,} findings stored", seconds, "s", None, 60.0


if __name__ == "__main__":
    main(sys.argv[1])
