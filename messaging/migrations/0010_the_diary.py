"""Words and invitations of the diary."""

from django.db import migrations, models

import practices.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0009_threads_of_what_waits"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="calendar",
            field=practices.encryption.EncryptedTextField(null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("confirmation", "Confirmation"),
                    ("reminder", "Reminder"),
                    ("moved", "Moved"),
                    ("cancelled", "Cancelled"),
                    ("choose", "Times to choose"),
                    ("chosen", "Chose a time"),
                    ("stays", "Stays as it was"),
                    ("delay", "Running late"),
                    ("reply", "Automatic answer"),
                    ("note", "Written by staff"),
                    ("brief", "Brief to a clinician"),
                    ("urgent", "Urgent message to a colleague"),
                    ("digest", "Messages gathered for a colleague"),
                    ("missed-call", "After a missed call"),
                    ("broadcast", "To many at once"),
                    ("recall", "Time for a visit"),
                    ("offer", "A time that opened"),
                    ("inbound", "From the patient"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="task",
            name="kind",
            field=models.CharField(
                choices=[
                    ("answer", "Answer a message"),
                    ("undelivered", "A message did not arrive"),
                    ("new-time", "Wants another time"),
                    ("cancel", "Wants to cancel"),
                    ("link-locked", "A link was locked"),
                    ("uncertain", "A send whose outcome is unknown"),
                    ("call", "Call the patient"),
                    ("follow-up", "Follow up"),
                    ("call-back", "Call back as promised"),
                    ("missed-call", "A call was missed"),
                    ("voicemail", "Listen to a voicemail"),
                    ("promise", "A promise to keep"),
                    ("staff-message", "A message for the staff"),
                    ("complaint", "A complaint"),
                    ("line", "The line of the practice"),
                    ("rebook", "Find another time"),
                    ("delay", "A clinician is behind"),
                    ("opening", "A time opened"),
                ],
                max_length=14,
            ),
        ),
    ]
