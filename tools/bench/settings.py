"""The product's settings with one address more: the empty view that is the floor of every page."""

from frontdesk.settings import *  # noqa: F403

ROOT_URLCONF = "tools.bench.urls"
LOG_LEVEL = "WARNING"
LOGGING["root"]["level"] = "WARNING"  # type: ignore[name-defined] # noqa: F405
