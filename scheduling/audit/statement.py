"""The one statement of an audit: what all checks read, prepared once, and the checks side by side.

The days are given for each practice, as “today” is another date in another zone. Everything is found by the
practice and the date, so that it costs the same whatever lies before and after. Only plain columns are read,
those that `sweep.READS` names.
"""

from collections.abc import Iterable

from scheduling.audit.check import Check

PREPARED = """
WITH looked AS MATERIALIZED (
    SELECT p.id AS practice_id, p.time_zone AS zone, asked.first_day, asked.last_day
    FROM unnest(%(practices)s::bigint[], %(first)s::date[], %(last)s::date[])
        AS asked (practice_id, first_day, last_day)
    JOIN practices_practice p ON p.id = asked.practice_id
), visit AS MATERIALIZED (
    SELECT looked.practice_id, a.id, a.patient_id, a.practitioner_id, a.appointment_type_id, a.room_id,
           a.starts_at, a.ends_at, a.local_date, a.status = 'booked' AS open, a.confirmation, a.session,
           a.linked_id, a.needs, looked.zone,
           (extract(epoch FROM a.ends_at - a.starts_at) / 60)::int AS minutes
    FROM looked CROSS JOIN LATERAL (
        -- OFFSET keeps it one look into the index for each practice: the planner would walk through history.
        SELECT id, patient_id, practitioner_id, appointment_type_id, room_id, starts_at, ends_at, local_date,
               status, confirmation, session, linked_id, needs
        FROM scheduling_appointment
        WHERE practice_id = looked.practice_id AND local_date BETWEEN looked.first_day AND looked.last_day
            AND status IN ('booked', 'arrived', 'fulfilled')
        OFFSET 0
    ) a
), busy_day AS MATERIALIZED (
    SELECT DISTINCT practice_id, practitioner_id, local_date, zone FROM visit WHERE open
), away AS MATERIALIZED (
    SELECT t.practice_id, t.practitioner_id, t.starts_at, t.ends_at, t.label
    FROM looked JOIN scheduling_timeoff t ON t.practice_id = looked.practice_id
        AND t.ends_at > looked.first_day - 2 AND t.starts_at < looked.last_day + 3
), shut AS MATERIALIZED (
    SELECT c.practice_id, c.first_day, c.last_day, c.reason
    FROM looked JOIN practices_closure c ON c.practice_id = looked.practice_id
        AND c.last_day >= looked.first_day AND c.first_day <= looked.last_day
), hours AS MATERIALIZED (
    -- When somebody is there, as stretches of time: hours may be on the clock of another place.
    SELECT d.practitioner_id, d.local_date, range_agg(
        CASE WHEN at.opens < at.closes THEN tstzrange(at.opens, at.closes) ELSE 'empty'::tstzrange END
    ) AS there
    FROM busy_day d
    JOIN scheduling_practitioner p ON p.practice_id = d.practice_id AND p.id = d.practitioner_id
    JOIN scheduling_weeklyhours w ON w.practice_id = d.practice_id AND w.practitioner_id = d.practitioner_id
    LEFT JOIN practices_location own ON own.practice_id = d.practice_id AND own.id = p.location_id
    LEFT JOIN practices_location place ON place.practice_id = d.practice_id AND place.id = w.location_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(
            NULLIF(CASE WHEN w.location_id IS NULL THEN own.time_zone ELSE place.time_zone END, ''), d.zone
        ) AS zone  -- a place without a zone of its own is stored with an empty one
    ) clock
    CROSS JOIN (VALUES (-1), (0), (1)) AS shift (days)
    CROSS JOIN LATERAL (SELECT d.local_date + shift.days AS day) there
    CROSS JOIN LATERAL (
        SELECT (there.day + w.starts) AT TIME ZONE clock.zone AS opens,
               (there.day + w.ends) AT TIME ZONE clock.zone AS closes
    ) at
    WHERE (shift.days = 0 OR clock.zone <> d.zone) AND w.weekday = extract(isodow FROM there.day)
        AND (w.valid_from IS NULL OR w.valid_from <= there.day)
        AND (w.valid_until IS NULL OR w.valid_until >= there.day)
    GROUP BY d.practitioner_id, d.local_date
), astray AS MATERIALIZED (
    -- Visits beyond the hours, and the time twelve hours off: seven in the morning was seven in the evening.
    SELECT v.*, h.there IS NOT NULL AS works, COALESCE(h.there @> v.starts_at, false) AS begins_inside,
           meant.at AS meant,
           COALESCE(h.there @> tstzrange(meant.at, meant.at + (v.ends_at - v.starts_at)), false) AS slip
    FROM visit v LEFT JOIN hours h ON h.practitioner_id = v.practitioner_id AND h.local_date = v.local_date
    CROSS JOIN LATERAL (SELECT v.starts_at AT TIME ZONE v.zone AS wall) there
    CROSS JOIN LATERAL (
        SELECT (there.wall + CASE WHEN extract(hour FROM there.wall) < 12 THEN interval '12 hours'
                                  ELSE interval '-12 hours' END) AT TIME ZONE v.zone AS at
    ) meant
    WHERE v.open AND NOT COALESCE(h.there @> tstzrange(v.starts_at, v.ends_at), false)
        AND NOT EXISTS (SELECT FROM shut s WHERE s.practice_id = v.practice_id
                        AND v.local_date BETWEEN s.first_day AND s.last_day)
        AND NOT EXISTS (SELECT FROM away a WHERE a.practitioner_id = v.practitioner_id
                        AND a.starts_at < v.ends_at AND a.ends_at > v.starts_at)
)
"""


def statement(checks: Iterable[Check]) -> str:
    """The checks as one statement; its parameters are practices, first and last, lists of one length."""
    parts = [
        f"SELECT '{check.name}' AS check_name, found.* FROM ({check.sql}) AS found\n"  # noqa: S608 - our own
        for check in checks
    ]
    return PREPARED + "UNION ALL\n".join(parts)
