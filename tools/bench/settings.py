"""The product's settings with one address more: the empty view that is the floor of every page."""

from frontdesk import settings as product
from frontdesk.settings import *  # noqa: F403

ROOT_URLCONF = "tools.bench.urls"
LOGGING = {**product.LOGGING, "root": {"handlers": ["console"], "level": "ERROR"}}
