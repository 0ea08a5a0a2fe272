"""Pages of the diary under /p/<practice>/."""

from django.urls import path

from scheduling.views import booking, changed, changes, delays, moving, reminders, suggestions, visits

urlpatterns = [
    path("book/", booking.book, name="book"),
    path("book/times/", booking.book_times, name="book-times"),
    path("book/let-go/", booking.let_go, name="book-let-go"),
    path("appointments/<uuid:appointment_id>/", visits.appointment, name="appointment"),
    path("appointments/<uuid:appointment_id>/stage/", visits.stage, name="appointment-stage"),
    path("appointments/<uuid:appointment_id>/confirm/", visits.confirm, name="appointment-confirm"),
    path("appointments/<uuid:appointment_id>/note/", visits.note, name="appointment-note"),
    path("appointments/<uuid:appointment_id>/cancel/", visits.cancel, name="appointment-cancel"),
    path("appointments/<uuid:appointment_id>/move/", moving.move, name="appointment-move"),
    path("patients/<uuid:patient_id>/visits/", visits.patient_visits, name="patient-visits"),
    path("reminders/", reminders.reminders, name="reminders"),
    path("call-list/", reminders.calls_to_make, name="call-list"),
    path("call-list/<uuid:appointment_id>/", reminders.called, name="call-list-outcome"),
    path("changed/", changed.changed, name="changed"),
    path("changed/seen/", changed.seen, name="changed-seen"),
    path("changes/", changes.changes, name="changes"),
    path("changes/earlier/", changes.earlier, name="changes-earlier"),
    path("changes/<uuid:change_id>/undo/", changes.undo, name="change-undo"),
    path("changes/<uuid:change_id>/send/", changes.send, name="change-send"),
    path("inbox/<uuid:conversation_id>/suggestion/", suggestions.thread_suggestion, name="thread-suggestion"),
    path("messages/<uuid:message_id>/suggestion/", suggestions.message_suggestion, name="message-suggestion"),
    path("messages/<uuid:message_id>/move/", suggestions.take_suggestion, name="suggestion-take"),
    path("delays/<uuid:practitioner_id>/", delays.delay, name="delay"),
    path("delays/<uuid:practitioner_id>/set/", delays.set_delay, name="delay-set"),
    path("delays/<uuid:practitioner_id>/tell/", delays.tell, name="delay-tell"),
    path("delays/<uuid:practitioner_id>/on-time/", delays.on_time, name="delay-on-time"),
    path("delays/<uuid:practitioner_id>/undo/", delays.undo, name="delay-undo"),
]
