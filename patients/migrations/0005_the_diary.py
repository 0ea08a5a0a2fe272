"""What a patient needs of a time."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.encryption
import practices.keys
import practices.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0004_conversation_walls"),
        ("practices", "0007_the_diary"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PatientWish",
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
                        choices=[
                            ("not-before", "Not before"),
                            ("not-after", "Over by"),
                            ("interpreter", "Interpreter for"),
                            ("longer", "Longer by"),
                            ("gender", "Clinician"),
                            ("carer", "Carer can come"),
                            ("transport", "Transport runs"),
                        ],
                        max_length=12,
                    ),
                ),
                ("details", practices.encryption.EncryptedJSONField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                    "patient",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="wishes",
                        to="patients.patient",
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
                "verbose_name_plural": "patient wishes",
                "ordering": ("made_at",),
                "indexes": [models.Index(fields=["practice", "patient"], name="wishes_of_patient")],
            },
        ),
    ]
