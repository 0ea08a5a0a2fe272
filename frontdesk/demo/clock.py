"""Another moment for a while, so that the verbs stamp a demo's past as if it had been lived."""

import datetime as dt
from typing import Any


def at(moment: dt.datetime) -> Any:
    """Within the block it is `moment`, and time goes on from there.

    The instant is passed in UTC: with another zone the process's own zone would change too.
    """
    import time_machine  # a tool of development: production has no use for another clock

    return time_machine.travel(moment.astimezone(dt.UTC), tick=True)
