"""The practice: its place in time, its rooms, hours and lines."""

import datetime as dt
import secrets
import zoneinfo
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone
from phonenumber_field.modelfields import PhoneNumberField
from timezone_field import TimeZoneField

from practices.encryption import EncryptedTextField
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    SPANISH = "es", "Spanish"


# 45 CFR 164.522(b): what treats whom stays untold.
NEUTRAL_NAMES = {Language.ENGLISH.value: "Your care team", Language.SPANISH.value: "Su equipo de salud"}


class Weekday(models.IntegerChoices):
    """ISO weekdays: Monday is 1."""

    MONDAY = 1, "Monday"
    TUESDAY = 2, "Tuesday"
    WEDNESDAY = 3, "Wednesday"
    THURSDAY = 4, "Thursday"
    FRIDAY = 5, "Friday"
    SATURDAY = 6, "Saturday"
    SUNDAY = 7, "Sunday"


def practice_code() -> str:
    """The public beginning of a practice's patient links: short, without look-alikes."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4))


class Practice(models.Model):
    """A practice: its place in time, its line, its rules. Holds nothing about patients."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    display_name = models.CharField(
        max_length=60,
        blank=True,
        help_text="How texts and links name the practice; leave empty to use the name.",
    )
    monogram = models.CharField(max_length=2, blank=True)
    colour = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(7)])
    link_code = models.CharField(max_length=8, unique=True, default=practice_code, editable=False)
    time_zone = TimeZoneField(default="America/New_York", choices_display="WITH_GMT_OFFSET")
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, default="US", help_text="Whose public holidays are offered.")
    postal_code = models.CharField(max_length=12, blank=True)
    directions = models.TextField(blank=True, help_text="Directions and parking, shown to patients.")
    line_number = PhoneNumberField(unique=True, help_text="The number patients call and text.")
    email_sender = models.EmailField()
    languages = ArrayField(models.CharField(max_length=2, choices=Language.choices), default=list)
    undo_minutes = models.PositiveSmallIntegerField(default=3, validators=[MaxValueValidator(60)])
    quiet_from = models.TimeField(default=dt.time(21, 0), help_text="No message leaves from here on …")
    quiet_until = models.TimeField(default=dt.time(8, 0), help_text="… until here, in local time.")
    link_shows_time = models.BooleanField(
        default=True, help_text="A patient's link shows date and time before the birth date is given."
    )
    # A clinician is late: from how many minutes on patients are told, and how many hours ahead.
    late_tell_from = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(5), MaxValueValidator(60)]
    )
    late_tell_hours = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    calendar_names = models.BooleanField(
        default=False, help_text="Clinicians’ own calendars, outside Front Desk, show patients’ names."
    )
    morning_review_at = models.TimeField(default=dt.time(7, 0))
    evening_review_at = models.TimeField(default=dt.time(17, 0))
    # Wordings of its own, kind → channel → language → {subject, body}: read with the row, never stale.
    own_words = models.JSONField(default=dict, blank=True)
    # Channel → since when nothing leaves by it: read with the row, so that every page can say so at no cost.
    lines_out = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.monogram:
            self.monogram = "".join(word[0] for word in self.name.split()[:2]).upper()
        if not self.languages:
            self.languages = [Language.ENGLISH, Language.SPANISH]
        super().save(*args, **kwargs)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(str(self.time_zone))

    @property
    def public_name(self) -> str:
        """The name for texts, e-mails and links."""
        return self.display_name or self.name

    @property
    def neutral_name(self) -> str:
        """The name for patients who asked that messages do not tell what kind of practice writes."""
        return NEUTRAL_NAMES[Language.ENGLISH]

    def name_in(self, language: str, *, neutral: bool) -> str:
        """How a message names the practice: its public name, or a neutral one in the language."""
        return NEUTRAL_NAMES.get(language, self.neutral_name) if neutral else self.public_name

    @property
    def address(self) -> str:
        return ", ".join(filter(None, [self.street, self.city, self.state]))

    @property
    def undo_window(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.undo_minutes)

    def now(self) -> dt.datetime:
        """This moment on the practice's wall clock."""
        return timezone.now().astimezone(self.zone)

    def today(self) -> dt.date:
        return self.now().date()

    def is_quiet(self, moment: dt.datetime) -> bool:
        """Whether nothing may be sent at this instant; both ends are wall-clock times."""
        clock = moment.astimezone(self.zone).time()
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= clock < self.quiet_until
        return clock >= self.quiet_from or clock < self.quiet_until

    def after_quiet(self, moment: dt.datetime) -> dt.datetime:
        """The same instant, or the end of the quiet hours it falls into."""
        if not self.is_quiet(moment):
            return moment
        local = moment.astimezone(self.zone)
        day = local.date()
        if local.time() >= self.quiet_until:
            day += dt.timedelta(days=1)
        return dt.datetime.combine(day, self.quiet_until, tzinfo=self.zone).astimezone(dt.UTC)


class Location(PracticeOwned):
    """A place where a practice sees patients."""

    name = models.CharField(max_length=80)
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=40, blank=True)
    step_free = models.BooleanField(default=True)
    time_zone = TimeZoneField(
        null=True,
        blank=True,
        choices_display="WITH_GMT_OFFSET",
        help_text="Empty: the practice’s. Hours at this place are on its own clock.",
    )

    objects: ClassVar["models.QuerySet[Location]"] = scoped(models.QuerySet)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo | None:
        """Its own clock; None where it is the practice's."""
        return zoneinfo.ZoneInfo(str(self.time_zone)) if self.time_zone else None

    @property
    def address(self) -> str:
        return ", ".join(filter(None, [self.street, self.city, self.state]))


class Room(PracticeOwned):
    """A room of a location."""

    location = PracticeForeignKey(Location, related_name="rooms")
    name = models.CharField(max_length=40)
    step_free = models.BooleanField(default=True)

    objects: ClassVar["models.QuerySet[Room]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class OfficeHours(PracticeOwned):
    """When the phones are answered on a weekday, in local time."""

    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField()
    closes = models.TimeField()

    objects: ClassVar["models.QuerySet[OfficeHours]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("weekday", "opens")
        verbose_name_plural = "office hours"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="office_closes_after_it_opens"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class Closure(PracticeOwned):
    """Days on which the practice sees nobody, both included."""

    first_day = models.DateField()
    last_day = models.DateField()
    reason = models.CharField(max_length=80)

    objects: ClassVar["models.QuerySet[Closure]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("first_day",)
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="closure_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.first_day})"

    def clean(self) -> None:
        if self.last_day < self.first_day:
            raise ValidationError({"last_day": "The last day comes before the first."})


class PracticeCard(PracticeOwned):
    """What a receptionist says for the practice: one row a version, the highest number counts.

    `content`: greeting, greeting_es, emergency, never_say [text], plans [name], answers
    [{topic, question, answer, answer_es}], notes. Nothing about patients. Rows are only added.
    """

    number = models.PositiveIntegerField()
    content = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey("practices.User", models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[PracticeCard]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("-number",)
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "number"], name="card_version_once"),
        ]

    def __str__(self) -> str:
        return f"Card {self.number} of {self.practice_id}"


class TextingAccount(PracticeOwned):
    """The supplier's subaccount of a practice, where it has one of its own."""

    account_sid = models.CharField(max_length=34, validators=[RegexValidator(r"^AC[0-9a-f]{32}$")])
    auth_token = EncryptedTextField()

    objects: ClassVar["models.QuerySet[TextingAccount]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice"], name="one_texting_account_per_practice"),
        ]

    def __str__(self) -> str:
        return self.account_sid
