"""ASGI entry point: the demo serves everything from here, production only the event streams."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "frontdesk.settings")

application = get_asgi_application()

from frontdesk.checks import refuse_unsafe_start  # noqa: E402  (needs the apps to be ready)

refuse_unsafe_start()
