"""Messages to many, under /p/<practice>/broadcasts/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
