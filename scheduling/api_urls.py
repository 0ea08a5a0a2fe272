"""The diary's doors for programs, below /api/v1/p/<practice>/."""

from django.urls import path

from scheduling import (
    api,
    changed_api,
    delays_api,
    find_api,
    hold_api,
    linked_api,
    out_api,
    series_api,
    visit_edit_api,
)
from scheduling import follow_up_api as due

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
    path(
        "appointments/<uuid:appointment_id>/reschedule-together/",
        series_api.RescheduleTogether.as_view(),
        name="api-reschedule-together",
    ),
    path(
        "appointments/<uuid:appointment_id>/cancel-together/",
        series_api.CancelTogether.as_view(),
        name="api-cancel-together",
    ),
    path("series/", series_api.BookSeries.as_view(), name="api-series"),
    path("series/look/", series_api.LookAtSeries.as_view(), name="api-series-look"),
    path("series/<uuid:series_id>/", series_api.OneSeries.as_view(), name="api-one-series"),
    path("linked-visits/", linked_api.BookTogether.as_view(), name="api-linked-visits"),
    path("linked-visits/find/", linked_api.FindTogether.as_view(), name="api-linked-visits-find"),
    path("appointments/<uuid:appointment_id>/status/", api.SetStatus.as_view(), name="api-status"),
    path(
        "appointments/<uuid:appointment_id>/edit/", visit_edit_api.EditAppointment.as_view(), name="api-edit"
    ),
    path("walk-ins/", visit_edit_api.WalkIns.as_view(), name="api-walk-ins"),
    path("follow-ups/", due.FollowUps.as_view(), name="api-follow-ups"),
    path("follow-ups/<uuid:follow_up_id>/", due.OneFollowUp.as_view(), name="api-follow-up"),
    path("follow-ups/<uuid:follow_up_id>/ask/", due.AskPatient.as_view(), name="api-follow-up-ask"),
    path("follow-ups/<uuid:follow_up_id>/book/", due.BookFollowUp.as_view(), name="api-follow-up-book"),
    path("follow-ups/<uuid:follow_up_id>/later/", due.PutOff.as_view(), name="api-follow-up-later"),
    path("follow-ups/<uuid:follow_up_id>/end/", due.EndFollowUp.as_view(), name="api-follow-up-end"),
    path("follow-ups/<uuid:follow_up_id>/count/", due.LetCount.as_view(), name="api-follow-up-count"),
    path("follow-ups/<uuid:follow_up_id>/open/", due.OpenAgain.as_view(), name="api-follow-up-open"),
    path("follow-ups/<uuid:follow_up_id>/undo/", due.UndoStep.as_view(), name="api-follow-up-undo"),
    path("recall-rules/", due.RecallRules.as_view(), name="api-recall-rules"),
    path("recall-rules/<uuid:recall_rule_id>/", due.OneRecallRule.as_view(), name="api-recall-rule"),
    path("changes/", changed_api.Changes.as_view(), name="api-changes"),
    path("changes/seen/", changed_api.ChangesSeen.as_view(), name="api-changes-seen"),
    path("delays/", delays_api.Delays.as_view(), name="api-delays"),
    path("delays/<uuid:practitioner_id>/", delays_api.OneDelay.as_view(), name="api-delay"),
    path("delays/<uuid:practitioner_id>/tell/", delays_api.Tell.as_view(), name="api-delay-tell"),
    path("delays/<uuid:practitioner_id>/on-time/", delays_api.OnTime.as_view(), name="api-delay-on-time"),
    path("out/", out_api.OutCases.as_view(), name="api-out-cases"),
    path("out/<uuid:case_id>/", out_api.OneOutCase.as_view(), name="api-out-case"),
    path("out/<uuid:case_id>/send/", out_api.SendOutCase.as_view(), name="api-out-send"),
    path("out/<uuid:case_id>/take-back/", out_api.TakeOutCaseBack.as_view(), name="api-out-take-back"),
    path("out/<uuid:case_id>/visits/<uuid:request_id>/", out_api.PlanVisit.as_view(), name="api-out-visit"),
    path(
        "appointments/<uuid:appointment_id>/send-times/",
        out_api.SendTimes.as_view(),
        name="api-send-times",
    ),
]
