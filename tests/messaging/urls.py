"""The doors of this app alone, so that its tests do not wait for the pages above."""

from django.urls import include, path

urlpatterns = [
    path("hooks/twilio/<slug:practice>/", include("messaging.hook_urls")),
]
