"""What a patient’s visits have to fit, with details: “not before 10”, a carer’s hours, a language."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from patients.models import Need, Patient, PatientWish, WishKind
from practices import audit, changes
from practices.audit import Actor
from practices.models import Weekday

MOST_WISHES = 20
MOST_MINUTES = 120
GENDERS = {"female": "A woman", "male": "A man"}
HOURS = {WishKind.CARER, WishKind.TRANSPORT}
# The wish says more of a need, which it ticks.
TICKS = {
    WishKind.INTERPRETER: Need.INTERPRETER,
    WishKind.LONGER: Need.LONGER,
    WishKind.CARER: Need.CARER,
    WishKind.TRANSPORT: Need.TRANSPORT,
}


class InvalidWish(ValueError):
    """A wish that cannot be kept; `errors` maps fields to words."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


@transaction.atomic
def add_wish(*, patient: Patient, kind: str, by: Actor, **given: Any) -> PatientWish:
    """Notes a wish: `weekdays` (1 is Monday), `starts` and `ends` (times), `minutes`, `language`, `gender`.

    Ticks the need it belongs to. Raises InvalidWish with words for each field.
    """
    details = checked(kind, given)
    current = Patient.objects.select_for_update().get(pk=patient.pk)
    if PatientWish.objects.filter(patient=current).count() >= MOST_WISHES:
        raise InvalidWish({"kind": f"At most {MOST_WISHES} of these. Remove what no longer holds."})
    wish = PatientWish(
        practice=current.practice, patient=current, kind=kind, details=details, made_by=by.user
    )
    wish.save(force_insert=True)
    need = TICKS.get(WishKind(kind))
    if need is not None and need not in current.needs:
        current.needs = sorted([*current.needs, need.value])
        current.version += 1
        current.save(update_fields=["needs", "version", "updated_at"])
    audit.record(
        "wish.added",
        wish,
        by=by,
        patient_id=current.pk,
        changes={"kind": ["", kind], "details": [None, details]},
    )
    changes.announce(current.practice, "patients")
    return wish


@transaction.atomic
def end_wish(*, wish: PatientWish, by: Actor) -> None:
    """Takes a wish away; the need stays ticked until somebody unticks it."""
    audit.record(
        "wish.ended", wish, by=by, patient_id=wish.patient_id, changes={"details": [wish.details, None]}
    )
    practice = wish.practice
    wish.delete()
    changes.announce(practice, "patients")


def checked(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The details of a kind as they are stored; raises InvalidWish."""
    errors: dict[str, str] = {}
    details: dict[str, Any] = {}
    starts, ends = given.get("starts"), given.get("ends")
    if kind not in WishKind.values:
        raise InvalidWish({"kind": "Choose what it is."})
    if kind in HOURS | {WishKind.NOT_BEFORE} and starts is None:
        errors["starts"] = "Write the time."
    if kind in HOURS | {WishKind.NOT_AFTER} and ends is None:
        errors["ends"] = "Write the time."
    if kind in HOURS and starts is not None and ends is not None and ends <= starts:
        errors["ends"] = "It ends before it begins."
    if kind != WishKind.NOT_AFTER and kind in HOURS | {WishKind.NOT_BEFORE} and starts is not None:
        details["starts"] = plain(starts)
    if kind != WishKind.NOT_BEFORE and kind in HOURS | {WishKind.NOT_AFTER} and ends is not None:
        details["ends"] = plain(ends)
    if kind in HOURS | {WishKind.NOT_BEFORE, WishKind.NOT_AFTER}:
        days = sorted({int(day) for day in given.get("weekdays") or ()})
        if any(day not in Weekday.values for day in days):
            errors["weekdays"] = "Choose days of the week."
        details["weekdays"] = days
    errors |= _words(kind, given, details)
    if errors:
        raise InvalidWish(errors)
    return details


def _words(kind: str, given: Mapping[str, Any], details: dict[str, Any]) -> dict[str, str]:
    """The details that are no hours."""
    if kind == WishKind.INTERPRETER:
        details["language"] = " ".join(str(given.get("language") or "").split())
        if not 0 < len(details["language"]) <= 30:
            return {"language": "Write the language, in at most 30 letters."}
    if kind == WishKind.LONGER:
        details["minutes"] = given.get("minutes") or 0
        if not 5 <= details["minutes"] <= MOST_MINUTES:
            return {"minutes": f"Between 5 and {MOST_MINUTES} minutes."}
    if kind == WishKind.GENDER:
        details["gender"] = given.get("gender") or ""
        if details["gender"] not in GENDERS:
            return {"gender": "Say whether a woman or a man."}
    return {}


def plain(time: dt.time) -> str:
    return time.strftime("%H:%M")


def words_of(wish: PatientWish) -> str:
    """Not before 10:00 AM, Mon and Tue; Carer can come 8:00 AM to 12:00 PM; Interpreter for Somali."""
    label, details = WishKind(wish.kind).label, wish.details
    if wish.kind == WishKind.INTERPRETER:
        return f"{label} {details['language']}"
    if wish.kind == WishKind.LONGER:
        return f"{label} {details['minutes']} minutes"
    if wish.kind == WishKind.GENDER:
        return f"{label}: {GENDERS[details['gender']].lower()}"
    times = [say(details[end]) for end in ("starts", "ends") if details.get(end)]
    days = [Weekday(day).label[:3] for day in details.get("weekdays") or ()]
    return ", ".join([f"{label} {' to '.join(times)}", *([" ".join(days)] if days else [])])


def say(text: str) -> str:
    time = dt.time.fromisoformat(text)
    return f"{time.hour % 12 or 12}:{time.minute:02d} {'AM' if time.hour < 12 else 'PM'}"


def wishes_of(patient: Patient) -> list[tuple[PatientWish, str]]:
    """What was noted for a patient, with its words; one query."""
    return [(wish, words_of(wish)) for wish in PatientWish.objects.filter(patient=patient)]
