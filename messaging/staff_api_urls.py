"""Messages for the staff for programs, below /api/v1/p/<practice>/staff-messages/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
