"""Settings of calls and of the team's messages, under /p/<practice>/settings/."""

from django.urls import path

from messaging import call_rules
from messaging import staff_settings_views as views

urlpatterns = [
    path("on-call/", views.roster, name="settings-on-call"),
    path("on-call/<uuid:shift_id>/", views.shift, name="settings-shift"),
    path("on-call/<uuid:shift_id>/remove/", views.shift_remove, name="settings-shift-remove"),
    path("team-messages/", views.rules, name="settings-team-messages"),
    path("calls/", call_rules.calls, name="settings-calls"),
]
