"""Under /p/<practice>/: who speaks in a call and what may be told; what to know beside a conversation."""

from django.urls import path

from messaging.views import context, identity

urlpatterns = [
    path("inbox/<uuid:conversation_id>/context/", context.thread_context, name="thread-context"),
    path("calls/<uuid:call_id>/identity/<uuid:patient_id>/", identity.identity_check, name="identity-check"),
    path(
        "calls/<uuid:call_id>/identity/<uuid:patient_id>/chip/", identity.identity_chip, name="identity-chip"
    ),
    path(
        "calls/<uuid:call_id>/identity/<uuid:patient_id>/override/",
        identity.identity_override,
        name="identity-override",
    ),
]
