"""When patients hear that a clinician is late, and whether calendars outside show names."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0006_lines_out"),
    ]

    operations = [
        migrations.AddField(
            model_name="practice",
            name="calendar_names",
            field=models.BooleanField(
                default=False,
                help_text="Clinicians’ own calendars, outside Front Desk, show patients’ names.",
            ),
        ),
        migrations.AddField(
            model_name="practice",
            name="late_tell_from",
            field=models.PositiveSmallIntegerField(
                default=10,
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(60),
                ],
            ),
        ),
        migrations.AddField(
            model_name="practice",
            name="late_tell_hours",
            field=models.PositiveSmallIntegerField(
                default=4,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(12),
                ],
            ),
        ),
    ]
