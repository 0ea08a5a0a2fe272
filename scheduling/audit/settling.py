"""What a person says of a finding: it is right as it is, or looked after, in her word; and back."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from practices import audit, changes
from practices.audit import Actor
from practices.tenancy import current_practice
from scheduling.audit.check import Found
from scheduling.models import SettledFinding

AS_IT_IS = "Right as it is"
LONGEST_WORD = 40


class NoWord(ValueError):
    """A word that cannot be kept, in words."""


@transaction.atomic
def settle_finding(*, found: Found, word: str, by: Actor) -> SettledFinding:
    """Keeps what somebody said of a finding; the last word counts. Raises NoWord."""
    word = " ".join(word.split())
    if not word:
        raise NoWord("Say in a word why it is right.")
    if len(word) > LONGEST_WORD:
        raise NoWord(f"Say it in at most {LONGEST_WORD} letters.")
    row, _ = SettledFinding.objects.update_or_create(
        practice=current_practice(),
        once_key=found.key,
        defaults={
            "check_name": found.check,
            "detail": found.detail,
            "appointment_id": found.visit,
            "word": word,
            "settled_at": timezone.now(),
            "settled_by": by.user,
        },
    )
    audit.record("finding.settled", row, by=by, patient_id=found.patient_id, changes={"word": ["", word]})
    changes.announce(current_practice(), "audit", "reviews")
    return row


@transaction.atomic
def open_again(*, settled: SettledFinding, by: Actor) -> None:
    """Takes the word back: the finding stands open where it is still so."""
    patient_id = settled.appointment.patient_id
    audit.record(
        "finding.opened-again", settled, by=by, patient_id=patient_id, changes={"word": [settled.word, ""]}
    )
    settled.delete()
    changes.announce(current_practice(), "audit", "reviews")


def settled_of(found: Iterable[Found]) -> dict[str, SettledFinding]:
    """The words that count for these findings, by key; one query."""
    said = {one.key: one.detail for one in found}
    # Asked also where nothing was found: a page takes as many queries on a day in order.
    rows = SettledFinding.objects.filter(once_key__in=[*said, ""]).select_related("settled_by")
    return {row.once_key: row for row in rows if row.detail == said[row.once_key]}
