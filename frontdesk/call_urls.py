"""Calls at the desk, under /p/<practice>/calls/."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
