"""Settings of the test suite: real servers, the running role, and nothing that leaves the machine."""

from frontdesk.settings import *  # noqa: F403
from frontdesk.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"]["TEST"] = {"NAME": None}
# Each test closes its connections itself; a pool would keep some open beyond the test database.
DATABASES["default"]["OPTIONS"].pop("pool", None)
SECURE_SSL_REDIRECT = False
TWILIO_TIMEOUT_SECONDS = 2
# Files are looked up when asked for: a list of them made anew for each test's client took 37 ms.
WHITENOISE_AUTOREFRESH = True
