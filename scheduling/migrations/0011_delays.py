"""How far behind clinicians are, who was told of it, and the addresses of their calendars."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.keys
import practices.tenancy
from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0010_delay_and_calendar"),
        ("practices", "0007_late_and_calendars"),
        ("scheduling", "0010_series"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Delay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("local_date", models.DateField()),
                ("minutes", models.PositiveSmallIntegerField(default=0)),
                ("since", models.DateTimeField(null=True)),
                ("said_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("version", models.PositiveIntegerField(default=0)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "practitioner",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="delays",
                        to="scheduling.practitioner",
                    ),
                ),
                (
                    "said_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DelayStep",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("said", "Said how late"), ("told", "Told patients")], max_length=4
                    ),
                ),
                ("minutes_before", models.PositiveSmallIntegerField(default=0)),
                ("since_before", models.DateTimeField(null=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("undo_until", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "delay",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="scheduling.delay",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DelayNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("minutes", models.PositiveSmallIntegerField()),
                ("told_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="delay_notices",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "delay",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="scheduling.delay",
                    ),
                ),
                (
                    "message",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.message",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "task",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.task",
                    ),
                ),
                (
                    "step",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="scheduling.delaystep",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("token_hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("counted_from", models.DateTimeField(null=True)),
                ("counted", models.PositiveIntegerField(default=0)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "practitioner",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feeds",
                        to="scheduling.practitioner",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "token_hash"), name="calendar_feed_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)),
                        fields=("practice", "practitioner"),
                        name="one_calendar_feed_in_use",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="delay",
            constraint=models.UniqueConstraint(
                fields=("practice", "local_date", "practitioner"), name="one_delay_of_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="delay",
            constraint=models.CheckConstraint(
                condition=models.Q(("minutes__lte", 240)), name="delay_is_sane"
            ),
        ),
        migrations.AddIndex(
            model_name="delaystep",
            index=models.Index(fields=["practice", "delay", "-made_at"], name="steps_of_delay"),
        ),
        migrations.AddIndex(
            model_name="delaynotice",
            index=models.Index(fields=["practice", "delay"], name="notices_of_delay"),
        ),
        migrations.AddConstraint(
            model_name="delaynotice",
            constraint=models.UniqueConstraint(
                fields=("practice", "appointment", "number"), name="delay_told_once_a_number"
            ),
        ),
        ProtectTables(["Delay", "DelayStep", "DelayNotice", "CalendarFeed"]),
    ]
