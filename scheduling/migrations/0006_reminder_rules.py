"""Turns “so many days before, at this time” of each practice into its reminder rules.

What reminders went by stays as it was: a text, else an e-mail. Row security is forced on the owner of the
tables too, so each practice is opened before its rows are written.
"""

from django.db import migrations

from practices.keys import uuid7


def write_rules(apps, schema_editor):
    practices = apps.get_model("practices", "Practice").objects.all()
    rules = apps.get_model("scheduling", "ReminderRule")._base_manager
    notices = apps.get_model("scheduling", "Notice")._base_manager
    for practice in practices:
        open_practice(schema_editor, practice.pk)
        for days in sorted(set(practice.reminder_days_before)):
            rule = rules.create(
                id=uuid7(), practice_id=practice.pk, days_before=days, at=practice.reminder_time,
                channels=["sms", "email"],
            )  # fmt: skip
            # Who was reminded by the old setting is not reminded again by the rule that took its place.
            notices.filter(kind=f"reminder-{days}").update(rule_id=rule.pk)
    open_practice(schema_editor, "")


def open_practice(schema_editor, key):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.practice_id', %s, true)", [str(key)])


def write_days(apps, schema_editor):
    rules = apps.get_model("scheduling", "ReminderRule")._base_manager
    for practice in apps.get_model("practices", "Practice").objects.all():
        open_practice(schema_editor, practice.pk)
        found = list(rules.filter(practice_id=practice.pk, appointment_type=None, days_before__isnull=False))
        practice.reminder_days_before = sorted({rule.days_before for rule in found})
        practice.reminder_time = next((rule.at for rule in found), practice.reminder_time)
        practice.save(update_fields=["reminder_days_before", "reminder_time"])
        rules.filter(practice_id=practice.pk).delete()
    open_practice(schema_editor, "")


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0005_conversation_walls"),
        ("practices", "0005_conversation_walls"),
    ]

    operations = [migrations.RunPython(write_rules, write_days)]
