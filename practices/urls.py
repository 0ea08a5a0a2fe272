"""Settings of a practice, for managers."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
