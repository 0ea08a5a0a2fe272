"""WSGI entry point: production serves pages from here."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "frontdesk.settings")

application = get_wsgi_application()

from frontdesk.checks import refuse_unsafe_start  # noqa: E402  (needs the apps to be ready)

refuse_unsafe_start()
