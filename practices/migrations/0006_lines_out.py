"""Reminders have rules of their own now; a practice remembers which of its lines rest."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0005_conversation_walls"), ("scheduling", "0006_reminder_rules")]

    operations = [
        migrations.RemoveField("practice", "reminder_days_before"),
        migrations.RemoveField("practice", "reminder_time"),
        migrations.AddField(
            "practice", "lines_out", models.JSONField(blank=True, default=dict, editable=False)
        ),
    ]
