"""Under /p/<practice>/: the conversation with a patient, and the tasks."""

from django.urls import path

from messaging import views

urlpatterns = [
    path("patients/<uuid:patient_id>/messages/", views.patient_messages, name="patient-messages"),
    path("patients/<uuid:patient_id>/text/", views.text_patient, name="text-patient"),
    path("messages/<uuid:message_id>/answer/", views.answer, name="message-answer"),
    path("messages/<uuid:message_id>/give/", views.give, name="message-give"),
    path("messages/<uuid:message_id>/handled/", views.handled, name="message-handled"),
    path("messages/<uuid:message_id>/undo-reading/", views.undo_reading, name="message-undo-reading"),
    path("messages/<uuid:message_id>/opt-out/", views.opt_out, name="message-opt-out"),
    path("tasks/<uuid:task_id>/done/", views.task_done, name="task-done"),
    path("tasks/<uuid:task_id>/owner/", views.task_owner, name="task-owner"),
    path("tasks/<uuid:task_id>/snooze/", views.task_snooze, name="task-snooze"),
]
