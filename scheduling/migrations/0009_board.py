"""The board of a person, her last look, and what clinicians are told."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import practices.keys
import practices.tenancy
import scheduling.models.looks
from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0006_lines_out"),
        ("scheduling", "0008_busy_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
            ],
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
            ],
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
            ],
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
            ],
        ),
        # What was changed before this was there is no news: the column is filled without a look at the rows.
        migrations.AddField(
            model_name="change",
            name="news_at",
            field=models.DateTimeField(default=django.utils.timezone.now, null=True),
        ),
        migrations.AlterField(
            model_name="change",
            name="news_at",
            field=models.DateTimeField(null=True),
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
        migrations.AddField(
            model_name="boardchoice",
            name="location",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="practices.location",
            ),
        ),
        migrations.AddField(
            model_name="boardchoice",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="boardchoice",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="cliniciannews",
            name="change",
            field=practices.tenancy.PracticeForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="news",
                to="scheduling.change",
            ),
        ),
        migrations.AddField(
            model_name="cliniciannews",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="cliniciannews",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="lastlook",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddField(
            model_name="lastlook",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="newsrule",
            name="practice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
            ),
        ),
        migrations.AddConstraint(
            model_name="boardchoice",
            constraint=models.UniqueConstraint(fields=("practice", "user"), name="board_choice_once"),
        ),
        migrations.AddIndex(
            model_name="cliniciannews",
            index=models.Index(fields=["practice", "user", "-told_at"], name="news_of_person"),
        ),
        migrations.AddConstraint(
            model_name="cliniciannews",
            constraint=models.UniqueConstraint(fields=("practice", "change", "user"), name="news_once"),
        ),
        migrations.AddConstraint(
            model_name="lastlook",
            constraint=models.UniqueConstraint(fields=("practice", "user"), name="last_look_once"),
        ),
        migrations.AddConstraint(
            model_name="newsrule",
            constraint=models.UniqueConstraint(fields=("practice",), name="one_news_rule"),
        ),
        ProtectTables(["BoardChoice", "ClinicianNews", "LastLook", "NewsRule"]),
    ]
