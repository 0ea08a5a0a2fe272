"""Visits that came from another system are known again by their numbers there."""

import django.db.models.deletion
from django.db import migrations, models

import practices.keys
import practices.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0002_walls"),
        ("scheduling", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="AppointmentSource",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("system", models.CharField(max_length=60)),
                ("value", models.CharField(max_length=100)),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sources",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["practice", "appointment"], name="sources_of_visit")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("practice", "system", "value"), name="appointment_source_once"
                    )
                ],
            },
        ),
        practices.tenancy.ProtectTables(["AppointmentSource"]),
    ]
