"""The checks of the diary. A check is one function: its name and words, its SQL, its ways out.

To add one, write a function that returns a Check and name it in CHECKS; page, API, review and sweep have it
then. A column that nothing read so far is named in `sweep.READS`, too.
"""

from scheduling.audit.check import Check, Facts
from scheduling.audit.pairs import WHOSE, pairs
from scheduling.audit.people import asked, gone, need, unreachable


def overlap_words(facts: Facts) -> str:
    if facts["same"]:
        return f"{facts['minutes']} min at the same time as another visit"
    return f"{facts['minutes']} min over the visit at {facts['clock']}"


def overlaps() -> Check:
    return Check(
        "overlaps",
        "Overlaps",
        "One clinician has two visits at the same time, so somebody will wait.",
        "cal-move",
        "bad",
        pairs("practitioner"),
        overlap_words,
        ("move",),
    )


def closed() -> Check:
    return Check(
        "closed",
        "On a day the practice is closed",
        "Nobody will be here when the patient comes.",
        "lock",
        "bad",
        """
        SELECT DISTINCT ON (v.id) v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('reason', s.reason) AS facts
        FROM visit v JOIN shut s ON s.practice_id = v.practice_id
            AND v.local_date BETWEEN s.first_day AND s.last_day
        WHERE v.open
        """,
        lambda facts: f"Closed: {facts['reason']}",
        ("move", "cancel"),
    )


def out_words(facts: Facts) -> str:
    """Of a colleague who takes part it is said who it is: the visit stands in another's column."""
    if facts["along"]:
        away = "does not see patients any more" if facts["left"] else f"is out: {facts['label']}"
        return f"{facts['who']} takes part and {away}"
    return f"{facts['who']} does not see patients any more" if facts["left"] else f"Out: {facts['label']}"


def out() -> Check:
    return Check(
        "out",
        "Clinician is out",
        "The clinician is away then, or does not see patients any more.",
        "user",
        "bad",
        f"""
        SELECT DISTINCT ON (v.id) v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('label', a.label, 'left', NOT p.active, 'who', p.short_name,
                                  'along', v.who <> v.practitioner_id) AS facts
        FROM ({WHOSE["practitioner"]}) v
        JOIN scheduling_practitioner p ON p.practice_id = v.practice_id AND p.id = v.who
        LEFT JOIN away a ON a.practitioner_id = v.who
            AND a.starts_at < v.ends_at AND a.ends_at > v.starts_at
        WHERE v.open AND (a.label IS NOT NULL OR NOT p.active)
        ORDER BY v.id, v.who <> v.practitioner_id
        """,  # noqa: S608 - our own words
        out_words,
        ("out", "move"),
    )


def am_pm() -> Check:
    return Check(
        "am_pm",
        "Morning and evening mixed up",
        "The time lies outside hours, and twelve hours away it would fit: AM and PM were probably mixed up.",
        "sunrise",
        "bad",
        """
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object(
                   'clock', to_char(v.starts_at AT TIME ZONE v.zone, 'FMHH12:MI AM'),
                   'meant', to_char(v.meant AT TIME ZONE v.zone, 'FMHH12:MI AM'),
                   'at', to_char(v.meant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
                   'free', NOT EXISTS (
                       SELECT FROM visit w WHERE w.practitioner_id = v.practitioner_id AND w.id <> v.id
                       AND w.starts_at < v.meant + (v.ends_at - v.starts_at) AND w.ends_at > v.meant)
               ) AS facts
        FROM astray v WHERE v.slip
        """,
        lambda facts: (
            f"{facts['clock']} lies outside hours, {facts['meant']} would fit"
            f"{'' if facts['free'] else ' but is taken'}"
        ),
        ("shift", "move"),
    )


def hours_words(facts: Facts) -> str:
    if not facts["works"]:
        return "Does not work that day"
    return "Ends after hours" if facts["begins_inside"] else "Outside hours"


def off_hours() -> Check:
    return Check(
        "off_hours",
        "Outside hours",
        "The clinician does not work at that time.",
        "clock",
        "bad",
        """
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('works', v.works, 'begins_inside', v.begins_inside) AS facts
        FROM astray v WHERE NOT v.slip
        """,
        hours_words,
        ("move",),
    )


def wrong_length() -> Check:
    return Check(
        "wrong_length",
        "Wrong length for the visit",
        "The visit is longer or shorter than its kind takes.",
        "calendar",
        "book",
        """
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('minutes', v.minutes, 'takes', t.minutes, 'kind', t.name) AS facts
        FROM visit v
        JOIN scheduling_appointmenttype t ON t.practice_id = v.practice_id AND t.id = v.appointment_type_id
            AND t.minutes <> v.minutes
        JOIN patients_patient p ON p.practice_id = v.practice_id AND p.id = v.patient_id
        WHERE v.open
            AND NOT (v.minutes > t.minutes AND ('longer' = ANY (p.needs) OR 'longer' = ANY (v.needs)))
        """,
        lambda facts: f"{facts['minutes']} min, {facts['kind']} takes {facts['takes']}",
        ("length", "visit"),
    )


def twice() -> Check:
    return Check(
        "twice",
        "One patient twice",
        "The same patient comes twice on one day, and the two were not booked together.",
        "users",
        "book",
        """
        SELECT v.practice_id, v.id AS visit, v.first_id AS other, v.patient_id,
               jsonb_build_object('clock', to_char(v.first_at AT TIME ZONE v.zone, 'FMHH12:MI AM'),
                                  'who', p.short_name) AS facts
        FROM (
            SELECT v.*, first_value(id) OVER day AS first_id, first_value(starts_at) OVER day AS first_at,
                   first_value(ends_at) OVER day AS first_until,
                   first_value(linked_id) OVER day AS first_linked,
                   first_value(practitioner_id) OVER day AS first_who
            FROM visit v WINDOW day AS (PARTITION BY patient_id, local_date ORDER BY starts_at, id)
        ) v
        JOIN scheduling_practitioner p ON p.practice_id = v.practice_id AND p.id = v.first_who
        WHERE v.open AND v.id <> v.first_id
            AND (v.linked_id IS NULL OR v.linked_id IS DISTINCT FROM v.first_linked)
            AND NOT (v.first_who <> v.practitioner_id AND v.starts_at < v.first_until)
        """,
        lambda facts: f"Also at {facts['clock']} with {facts['who']}",
        ("duplicate", "move"),
    )


def at_once() -> Check:
    return Check(
        "at_once",
        "With two clinicians at once",
        "The patient is booked with two clinicians at the same time and can only be with one of them.",
        "users",
        "bad",
        pairs("patient", "AND earlier.practitioner_id <> later.practitioner_id"),
        lambda facts: f"Also with {facts['who']} at {facts['clock']}",
        ("move", "duplicate"),
    )


def room() -> Check:
    return Check(
        "room",
        "One room twice",
        "Two visits were given the same room at the same time.",
        "home",
        "bad",
        pairs("room"),
        lambda facts: f"{facts['room']} is taken by the visit at {facts['clock']} with {facts['who']}",
        ("room", "move"),
    )


CHECKS = tuple(
    make()
    for make in (
        overlaps, closed, out, am_pm, off_hours, at_once, twice, room, wrong_length, need, gone,
        unreachable, asked,
    )
)  # fmt: skip
BY_NAME = {check.name: check for check in CHECKS}
