"""Prints the practices' lines as JSON, each with the webhook that the supplier's console would hold."""

from __future__ import annotations

import json
import sys

import django


def main() -> int:
    """Print a list of {number, url, name}."""
    django.setup()
    from django.conf import settings
    from django.urls import reverse

    from messaging import webhooks
    from practices.models import Practice

    lines = [
        {
            "number": str(practice.line_number),
            "url": settings.PUBLIC_URL + reverse(webhooks.text_received, args=[practice.slug]),
            "name": practice.public_name,
        }
        for practice in Practice.objects.all()
    ]
    json.dump(lines, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
