"""Under /p/<practice>/: the conversation with a patient, and the tasks."""

from django.urls import path

from messaging.views import drafts, messages

urlpatterns = [
    path("drafts/", drafts.keep_draft, name="drafts"),
    path("patients/<uuid:patient_id>/messages/", messages.patient_messages, name="patient-messages"),
    path("patients/<uuid:patient_id>/text/", messages.text_patient, name="text-patient"),
    path("messages/<uuid:message_id>/answer/", messages.answer, name="message-answer"),
    path("messages/<uuid:message_id>/give/", messages.give, name="message-give"),
    path("messages/<uuid:message_id>/handled/", messages.handled, name="message-handled"),
    path("messages/<uuid:message_id>/undo-reading/", messages.undo_reading, name="message-undo-reading"),
    path("messages/<uuid:message_id>/opt-out/", messages.opt_out, name="message-opt-out"),
    path("tasks/<uuid:task_id>/done/", messages.task_done, name="task-done"),
    path("tasks/<uuid:task_id>/owner/", messages.task_owner, name="task-owner"),
    path("tasks/<uuid:task_id>/snooze/", messages.task_snooze, name="task-snooze"),
]
