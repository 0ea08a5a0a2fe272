"""The checks that are about the patient: needs, contact, whether she will come at all."""

import datetime as dt
import uuid
import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from patients.models import Patient, PatientWish
from practices.tenancy import current_practice
from scheduling.audit.check import Check, Facts, Raw
from scheduling.models import Appointment
from scheduling.needs import GENDERS, wants_from

ASKED = {
    "change_requested": "Asked for another time",
    "callback_requested": "Asked for a call",
    "declined": "Said no",
}


def need_words(facts: Facts) -> str:
    match facts["need"]:
        case "step-free":
            return f"Needs a way without steps, {facts['place']} has none"
        case "interpreter":
            return "Needs an interpreter, none is booked with the visit"
        case "longer":
            return f"Asked for a longer visit, has the usual {facts['minutes']} min"
    return str(facts.get("words", ""))


def need() -> Check:
    return Check(
        "need",
        "Need not met",
        "The record names a need that this visit does not provide for.",
        "heart",
        "bad",
        """
        WITH wants AS (
            SELECT v.*, p.needs || v.needs AS wanted FROM visit v
            JOIN patients_patient p ON p.practice_id = v.practice_id AND p.id = v.patient_id
            WHERE v.open AND cardinality(p.needs || v.needs) > 0
        )
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('need', 'step-free', 'place', COALESCE(r.name, own.name)) AS facts
        FROM wants v
        JOIN scheduling_practitioner p ON p.practice_id = v.practice_id AND p.id = v.practitioner_id
        LEFT JOIN practices_room r ON r.practice_id = v.practice_id AND r.id = v.room_id
        LEFT JOIN practices_location own ON own.practice_id = v.practice_id
            AND own.id = COALESCE(r.location_id, p.location_id)
        WHERE v.wanted && ARRAY['step-free', 'wheelchair']::varchar[]
            AND (r.step_free IS FALSE OR own.step_free IS FALSE)
        UNION ALL
        SELECT v.practice_id, v.id, NULL, v.patient_id, jsonb_build_object('need', 'interpreter')
        FROM wants v
        WHERE 'interpreter' = ANY (v.wanted) AND NOT EXISTS (
            SELECT FROM scheduling_participant a
            JOIN scheduling_resource r ON r.practice_id = a.practice_id AND r.id = a.resource_id
            WHERE a.practice_id = v.practice_id AND a.appointment_id = v.id AND r.kind = 'interpreter')
        UNION ALL
        SELECT v.practice_id, v.id, NULL, v.patient_id,
               jsonb_build_object('need', 'longer', 'minutes', v.minutes)
        FROM wants v
        JOIN scheduling_appointmenttype t ON t.practice_id = v.practice_id AND t.id = v.appointment_type_id
        WHERE 'longer' = ANY (v.wanted) AND v.minutes = t.minutes
        UNION ALL
        -- What is wished is sealed: these are only to be judged, inside their practice.
        SELECT DISTINCT v.practice_id, v.id, NULL::uuid, v.patient_id, jsonb_build_object('need', 'wish')
        FROM visit v JOIN patients_patientwish w ON w.practice_id = v.practice_id
            AND w.patient_id = v.patient_id
        WHERE v.open AND w.kind IN ('not-before', 'not-after', 'gender', 'carer', 'transport')
        """,
        need_words,
        ("move", "room", "visit"),
        judge=judge_wishes,
    )


def judge_wishes(rows: Sequence[Raw]) -> list[Raw]:
    """What a visit breaks of the hours and the clinician that its patient wished for; two queries at most.

    A visit with several unmet needs is one finding, with all of them.
    """
    sealed = [row.visit for row in rows if row.facts["need"] == "wish"]
    broken = broken_wishes(sealed) if sealed else {}
    words: dict[object, list[str]] = defaultdict(list)
    for row in rows:
        if row.facts["need"] == "wish":
            words[row.visit] += broken.get(row.visit, [])
        else:
            words[row.visit].append(need_words(row.facts))
    kept = {row.visit: row for row in rows}  # one row a visit
    steps = {row.visit: row.facts["place"] for row in rows if row.facts["need"] == "step-free"}
    return [
        # Another room helps where this one has steps: `room` says so.
        replace(
            row,
            facts={"need": "", "words": ". ".join(words[key])}
            | ({"room": steps[key]} if key in steps else {}),
        )
        for key, row in kept.items()
        if words[key]
    ]


