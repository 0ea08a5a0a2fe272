"""What a person typed and has not sent: kept for her alone, as typed, until it is used or let go.

No audit entry tells of a draft: nothing happened yet, and nobody but its writer reads it.
"""

import re
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from messaging.models import Draft
from practices.models import User
from practices.tenancy import current_practice

KEY = re.compile(r"[a-z][a-z0-9-]*(:[A-Za-z0-9-]+)*")
LONGEST_KEY = 120
LONGEST = 20_000  # letters of all fields together
MOST_FIELDS = 60

Value = str | list[str]


class NotADraft(ValueError):
    """The key names nothing that can have a draft, or there is more than any form holds."""


@transaction.atomic
def keep(user: User, key: str, fields: Mapping[str, str | Sequence[str]]) -> Draft | None:
    """Keeps what stands in a form; empty fields let the draft go. Raises NotADraft.

    The last one who saves has the word, as on one screen: two browsers of one person are one person.
    """
    whole = checked(key, fields)
    if not any("".join(value) for value in whole.values()):
        let_go(user, key)
        return None
    row = Draft(practice=current_practice(), user=user, key=key, fields=whole)
    Draft.objects.bulk_create([row], ignore_conflicts=True)
    stored: Draft = Draft.objects.select_for_update(of=("self",)).get(user=user, key=key)
    if stored.pk != row.pk:
        stored.fields, stored.updated_at = whole, timezone.now()
        stored.save(update_fields=["fields", "updated_at"])
    return stored


def kept(user: User, key: str) -> dict[str, Value] | None:
    """What the person typed into the form of this key, by field name; None when nothing waits."""
    row = Draft.objects.filter(user=user, key=key).first()
    return dict(row.fields) if row is not None else None


def let_go(user: User, key: str) -> None:
    """Forgets a draft: it was sent, or thrown away."""
    Draft.objects.filter(user=user, key=key).delete()


def checked(key: str, fields: Mapping[str, str | Sequence[str]]) -> dict[str, Value]:
    """The fields as they are stored: one value as text, several as a list."""
    if len(key) > LONGEST_KEY or KEY.fullmatch(key) is None:
        raise NotADraft("This form keeps no draft.")
    whole = {name: value if isinstance(value, str) else list(value) for name, value in fields.items()}
    letters = sum(len(name) + len("".join(value)) for name, value in whole.items())
    if len(whole) > MOST_FIELDS or letters > LONGEST:
        raise NotADraft("This is too long to be kept. Shorten it, or send it in parts.")
    return whole
