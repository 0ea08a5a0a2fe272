"""Under /p/<practice>/: who speaks in a call, and what may be told."""

from django.urls import path

from messaging.views import identity

urlpatterns = [
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
