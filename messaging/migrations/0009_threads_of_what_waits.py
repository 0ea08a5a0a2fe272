"""Gives a thread to each patient and stranger whose text was waiting for a person before there were threads.

Without it what waits would stand in “Needs you” alone, and the inbox would look empty. Row security is forced
on the owner of the tables too, so each practice is opened before its rows are read.
"""

from django.db import migrations

from practices.keys import uuid7

LAST_LINE = 140


def write_threads(apps, schema_editor):
    for practice in apps.get_model("practices", "Practice").objects.all():
        open_practice(schema_editor, practice.pk)
        threads_of(apps, practice)
    open_practice(schema_editor, "")


def threads_of(apps, practice):
    messages = apps.get_model("messaging", "Message")._base_manager
    threads = apps.get_model("messaging", "Conversation")._base_manager
    waiting = messages.filter(
        practice_id=practice.pk, direction="in", needs_person=True, handled_at=None
    ).order_by("created_at")
    urgency = urgencies(apps, practice)
    rows = {}
    for message in waiting.iterator():
        with_whom = message.patient_id or message.address_index
        row = rows.get(with_whom) or new_thread(apps, practice, message)
        row.last_at = row.last_in_at = message.created_at
        row.channel, row.last_kind = message.channel, "email" if message.channel == "email" else "text"
        row.last_line = " ".join(message.body.split())[:LAST_LINE]
        row.urgency = min(row.urgency, urgency.get(message.address_index, 2))
        rows[with_whom] = row
    # A thread that came into being meanwhile knows better.
    threads.bulk_create(rows.values(), batch_size=500, ignore_conflicts=True)


def new_thread(apps, practice, message):
    stranger = message.patient_id is None
    return apps.get_model("messaging", "Conversation")(
        id=uuid7(),
        practice_id=practice.pk,
        patient_id=message.patient_id,
        address=message.address if stranger else "",
        address_index=message.address_index if stranger else "",
        state="needs-action",
        needs_since=message.created_at,
        last_from_them=True,
    )


def urgencies(apps, practice):
    """How urgent the open task behind each number is."""
    tasks = apps.get_model("messaging", "Task")._base_manager
    found = tasks.filter(practice_id=practice.pk, done_at=None, once_key__startswith="answer:")
    return {key.partition(":")[2]: urgency for key, urgency in found.values_list("once_key", "urgency")}


def open_practice(schema_editor, key):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.practice_id', %s, true)", [str(key)])


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0008_recordings_to_delete"),
        ("practices", "0006_lines_out"),
    ]

    # The way back leaves the threads: the tables go with the migrations before this one.
    operations = [migrations.RunPython(write_threads, migrations.RunPython.noop)]
