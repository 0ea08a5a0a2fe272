"""Prints as JSON what the supplier's console holds: lines with their webhooks, and the desk phones."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from practices.models import Membership


def main() -> int:
    """Print {numbers: [{number, url, voice_url, voice_status_url, name}], phones: {number: facts}}."""
    django.setup()
    from django.conf import settings
    from django.urls import reverse

    from messaging import voice, webhooks
    from practices.models import Membership, Practice
    from practices.tenancy import inside

    numbers: list[dict[str, str]] = []
    phones: dict[str, dict[str, str]] = {}
    for practice in Practice.objects.all():
        numbers.append(
            {
                "number": str(practice.line_number),
                "name": practice.public_name,
                "url": settings.PUBLIC_URL + reverse(webhooks.text_received, args=[practice.slug]),
                "voice_url": voice.hook(practice, "received"),
                "voice_status_url": voice.hook(practice, "status"),
            }
        )
        with inside(practice):
            for one in Membership.objects.active().select_related("user"):
                phones |= phones_of(one)
    json.dump({"numbers": numbers, "phones": phones}, sys.stdout)
    return 0


def phones_of(person: Membership) -> dict[str, dict[str, str]]:
    """Return the telephones of a colleague: the one on the desk answers by itself."""
    name = person.user.full_name
    found = {}
    if person.mobile:
        found[str(person.mobile)] = {"name": f"{name}, own mobile"}
    if person.desk_phone:
        found[str(person.desk_phone)] = {"name": f"{name}, desk phone", "answers": "desk"}
    return found


if __name__ == "__main__":
    sys.exit(main())
