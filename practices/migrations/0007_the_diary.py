"""What the diary asks of a practice: its places’ clocks, holidays, delays, who may overbook."""

import django.core.validators
import timezone_field.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0006_lines_out"),
    ]

    operations = [
        migrations.AddField(
            model_name="location",
            name="time_zone",
            field=timezone_field.fields.TimeZoneField(
                blank=True,
                choices_display="WITH_GMT_OFFSET",
                help_text="Empty: the practice’s. Hours at this place are on its own clock.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_overbook",
            field=models.BooleanField(
                default=False,
                help_text="Beside others or outside hours, with a reason. Clinicians and managers may always.",
                verbose_name="May squeeze visits in",
            ),
        ),
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
            name="country",
            field=models.CharField(
                default="US", help_text="Whose public holidays are offered.", max_length=2
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
