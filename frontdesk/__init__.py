"""Front Desk: the Django project and the top of the stack of apps."""

from frontdesk.celery import app as celery_app

__all__ = ["celery_app"]
