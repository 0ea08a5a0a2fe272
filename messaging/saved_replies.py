"""Words the practice often sends: kept by managers, offered by `/` with their variables filled."""

import string
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from messaging.models import SavedReply
from patients.contacts import practice_name_for, show_phone
from patients.models import Patient
from practices import audit
from practices.audit import Actor
from practices.models import Language, Practice
from practices.tenancy import current_practice

# The composer knows these of whom it writes to; the diary's facts are not among them.
VARIABLES = ("practice", "name", "phone")


class NameTaken(ValueError):
    """There is a saved reply of this name."""


class ReplyChanged(Exception):
    """Somebody else has changed the reply meanwhile; `now` is how it stands, None when it was removed."""

    def __init__(self, now: SavedReply | None) -> None:
        super().__init__("the saved reply has changed")
        self.now = now


@dataclass(frozen=True, slots=True)
class Offered:
    """A saved reply with its variables filled, in both languages."""

    reply: SavedReply
    name: str
    en: str
    es: str

    def in_language(self, language: str) -> str:
        return self.es if language == "es" and self.es else self.en


def values_for(practice: Practice, patient: Patient | None, language: str = "") -> dict[str, str]:
    """What the variables stand for when writing to this patient, or to a stranger."""
    return {
        "practice": practice_name_for(patient, language),
        "phone": show_phone(str(practice.line_number)),
        "name": (patient.preferred or patient.given) if patient else "",
    }


def offered(practice: Practice, patient: Patient | None) -> list[Offered]:
    """The replies in use, filled, in one query."""
    en, es = values_for(practice, patient, Language.ENGLISH), values_for(practice, patient, Language.SPANISH)
    return [
        Offered(reply, reply.name, filled(reply.body_en, en), filled(reply.body_es, es))
        for reply in SavedReply.objects.filter(active=True)
    ]


def filled(words: str, values: dict[str, str]) -> str:
    """The words with their variables; without a name “Hello $name,” becomes “Hello,”."""
    if not values.get("name"):
        words = words.replace(" $name", "").replace("$name", "")
    return string.Template(words).safe_substitute(values)


@transaction.atomic
def save_reply(
    *,
    reply: SavedReply | None,
    name: str,
    body_en: str,
    body_es: str = "",
    active: bool = True,
    version: int | None = None,
    by: Actor,
) -> SavedReply:
    """Adds a saved reply or changes one; raises NameTaken, and ReplyChanged for a stale `version`."""
    values = {"name": name, "body_en": body_en, "body_es": body_es, "active": active}
    if reply is None:
        row = SavedReply(practice=current_practice(), position=SavedReply.objects.count(), **values)
        before = dict.fromkeys(values, "")
    else:
        row = locked(reply, version)
        before = {field: getattr(row, field) for field in values}
        for field, value in values.items():
            setattr(row, field, value)
        row.version += 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise NameTaken("There is a saved reply of this name already. Choose another name.") from None
    changed = {field: [was, values[field]] for field, was in before.items() if was != values[field]}
    audit.record("saved-reply.changed" if reply else "saved-reply.added", row, by=by, changes=changed)
    return row


@transaction.atomic
def remove_reply(*, reply: SavedReply, version: int | None = None, by: Actor) -> None:
    """Removes a saved reply; what was sent with it stays. Raises ReplyChanged for a stale `version`."""
    row = locked(reply, version)
    audit.record("saved-reply.removed", row, by=by, changes={"name": [row.name, ""]})
    row.delete()


def locked(reply: SavedReply, version: int | None) -> SavedReply:
    now: SavedReply | None = SavedReply.objects.select_for_update().filter(pk=reply.pk).first()
    if now is None or (version is not None and now.version != version):
        raise ReplyChanged(now)
    return now
