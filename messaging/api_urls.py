"""The API of conversations, under /api/v1/p/<practice>/."""

from django.urls import path

from messaging import api

urlpatterns = [
    path("threads/", api.Threads.as_view(), name="api-threads"),
    path("threads/<uuid:conversation_id>/", api.OneThread.as_view(), name="api-thread"),
    path("threads/<uuid:conversation_id>/notes/", api.ThreadNotes.as_view(), name="api-thread-notes"),
    path("patients/<uuid:patient_id>/messages/", api.PatientMessages.as_view(), name="api-patient-messages"),
]
