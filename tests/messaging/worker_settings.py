"""Settings of a worker process that a test starts: the suite's, with short waits and chosen switches."""

import os

from tests.settings import *  # noqa: F403

SWITCHED_OFF = frozenset(filter(None, os.environ.get("TEST_SWITCHED_OFF", "").split(",")))
TWILIO_TIMEOUT_SECONDS = 0.5
DELIVERY_LEASE_SECONDS = 2.5
DELIVERY_GRACE_SECONDS = 0.7
DELIVERY_BACKOFF_SECONDS = 0.1
# A worker serves no pages: these tests stand on this app and those below it alone.
ROOT_URLCONF = "tests.messaging.urls"
