"""Rows for visits that belong together: series, linked visits, and changes made as one."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.keys
import practices.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0004_conversation_walls"),
        ("practices", "0006_lines_out"),
        ("scheduling", "0009_board"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LinkedVisits",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "shape",
                    models.CharField(
                        choices=[("in-turn", "One after the other"), ("side-by-side", "At the same time")],
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name_plural": "linked visits",
            },
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("rule", models.CharField(max_length=200)),
                ("total", models.PositiveSmallIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name_plural": "series",
            },
        ),
        migrations.AddField(
            model_name="appointment",
            name="series_position",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="change",
            name="batch",
            field=models.UUIDField(null=True),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)),
                fields=["practice", "batch"],
                name="changes_of_batch",
            ),
        ),
        migrations.AddField(
            model_name="linkedvisits",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="linkedvisits",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="appointment",
            name="linked",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="visits",
                to="scheduling.linkedvisits",
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="patient",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="series",
                to="patients.patient",
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="appointment",
            name="series",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="visits",
                to="scheduling.series",
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("series__isnull", False)),
                fields=["practice", "series", "series_position"],
                name="visits_of_series",
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("linked__isnull", False)),
                fields=["practice", "linked"],
                name="visits_linked",
            ),
        ),
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("series", None), ("series_position", None)),
                    models.Q(("series__isnull", False), ("series_position__isnull", False)),
                    _connector="OR",
                ),
                name="series_has_places",
            ),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["practice", "patient"], name="series_of_patient"),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(
                condition=models.Q(("total__gte", 2), ("total__lte", 52)), name="series_within_reason"
            ),
        ),
        practices.tenancy.ProtectTables(["Series", "LinkedVisits"]),
        practices.tenancy.ProtectReference("Appointment", "series"),
        practices.tenancy.ProtectReference("Appointment", "linked"),
    ]
