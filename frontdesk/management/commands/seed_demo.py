"""manage.py seed_demo: three invented practices with a day that looks lived in."""

import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Makes the demo's data, or what a new day needs; on the same day it does nothing."""

    help = "Fill the demo's practices with invented patients and visits around the present hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scale", type=float, default=1.0, help="Share of the thousand patients.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Demo data is for the demo: FRONTDESK_MODE is production here.")
        if not 0 < options["scale"] <= 1:
            raise CommandError("--scale is a share of the thousand patients, above 0 and at most 1.")
        from frontdesk.demo.seeding import seed

        started = time.monotonic()

        def tell(words: str) -> None:
            print(f"{time.monotonic() - started:5.1f} s  {words}", file=sys.stderr, flush=True)

        tell("ready" if seed(tell, scale=options["scale"]) else "the demo's day is there already")
