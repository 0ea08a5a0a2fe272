"""Calls for programs, below /api/v1/p/<practice>/calls/."""

from django.urls import path

from messaging import call_api as api

urlpatterns = [
    path("calls/", api.Calls.as_view(), name="api-calls"),
    path("calls/<uuid:call_id>/", api.OneCall.as_view(), name="api-call"),
    path("calls/<uuid:call_id>/note/", api.Note.as_view(), name="api-call-note"),
]
