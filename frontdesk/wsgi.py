"""WSGI entry point: production serves pages from here."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "frontdesk.settings")

application = get_wsgi_application()

from frontdesk.checks import refuse_unsafe_start  # noqa: E402  (needs the apps to be ready)

refuse_unsafe_start()

# What start-up made stays for good: the collector need not walk it again in the middle of a page.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 50)
