"""The product's settings for processes of a drill: short waits come by the environment, switches too."""

import os

from frontdesk import settings as product
from frontdesk.settings import *  # noqa: F403

SWITCHED_OFF = frozenset(filter(None, os.environ.get("DRILL_SWITCHED_OFF", "").split(",")))
LOGGING = {**product.LOGGING, "root": {"handlers": ["console"], "level": "ERROR"}}
