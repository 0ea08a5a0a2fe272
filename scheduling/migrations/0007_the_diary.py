"""What a time needs, who has it, who waits for it, and what becomes of a day that breaks."""

import datetime

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.encryption
import practices.keys
import practices.tenancy
import scheduling.models.appointment
import scheduling.models.looks


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0010_the_diary"),
        ("patients", "0005_the_diary"),
        ("practices", "0007_the_diary"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("scheduling", "0006_reminder_rules"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="appointment",
            name="no_double_booking",
        ),
        migrations.AddField(
            model_name="appointment",
            name="buffer_after",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="appointment",
            name="buffer_before",
            field=models.PositiveSmallIntegerField(default=0),
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
            name="seat",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="appointment",
            name="seats",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="appointment",
            name="series_position",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="appointment",
            name="session",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="appointment",
            name="walk_in",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="buffer_after",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="buffer_before",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="capacity",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="clinicians",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="maximum_horizon",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="minimum_notice",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="needs_resource",
            field=models.CharField(
                blank=True,
                choices=[("interpreter", "Interpreter"), ("device", "Device"), ("other", "Other")],
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="needs_room",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="patients_may_choose",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="appointmenttype",
            name="slot_interval",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="change",
            name="batch",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="change",
            name="news_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="visitlink",
            name="purpose",
            field=models.CharField(
                choices=[("visit", "Answer and details"), ("choose", "Choose another time")],
                default="visit",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="weeklyhours",
            name="location",
            field=practices.tenancy.PracticeForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="practices.location",
            ),
        ),
        migrations.AddField(
            model_name="weeklyhours",
            name="room",
            field=practices.tenancy.PracticeForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="practices.room",
            ),
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
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)),
                fields=["practice", "batch"],
                name="changes_of_batch",
            ),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(
                    ("kind__in", ["booked", "moved", "cancelled"]), ("news_at", None), ("undone_at", None)
                ),
                fields=["practice", "undo_until"],
                name="changes_for_news",
            ),
        ),
        migrations.AddConstraint(
            model_name="appointmenttype",
            constraint=models.CheckConstraint(
                condition=models.Q(("buffer_after__lte", 240), ("buffer_before__lte", 240)),
                name="type_has_sane_buffers",
            ),
        ),
        migrations.AddConstraint(
            model_name="appointmenttype",
            constraint=models.CheckConstraint(
                condition=models.Q(("capacity__gte", 1), ("capacity__lte", 100)),
                name="type_has_a_sane_capacity",
            ),
        ),
        migrations.AddConstraint(
            model_name="appointmenttype",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slot_interval", None),
                    models.Q(("slot_interval__gte", 5), ("slot_interval__lte", 480)),
                    _connector="OR",
                ),
                name="type_has_a_sane_interval",
            ),
        ),
        migrations.AddConstraint(
            model_name="appointmenttype",
            constraint=models.CheckConstraint(
                condition=models.Q(("minimum_notice__lte", 129600)), name="type_has_a_sane_notice"
            ),
        ),
        migrations.AddConstraint(
            model_name="appointmenttype",
            constraint=models.CheckConstraint(
                condition=models.Q(("clinicians__gte", 1), ("clinicians__lte", 2)),
                name="type_has_one_or_two_clinicians",
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
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.CheckConstraint(
                condition=models.Q(("seat__lt", models.F("seats"))), name="seat_is_in_the_room"
            ),
        ),
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("status__in", ["booked", "arrived", "fulfilled"]),
                    ("overbook_reason", ""),
                    ("session__isnull", False),
                ),
                fields=("practice", "session", "seat"),
                name="one_patient_per_seat",
            ),
        ),
        migrations.CreateModel(
            name="BoardChoice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "order",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                (
                    "hidden",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("by_location", models.BooleanField(default=False)),
                (
                    "location",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="practices.location",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "user"), name="board_choice_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("key", models.CharField(max_length=64)),
                ("label", models.CharField(max_length=60)),
                ("session", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "appointment_type",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduling.appointmenttype",
                    ),
                ),
                (
                    "held_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
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
                        related_name="holds",
                        to="scheduling.practitioner",
                    ),
                ),
                (
                    "room",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="practices.room",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["practice", "practitioner", "starts_at"], name="holds_of_practitioner"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="hold_in_order"
                    ),
                    models.UniqueConstraint(fields=("practice", "key"), name="one_hold_per_dialog"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BusySlot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("resource_id", models.UUIDField()),
                ("party", models.UUIDField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("binding", models.BooleanField(default=True)),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="busy_slots",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "hold",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="busy_slots",
                        to="scheduling.hold",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["practice", "resource_id", "starts_at"],
                        include=("ends_at", "expires_at", "party"),
                        name="busy_of_resource",
                    ),
                    models.Index(fields=["practice", "appointment"], name="busy_of_visit"),
                    models.Index(fields=["practice", "hold"], name="busy_of_hold"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="busy_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("appointment__isnull", False), ("expires_at", None), ("hold", None)),
                            models.Q(
                                ("appointment", None), ("expires_at__isnull", False), ("hold__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="busy_by_a_visit_or_a_hold",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("binding", True)),
                        expressions=[
                            ("practice", "="),
                            ("resource_id", "="),
                            (
                                scheduling.models.appointment.Span(
                                    "starts_at",
                                    "ends_at",
                                    django.contrib.postgres.fields.ranges.RangeBoundary(),
                                ),
                                "&&",
                            ),
                            ("party", "<>"),
                        ],
                        name="no_double_booking",
                    ),
                ],
            },
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
        migrations.CreateModel(
            name="ClinicianNews",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("told_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "change",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="news",
                        to="scheduling.change",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["practice", "user", "-told_at"], name="news_of_person")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "change", "user"), name="news_once")
                ],
            },
        ),
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
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("practice", "local_date", "practitioner"), name="one_delay_of_a_day"
                    ),
                    models.CheckConstraint(condition=models.Q(("minutes__lte", 240)), name="delay_is_sane"),
                ],
            },
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
            options={
                "indexes": [models.Index(fields=["practice", "delay", "-made_at"], name="steps_of_delay")],
            },
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
            options={
                "indexes": [models.Index(fields=["practice", "delay"], name="notices_of_delay")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("practice", "appointment", "number"), name="delay_told_once_a_number"
                    )
                ],
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
                (
                    "appointment_type",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recall_rules",
                        to="scheduling.appointmenttype",
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("months__gte", 1), ("months__lte", 60), ("weeks_before__lte", 26)
                        ),
                        name="recall_within_reason",
                    ),
                    models.UniqueConstraint(fields=("practice", "appointment_type"), name="recall_rule_once"),
                ],
            },
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
                (
                    "rule",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recalls",
                        to="scheduling.recallrule",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at", None)),
                        fields=["practice", "work_from"],
                        name="follow_ups_open",
                    ),
                    models.Index(fields=["practice", "patient", "due_on"], name="follow_ups_of_patient"),
                    models.Index(fields=["practice", "step_by", "-step_at"], name="follow_up_steps"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("counts_from__lte", models.F("latest_on")),
                            ("due_on__lte", models.F("latest_on")),
                        ),
                        name="follow_up_in_order",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("rule__isnull", False)),
                        fields=("practice", "rule", "visit"),
                        name="recall_once_a_cycle",
                    ),
                ],
            },
        ),
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
                (
                    "follow_up",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="scheduling.followup",
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
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "token_hash"), name="follow_up_link_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="LastLook",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seen_until", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("practice", "user"), name="last_look_once")],
            },
        ),
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
            options={
                "verbose_name_plural": "linked visits",
            },
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
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduling.practitioner",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "meeting addresses",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("practice", "practitioner"), name="meeting_address_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NewsRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("horizon_days", models.PositiveSmallIntegerField(default=2)),
                ("tells", models.BooleanField(default=True)),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("sms", "Text"), ("email", "E-mail"), ("call", "Phone call")],
                            max_length=5,
                        ),
                        default=scheduling.models.looks.by_email,
                        size=None,
                    ),
                ),
                ("new_visits", models.BooleanField(default=False)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("practice",), name="one_news_rule")],
            },
        ),
        migrations.CreateModel(
            name="Opening",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("cancelled", "A visit was cancelled"),
                            ("moved", "A visit was moved"),
                            ("released", "A held time was let go"),
                            ("undone", "A booking was taken back"),
                            ("rest", "A part of an opening is left"),
                            ("placed", "Offered by hand"),
                        ],
                        max_length=9,
                    ),
                ),
                ("session", models.UUIDField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("filled", "Filled"), ("closed", "Closed")],
                        default="open",
                        max_length=6,
                    ),
                ),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("shown_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(null=True)),
                ("batch", models.PositiveSmallIntegerField(default=0)),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_why", models.CharField(blank=True, max_length=80)),
                (
                    "filled_by",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "freed_by",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="openings",
                        to="scheduling.appointment",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="openings",
                        to="scheduling.practitioner",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["practice", "practitioner", "starts_at"],
                        name="openings_open",
                    ),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False), ("state", "open")),
                        fields=["practice", "due_at"],
                        name="openings_due",
                    ),
                    models.Index(fields=["practice", "-opened_at"], name="openings_latest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="opening_in_order"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitlistEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                (
                    "practitioners",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("not_before", models.TimeField(blank=True, null=True)),
                ("not_after", models.TimeField(blank=True, null=True)),
                ("notice_hours", models.PositiveSmallIntegerField(default=2)),
                ("first_day", models.DateField(blank=True, null=True)),
                ("last_day", models.DateField(blank=True, null=True)),
                (
                    "urgency",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Urgent"), (1, "Soon"), (2, "When it suits")], default=2
                    ),
                ),
                ("wished_at", models.DateTimeField(blank=True, null=True)),
                ("note", practices.encryption.EncryptedTextField(blank=True, default="")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("booked", "Booked"),
                            ("removed", "Taken off the list"),
                            ("expired", "Expired"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("record", "From the record"),
                            ("booking", "While booking"),
                            ("panel", "From the visit"),
                            ("api", "By a program"),
                        ],
                        default="record",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_asked_at", models.DateTimeField(null=True)),
                ("times_asked", models.PositiveSmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_why", models.CharField(blank=True, max_length=80)),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "booked",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
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
                    "patient",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waitlist_entries",
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["practice", "urgency", "created_at"],
                        name="waitlist_waiting",
                    ),
                    models.Index(fields=["practice", "patient"], name="waitlist_of_patient"),
                    models.Index(
                        condition=models.Q(("last_day__isnull", False), ("state", "waiting")),
                        fields=["practice", "last_day"],
                        name="waitlist_to_expire",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("not_before", None),
                            ("not_after", None),
                            ("not_before__lt", models.F("not_after")),
                            _connector="OR",
                        ),
                        name="waitlist_wish_in_order",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting"), ("wished_at__isnull", False)),
                        fields=("practice", "patient", "wished_at"),
                        name="wished_time_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Goes out"),
                            ("sent", "Asked"),
                            ("accepted", "Said yes"),
                            ("declined", "Not this one"),
                            ("expired", "No answer in time"),
                            ("lost", "Somebody else had it first"),
                            ("withdrawn", "Taken back before it left"),
                        ],
                        default="queued",
                        max_length=9,
                    ),
                ),
                ("batch", models.PositiveSmallIntegerField()),
                ("place", models.PositiveSmallIntegerField()),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), default=list, size=None
                    ),
                ),
                ("token_hash", models.CharField(max_length=64)),
                ("wrong_dates", models.PositiveSmallIntegerField(default=0)),
                ("locked_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answered_by", models.CharField(blank=True, max_length=10)),
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
                    "created_by",
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
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "told",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="messaging.message",
                    ),
                ),
                (
                    "visit",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "opening",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="scheduling.opening",
                    ),
                ),
                (
                    "entry",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="scheduling.waitlistentry",
                    ),
                ),
            ],
            options={
                "ordering": ("place",),
                "indexes": [
                    models.Index(fields=["practice", "entry", "-created_at"], name="offers_of_entry"),
                    models.Index(fields=["practice", "message"], name="offers_of_message"),
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "sent"])),
                        fields=["practice", "expires_at"],
                        name="offers_standing",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "token_hash"), name="offer_link_once"),
                    models.UniqueConstraint(
                        fields=("practice", "opening", "entry"), name="asked_once_per_opening"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "accepted")),
                        fields=("practice", "opening"),
                        name="one_winner_per_opening",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutCase",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("wrote_time_off", models.BooleanField(default=True)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("label", models.CharField(max_length=60)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Being planned"),
                            ("sent", "Patients were told"),
                            ("closed", "Finished"),
                            ("taken-back", "Taken back"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "opened_by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="out_cases",
                        to="scheduling.practitioner",
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "time_off",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scheduling.timeoff",
                    ),
                ),
            ],
            options={
                "ordering": ("starts_at",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["planned", "sent"])),
                        fields=["practice", "practitioner", "starts_at"],
                        name="out_cases_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="out_case_in_order"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Resource",
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
                        choices=[("interpreter", "Interpreter"), ("device", "Device"), ("other", "Other")],
                        max_length=12,
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "languages",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), blank=True, default=list, size=None
                    ),
                ),
                ("active", models.BooleanField(default=True)),
                (
                    "location",
                    practices.tenancy.PracticeForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.location",
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
                "ordering": ("kind", "name"),
            },
        ),
        migrations.CreateModel(
            name="Participant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participants",
                        to="scheduling.appointment",
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.practitioner",
                    ),
                ),
                (
                    "resource",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scheduling.resource",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("practice", "appointment", "practitioner"), name="participant_once"
                    ),
                    models.UniqueConstraint(
                        fields=("practice", "appointment", "resource"), name="participating_resource_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("practitioner__isnull", False), ("resource", None)),
                            models.Q(("practitioner", None), ("resource__isnull", False)),
                            _connector="OR",
                        ),
                        name="participant_is_one_thing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PassedOver",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("why", models.CharField(max_length=120)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "opening",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="passed_over",
                        to="scheduling.opening",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "entry",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduling.waitlistentry",
                    ),
                ),
            ],
            options={
                "ordering": ("at",),
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "opening", "entry"), name="passed_over_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReservedBlock",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Monday"),
                            (2, "Tuesday"),
                            (3, "Wednesday"),
                            (4, "Thursday"),
                            (5, "Friday"),
                            (6, "Saturday"),
                            (7, "Sunday"),
                        ]
                    ),
                ),
                ("starts", models.TimeField()),
                ("ends", models.TimeField()),
                ("new_patients_only", models.BooleanField(default=False)),
                ("opens_days_before", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("opens_at", models.TimeField(blank=True, null=True)),
                ("valid_from", models.DateField(blank=True, null=True)),
                ("valid_until", models.DateField(blank=True, null=True)),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reserved_blocks",
                        to="scheduling.practitioner",
                    ),
                ),
            ],
            options={
                "ordering": ("weekday", "starts", "name"),
                "indexes": [models.Index(fields=["practice", "weekday"], name="blocks_of_weekday")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends__gt", models.F("starts"))),
                        name="block_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until", None),
                            ("valid_from", None),
                            ("valid_until__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="block_validity_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("opens_at", None), ("opens_days_before", None)),
                            models.Q(("opens_at__isnull", False), ("opens_days_before__lte", 60)),
                            _connector="OR",
                        ),
                        name="block_opens_by_day_and_hour",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReservedBlockType",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "appointment_type",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduling.appointmenttype",
                    ),
                ),
                (
                    "block",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="kept_for",
                        to="scheduling.reservedblock",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("practice", "block", "appointment_type"), name="block_type_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ResourceHours",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Monday"),
                            (2, "Tuesday"),
                            (3, "Wednesday"),
                            (4, "Thursday"),
                            (5, "Friday"),
                            (6, "Saturday"),
                            (7, "Sunday"),
                        ]
                    ),
                ),
                ("starts", models.TimeField()),
                ("ends", models.TimeField()),
                ("valid_from", models.DateField(blank=True, null=True)),
                ("valid_until", models.DateField(blank=True, null=True)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "resource",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="weekly_hours",
                        to="scheduling.resource",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "resource hours",
                "ordering": ("weekday", "starts"),
                "indexes": [
                    models.Index(fields=["practice", "resource", "weekday"], name="hours_of_resource")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends__gt", models.F("starts"))), name="resource_hours_in_order"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until", None),
                            ("valid_from", None),
                            ("valid_until__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="resource_validity_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ResourceTimeOff",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("label", models.CharField(default="Out", max_length=60)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "resource",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="time_off",
                        to="scheduling.resource",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "resource time off",
                "indexes": [
                    models.Index(fields=["practice", "resource", "starts_at"], name="time_off_of_resource")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="resource_time_off_in_order",
                    )
                ],
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="series",
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
                "verbose_name_plural": "series",
                "indexes": [models.Index(fields=["practice", "patient"], name="series_of_patient")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("total__gte", 2), ("total__lte", 52)), name="series_within_reason"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SettledFinding",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("once_key", models.CharField(max_length=120)),
                ("check_name", models.CharField(max_length=30)),
                ("detail", models.CharField(max_length=120)),
                ("word", models.CharField(max_length=40)),
                ("settled_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["practice", "appointment"], name="settled_findings_of_visit")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "once_key"), name="finding_settled_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TimeRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("asked", "No answer yet"),
                            ("to-call", "To call"),
                            ("wishes", "Wants another time"),
                            ("chosen", "Chose a time"),
                            ("moved", "Moved by the desk"),
                            ("kept", "Kept as it is"),
                            ("cancelled", "Cancelled"),
                            ("withdrawn", "Taken back"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                (
                    "plan",
                    models.CharField(
                        choices=[
                            ("ask", "Text or e-mail a link"),
                            ("call", "Call instead"),
                            ("keep", "Keep as it is"),
                            ("cancel", "Cancel the visit"),
                        ],
                        default="ask",
                        max_length=6,
                    ),
                ),
                (
                    "cancellation_reason",
                    models.CharField(
                        choices=[
                            ("pat", "Patient: other reason"),
                            ("pat-crs", "Patient: answered a reminder"),
                            ("pat-cpp", "Patient: by the link"),
                            ("pat-fb", "Patient: feels better"),
                            ("pat-lt", "Patient: no transport"),
                            ("pat-mv", "Patient: moved away"),
                            ("pat-ucp", "Patient: sees somebody else"),
                            ("pat-dec", "Patient: died"),
                            ("prov", "Clinician: other reason"),
                            ("prov-pers", "Clinician: away"),
                            ("oth-int", "No interpreter"),
                            ("oth-room", "No room"),
                            ("oth-weath", "Weather"),
                            ("oth-err", "Booked by mistake"),
                            ("other", "Other"),
                        ],
                        default="prov-pers",
                        max_length=10,
                    ),
                ),
                ("keep_reason", models.CharField(blank=True, max_length=80)),
                ("offers", models.JSONField(default=list)),
                ("wishes", practices.encryption.EncryptedTextField(blank=True, default="")),
                ("why_call", models.CharField(blank=True, max_length=60)),
                ("asked_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "appointment",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="time_requests",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "case",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="scheduling.outcase",
                    ),
                ),
                (
                    "chosen",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scheduling.appointment",
                    ),
                ),
                (
                    "link",
                    practices.tenancy.PracticeForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="time_requests",
                        to="scheduling.visitlink",
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
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["practice", "case"], name="time_requests_of_case"),
                    models.Index(fields=["practice", "appointment"], name="time_requests_of_visit"),
                    models.Index(
                        condition=models.Q(("state", "asked")),
                        fields=["practice", "due_at"],
                        name="time_requests_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["planned", "asked", "to-call", "wishes"])),
                        fields=("practice", "appointment"),
                        name="one_live_time_request",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitlistRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=practices.keys.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("manual", "By hand: who fits is shown"),
                            ("assisted", "Assisted: proposed under Needs you, a person presses"),
                            ("automatic", "Automatic: texts go out by themselves"),
                        ],
                        default="assisted",
                        max_length=9,
                    ),
                ),
                ("group_size", models.PositiveSmallIntegerField(default=3)),
                ("pause_minutes", models.PositiveSmallIntegerField(default=15)),
                ("first_delay_minutes", models.PositiveSmallIntegerField(default=0)),
                ("send_from", models.TimeField(default=datetime.time(8, 0))),
                ("send_to", models.TimeField(default=datetime.time(19, 0))),
                ("stop_before_minutes", models.PositiveSmallIntegerField(default=120)),
                ("cutoff_minutes", models.PositiveSmallIntegerField(default=60)),
                ("rest_hours", models.PositiveSmallIntegerField(default=24)),
                (
                    "practice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("practice",), name="one_waitlist_rule"),
                    models.CheckConstraint(
                        condition=models.Q(("group_size__gte", 1), ("group_size__lte", 20)),
                        name="waitlist_group_is_sane",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("send_from__lt", models.F("send_to"))),
                        name="waitlist_hours_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cutoff_minutes__lte", models.F("stop_before_minutes"))),
                        name="waitlist_asks_before_it_ends",
                    ),
                ],
            },
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
    ]
