"""The diary's doors for programs, below /api/v1/p/<practice>/."""

from django.urls import path

from scheduling import api, changed_api, delays_api, find_api, hold_api

urlpatterns = [
    path("practitioners/", api.Practitioners.as_view(), name="api-practitioners"),
    path("appointment-types/", api.AppointmentTypes.as_view(), name="api-appointment-types"),
    path("availability/", api.Availability.as_view(), name="api-availability"),
    path("appointments/", api.Appointments.as_view(), name="api-appointments"),
    path("appointments/$find/", find_api.FindTimes.as_view(), name="api-find"),
    path("appointments/$hold/", hold_api.HoldTime.as_view(), name="api-hold"),
    path("appointments/$let-go/", hold_api.LetGo.as_view(), name="api-let-go"),
    path("appointments/$book/", hold_api.BookHeld.as_view(), name="api-book-held"),
    path("appointments/<uuid:appointment_id>/", api.OneAppointment.as_view(), name="api-appointment"),
    path("appointments/<uuid:appointment_id>/reschedule/", api.Reschedule.as_view(), name="api-reschedule"),
    path("appointments/<uuid:appointment_id>/cancel/", api.Cancel.as_view(), name="api-cancel"),
    path("appointments/<uuid:appointment_id>/confirm/", api.Confirm.as_view(), name="api-confirm"),
    path("appointments/<uuid:appointment_id>/status/", api.SetStatus.as_view(), name="api-status"),
    path("changes/", changed_api.Changes.as_view(), name="api-changes"),
    path("changes/seen/", changed_api.ChangesSeen.as_view(), name="api-changes-seen"),
    path("delays/", delays_api.Delays.as_view(), name="api-delays"),
    path("delays/<uuid:practitioner_id>/", delays_api.OneDelay.as_view(), name="api-delay"),
    path("delays/<uuid:practitioner_id>/tell/", delays_api.Tell.as_view(), name="api-delay-tell"),
    path("delays/<uuid:practitioner_id>/on-time/", delays_api.OnTime.as_view(), name="api-delay-on-time"),
]
