"""What the pages of a record show: rows of lists, contacts, consents, the access log."""

import datetime as dt
from typing import Any

from patients.contacts import show_phone
from patients.joining import also_known_as
from patients.models import Channel, Consent, ContactPoint, Need, Patient, RelatedPerson
from patients.search import Match
from practices.access import Admission
from practices.models import AccessEvent, AuditEntry, Practice, User

LOG_ROWS = 200
LATELY = 8
NEED_ICONS: dict[str, str] = {
    Need.INTERPRETER: "lang",
    Need.STEP_FREE: "access",
    Need.WHEELCHAIR: "access",
    Need.HEARING: "mic",
    Need.SIGHT: "eye",
    Need.CARER: "users",
    Need.LONGER: "clock",
    Need.TRANSPORT: "move",
}
DONE = {
    "patient.registered": "registered the patient",
    "patient.updated": "changed the details",
    "consent.given": "recorded a yes",
    "consent.withdrawn": "recorded a no",
    "patient.joined": "joined two records of the patient",
    "related.added": "wrote down who may speak for the patient",
    "related.changed": "changed what somebody may be told",
    "related.ended": "ended somebody's permission",
    "wish.added": "noted what visits have to fit",
    "wish.ended": "took away what visits had to fit",
    "flag.raised": "raised a flag under Know first",
    "flag.taken_down": "took a flag down",
    "identity.verified": "verified a caller by two facts",
    "identity.wrong": "got a wrong answer from a caller",
    "identity.overridden": "told without two facts",
    "identity.noted": "noted who speaks",
    "disclosure.made": "opened details to be told",
    "access_log.viewed": "looked at this log",
}


def hit(match: Match, practice: Practice, *, private: bool) -> dict[str, Any]:
    """A found patient as a row; private rows say no more than initials, age and the last two digits."""
    patient = match.patient
    phones = [p for p in patient.contact_points.all() if p.system == ContactPoint.System.PHONE]
    age = patient.age_on(practice.today())
    facts = [f"age {age}"] if age is not None else []
    if patient.birth_date and not private:
        facts.insert(0, f"{patient.birth_date:%b} {patient.birth_date.day}, {patient.birth_date.year}")
    if phones:
        facts.append(f"phone …{phones[0].value[-2:]}" if private else f"phone …{phones[0].value[-4:]}")
    note = "died" if patient.deceased else "" if match.why == "name" else match.why
    return {
        "id": patient.pk,
        "url": f"/p/{practice.slug}/patients/{patient.pk}/",
        "name": patient.shown_name(private=private),
        "initials": patient.initials,
        "facts": " · ".join(facts),
        "note": note,
        "tone": "off" if patient.deceased else "acc",
        "patient": patient,
    }


def opened_lately(user: User, since: dt.datetime) -> list[Patient]:
    """The patients whose records this person opened last, the latest first."""
    events = AccessEvent.objects.filter(actor=user, screen="record", at__gte=since).order_by("-at")
    ids = list(dict.fromkeys(key for event in events[:60] for key in event.patient_ids))[:LATELY]
    found = Patient.objects.prefetch_related("contact_points").in_bulk(ids)
    return [found[key] for key in ids if key in found]


def contacts(patient: Patient) -> list[dict[str, Any]]:
    """The phones and addresses in the order they are tried."""
    points = sorted(patient.contact_points.all(), key=lambda p: (p.system != "phone", p.rank, p.pk))
    return [
        {
            "phone": point.system == ContactPoint.System.PHONE,
            "value": point.value,
            "text": show_phone(point.value) if point.system == ContactPoint.System.PHONE else point.value,
            "use": point.get_use_display(),
            "unusable": point.unusable,
        }
        for point in points
    ]


def first_phone(contacts: list[dict[str, Any]]) -> str:
    """The number to call: the first that works, or nothing."""
    callable_ones = (c for c in contacts if c["phone"] and c["unusable"] in {"", "landline"})
    return next((str(contact["value"]) for contact in callable_ones), "")


def consents(patient: Patient) -> list[dict[str, Any]]:
    """The state of each channel that asks for consent, with when, how and by whom."""
    stored = {
        consent.channel: consent
        for consent in Consent.objects.in_force().filter(patient=patient).select_related("recorded_by")
    }
    return [
        {"channel": channel.value, "label": label, "consent": stored.get(channel.value)}
        for channel, label in ((Channel.SMS, "Texts"), (Channel.EMAIL, "E-mail"))
    ]


def around(patient: Patient) -> dict[str, Any]:
    """The people who may speak for the patient, what each may be told, and those whose permission ended."""
    everybody = list(RelatedPerson.objects.filter(patient=patient).order_by("since", "pk"))
    return {
        "people": [person for person in everybody if not person.ended_at],
        "ended": [person for person in everybody if person.ended_at],
    }


def needs(patient: Patient) -> list[tuple[str, str]]:
    """Icon and words of each need."""
    return [(NEED_ICONS[Need(need)], Need(need).label) for need in patient.needs]


def access_log(patient: Patient, practice: Practice) -> list[dict[str, Any]]:
    """The latest who-saw and who-changed rows together, newest first, in local time."""
    known_as = also_known_as(patient.pk)
    seen = AccessEvent.objects.filter(patient_ids__overlap=known_as).select_related("actor")
    seen = seen.exclude(screen="access log")  # that has a row of its own kind among the audit entries
    done = AuditEntry.objects.filter(patient_id__in=known_as).select_related("actor")
    rows = [_row(event, f"saw the {event.screen}", [], practice) for event in seen.order_by("-at")[:LOG_ROWS]]
    for entry in done.order_by("-at")[:LOG_ROWS]:
        what = DONE.get(entry.verb) or plain(entry.verb)
        rows.append(_row(entry, what, entry.field_names, practice))
    return folded(sorted(rows, key=lambda row: row["at"], reverse=True))[:LOG_ROWS]


def folded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Looks of one person within one minute as one row: a record opens with its visits and messages."""
    found: list[dict[str, Any]] = []
    for row in rows:
        last = found[-1] if found else None
        same = last and not (last["change"] or row["change"])
        if last and same and _minute(last) == _minute(row):
            if row["screen"] not in last["screen"].split(", "):
                last["screen"] = f"{row['screen']}, {last['screen']}"
                last["what"] = f"saw the {last['screen']}"
        else:
            found.append(row)
    return found


def _minute(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["who"], row["door"], row["at"].replace(second=0, microsecond=0)


def plain(verb: str) -> str:
    return verb.replace(".", " ").replace("_", " ")


def _row(event: AccessEvent | AuditEntry, what: str, fields: list[str], practice: Practice) -> dict[str, Any]:
    who = str(event.actor) if event.actor else {"patient": "The patient"}.get(event.actor_kind, "Front Desk")
    return {
        "at": event.at.astimezone(practice.zone),
        "who": who,
        "what": what,
        "screen": getattr(event, "screen", ""),
        "fields": ", ".join(name.replace("_", " ") for name in fields),
        "door": event.door,
        "change": isinstance(event, AuditEntry),
    }


def head(patient: Patient, admission: Admission, tab: str) -> dict[str, Any]:
    """What the head of each page of a record shows."""
    points = contacts(patient)
    return {
        "practice": admission.practice,
        "patient": patient,
        "shown_name": patient.shown_name(private=admission.membership.user.privacy_mode),
        "age": patient.age_on(admission.practice.today()),
        "contacts": points,
        "phone": first_phone(points),
        "tab": tab,
        "may_change": admission.may("patient.change"),
        "may_audit": admission.may("audit.view"),
    }
