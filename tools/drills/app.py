"""The product's Celery application with a breaker that tries again soon: a drill has no minutes to wait."""

import datetime as dt
from typing import Any

from celery.signals import celeryd_init

from frontdesk.celery import app

__all__ = ["app"]


@celeryd_init.connect
def hurry(**_: Any) -> None:
    """Shorten the rests of a line; the pool's processes inherit it."""
    from messaging import lines

    lines.FIRST_PAUSE = lines.FULL_QUEUE_PAUSE = dt.timedelta(seconds=0.5)
    lines.LONGEST_PAUSE = dt.timedelta(seconds=1)
