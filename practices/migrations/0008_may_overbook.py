from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0007_late_and_calendars"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="may_overbook",
            field=models.BooleanField(
                default=False,
                help_text="Beside others or outside hours, with a reason. Clinicians and managers may always.",
                verbose_name="May squeeze visits in",
            ),
        ),
    ]
