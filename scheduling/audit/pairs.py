"""Two visits that want the same person or place at once, found by one pass over the sorted visits."""

WHOSE = {
    "practitioner": """
        SELECT v.*, v.practitioner_id AS who FROM visit v
        UNION ALL
        SELECT v.*, p.practitioner_id FROM visit v
        JOIN scheduling_appointmenttype t ON t.practice_id = v.practice_id AND t.id = v.appointment_type_id
        JOIN scheduling_participant p ON p.practice_id = v.practice_id AND p.appointment_id = v.id
        WHERE t.clinicians > 1 AND p.practitioner_id IS NOT NULL
    """,
    "patient": "SELECT v.*, v.patient_id AS who FROM visit v",
    "room": "SELECT v.*, v.room_id AS who FROM visit v WHERE v.room_id IS NOT NULL",
}


def pairs(whose: str, more: str = "") -> str:
    """SQL of all pairs: the later visit, if it is still open, beside the earlier one that it runs into.

    Only visits that begin before the longest of those before them ends are joined at all. Members of a group
    do not clash.
    """
    return f"""
        WITH wanted AS ({WHOSE[whose]}), marked AS (
            SELECT w.*, max(w.ends_at) OVER (
                PARTITION BY w.who ORDER BY w.starts_at, w.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) > w.starts_at AS late FROM wanted w
        )
        SELECT later.practice_id, later.id AS visit, earlier.id AS other, later.patient_id,
               jsonb_build_object(
                   'minutes', (extract(epoch FROM LEAST(earlier.ends_at, later.ends_at) - later.starts_at)
                               / 60)::int,
                   'same', earlier.starts_at = later.starts_at,
                   'clock', to_char(earlier.starts_at AT TIME ZONE earlier.zone, 'FMHH12:MI AM'),
                   'who', p.short_name, 'room', r.name
               ) AS facts
        FROM marked later
        JOIN marked earlier ON earlier.practice_id = later.practice_id AND earlier.who = later.who
            AND earlier.ends_at > later.starts_at
            AND (earlier.starts_at, earlier.id) < (later.starts_at, later.id)
        JOIN scheduling_practitioner p ON p.practice_id = later.practice_id AND p.id = earlier.practitioner_id
        LEFT JOIN practices_room r ON r.practice_id = later.practice_id AND r.id = later.room_id
        WHERE later.late AND later.open
            AND (later.session IS NULL OR earlier.session IS DISTINCT FROM later.session)
        {more}
    """  # noqa: S608 - our own words