def broken_wishes(visits: Sequence[uuid.UUID]) -> dict[object, list[str]]:
    zone = current_practice().zone
    rows = Appointment.objects.filter(pk__in=visits).select_related("patient", "practitioner")
    found = {visit.pk: visit for visit in rows}
    wishes: dict[object, list[PatientWish]] = defaultdict(list)
    people = {visit.patient_id for visit in found.values()}
    for wish in PatientWish.objects.filter(patient__in=people):
        wishes[wish.patient_id].append(wish)
    return {key: breaks(visit, wishes[visit.patient_id], zone) for key, visit in found.items()}


def breaks(visit: Appointment, wishes: Sequence[PatientWish], zone: zoneinfo.ZoneInfo) -> list[str]:
    patient: Patient = visit.patient
    wants = wants_from(patient, visit.all_needs, wishes)
    words = []
    if not wants.may_see(visit.practitioner):
        words.append(f"Wants to see {GENDERS.get(wants.gender, 'somebody else')}")
    starts, ends = int(visit.starts_at.timestamp()), int(visit.ends_at.timestamp())
    day = visit.starts_at.astimezone(zone).date()
    for only in wants.only:
        inside = only.stretches(day, day + dt.timedelta(days=1), zone)
        if not any(opens <= starts and ends <= closes for opens, closes in inside):
            words.append(only.breaks)
    return words


def gone() -> Check:
    return Check(
        "gone",
        "Patient died, or the record was joined",
        "The record is not in use any more, so nobody will come to this visit.",
        "user",
        "bad",
        """
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('deceased', p.deceased) AS facts
        FROM visit v JOIN patients_patient p ON p.practice_id = v.practice_id AND p.id = v.patient_id
        WHERE v.open AND (p.deceased OR NOT p.active)
        """,
        lambda facts: (
            "The record says that this patient has died"
            if facts["deceased"]
            else "The record is not in use any more"
        ),
        ("deceased", "visit"),
    )


def unreachable() -> Check:
    return Check(
        "unreachable",
        "Nobody reachable",
        "Nobody can be told if something changes: there is no number and no address that may be used.",
        "phone-off",
        "bad",
        """
        -- Nearly everybody has a number: those who have none are few, and the rest is asked of them alone.
        WITH without_phone AS MATERIALIZED (
            SELECT v.practice_id, v.id, v.patient_id FROM visit v
            WHERE v.open AND NOT EXISTS (
                SELECT FROM patients_contactpoint c WHERE c.practice_id = v.practice_id
                AND c.patient_id = v.patient_id AND c.system = 'phone')
        )
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('mail', mail.usable) AS facts
        FROM without_phone v
        JOIN patients_patient p ON p.practice_id = v.practice_id AND p.id = v.patient_id
        CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM patients_contactpoint c WHERE c.practice_id = v.practice_id
                           AND c.patient_id = v.patient_id AND c.system = 'email' AND c.unusable = '')
                AS usable
        ) mail
        WHERE NOT p.deceased AND p.active
            AND NOT (mail.usable AND COALESCE((
                SELECT c.granted FROM patients_consent c WHERE c.practice_id = v.practice_id
                AND c.patient_id = v.patient_id AND c.channel = 'email'
                ORDER BY c.given_at DESC, c.id DESC LIMIT 1), false))
        """,
        lambda facts: "No consent to texts or e-mail" if facts["mail"] else "No phone or e-mail",
        ("contact",),
    )


def asked() -> Check:
    return Check(
        "asked",
        "Request not answered",
        "The patient asked for something about this visit and nothing has been done yet.",
        "inbox",
        "arr",
        """
        SELECT v.practice_id, v.id AS visit, NULL::uuid AS other, v.patient_id,
               jsonb_build_object('said', v.confirmation) AS facts
        FROM visit v
        WHERE v.open AND v.confirmation IN ('change_requested', 'callback_requested', 'declined')
        """,
        lambda facts: ASKED[facts["said"]],
        ("move", "call", "cancel"),
    )
