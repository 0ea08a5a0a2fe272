"""Under /p/<practice>/: the inbox, its conversations, and the tasks."""

from django.urls import path

from messaging.views import attachments, drafts, messages, recordings, saved_replies, threads, wordings

urlpatterns = [
    path("drafts/", drafts.keep_draft, name="drafts"),
    path("inbox/", threads.inbox_page, name="inbox"),
    path("inbox/new/", threads.new_message, name="inbox-new"),
    path("inbox/<uuid:conversation_id>/", threads.thread, name="thread"),
    path("inbox/<uuid:conversation_id>/write/", threads.write, name="thread-write"),
    path("inbox/<uuid:conversation_id>/note/", threads.write_note, name="thread-note"),
    path("inbox/<uuid:conversation_id>/insert/", threads.insert, name="thread-insert"),
    path("inbox/<uuid:conversation_id>/owner/", threads.assign, name="thread-owner"),
    path("inbox/<uuid:conversation_id>/later/", threads.later, name="thread-later"),
    path("inbox/<uuid:conversation_id>/close/", threads.close, name="thread-close"),
    path("inbox/<uuid:conversation_id>/reopen/", threads.reopen, name="thread-reopen"),
    path("inbox/<uuid:conversation_id>/seen/", threads.seen, name="thread-seen"),
    path("inbox/<uuid:conversation_id>/give/", threads.give, name="thread-give"),
    path("patients/<uuid:patient_id>/messages/", threads.patient_messages, name="patient-messages"),
    path("patients/<uuid:patient_id>/thread/", threads.patient_thread, name="patient-thread"),
    path("attachments/<uuid:attachment_id>/", attachments.attachment, name="attachment"),
    path("recordings/<uuid:recording_id>/", recordings.audio, name="recording-audio"),
    path("messages/<uuid:message_id>/answer/", messages.answer, name="message-answer"),
    path("messages/<uuid:message_id>/handled/", messages.handled, name="message-handled"),
    path("messages/<uuid:message_id>/undo-reading/", messages.undo_reading, name="message-undo-reading"),
    path("messages/<uuid:message_id>/opt-out/", messages.opt_out, name="message-opt-out"),
    path("tasks/<uuid:task_id>/done/", messages.task_done, name="task-done"),
    path("tasks/<uuid:task_id>/owner/", messages.task_owner, name="task-owner"),
    path("tasks/<uuid:task_id>/snooze/", messages.task_snooze, name="task-snooze"),
    path("settings/wordings/", wordings.all_wordings, name="wordings"),
    path("settings/wordings/<slug:wording>/<slug:way>/<slug:language>/", wordings.wording, name="wording"),
    path(
        "settings/wordings/<slug:wording>/<slug:way>/<slug:language>/preview/",
        wordings.preview_wording,
        name="wording-preview",
    ),
    path(
        "settings/wordings/<slug:wording>/<slug:way>/<slug:language>/usual/",
        wordings.usual_wording,
        name="wording-usual",
    ),
    path("settings/replies/", saved_replies.replies, name="saved-replies"),
    path("settings/replies/<uuid:reply_id>/", saved_replies.reply, name="saved-reply"),
    path("settings/replies/<uuid:reply_id>/remove/", saved_replies.remove, name="saved-reply-remove"),
]
