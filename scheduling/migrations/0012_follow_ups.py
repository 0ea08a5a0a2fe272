"""Visits that are due: follow-ups, recall rules, links to choose a time; where video visits take place."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.encryption
import practices.keys
import practices.tenancy
from practices.tenancy import ProtectReference, ProtectTables


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0011_recall_kind"),
        ("patients", "0004_conversation_walls"),
        ("practices", "0008_may_overbook"),
        ("scheduling", "0011_delays"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FollowUpLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("token_hash", models.CharField(max_length=64)),
                ("expires_at", models.DateTimeField()),
                ("wrong_dates", models.PositiveSmallIntegerField(default=0)),
                ("locked_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="MeetingAddress",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("address", practices.encryption.EncryptedTextField()),
            ],
            options={
                "verbose_name_plural": "meeting addresses",
            },
        ),
        migrations.CreateModel(
            name="RecallRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("months", models.PositiveSmallIntegerField()),
                ("weeks_before", models.PositiveSmallIntegerField()),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "Text"), ("email", "E-mail"), ("call", "Phone call")],
                        default="sms",
                        max_length=5,
                    ),
                ),
                ("active", models.BooleanField(default=True)),
                ("swept_on", models.DateField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="appointment",
            name="meeting_address",
            field=practices.encryption.EncryptedTextField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="appointment",
            name="needs",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("interpreter", "Interpreter"),
                        ("step-free", "Step-free room"),
                        ("wheelchair", "Wheelchair"),
                        ("hearing", "Hard of hearing"),
                        ("sight", "Low vision"),
                        ("carer", "Carer comes along"),
                        ("longer", "Longer visit"),
                        ("transport", "Arranged transport"),
                    ],
                    max_length=20,
                ),
                blank=True,
                default=list,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="appointment",
            name="walk_in",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="change",
            name="kind",
            field=models.CharField(
                choices=[
                    ("booked", "booked"),
                    ("moved", "moved"),
                    ("cancelled", "cancelled"),
                    ("status", "changed"),
                    ("walked-in", "walked in"),
                    ("edited", "edited"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("due_on", models.DateField()),
                ("tolerance_days", models.PositiveSmallIntegerField(default=7)),
                ("counts_from", models.DateField()),
                ("latest_on", models.DateField()),
                ("work_from", models.DateField()),
                ("note", practices.encryption.EncryptedTextField(blank=True, default="")),
                ("ordered_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("asked_at", models.DateTimeField(null=True)),
                ("wait_until", models.DateField(null=True)),
                ("why_not", models.CharField(blank=True, max_length=40)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "closed_as",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not-needed", "Not needed any more"),
                            ("declined", "The patient does not want it"),
                            ("elsewhere", "Is seen somewhere else"),
                            ("unreachable", "Cannot be reached"),
                            ("error", "Ordered by mistake"),
                            ("opted-out", "Asked for no messages"),
                            ("seen", "The visit took place"),
                        ],
                        max_length=12,
                    ),
                ),
                ("step", models.CharField(blank=True, max_length=12)),
                ("step_at", models.DateTimeField(null=True)),
                ("before", practices.encryption.EncryptedJSONField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "appointment_type",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.appointmenttype",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "ordered_by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follow_ups",
                        to="patients.patient",
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
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.practitioner",
                    ),
                ),
                (
                    "step_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "visit",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follow_ups",
                        to="scheduling.appointment",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="appointment",
            name="follow_up",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scheduling.followup",
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                condition=models.Q(("status", "fulfilled")),
                fields=["practice", "appointment_type", "local_date"],
                name="visits_done_of_type",
            ),
        ),
        migrations.AddField(
            model_name="followuplink",
            name="follow_up",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="links",
                to="scheduling.followup",
            ),
        ),
        migrations.AddField(
            model_name="followuplink",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="meetingaddress",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="meetingaddress",
            name="practitioner",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="scheduling.practitioner",
            ),
        ),
        migrations.AddField(
            model_name="recallrule",
            name="appointment_type",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="recall_rules",
                to="scheduling.appointmenttype",
            ),
        ),
        migrations.AddField(
            model_name="recallrule",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="followup",
            name="rule",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="recalls",
                to="scheduling.recallrule",
            ),
        ),
        migrations.AddConstraint(
            model_name="followuplink",
            constraint=models.UniqueConstraint(fields=("practice", "token_hash"), name="follow_up_link_once"),
        ),
        migrations.AddConstraint(
            model_name="meetingaddress",
            constraint=models.UniqueConstraint(
                fields=("practice", "practitioner"), name="meeting_address_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="recallrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("months__gte", 1), ("months__lte", 60), ("weeks_before__lte", 26)),
                name="recall_within_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="recallrule",
            constraint=models.UniqueConstraint(
                fields=("practice", "appointment_type"), name="recall_rule_once"
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("closed_at", None)),
                fields=["practice", "work_from"],
                name="follow_ups_open",
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["practice", "patient", "due_on"], name="follow_ups_of_patient"),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(fields=["practice", "step_by", "-step_at"], name="follow_up_steps"),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("counts_from__lte", models.F("latest_on")), ("due_on__lte", models.F("latest_on"))
                ),
                name="follow_up_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("rule__isnull", False)),
                fields=("practice", "rule", "visit"),
                name="recall_once_a_cycle",
            ),
        ),
        ProtectTables(["FollowUp", "FollowUpLink", "MeetingAddress", "RecallRule"]),
        ProtectReference("Appointment", "follow_up"),
    ]
