"""The practice, its people, who may do what, and what was done."""

import datetime as dt
import hashlib
import secrets
import zoneinfo
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.utils import timezone
from phonenumber_field.modelfields import PhoneNumberField
from timezone_field import TimeZoneField

from practices.encryption import EncryptedJSONField, EncryptedTextField
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class Role(models.TextChoices):
    RECEPTIONIST = "receptionist", "Receptionist"
    CLINICIAN = "clinician", "Clinician"
    MANAGER = "manager", "Manager"


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    SPANISH = "es", "Spanish"


class Weekday(models.IntegerChoices):
    """ISO weekdays: Monday is 1."""

    MONDAY = 1, "Monday"
    TUESDAY = 2, "Tuesday"
    WEDNESDAY = 3, "Wednesday"
    THURSDAY = 4, "Thursday"
    FRIDAY = 5, "Friday"
    SATURDAY = 6, "Saturday"
    SUNDAY = 7, "Sunday"


class UserManager(BaseUserManager["User"]):
    """Makes people who sign in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; what she may do is in her memberships."""

    email = models.EmailField(unique=True)
    given_name = models.CharField(max_length=80, blank=True)
    family_name = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("platform support", default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    theme = models.CharField(
        max_length=6,
        default="auto",
        choices=[("auto", "As the device"), ("light", "Light"), ("dark", "Dark")],
    )
    density = models.CharField(
        max_length=8, default="cozy", choices=[("compact", "Compact"), ("cozy", "Cozy"), ("roomy", "Roomy")]
    )
    single_keys = models.BooleanField("single-letter shortcuts", default=True)
    privacy_mode = models.BooleanField("show initials instead of names", default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def short_name(self) -> str:
        return self.given_name or self.email.partition("@")[0]

    @property
    def initials(self) -> str:
        letters = self.given_name[:1] + self.family_name[:1]
        return (letters or self.email[:2]).upper()


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
    postal_code = models.CharField(max_length=12, blank=True)
    directions = models.TextField(blank=True, help_text="Directions and parking, shown to patients.")
    line_number = PhoneNumberField(unique=True, help_text="The number patients call and text.")
    email_sender = models.EmailField()
    languages = ArrayField(models.CharField(max_length=2, choices=Language.choices), default=list)
    undo_minutes = models.PositiveSmallIntegerField(default=3, validators=[MaxValueValidator(60)])
    quiet_from = models.TimeField(default=dt.time(21, 0), help_text="No message leaves from here on …")
    quiet_until = models.TimeField(default=dt.time(8, 0), help_text="… until here, in local time.")
    reminder_days_before = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    reminder_time = models.TimeField(default=dt.time(10, 0))
    link_shows_time = models.BooleanField(
        default=True, help_text="A patient's link shows date and time before the birth date is given."
    )
    morning_review_at = models.TimeField(default=dt.time(7, 0))
    evening_review_at = models.TimeField(default=dt.time(17, 0))
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


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        return self.filter(active=True, user__is_active=True)

    def with_role(self, role: Role) -> "MembershipQuerySet":
        return self.filter(roles__contains=[role])


class Membership(PracticeOwned):
    """A person's place in a practice. Its own rows stay visible to the person across practices."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[MembershipQuerySet] = scoped(MembershipQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "user"], name="one_membership_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({', '.join(self.roles)})"

    def has(self, role: str) -> bool:
        return role in self.roles


class Location(PracticeOwned):
    """A place where a practice sees patients."""

    name = models.CharField(max_length=80)
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=40, blank=True)
    step_free = models.BooleanField(default=True)

    objects: ClassVar["models.QuerySet[Location]"] = scoped(models.QuerySet)

    def __str__(self) -> str:
        return self.name

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


class AuditEntry(PracticeOwned):
    """One thing somebody did. Append-only (SECURITY.md G1, G2); see `practices.audit`."""

    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=20)
    request_id = models.CharField(max_length=40, blank=True)
    subject_type = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    patient_id = models.UUIDField(null=True)
    field_names = ArrayField(models.CharField(max_length=60), default=list)
    changes = EncryptedJSONField(null=True)

    objects: ClassVar["models.QuerySet[AuditEntry]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient_id", "-at"], name="audit_by_patient"),
            models.Index(fields=["practice", "-at"], name="audit_by_time"),
            models.Index(fields=["practice", "subject_id", "-at"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} at {self.at}"


class AccessEvent(PracticeOwned):
    """Patients that were shown to somebody on one screen, in one row. Append-only."""

    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=10)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    door = models.CharField(max_length=20)
    screen = models.CharField(max_length=30)
    request_id = models.CharField(max_length=40, blank=True)
    patient_ids = ArrayField(models.UUIDField())

    objects: ClassVar["models.QuerySet[AccessEvent]"] = scoped(models.QuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "-at"], name="access_by_time"),
            GinIndex(fields=["patient_ids"], name="access_by_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.screen} at {self.at}"


class ApiKey(PracticeOwned):
    """A program's key to one practice, acting as a person. Only its hash is stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80, blank=True)
    hint = models.CharField(max_length=4)
    key_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[ApiKey]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "key_hash"], name="api_key_hash_once"),
        ]

    def __str__(self) -> str:
        return f"…{self.hint}"

    @staticmethod
    def hash_of(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()


class IdempotencyKey(PracticeOwned):
    """A request that was answered once, and is answered the same when it comes again."""

    api_key = PracticeForeignKey(ApiKey, models.CASCADE, related_name="+")
    key_hash = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="Hash of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    answer = EncryptedJSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar["models.QuerySet[IdempotencyKey]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "api_key", "key_hash"], name="idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key_hash[:8]} ({self.status})"
