"""Who waits for a time, what opened, and who was asked for it."""

import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.encryption
import practices.keys
import practices.tenancy
from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0013_offers"),
        ("patients", "0006_availability_walls"),
        ("practices", "0009_availability"),
        ("scheduling", "0015_out_cases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
        ),
        migrations.AddIndex(
            model_name="opening",
            index=models.Index(
                condition=models.Q(("state", "open")),
                fields=["practice", "practitioner", "starts_at"],
                name="openings_open",
            ),
        ),
        migrations.AddIndex(
            model_name="opening",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("state", "open")),
                fields=["practice", "due_at"],
                name="openings_due",
            ),
        ),
        migrations.AddIndex(
            model_name="opening",
            index=models.Index(fields=["practice", "-opened_at"], name="openings_latest"),
        ),
        migrations.AddConstraint(
            model_name="opening",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="opening_in_order"
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["practice", "urgency", "created_at"],
                name="waitlist_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(fields=["practice", "patient"], name="waitlist_of_patient"),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                condition=models.Q(("last_day__isnull", False), ("state", "waiting")),
                fields=["practice", "last_day"],
                name="waitlist_to_expire",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("not_before", None),
                    ("not_after", None),
                    ("not_before__lt", models.F("not_after")),
                    _connector="OR",
                ),
                name="waitlist_wish_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting"), ("wished_at__isnull", False)),
                fields=("practice", "patient", "wished_at"),
                name="wished_time_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="passedover",
            constraint=models.UniqueConstraint(
                fields=("practice", "opening", "entry"), name="passed_over_once"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["practice", "entry", "-created_at"], name="offers_of_entry"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["practice", "message"], name="offers_of_message"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "sent"])),
                fields=["practice", "expires_at"],
                name="offers_standing",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(fields=("practice", "token_hash"), name="offer_link_once"),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                fields=("practice", "opening", "entry"), name="asked_once_per_opening"
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "accepted")),
                fields=("practice", "opening"),
                name="one_winner_per_opening",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistrule",
            constraint=models.UniqueConstraint(fields=("practice",), name="one_waitlist_rule"),
        ),
        migrations.AddConstraint(
            model_name="waitlistrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("group_size__gte", 1), ("group_size__lte", 20)),
                name="waitlist_group_is_sane",
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("send_from__lt", models.F("send_to"))), name="waitlist_hours_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="waitlistrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("cutoff_minutes__lte", models.F("stop_before_minutes"))),
                name="waitlist_asks_before_it_ends",
            ),
        ),
        ProtectTables(["WaitlistRule", "WaitlistEntry", "Opening", "Offer", "PassedOver"]),
    ]
