"""Messages for the staff for programs, below /api/v1/p/<practice>/staff-messages/."""

from django.urls import path

from messaging import staff_api as api

urlpatterns = [
    path("staff-messages/", api.StaffMessages.as_view(), name="api-staff-messages"),
    path(
        "staff-messages/<uuid:staff_message_id>/acknowledge/",
        api.Acknowledge.as_view(),
        name="api-staff-message-acknowledge",
    ),
    path("staff-messages/<uuid:staff_message_id>/done/", api.Done.as_view(), name="api-staff-message-done"),
]
