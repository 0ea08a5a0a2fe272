from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0010_delay_and_calendar"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("confirmation", "Confirmation"),
                    ("reminder", "Reminder"),
                    ("moved", "Moved"),
                    ("cancelled", "Cancelled"),
                    ("delay", "Running late"),
                    ("reply", "Automatic answer"),
                    ("note", "Written by staff"),
                    ("brief", "Brief to a clinician"),
                    ("urgent", "Urgent message to a colleague"),
                    ("digest", "Messages gathered for a colleague"),
                    ("missed-call", "After a missed call"),
                    ("broadcast", "To many at once"),
                    ("recall", "Time for a visit"),
                    ("inbound", "From the patient"),
                ],
                max_length=12,
            ),
        ),
    ]
